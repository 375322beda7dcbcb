"""From what was typed, or sent by a platform or a model, to a value of the declared type; pure functions."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from bot.commands.signature import Argument
from bot.core.errors import UsageError
from bot.core.specs import Kind, Parameter
from bot.core.text import _

Value = str | int | float | bool | None
"""A value an argument can have."""

TRUE = frozenset({"yes", "y", "true", "on", "1", "是", "好", "开", "对"})
FALSE = frozenset({"no", "n", "false", "off", "0", "否", "不", "关", "不是"})

SHOWN = 40
"""Characters of a wrong argument that an error repeats."""

LONGEST_NAME = 64
"""No name, choice or number is longer; longer words are not compared at all."""

UNREADABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

LARGEST = 2**53
"""Numbers of JSON and of Discord's options are exact up to here."""


def shown(text: str) -> str:
    """A member's own words, safe and short enough to be repeated in an error."""
    clean = "".join(char if char.isprintable() and char != "`" else "·" for char in text[: SHOWN + 1])
    return clean if len(clean) <= SHOWN else clean[: SHOWN - 1] + "…"


def readable(text: str) -> str:
    """A text without control characters, half characters and marks that turn the reading direction."""
    return UNREADABLE.sub("", text)


def folded(text: str) -> str:
    """The form in which names and choices are compared: full-width and upper-case letters are the same."""
    return unicodedata.normalize("NFKC", text[: LONGEST_NAME + 1]).casefold()


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, or None when nothing is near."""
    found = difflib.get_close_matches(folded(word), list(names), n=1, cutoff=0.6)
    return found[0] if found else None


def suggested(typed: str, names: Iterable[str]) -> list[str]:
    """Names that begin with what is typed, then those that hold it elsewhere; see `Completes`."""
    wanted = folded(typed)
    holding = [name for name in names if wanted in folded(name)]
    return sorted(holding, key=lambda name: not folded(name).startswith(wanted))


def from_text(argument: Argument, text: str) -> Value:
    """Read a typed word as the argument's type.

    Raises:
        UsageError: it is no such value; says which argument and what was expected.
    """
    parameter = argument.parameter
    if parameter.choices:
        return _choice(parameter, text)
    if argument.matching is not None and not re.fullmatch(argument.matching.pattern, text):
        raise wrong(argument, text)
    match parameter.kind:
        case Kind.STRING:
            return text
        case Kind.BOOLEAN:
            return _boolean(argument, text)
        case Kind.INTEGER | Kind.NUMBER:
            return _bounded(argument, _number(argument, text), text)


def from_value(argument: Argument, value: object) -> Value:
    """Check a value that arrived typed, from a platform's form or a model's tool call.

    Raises:
        UsageError: as `from_text`.
    """
    if isinstance(value, str):
        return from_text(argument, value)
    kind = argument.parameter.kind
    if isinstance(value, bool) and kind is Kind.BOOLEAN:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(argument, type(value).__name__)
    if not abs(value) < LARGEST:
        raise wrong(argument, _("a number that large"))
    if kind is Kind.NUMBER:
        return _bounded(argument, float(value), str(value))
    if kind is Kind.INTEGER and int(value) == value:
        return _bounded(argument, int(value), str(value))
    raise wrong(argument, str(value))


def bind(arguments: Sequence[Argument], given: Mapping[str, object]) -> dict[str, Value]:
    """Check all given values and complete them with defaults.

    Raises:
        UsageError: one is wrong, missing or unknown.
    """
    known = {argument.parameter.name for argument in arguments}
    for name in given:
        if name not in known:
            near = nearest(name, known)
            hint = " " + _("Did you mean `{name}`?", name=near) if near else ""
            raise UsageError(_("There is no argument `{name}`.", name=shown(name)) + hint)
    values: dict[str, Value] = {}
    for argument in arguments:
        parameter = argument.parameter
        if given.get(parameter.name) is not None:
            values[parameter.name] = from_value(argument, given[parameter.name])
        elif parameter.required:
            raise missing(argument)
        else:
            values[parameter.name] = parameter.default
    return values


def missing(argument: Argument) -> UsageError:
    """The error for a required argument that was not given."""
    name = argument.parameter.name
    what = _(argument.parameter.description) if argument.parameter.description else expected(argument)
    return UsageError(_("`{name}` is missing: {what}", name=name, what=what))


def wrong(argument: Argument, text: str, hint: str = "") -> UsageError:
    """The error for a value that does not fit."""
    problem = _(
        "`{name}` cannot be “{text}”: I expected {expected}.",
        name=argument.parameter.name,
        text=shown(text),
        expected=expected(argument),
    )
    return UsageError(f"{problem} {hint}" if hint else problem)


def expected(argument: Argument) -> str:
    """What an argument may be, as the end of a sentence."""
    parameter = argument.parameter
    if len(parameter.choices) == 1:
        return f"`{parameter.choices[0]}`"
    if parameter.choices:
        return _("one of {choices}", choices=", ".join(f"`{choice}`" for choice in parameter.choices))
    if argument.matching is not None:
        return _(argument.matching.expected)
    match parameter.kind:
        case Kind.STRING:
            return _("a text")
        case Kind.BOOLEAN:
            return _("yes or no")
        case Kind.INTEGER:
            return _bounds(parameter) or _("a whole number")
        case Kind.NUMBER:
            return _bounds(parameter) or _("a number")


def _bounds(parameter: Parameter) -> str:
    low, high = parameter.minimum, parameter.maximum
    whole = parameter.kind is Kind.INTEGER
    if low is not None and high is not None:
        text = _("a whole number from {low} to {high}") if whole else _("a number from {low} to {high}")
    elif low is not None:
        text = _("a whole number of at least {low}") if whole else _("a number of at least {low}")
    elif high is not None:
        text = _("a whole number of at most {high}") if whole else _("a number of at most {high}")
    else:
        return ""
    return text.format(low=_plain(low), high=_plain(high))


def _plain(bound: float | None) -> str:
    return "" if bound is None else f"{bound:.15g}"


def _choice(parameter: Parameter, text: str) -> str:
    names = {folded(choice): choice for choice in parameter.choices}
    if folded(text) in names:
        return names[folded(text)]
    near = nearest(text, names)
    hint = _("Did you mean `{name}`?", name=names[near]) if near else ""
    raise wrong(Argument(parameter), text, hint)


def _boolean(argument: Argument, text: str) -> bool:
    if folded(text) in TRUE:
        return True
    if folded(text) in FALSE:
        return False
    raise wrong(argument, text)


def _number(argument: Argument, text: str) -> float:
    whole = argument.parameter.kind is Kind.INTEGER
    if len(text) > LONGEST_NAME:
        raise wrong(argument, text)
    try:
        number = int(text) if whole else float(text)
    except ValueError:
        raise wrong(argument, text) from None
    if not abs(number) < LARGEST or "_" in text:
        raise wrong(argument, text)
    return number


def _bounded(argument: Argument, number: float, text: str) -> float:
    low, high = argument.parameter.minimum, argument.parameter.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        raise wrong(argument, text)
    return number
