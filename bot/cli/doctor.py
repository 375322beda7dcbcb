"""`llmos doctor`: try everything out, and say how to mend what does not work."""

import asyncio
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.cli.checkups import Finding, all_checkups
from bot.cli.checkups import examine as examine_all
from bot.cli.options import ConfigOption, JsonFlag, print_json, speak_operators_language
from bot.config import describe_source, errors, examine
from bot.core.text import _, ngettext

UNWELL, WRONG_CONFIGURATION = 1, 2
"""Exit codes: a check failed; the configuration is wrong, so nothing else was tried."""


def command(*, config: ConfigOption = None, json: JsonFlag = False) -> int:
    """Check live that everything works; exit code 1 if something does not, 2 for a wrong configuration."""
    speak_operators_language()
    found = asyncio.run(diagnose(config))
    well = all(finding.ok for finding in found)
    if json:
        rows = [{"name": f.name, "ok": f.ok, "detail": f.detail, "fix": f.fix} for f in found]
        print_json({"ok": well, "checks": rows})
    else:
        _print(found)
    if well:
        return 0
    return UNWELL if found[0].ok else WRONG_CONFIGURATION  # the first is about the configuration


async def diagnose(path: Path | None) -> list[Finding]:
    """All findings; for a wrong configuration only what is wrong with it, the rest would be guesses."""
    config, found = examine(path)
    wrong = errors(found)
    if config is None or wrong:
        return [Finding(f"config {p.place}".strip(), False, p.what, p.mend) for p in wrong]
    detail = describe_source(path)
    if found:
        warned = ngettext("{n} warning, see `llmos check`", "{n} warnings, see `llmos check`", len(found))
        detail = f"{detail} ({warned})"
    return [Finding("config", True, detail), *await examine_all(config, all_checkups())]


def _print(found: list[Finding]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in found:
        mark = "[green]ok[/]" if finding.ok else "[red]FAIL[/]"
        table.add_row(mark, escape(finding.name), escape(finding.detail))
        if finding.fix:
            table.add_row("", "", f"[bold]-> {escape(finding.fix)}[/]")
    console = Console(highlight=False)
    console.print(table)
    failed = sum(not finding.ok for finding in found)
    if failed:
        console.print(ngettext("{n} check failed.", "{n} checks failed.", failed))
    else:
        console.print(_("All is well."))
