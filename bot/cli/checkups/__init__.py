"""What `llmos doctor` tries out: one module per subject, found by package scan.

A module defines `findings`, an async generator function from the configuration to `Finding`s. It runs beside
the others, so it must not block the event loop, and it is cut off after `TIMEOUT_S`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from bot.config import Config
from bot.core.discovery import modules
from bot.core.errors import BotError
from bot.core.text import _

TIMEOUT_S = 60.0
"""Hashing a large model on a slow disk takes its time; nothing takes longer than this."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        detail: what was found, in a few words.
        fix: what to do about it; empty when all is well.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""


Checkup = Callable[[Config], AsyncIterator[Finding]]


def all_checkups() -> dict[str, Checkup]:
    """Every subject by its module's name, in alphabetical order."""
    return {
        module.__name__.rpartition(".")[2]: module.findings
        for module in modules(__name__)
        if hasattr(module, "findings")
    }


async def examine(config: Config, checkups: dict[str, Checkup]) -> list[Finding]:
    """Run all checks side by side; the findings come in the order of the checks."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_run(name, checkup, config)) for name, checkup in checkups.items()]
    return [finding for task in tasks for finding in task.result()]


async def _run(name: str, checkup: Checkup, config: Config) -> list[Finding]:
    found: list[Finding] = []
    try:
        async with asyncio.timeout(TIMEOUT_S):
            async for finding in checkup(config):
                found.append(finding)
    except TimeoutError:
        detail = _("This took longer than {n} s.", n=f"{TIMEOUT_S:g}")
        found.append(Finding(name, False, detail, _("Try again when the machine is less busy.")))
    except (BotError, OSError) as error:
        found.append(Finding(name, False, str(error), _("Mend that and run `llmos doctor` again.")))
    return found
