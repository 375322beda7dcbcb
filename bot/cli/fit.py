"""Whether the configured models can run here: libraries, memory, and what the catalogue says of them."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import psutil
from humanize import naturalsize

from bot.config import Config, Engine, Level, Problem
from bot.config.checks import places
from bot.core.text import _
from bot.llm import catalogue
from bot.llm.catalogue import Entry

_EXTRAS = {
    "transformers": ("llm", ("torch", "transformers")),
    "llamacpp": ("fast", ("xllamacpp",)),
    "postgresql": ("postgres", ("asyncpg",)),
}
"""What is configured -> the extra that installs it, the packages it needs."""

_EMBEDDED = ("transformers", "llamacpp")

_CGROUP = Path("/sys/fs/cgroup")
"""Where a container finds its own limits (Linux, cgroup v2)."""


def problems_here(config: Config, free_bytes: int | None = None) -> Iterator[Problem]:
    """What keeps this configuration from running well on this machine.

    Args:
        free_bytes: memory to assume; measured if None.
    """
    free = free_memory_bytes() if free_bytes is None else free_bytes
    for place, engine in places(config):
        if engine.engine in _EMBEDDED:
            yield from _libraries(f"{place}.engine", engine.engine)
            yield from _memory(place, engine, free)
            if entry := catalogue.get(engine.model):
                yield from _suitability(place, engine, entry, config.bot.locale)
    if config.storage.path is None:
        yield from _libraries("storage.url", "postgresql")


def free_memory_bytes(cgroup: Path = _CGROUP) -> int:
    """Memory that can still be used: the machine's, or less where a container is limited."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = (cgroup / "memory.max").read_text(encoding="ascii").strip()
        used = (cgroup / "memory.current").read_text(encoding="ascii").strip()
        return min(free, max(0, int(limit) - int(used)))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return free


def memory_needed_bytes(engine: Engine) -> int | None:
    """What the engine's model takes: from the catalogue, or at least its files; None if nobody knows."""
    if entry := catalogue.get(engine.model):
        return entry.size_bytes * 3 if engine.engine == "llamacpp" else entry.memory_bytes
    path = Path(engine.model)
    if path.is_absolute() and path.exists():
        files = path.glob("*.safetensors") if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files)
    return None


def missing_packages(wanted: str) -> tuple[str, tuple[str, ...]]:
    """(extra, packages that are not installed) of an engine or a kind of database."""
    extra, packages = _EXTRAS.get(wanted, ("", ()))
    return extra, tuple(name for name in packages if importlib.util.find_spec(name) is None)


def _libraries(key: str, wanted: str) -> Iterator[Problem]:
    extra, missing = missing_packages(wanted)
    if missing:
        names = ", ".join(missing)
        what = _("{wanted} needs packages that are not installed: {names}.", wanted=wanted, names=names)
        yield Problem(key, what, _("Run: pip install 'llmos-bot[{extra}]' -c constraints.txt", extra=extra))


def _memory(place: str, engine: Engine, free: int) -> Iterator[Problem]:
    needed = memory_needed_bytes(engine)
    if needed is not None and needed > free:
        yield Problem(
            f"{place}.model",
            _(
                "{model} needs about {needed} of memory and {free} are free: the system may stop the bot.",
                model=engine.model,
                needed=naturalsize(needed),
                free=naturalsize(free),
            ),
            _('Take a smaller model (`llmos models list`) or an endpoint (engine = "openai").'),
            Level.WARNING,
        )


def _suitability(place: str, engine: Engine, entry: Entry, locale: str) -> Iterator[Problem]:
    key = f"{place}.model"
    if entry.kind == "embedding":
        what = _("{model} compares texts; it cannot answer.", model=entry.name)
        yield Problem(key, what, _("Take a chat model of `llmos models list`."))
        return
    if entry.kind == "base":
        what = _("{model} continues texts; it was never taught to answer.", model=entry.name)
        yield Problem(key, what, _("Take a chat model of `llmos models list`."), Level.WARNING)
    if entry.languages and locale.split("-")[0] not in entry.languages:
        what = _("{model} does not speak the language of bot.locale.", model=entry.name)
        yield Problem(key, what, _("Take a model that does: see `llmos models list`."), Level.WARNING)
    if engine.context_tokens is not None and engine.context_tokens > entry.context_tokens:
        yield Problem(
            f"{place}.context_tokens",
            _("{model} is known to work up to {n} tokens.", model=entry.name, n=entry.context_tokens),
            _("Lower context_tokens: above that, answers get worse and memory runs out sooner."),
            Level.WARNING,
        )
