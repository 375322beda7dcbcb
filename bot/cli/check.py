"""`llmos check`: every problem of the configuration at once."""

from pathlib import Path

from bot.cli.fit import problems_here
from bot.cli.options import ConfigOption, JsonFlag, print_json, print_line, speak_operators_language
from bot.config import Level, Problem, describe_source, errors, examine
from bot.core.text import _, ngettext

WRONG = 2
"""Exit code when there is an error; warnings alone are fine."""


def command(*, config: ConfigOption = None, json: JsonFlag = False) -> int:
    """List every problem of the configuration: the key, what is wrong, and how to mend it."""
    speak_operators_language()
    found = all_problems(config)
    if json:
        print_json(
            {
                "source": describe_source(config),
                "ok": not errors(found),
                "problems": [_as_json(problem) for problem in found],
            }
        )
    else:
        _print(describe_source(config), found)
    return WRONG if errors(found) else 0


def all_problems(path: Path | None) -> list[Problem]:
    """What is wrong with the values, and what this machine cannot do with them."""
    config, found = examine(path)
    if config is None:
        return found
    known = {problem.key for problem in found}
    return [*found, *(problem for problem in problems_here(config) if problem.key not in known)]


def _print(source: str, found: list[Problem]) -> None:
    labels = {Level.ERROR: _("error"), Level.WARNING: _("warning")}
    for problem in found:
        print_line(f"{labels[problem.severity]}: {problem.place or source}")
        print_line(f"    {problem.what}")
        print_line(f"    {problem.mend}")
    count = len(errors(found))
    if count:
        print_line(ngettext("{source}: {n} error.", "{source}: {n} errors.", count, source=source))
    else:
        print_line(_("{source}: no errors.", source=source))


def _as_json(problem: Problem) -> dict[str, object]:
    return {
        "key": problem.key,
        "severity": problem.severity.value,
        "what": problem.what,
        "mend": problem.mend,
        "line": problem.line,
        "variable": problem.variable or None,
    }
