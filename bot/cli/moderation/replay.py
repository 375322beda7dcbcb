"""`llmos moderate replay`: what rules would have done on past messages."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from bot import logs
from bot.cli.options import ClassifiersOption, JsonFlag, print_json, print_line, speak_operators_language
from bot.core.actions import Severity
from bot.core.errors import ConfigError, UserError
from bot.core.text import _
from bot.moderation.classifiers import Classifiers
from bot.moderation.replay import Replay, Tally, replay
from bot.moderation.rule import Rule
from bot.moderation.rulebook import MAX_BYTES, PRESETS, preset, read
from bot.moderation.rules.images import Images

SHOWN_ERRORS = 20


def command(
    *,
    rules: Annotated[str, Parameter(help="A file of rules, or relaxed, standard or strict.")],
    messages: Annotated[Path, Parameter(help="Past messages, one JSON object a line.")],
    classifiers: ClassifiersOption = None,
    json: JsonFlag = False,
) -> None:
    """Tell what rules would have done on past messages, and how often they would have been right."""
    speak_operators_language()
    logs.set_up()
    found = rules_of(rules)
    scorer = Classifiers(classifiers)
    scorer.check()
    with _opened(messages) as lines:
        result = replay(found, lines, scorer)
    for number, why in result.errors[:SHOWN_ERRORS]:
        sys.stderr.write(_("{file}, line {n}: {why}", file=messages, n=number, why=why) + "\n")
    if len(result.errors) > SHOWN_ERRORS:
        more = len(result.errors) - SHOWN_ERRORS
        sys.stderr.write(_("… and {n} more lines like these", n=more) + "\n")
    if json:
        print_json(as_json(result))
    else:
        _show(result)


def rules_of(name: str) -> tuple[Rule, ...]:
    """The rules of a file, or of a preset if there is no such file.

    Raises:
        ConfigError: they cannot be used; the text says why.
    """
    path = Path(name).expanduser()
    try:
        if name in PRESETS and not path.exists():
            return preset(name)
        with path.open("rb") as file:
            return read(file.read(MAX_BYTES + 1).decode("utf-8-sig"))
    except UserError as error:
        raise ConfigError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(_("{path} is not UTF-8 text.", path=path)) from error
    except OSError as error:
        raise ConfigError(_unreadable(path, error)) from error


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[str]]:
    try:
        with path.expanduser().open(encoding="utf-8-sig", errors="replace") as file:
            yield iter(file)
    except OSError as error:
        raise ConfigError(_unreadable(path, error)) from error


def _unreadable(path: Path, error: OSError) -> str:
    return _("{path} cannot be read: {why}.", path=path, why=error.strerror or error)


def as_json(result: Replay) -> dict[str, object]:
    """What `--json` prints."""
    return {
        "messages": result.messages,
        "violations": result.violations,
        "actions": _by_severity(result.actions),
        "rules": {name: _tally(tally) for name, tally in result.rules.items()},
        "stopped": list(result.stopped),
        "errors": [{"line": number, "why": why} for number, why in result.errors],
    }


def _tally(tally: Tally) -> dict[str, object]:
    precision = tally.precision
    return {
        "kind": tally.kind,
        "matches": tally.matches,
        "actions": _by_severity(tally.decided),
        "labeled": tally.violations + tally.harmless,
        "right": tally.violations,
        "precision": None if precision is None else round(precision, 4),
        "ids": tally.ids,
    }


def _by_severity(counts: Mapping[str, int]) -> dict[str, int]:
    names = [severity.name.lower() for severity in Severity]
    return {name: counts[name] for name in sorted(counts, key=names.index)}


def _show(result: Replay) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (_("rule"), _("kind"), _("matches"), _("actions"), _("precision")):
        table.add_column(heading)
    for name, tally in result.rules.items():
        actions = ", ".join(f"{action} {n}" for action, n in _by_severity(tally.decided).items())
        labeled = tally.violations + tally.harmless
        precision = f"{tally.precision:.0%} ({labeled})" if tally.precision is not None else "–"
        table.add_row(name, tally.kind, str(tally.matches), actions or "–", precision)
    Console(highlight=False).print(table)
    acted = sum(result.actions.values())
    print_line()
    print_line(
        _(
            "{n} messages, {labeled} of them labeled as violations; {acted} would have had consequences.",
            n=result.messages,
            labeled=result.violations,
            acted=acted,
        )
    )
    unseen = [name for name, tally in result.rules.items() if tally.kind == Images.kind]
    if unseen:
        print_line(_("Lines hold no pictures, so {rules} found nothing.", rules=", ".join(unseen)))
    for name in result.stopped:
        print_line(_("The rule {name} would have been stopped for acting too often.", name=name))
