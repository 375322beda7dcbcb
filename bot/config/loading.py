"""From a file and the environment to a `Config`, or to the list of all problems at once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_data_dir
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.config import checks, environment, source, wording
from bot.config.problem import Problem, errors, summary
from bot.config.sections import NOT_YET, Config
from bot.core.errors import ConfigError
from bot.core.text import _

FILE_NAME = "config.toml"

Tree = dict[str, object]


@dataclass(slots=True)
class Draft:
    """What was read so far."""

    folder: Path
    values: Tree = field(default_factory=dict)
    lines: dict[source.Keys, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def load(
    path: Path | None = None, environ: Mapping[str, str] | None = None, *, secrets: bool = True
) -> Config:
    """The configuration.

    Args:
        path: the file; None takes ./config.toml, or the built-in defaults if there is none.
        environ: where overrides come from; the process's environment by default.
        secrets: whether every secret must be readable; commands that only need the database say no.

    Raises:
        ConfigError: with every problem, a line each.
    """
    config, found = examine(path, environ, secrets=secrets)
    if config is None or errors(found):
        raise ConfigError(summary(describe_source(path), errors(found)))
    return config


def problems(path: Path | None = None, environ: Mapping[str, str] | None = None) -> list[Problem]:
    """Everything wrong with the configuration, in the order of the file; empty when all is well."""
    return examine(path, environ)[1]


def examine(
    path: Path | None = None, environ: Mapping[str, str] | None = None, *, secrets: bool = True
) -> tuple[Config | None, list[Problem]]:
    """The configuration as far as it can be understood, and all its problems.

    Keys with errors have their default in the returned value: it is for further checks, not for running.
    """
    draft = _read(find(path))
    if draft.problems:
        return None, draft.problems
    _override(draft, os.environ if environ is None else environ)
    _refuse_not_yet(draft)
    _add_defaults(draft, has_file=find(path) is not None)
    config = _validate(draft)
    if config is not None:
        found = [*checks.contradictions(config), *(checks.secrets(config) if secrets else ())]
        known = {problem.key for problem in draft.problems}
        draft.problems += [_placed(problem, draft) for problem in found if not _follows(problem, known)]
    return config, sorted(draft.problems, key=lambda problem: (problem.line or 0, problem.key))


def find(path: Path | None) -> Path | None:
    """The file that counts: the one named, else ./config.toml if it is there."""
    if path is not None:
        return path.expanduser()
    default = Path.cwd() / FILE_NAME
    return default if default.exists() else None


def describe_source(path: Path | None) -> str:
    """What to call the configuration in a message."""
    found = find(path)
    return str(found) if found else _("built-in defaults and environment")


def _read(path: Path | None) -> Draft:
    if path is None:
        return Draft(Path(user_data_dir("llmos", appauthor=False)))
    draft = Draft(path.resolve().parent)
    text = source.read_text(path)
    if isinstance(text, Problem):
        draft.problems.append(text)
        return draft
    values = source.parse(text)
    if isinstance(values, Problem):
        draft.problems.append(values)
    else:
        draft.values, draft.lines = values, source.lines_of(text)
    return draft


def _override(draft: Draft, environ: Mapping[str, str]) -> None:
    for override in environment.overrides(environ):
        if isinstance(override, Problem):
            draft.problems.append(override)
            continue
        section, key, value = override
        table = draft.values.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = value
            draft.lines.pop((section, key), None)


def _refuse_not_yet(draft: Draft) -> None:
    for name in sorted(NOT_YET):
        *outer, key = name.split(".")
        table: object = draft.values
        for part in outer:
            table = table.get(part) if isinstance(table, dict) else None
        if isinstance(table, dict) and key in table:
            del table[key]
            draft.problems.append(_placed(wording.not_yet(name), draft))


def _add_defaults(draft: Draft, *, has_file: bool) -> None:
    """Where files go: beside the configuration, or in the user's data folder without one."""
    bot = draft.values.setdefault("bot", {})
    if not isinstance(bot, dict):
        return
    data_dir = bot.setdefault("data_dir", "data" if has_file else ".")
    storage = draft.values.setdefault("storage", {})
    if isinstance(storage, dict) and isinstance(data_dir, str):
        storage.setdefault("url", f"sqlite:///{data_dir}/llmos.db")


def _validate(draft: Draft) -> Config | None:
    """Validate; where that fails note the problems and validate again without the keys at fault."""
    context = {"folder": str(draft.folder)}
    try:
        return Config.model_validate(draft.values, context=context)
    except ValidationError as error:
        details = error.errors(include_url=False)
    draft.problems += _deduplicated([_problem(detail, draft) for detail in details])
    for detail in details:
        _remove(draft.values, wording.location(detail))
    _add_defaults(draft, has_file=bool(draft.lines))
    try:
        return Config.model_validate(draft.values, context=context)
    except ValidationError:
        return None


def _follows(problem: Problem, known: set[str]) -> bool:
    """True when it only repeats a problem already found: the same key, or an engine nobody knows."""
    table = problem.key.rpartition(".")[0]
    return problem.key in known or f"{table}.engine" in known


def _problem(detail: ErrorDetails, draft: Draft) -> Problem:
    return _placed(wording.problem(detail), draft, wording.location(detail))


def _placed(problem: Problem, draft: Draft, keys: source.Keys | None = None) -> Problem:
    """The same problem with its line."""
    if keys is None:
        keys = tuple(int(k) - 1 if k.isdecimal() else k for k in problem.key.split("."))
    line = source.line_of(keys, draft.lines)
    return Problem(problem.key, problem.what, problem.mend, problem.severity, line)


def _deduplicated(found: list[Problem]) -> list[Problem]:
    """One problem per key: a union type reports each of its members."""
    return list({problem.key: problem for problem in reversed(found)}.values())[::-1]


def _remove(values: Tree, keys: source.Keys) -> None:
    """Take the value at fault out; a list loses the whole entry's key, a section that is no table goes."""
    table: object = values
    for key in keys[:-1]:
        match table:
            case dict() if key in table:
                table = table[key]
            case list() if isinstance(key, int) and key < len(table):
                table = table[key]
            case _:
                return
    if isinstance(table, dict):
        table.pop(keys[-1], None)
