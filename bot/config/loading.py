"""From a file and the environment to a `Config`, or to the list of all problems at once."""

import os
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from platformdirs import user_data_dir
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.config import checks, environment, source, wording
from bot.config.paths import expanded, is_there
from bot.config.problem import Problem, errors, summary
from bot.config.sections import Config
from bot.core.errors import ConfigError
from bot.core.text import _

FILE_NAME = "config.toml"

_DEEPEST = 4
"""llm.fallback.1.model"""

Tree = dict[str, object]


@dataclass(slots=True)
class Draft:
    """What was read so far."""

    folder: Path
    has_file: bool = True
    values: Tree = field(default_factory=dict)
    lines: dict[source.Keys, int] = field(default_factory=dict)
    variables: dict[source.Keys, str] = field(default_factory=dict)
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
    read = _read(find(path))
    if isinstance(read, list):
        return None, read
    draft = read
    _override(draft, os.environ if environ is None else environ)
    _refuse_control_characters(draft)
    _add_defaults(draft)
    config = _validate(draft)
    if config is not None:
        known = {problem.key for problem in draft.problems}
        found = [problem for problem in checks.contradictions(config) if not _follows(problem, known)]
        if secrets:
            found += [problem for problem in checks.secrets(config) if problem.key not in known]
        draft.problems += [_placed(problem, draft) for problem in found]
    return config, sorted(draft.problems, key=lambda problem: (problem.line or 0, problem.key))


def find(path: Path | None) -> Path | None:
    """The file that counts: the one named, else ./config.toml if it is there."""
    if path is not None:
        return expanded(path)
    default = Path.cwd() / FILE_NAME
    return default if is_there(default) else None


def describe_source(path: Path | None) -> str:
    """What to call the configuration in a message."""
    found = find(path)
    return str(found) if found else _("built-in defaults and environment")


def _read(path: Path | None) -> Draft | list[Problem]:
    """What the file says, or why that cannot be known."""
    if path is None:
        return Draft(Path(user_data_dir("llmos", appauthor=False)), has_file=False)
    text = source.read_text(path)
    if isinstance(text, Problem):
        return [text]
    values, found = source.parse(text)
    if values is None:
        return found
    return Draft(path.resolve().parent, values=values, lines=source.lines_of(text), problems=found)


def _override(draft: Draft, environ: Mapping[str, str]) -> None:
    for override in environment.overrides(environ):
        if isinstance(override, Problem):
            draft.problems.append(override)
            continue
        section, key, value = override
        table = draft.values.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = value
            draft.variables[section, key] = environment.variable(section, key)


def _refuse_control_characters(draft: Draft) -> None:
    """No name, path or address has any, and terminals, logs and the system choke on them."""
    for keys, text in list(_texts(draft.values)):
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
            what, mend = _("There is a control character in it."), _("Write it without.")
            draft.problems.append(_placed(Problem(source.dotted(keys), what, mend), draft, keys))
            _remove(draft.values, keys)


def _texts(values: Tree) -> Iterator[tuple[source.Keys, str]]:
    """Every text of the values; what lies deeper than any key of ours is refused anyway."""
    waiting: list[tuple[source.Keys, object]] = [((), values)]
    while waiting:
        keys, value = waiting.pop()
        match value:
            case str():
                yield keys, value
            case dict() if len(keys) < _DEEPEST:
                waiting += [((*keys, key), inner) for key, inner in value.items()]
            case list() if len(keys) < _DEEPEST:
                waiting += [((*keys, n), inner) for n, inner in enumerate(value)]


def _add_defaults(draft: Draft) -> None:
    """Where files go: beside the configuration, or in the user's data folder without one."""
    bot = draft.values.setdefault("bot", {})
    data_dir: object = "data" if draft.has_file else "."
    if isinstance(bot, dict):
        data_dir = bot.setdefault("data_dir", data_dir)
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
    _add_defaults(draft)
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
    if variable := draft.variables.get(keys[:2]):
        return replace(problem, variable=variable)
    return replace(problem, line=source.line_of(keys, draft.lines))


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
