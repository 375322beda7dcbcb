"""What pydantic's error codes mean to people: shared by everything that explains a wrong setting."""

from collections.abc import Mapping

from bot.core.text import N_

TYPES: Mapping[str, str] = {
    "string_type": N_("a text in quotes"),
    "int_type": N_("a whole number"),
    "int_from_float": N_("a whole number"),
    "float_type": N_("a number"),
    "bool_type": N_("true or false"),
    "tuple_type": N_("a list in brackets"),
    "model_type": N_("a section or table"),
}
"""Code -> what was expected."""

BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("ge", N_("It must be at least {bound}.")),
    "greater_than": ("gt", N_("It must be more than {bound}.")),
    "less_than_equal": ("le", N_("It must be at most {bound}.")),
    "less_than": ("lt", N_("It must be less than {bound}.")),
    "string_too_short": ("min_length", N_("It needs at least {bound} character(s).")),
    "string_too_long": ("max_length", N_("It may have at most {bound} characters.")),
}
"""Code -> where the error tells the bound, and the sentence about it."""
