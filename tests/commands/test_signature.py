"""What a signature says about a command."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Literal

import pytest

from bot.commands.definition import command
from bot.commands.signature import Completes, Doc, Matching, Range, arguments_of
from bot.core.permissions import Role
from bot.core.specs import Kind, Parameter
from tests.commands.examples import COMMANDS, channel_set, report, rules_add, rules_list
from tests.messages import ALICE, CHANNEL


def test_a_spec_holds_everything_a_platform_needs() -> None:
    spec = rules_add.spec
    assert (spec.path, spec.name, spec.summary) == (("rules", "add"), "rules add", "Add a rule.")
    assert (spec.role, spec.private, spec.slow, spec.menu) == (Role.MODERATOR, False, True, None)
    assert spec.parameters == (
        Parameter("name", Kind.STRING, ""),
        Parameter("action", Kind.STRING, "", choices=("log", "delete", "ban")),
        Parameter(
            "threshold", Kind.NUMBER, "From 0 to 1.", required=False, default=0.8, minimum=0, maximum=1
        ),
        Parameter("note", Kind.STRING, "", required=False, default="", greedy=True),
    )
    assert channel_set.spec.private
    assert report.spec.menu == "Report"
    assert rules_add.examples == ("rules add spam delete 0.9",)


def test_bool_and_int_are_told_apart() -> None:
    assert [parameter.kind for parameter in rules_list.spec.parameters] == [
        Kind.INTEGER,
        Kind.BOOLEAN,
        Kind.STRING,
    ]


def test_only_the_last_free_text_by_position_is_greedy() -> None:
    greedy = {c.name: [p.name for p in c.spec.parameters if p.greedy] for c in COMMANDS}
    assert greedy == {
        "ask": ["question"],
        "report": [],
        "flag": ["reason"],
        "rules add": ["note"],
        "rules list": [],
        "channel set": ["value"],
    }


def test_a_command_is_a_tool_with_a_json_schema() -> None:
    tool = rules_add.tool
    assert (tool.name, tool.description) == ("rules_add", "Add a rule.")
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "action": {"type": "string", "enum": ["log", "delete", "ban"]},
            "threshold": {
                "type": "number",
                "description": "From 0 to 1.",
                "default": 0.8,
                "minimum": 0,
                "maximum": 1,
            },
            "note": {"type": "string", "default": ""},
        },
        "required": ["name", "action"],
        "additionalProperties": False,
    }


def test_marks_are_found_however_the_hint_is_nested() -> None:
    async def outside(context: object, n: Annotated[int | None, Doc("How many."), Range(1, 3)] = None) -> str:
        return ""

    async def inside(context: object, n: Annotated[int, Range(1, 3), Doc("How many.")] | None = None) -> str:
        return ""

    expected = Parameter("n", Kind.INTEGER, "How many.", required=False, minimum=1, maximum=3)
    assert arguments_of(outside)[0].parameter == arguments_of(inside)[0].parameter == expected


async def _list(context: object, words: list[str]) -> str:
    """A type nobody can type."""
    return ""


async def _numbers(context: object, n: Literal[1, 2]) -> str:
    """Choices that are no strings."""
    return ""


async def _union(context: object, n: int | str) -> str:
    """Two types at once."""
    return ""


async def _rest(context: object, *words: str) -> str:
    """Many arguments."""
    return ""


async def _no_context(question: str) -> str:
    """No context."""
    return ""


async def _silent(context: object) -> str:
    return ""


@pytest.mark.parametrize("function", [_list, _numbers, _union, _rest, _no_context, _silent])
def test_what_cannot_be_a_command_is_refused_when_it_is_defined(
    function: Callable[..., Awaitable[str]],
) -> None:
    with pytest.raises(TypeError):
        command("x")(function)


@pytest.mark.parametrize("path", ["", "a b c", "Ask"])
def test_a_path_is_one_or_two_lower_case_names(path: str) -> None:
    async def fine(context: object) -> str:
        """Be fine."""
        return ""

    with pytest.raises(TypeError):
        command(path)(fine)


async def _words(
    context: object,
    words: str = "",
    kind: Literal["a", "b"] = "a",
    at: Annotated[str, Matching("x", "x")] = "",
) -> str:
    """Say words."""
    return ""


async def _needy(context: object, name: str, words: str) -> str:
    """Say words to somebody."""
    return ""


def test_a_menu_may_ask_for_texts_in_a_form() -> None:
    assert command("say", menu="Say", form=("words",))(_words).spec.form == ("words",)
    assert command("say", menu="Say", form=("name", "words"))(_needy).spec.form == ("name", "words")


@pytest.mark.parametrize(
    ("function", "menu", "form"),
    [
        (_words, None, ("words",)),
        (_words, "Say", ("nothing",)),
        (_words, "Say", ("kind",)),
        (_words, "Say", ("at",)),
        (_needy, "Say", ("words",)),
        (_needy, "Say", ()),
    ],
)
def test_a_form_that_could_not_make_a_call_is_refused_when_it_is_defined(
    function: Callable[..., Awaitable[str]], menu: str | None, form: tuple[str, ...]
) -> None:
    with pytest.raises(TypeError):
        command("say", menu=menu, form=form)(function)


async def test_a_mark_completes_an_argument_with_the_services_it_is_offered_with() -> None:
    async def names(services: object, typed: str, caller: object, channel: object) -> Sequence[str]:
        return [f"{services} {typed}"]

    async def say(context: object, word: Annotated[str | None, Completes(names)] = None, n: int = 1) -> str:
        """Say a word."""
        return ""

    made = command("say")(say)
    word, n = made.offered("services").parameters
    assert word.complete is not None
    assert await word.complete("typed", ALICE, CHANNEL) == ["services typed"]
    assert n.complete is None
    assert made.spec.parameters[0].complete is None
