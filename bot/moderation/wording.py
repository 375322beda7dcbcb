"""What is wrong with the settings of a rule, in words."""

from collections.abc import Iterator
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.core.text import N_, _
from bot.core.wording import BOUNDS, TYPES
from bot.moderation.rule import Rule

MOST_TOLD = 10
"""Nobody mends more at once."""

_TYPES = {
    **TYPES,
    "int_parsing": N_("a whole number"),
    "float_parsing": N_("a number"),
    "finite_number": N_("a number"),
    "bool_parsing": N_("true or false"),
}

_BOUNDS = {
    **BOUNDS,
    "too_short": ("min_length", N_("It needs at least {bound} entry(s).")),
    "too_long": ("max_length", N_("It may have at most {bound} entries.")),
}


def problems(kind: type[Rule], error: ValidationError) -> Iterator[tuple[str, str]]:
    """Each key at fault, and what is wrong there as one or two sentences."""
    for detail in error.errors(include_url=False)[:MOST_TOLD]:
        yield _key(detail), _sentence(kind, detail)


def _key(detail: ErrorDetails) -> str:
    """How a key is written: `escalation.2.action`, entries counted from 1."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in detail["loc"])


def _sentence(kind: type[Rule], detail: ErrorDetails) -> str:
    code, context = detail["type"], detail.get("ctx", {})
    if code == "extra_forbidden":
        return _unknown(kind, detail)
    if code == "missing":
        return _("This key is missing.")
    if code in _TYPES:
        return _("It must be {expected}.", expected=_(_TYPES[code]))
    if code in _BOUNDS:
        bound, sentence = _BOUNDS[code]
        return _(sentence, bound=context[bound])
    if code == "literal_error":
        return _("Write one of {names}.", names=str(context["expected"]))
    if code == "value_error":
        said = str(context["error"])
        return f"{said[:1].upper()}{said[1:]}" if said.endswith(".") else f"{said[:1].upper()}{said[1:]}."
    if detail["loc"][-1:] == ("name",):
        return _("A name has letters, digits, _ and -, at most 40, and begins with a letter or digit.")
    return _("It has the wrong form.")


def _unknown(kind: type[Rule], detail: ErrorDetails) -> str:
    name = str(detail["loc"][-1])[:60]
    known = list(kind.model_fields)
    close = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    if close:
        return _("There is no such setting. Did you mean {name}?", name=close[0])
    return _("There is no such setting. Known here: {names}.", names=", ".join(known))
