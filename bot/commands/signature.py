"""From a function's signature to its parameters: types, choices, bounds, texts."""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

from bot.core.specs import Kind, Parameter

KINDS: Mapping[object, Kind] = {str: Kind.STRING, int: Kind.INTEGER, float: Kind.NUMBER, bool: Kind.BOOLEAN}


@dataclass(frozen=True, slots=True)
class Doc:
    """What a parameter means, one English line: `Annotated[str, Doc("What you want to know.")]`."""

    text: str


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number, both allowed: `Annotated[int, Range(1, 20)]`."""

    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """A string of one form only; `expected` names the form in English ("a link to a message").

    An optional argument of that form may stand before a required one: words of another form pass it by.
    """

    pattern: str
    expected: str


@dataclass(frozen=True, slots=True)
class Completes:
    """Suggests values while one is typed, where the platform asks: `Annotated[str, Completes(languages)]`.

    Attributes:
        suggest: called with the services, what was typed so far, by whom and where.
    """

    suggest: Callable[..., Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter and what only the core needs to know of it.

    Attributes:
        named_only: written as `name=value` in the text grammar (keyword-only in Python).
        matching: the form a string must have, or None.
        completes: what suggests values, or None.
    """

    parameter: Parameter
    named_only: bool = False
    matching: Matching | None = None
    completes: Completes | None = None

    def offered(self, services: object) -> Parameter:
        """The parameter as platforms are told it; `services` are for what completes it."""
        if self.completes is None:
            return self.parameter
        return replace(self.parameter, complete=partial(self.completes.suggest, services))

    @property
    def usage(self) -> str:
        """`QUESTION`, `[n]`, `[where=here|community]`: required ones in capitals, choices as they are."""
        parameter = self.parameter
        text = "|".join(parameter.choices)
        if not text:
            text = parameter.name.upper() if parameter.required else parameter.name
        if self.named_only:
            text = f"{parameter.name}={text if parameter.choices else parameter.name.upper()}"
        return text if parameter.required else f"[{text}]"

    @property
    def schema(self) -> Mapping[str, object]:
        """The parameter as JSON schema."""
        parameter = self.parameter
        schema: dict[str, object] = {"type": parameter.kind.value}
        if parameter.description:
            schema["description"] = parameter.description
        if parameter.choices:
            schema["enum"] = list(parameter.choices)
        if self.matching is not None:
            schema["pattern"] = f"^(?:{self.matching.pattern})$"
        optional = {
            "default": parameter.default,
            "minimum": parameter.minimum,
            "maximum": parameter.maximum,
        }
        return schema | {name: value for name, value in optional.items() if value is not None}


def arguments_of(function: Callable[..., Awaitable[object]]) -> tuple[Argument, ...]:
    """The arguments a function takes after its context, in order; the last free `str` is greedy.

    Raises:
        TypeError: not an async function, or a parameter that cannot be typed in a chat.
    """
    where = f"{function.__module__}.{getattr(function, '__qualname__', function)}"
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"{where}: a command is an async function")
    hints = get_type_hints(function, include_extras=True)
    found = list(inspect.signature(function).parameters.values())
    if not found or found[0].name != "context":
        raise TypeError(f"{where}: the first parameter of a command is `context`")
    for parameter in found[1:]:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{where}: parameter {parameter.name} must be an ordinary one")
        if parameter.name not in hints:
            raise TypeError(f"{where}: parameter {parameter.name} needs a type")
    positional = [parameter.name for parameter in found[1:] if parameter.kind != parameter.KEYWORD_ONLY]
    return tuple(
        _argument(parameter, hints[parameter.name], is_last=parameter.name == (positional or [""])[-1])
        for parameter in found[1:]
    )


def _argument(found: inspect.Parameter, hint: object, *, is_last: bool) -> Argument:
    base, marks = _unwrap(hint)
    choices: tuple[str, ...] = ()
    if get_origin(base) is Literal:
        choices = get_args(base)
        if not all(isinstance(choice, str) for choice in choices):
            raise TypeError(f"parameter {found.name}: choices are strings")
        base = str
    if base not in KINDS:
        raise TypeError(
            f"parameter {found.name}: {base} is not str, int, float, bool or a Literal of strings"
        )
    bounds = next((mark for mark in marks if isinstance(mark, Range)), Range())
    matching = next((mark for mark in marks if isinstance(mark, Matching)), None)
    if matching is not None:
        re.compile(matching.pattern)
    completes = next((mark for mark in marks if isinstance(mark, Completes)), None)
    required = found.default is found.empty
    parameter = Parameter(
        name=found.name,
        kind=KINDS[base],
        description=next((mark.text for mark in marks if isinstance(mark, Doc)), ""),
        required=required,
        default=None if required else found.default,
        choices=choices,
        minimum=bounds.minimum,
        maximum=bounds.maximum,
        greedy=is_last and base is str and not choices and matching is None,
    )
    return Argument(parameter, found.kind == found.KEYWORD_ONLY, matching, completes)


def _unwrap(hint: object) -> tuple[object, list[object]]:
    """Take `Annotated` and `| None` off a hint, however they are nested."""
    marks: list[object] = []
    while True:
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            marks += more
        elif get_origin(hint) in (Union, UnionType):
            kinds = [kind for kind in get_args(hint) if kind is not NoneType]
            if len(kinds) != 1:
                return hint, marks
            hint = kinds[0]
        else:
            return hint, marks
