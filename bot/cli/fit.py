"""Whether the configured models can run here: libraries, memory, and what the catalogue says of them."""

import importlib.util
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import psutil
from humanize import naturalsize

from bot.config import Config, Engine, Level, Problem
from bot.config.checks import places
from bot.config.paths import is_there
from bot.core.errors import ConfigError
from bot.core.text import _
from bot.llm import catalogue
from bot.llm.catalogue import Entry
from bot.moderation.classifiers import Classifiers

_EXTRAS = {
    "transformers": ("llm", ("torch", "transformers")),
    "llamacpp": ("fast", ("xllamacpp",)),
    "postgresql": ("postgres", ("asyncpg",)),
    "discord": ("discord", ("discord",)),
    "matrix": ("matrix", ("nio", "vodozemac", "peewee")),
}
"""What is configured -> the extra that installs it, the packages it needs."""

_EMBEDDED = ("transformers", "llamacpp")

_BYTES_PER_TOKEN = {
    "smollm2-135m": 2 * 30 * 3 * 64 * 4,
    "qwen3-0.6b": 2 * 28 * 8 * 128 * 4,
    "qwen3-1.7b": 2 * 28 * 8 * 128 * 4,
    "smollm3-3b": 2 * 36 * 4 * 128 * 4,
    "qwen3-4b": 2 * 36 * 8 * 128 * 4,
    "gpt2": 2 * 12 * 12 * 64 * 4,
}
"""Keys and values * layers * key-value heads * size of a head * bytes of a float; from each config.json."""

_SHARED_BYTES = 2**30
"""What the transformers engine takes for all conversations together; a single one may take more."""

LLAMACPP_CONCURRENCY = 4
"""As the engine has it when the configuration says nothing."""

_QUANTIZATION = re.compile(r"(?i)(?:^|[._-])(?:i?q([2-8])|b?f(16|32))(?![a-z0-9])")

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
            elif near := _nearest_entry(engine.model):
                what = _(
                    "The catalogue has no {model}; it would be looked for on the Hugging Face hub.",
                    model=engine.model,
                )
                yield Problem(f"{place}.model", what, _("Did you mean {name}?", name=near), Level.WARNING)
    yield from _classifiers(config.moderation.classifiers)
    if config.storage.path is None:
        yield from _libraries("storage.url", "postgresql")
    if config.has_discord:
        yield from _libraries("discord", "discord")
    if config.has_matrix:
        yield from _libraries("matrix.homeserver", "matrix")


def _classifiers(path: Path | None) -> Iterator[Problem]:
    """Whether a file of the operator's can be used."""
    if path is None:
        return
    try:
        Classifiers(path).check()
    except ConfigError as error:
        mend = _("Name the file that `llmos moderate train` wrote, or take the key out for the shipped one.")
        yield Problem("moderation.classifiers", str(error), mend)


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
    """What the engine's model takes when it serves as much as it may, about; None if nobody knows."""
    weights = _weights_bytes(engine)
    return None if weights is None else weights + _contexts_bytes(engine)


def _weights_bytes(engine: Engine) -> int | None:
    """The model itself and its libraries: from the catalogue, or judged by its files."""
    entry = catalogue.get(engine.model)
    if entry is not None:
        return entry.size_bytes * 3 if engine.engine == "llamacpp" else entry.memory_bytes
    path = Path(engine.model)
    if not path.is_absolute() or not is_there(path):
        return None
    if path.is_dir():
        return sum(file.stat().st_size for file in path.glob("*.safetensors"))
    unpacked = 1 if engine.engine == "llamacpp" else _unpacked(path.stem)
    return round(path.stat().st_size * unpacked)


def _unpacked(name: str) -> float:
    """How much larger a GGUF file is as 32-bit numbers, by the usual "Q4_K_M" in its name."""
    found = _QUANTIZATION.search(name)
    return 32 / int(found[1] or found[2]) if found else 4


def _contexts_bytes(engine: Engine) -> int:
    """What conversations keep of what was read, beside what the catalogue's number holds already."""
    entry = catalogue.get(engine.model)
    if entry is None:
        return 0
    context = min(engine.context_tokens or entry.context_tokens, entry.context_tokens)
    one = _BYTES_PER_TOKEN.get(entry.name, 0) * context
    if engine.engine == "llamacpp":  # takes all at the start, in half precision
        return one // 2 * (engine.concurrency or LLAMACPP_CONCURRENCY)
    return max(0, one - _SHARED_BYTES)  # more members wait until there is room


def _nearest_entry(model: str) -> str | None:
    names = [entry.name for entry in catalogue.ENTRIES if entry.kind == "chat"]
    return next(iter(get_close_matches(model.lower(), names, n=1, cutoff=0.8)), None)


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
