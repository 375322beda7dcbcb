"""Memory for the models, and a clock that can be believed."""

import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

from humanize import naturalsize

from bot.cli.checkups import Finding
from bot.cli.fit import free_memory_bytes, memory_needed_bytes
from bot.config import Config
from bot.core.text import _

CLOCK_TOLERANCE_S = 60.0
_EMBEDDED = ("transformers", "llamacpp")


async def findings(config: Config) -> AsyncIterator[Finding]:
    """Whether the machine can carry the bot."""
    yield memory(config, free_memory_bytes())
    yield clock(config, time.time)


def memory(config: Config, free_bytes: int) -> Finding:
    """The first engine has to fit; fallbacks load only when they are needed."""
    free = naturalsize(free_bytes)
    first = config.llm
    needed = memory_needed_bytes(first) if first.engine in _EMBEDDED else None
    if needed is None:
        return Finding("memory", True, _("{free} free", free=free))
    detail = _(
        "{free} free, {model} needs about {needed}", free=free, model=first.model, needed=naturalsize(needed)
    )
    if needed <= free_bytes:
        return Finding("memory", True, detail)
    return Finding("memory", False, detail, _("Take a smaller model: see `llmos models list`."))


def clock(config: Config, wall: Callable[[], float]) -> Finding:
    """Compare the clock with what was written before: time never goes back.

    Args:
        wall: unix seconds.
    """
    now = wall()
    written = [Path(__file__), *([config.storage.path] if config.storage.path else [])]
    newest = max(path.stat().st_mtime for path in written if path.exists())
    detail = f"{datetime.fromtimestamp(now, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"
    if now < newest - CLOCK_TOLERANCE_S:
        behind = _("{now}, but files were written later than that", now=detail)
        return Finding("clock", False, behind, _("Set the clock: timedatectl set-ntp true"))
    return Finding("clock", True, detail)
