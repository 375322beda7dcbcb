"""Values that arrive typed, from a platform's form or a model's tool call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.conversion import bind
from bot.commands.definition import Command
from bot.commands.signature import Argument, Range
from bot.core.errors import UsageError
from bot.core.specs import Kind, Parameter
from tests.commands.examples import COMMANDS, report, rules_add, rules_list


def test_defaults_complete_what_was_given() -> None:
    assert bind(rules_list.arguments, {"n": 3}) == {"n": 3, "all": False, "where": "here"}
    assert bind(rules_list.arguments, {"n": None}) == {"n": 5, "all": False, "where": "here"}


def test_typed_values_become_the_declared_type() -> None:
    values = bind(rules_add.arguments, {"name": "spam", "action": "Delete", "threshold": 1})
    assert values == {"name": "spam", "action": "delete", "threshold": 1.0, "note": ""}
    assert isinstance(values["threshold"], float)
    assert bind(rules_list.arguments, {"n": 4.0, "all": "yes"}) == {"n": 4, "all": True, "where": "here"}


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"name": "a"}, "`action` is missing"),
        ({"name": "a", "action": "explode"}, "one of `log`, `delete`, `ban`"),
        ({"name": "a", "action": 3}, "`action` cannot be “3”"),
        ({"name": "a", "action": "log", "threshold": True}, "`threshold` cannot be “bool”"),
        ({"name": "a", "action": "log", "threshold": 1.5}, "a number from 0 to 1"),
        (
            {"name": "a", "action": "log", "threshold": float("inf")},
            "`threshold` cannot be “a number that large”",
        ),
        ({"name": ["a"], "action": "log"}, "`name` cannot be “list”"),
        ({"name": "a", "action": "log", "treshold": 1}, "Did you mean `threshold`?"),
        ({"name": "a", "action": "log", "": 1}, "There is no argument ``"),
    ],
)
def test_wrong_values_are_refused_with_what_was_expected(given: dict[str, object], part: str) -> None:
    with pytest.raises(UsageError) as caught:
        bind(rules_add.arguments, given)
    assert part in str(caught.value)


@pytest.mark.parametrize("value", [True, 2.5, float("nan"), "1_0", 2**53, {}])
def test_a_whole_number_is_nothing_else(value: object) -> None:
    with pytest.raises(UsageError, match="`n` cannot be"):
        bind(rules_list.arguments, {"n": value})


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (Range(minimum=2), "a whole number of at least 2"),
        (Range(maximum=9), "a whole number of at most 9"),
        (Range(2, 9), "a whole number from 2 to 9"),
        (Range(), "a whole number"),
    ],
)
def test_the_bounds_that_hold_are_named(bounds: Range, expected: str) -> None:
    parameter = Parameter("n", Kind.INTEGER, "", minimum=bounds.minimum, maximum=bounds.maximum)
    with pytest.raises(UsageError, match=f"`n` cannot be “many”: I expected {expected}\\."):
        bind((Argument(parameter),), {"n": "many"})


@pytest.mark.parametrize("given", [{"n": 10**5000}, {"n": "9" * 5000}], ids=["number", "text"])
def test_a_number_of_five_thousand_digits_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="`n` cannot be"):
        bind(rules_list.arguments, given)


def test_a_string_of_one_form_is_checked_in_typed_calls_too() -> None:
    with pytest.raises(UsageError, match="a link to a message"):
        bind(report.arguments, {"reason": "spam", "message": "over there"})


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=9),
    st.lists(st.integers(), max_size=1),
)


@given(st.sampled_from(COMMANDS), st.data())
def test_any_values_are_bound_to_their_types_or_refused(command: Command, data: st.DataObject) -> None:
    arguments = command.arguments
    given = data.draw(st.dictionaries(st.sampled_from([a.parameter.name for a in arguments]), values))
    try:
        bound = bind(arguments, given)
    except UsageError:
        return
    types = {Kind.STRING: str, Kind.INTEGER: int, Kind.NUMBER: float, Kind.BOOLEAN: bool}
    for argument in arguments:
        value = bound[argument.parameter.name]
        assert value == argument.parameter.default or type(value) is types[argument.parameter.kind]
        if argument.parameter.choices:
            assert value in argument.parameter.choices
