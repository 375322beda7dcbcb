"""`llmos privacy`: what is stored about a person, given out or erased by the operator."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from bot.cli.database import opened
from bot.cli.options import ConfigOption, JsonFlag, print_json, print_line, speak_operators_language
from bot.core.errors import StorageError
from bot.core.text import _, ngettext

command = App(name="privacy", help="Export or erase what is stored about a person.")

PlatformOption = Annotated[
    Literal["discord", "matrix", "console", "memory"],
    Parameter(name="--platform", help="Where the person writes."),
]
UserOption = Annotated[
    str,
    Parameter(name="--user", help="Their id there, such as 80351110224678912 or @alice:example.org."),
]


@command.command
def export(
    *, platform: PlatformOption, user: UserOption, config: ConfigOption = None, json: JsonFlag = False
) -> int:
    """Print everything that is stored about a person, texts included."""
    speak_operators_language()
    found = asyncio.run(_export(config, (platform, user)))
    if json:
        print_json(found)
    else:
        for line in _readable(found):
            print_line(line)
    return 0


@command.command
def erase(
    *, platform: PlatformOption, user: UserOption, config: ConfigOption = None, json: JsonFlag = False
) -> int:
    """Erase everything that is stored about a person, at once and for good; also while the bot runs."""
    speak_operators_language()
    erased = asyncio.run(_erase(config, (platform, user)))
    if json:
        print_json({"platform": platform, "user": user, "erased": erased})
    elif erased:
        print_line(
            ngettext(
                "{n} entry about {user} is erased.", "{n} entries about {user} are erased.", erased, user=user
            )
        )
    else:
        print_line(_nothing(platform, user))
    return 0


async def _export(config: Path | None, identity: tuple[str, str]) -> dict[str, object]:
    async with opened(config) as store:
        return await store.privacy.export(identity)


async def _erase(config: Path | None, identity: tuple[str, str]) -> int:
    async with opened(config) as store:
        erased = await store.privacy.forget(identity)
        if not store.privacy.clean:
            raise StorageError(
                _(
                    "{n} entries are erased, but encrypted remains are in the files until the bot's next "
                    "retention, because another program uses the database or its disk is full.",
                    n=erased,
                )
            )
        return erased


def _readable(found: Mapping[str, object]) -> Iterator[str]:
    kept = found["kept"]
    if not isinstance(kept, Mapping) or not kept:
        yield _nothing(str(found["platform"]), str(found["user"]))
        return
    for table, rows in kept.items():
        yield f"{table} ({len(rows)})"
        for row in rows:
            told = (f"{name}={value}" for name, value in row.items() if value not in (None, ""))
            yield f"    {', '.join(told)}"


def _nothing(platform: str, user: str) -> str:
    return _(
        "Nothing is stored about {user} on {platform}. If that surprises you, check the id: "
        "names do not work, and letters must match.",
        user=user,
        platform=platform,
    )
