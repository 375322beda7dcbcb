"""Collects the words people read and compiles their translations: `python -m bot.locale.messages`.

`make messages` runs it. It writes llmos.po anew for every locale, keeps the translations that still fit,
drops the rest, compiles llmos.mo, and names what has no translation yet. Texts are found where they are
marked (`_`, `N_`, `ngettext`, `Doc`), and in the first line of a command's docstring, which is its summary.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

SOURCE = Path(__file__).parent.parent
FOLDERS = ("en", "zh_CN")
"""One per locale of `bot.core.text.LOCALES`; English is the source text itself."""

_KEYWORDS: Mapping[str, tuple[int, ...] | None] = {"_": None, "N_": None, "Doc": None, "ngettext": (1, 2)}
_WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)
"""The same date for ever, so that a catalogue differs only when its texts do."""

Found = tuple[int, str | None, str | tuple[str, ...], list[str]]
"""Line, function, message(s), comments: what an extractor of Babel yields."""


def collect(source: Path = SOURCE) -> Catalog:
    """Every text in a folder of Python files."""
    catalogue = Catalog(charset="utf-8", fuzzy=False)
    options: dict[str, dict[str, object]] = {"**.py": {"encoding": "utf-8"}}
    found = extract_from_dir(source, [("**.py", _texts)], options, _KEYWORDS)  # type: ignore[list-item]
    for _file, _line, message, comments, _context in found:
        catalogue.add(message, auto_comments=comments)
    return catalogue


def _texts(
    file: IO[bytes], keywords: Mapping[str, object], comment_tags: object, options: Mapping[str, object]
) -> Iterator[Found]:
    code = file.read()
    yield from extract_python(BytesIO(code), keywords, (), options)  # type: ignore[misc,arg-type]
    yield from summaries(code)


def summaries(code: bytes) -> Iterator[Found]:
    """The first line of what is said about each command, as `bot.commands.definition` reads it."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.AsyncFunctionDef) and any(map(_makes_command, node.decorator_list)):
            said = (ast.get_docstring(node) or "").split("\n")[0].strip()
            if said:
                yield node.lineno, None, said, []


def _makes_command(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id == "command"
    )


def path_of(folder: str, kind: str = "po") -> Path:
    """Where the catalogue of a locale is, as text ("po") or compiled ("mo")."""
    return SOURCE / "locale" / folder / "LC_MESSAGES" / f"llmos.{kind}"


def read(folder: str) -> Catalog:
    """The catalogue of a locale; an empty one if there is none yet."""
    path = path_of(folder)
    if not path.exists():
        return Catalog(locale=folder)
    with path.open("rb") as file:
        return read_po(file, locale=folder, charset="utf-8")


def renewed(folder: str, texts: Catalog) -> Catalog:
    """These texts, with the translations that a locale has for them."""
    old = read(folder)
    new = Catalog(
        locale=folder,
        project="LLMOS",
        version="of this tree",
        msgid_bugs_address="the issue tracker of the project",
        last_translator="the LLMOS contributors",
        language_team="LLMOS",
        creation_date=_WRITTEN,
        revision_date=_WRITTEN,
        charset="utf-8",
        fuzzy=False,
        header_comment="# Words of LLMOS. Written by `make messages`; translate the msgstr lines.",
    )
    for text in texts:
        if text.id:
            known = old.get(text.id)
            new.add(text.id, _source(text) if folder == "en" else known.string if known else "")
    return new


def _source(text: Message) -> str | tuple[str, ...]:
    """English is written in the code: each text is its own translation."""
    return text.id if isinstance(text.id, str) else forms(text.id)


def untranslated(catalogue: Catalog) -> list[str]:
    """Texts without a translation, in English."""
    return [forms(text.id)[0] for text in catalogue if text.id and not all(forms(text.string))]


def forms(text: object) -> tuple[str, ...]:
    """The one form of a text, or its forms by number."""
    return tuple(map(str, text)) if isinstance(text, (list, tuple)) else (str(text or ""),)


def write(folder: str, catalogue: Catalog) -> None:
    """Write both forms of a catalogue."""
    path_of(folder).parent.mkdir(parents=True, exist_ok=True)
    with path_of(folder).open("wb") as file:
        write_po(file, catalogue, width=100, no_location=True, sort_output=True)
    with path_of(folder, "mo").open("wb") as file:
        write_mo(file, catalogue)


def main() -> int:
    """Renew the catalogues; returns 1 when texts wait for a translator."""
    texts, waiting = collect(), 0
    for folder in FOLDERS:
        catalogue = renewed(folder, texts)
        write(folder, catalogue)
        missing = untranslated(catalogue)
        waiting += len(missing)
        print(f"{folder}: {len(catalogue)} texts, {len(missing)} without translation")  # noqa: T201
        for text in missing:
            print(f"  {text}")  # noqa: T201
    return 1 if waiting else 0


if __name__ == "__main__":
    sys.exit(main())
