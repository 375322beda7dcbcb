"""What every command that ships must be: registerable, documented, callable by its own examples."""

import inspect
import re

import pytest

from bot.adapters.discord.registration import MOST_MENUS
from bot.commands.command import Command, Commands
from bot.core.specs import Kind, Parameter

COMMANDS = Commands.discover()

EVERY = pytest.mark.parametrize("command", COMMANDS.all, ids=lambda command: command.name)


def test_exactly_the_promised_commands_exist() -> None:
    assert [command.name for command in COMMANDS.all] == [
        "admin model",
        "admin quota",
        "admin status",
        "appeal",
        "ask",
        "catchup",
        "channel set",
        "channel show",
        "digest add",
        "digest feedback",
        "digest import",
        "digest list",
        "digest me",
        "digest now",
        "digest remove",
        "digest stats",
        "digest weights",
        "help",
        "helper off",
        "helper on",
        "helper pass",
        "knowledge add",
        "knowledge answered",
        "knowledge faq",
        "knowledge hint",
        "knowledge hints",
        "knowledge list",
        "knowledge read",
        "knowledge remove",
        "knowledge solved",
        "knowledge unanswered",
        "mod appeals",
        "mod ban",
        "mod kick",
        "mod lock",
        "mod note",
        "mod picture",
        "mod purge",
        "mod queue",
        "mod report",
        "mod resolve",
        "mod strikes",
        "mod timeout",
        "mod undo",
        "mod warn",
        "privacy export",
        "privacy forget",
        "privacy optin",
        "privacy optout",
        "privacy show",
        "rate",
        "recommend",
        "report",
        "rules add",
        "rules export",
        "rules import",
        "rules list",
        "rules mode",
        "rules remove",
        "rules replay",
        "rules set",
        "rules setup",
        "rules show",
        "rules test",
        "rules undo",
        "rules welcome",
        "search",
        "sources",
        "stop",
        "summarize",
        "topic accept",
        "topic add",
        "topic list",
        "topic remove",
        "topic show",
        "topic suggest",
        "translate",
        "why",
    ]


@EVERY
def test_examples_are_calls_that_parse(command: Command) -> None:
    for example in command.examples:
        assert COMMANDS.parse(example).command is command
    if any(parameter.required for parameter in command.spec.parameters):
        assert command.examples, "a command that needs something shows how"


@EVERY
def test_discord_can_register_it(command: Command) -> None:
    """https://discord.com/developers/docs/interactions/application-commands#application-command-object."""
    spec = command.spec
    named = [*spec.path, *(parameter.name for parameter in spec.parameters)]
    assert all(re.fullmatch(r"[a-z0-9_-]{1,32}", name) for name in named)
    described = [spec.summary, *(parameter.description for parameter in spec.parameters)]
    assert all(1 <= len(text) <= 100 for text in described)
    assert len(spec.parameters) <= 25
    assert all(len(parameter.choices) <= 25 for parameter in spec.parameters)
    required = [parameter.required for parameter in spec.parameters]
    assert required == sorted(required, reverse=True), "required options come first"
    assert spec.menu is None or len(spec.menu) <= 32


def test_no_platform_has_more_menus_than_discord_shows() -> None:
    assert sum(command.spec.menu is not None for command in COMMANDS.all) <= MOST_MENUS


@EVERY
def test_the_spec_says_what_the_function_takes(command: Command) -> None:
    taken = list(inspect.signature(command.run).parameters.values())[1:]
    assert [parameter.name for parameter in command.spec.parameters] == [each.name for each in taken]
    for parameter, each in zip(command.spec.parameters, taken, strict=True):
        assert parameter.required == (each.default is each.empty)
        if not parameter.required:
            assert parameter.default == each.default


@EVERY
def test_a_model_is_offered_it_as_json_schema(command: Command) -> None:
    tool = command.tool
    assert re.fullmatch(r"[a-z_]{1,64}", tool.name)
    schema = dict(tool.parameters)
    properties = schema["properties"]
    assert isinstance(properties, dict)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert schema["required"] == [each.name for each in command.spec.parameters if each.required]
    for parameter in command.spec.parameters:
        assert properties[parameter.name]["type"] == parameter.kind.value
        assert properties[parameter.name]["description"] == parameter.description


@EVERY
def test_what_a_call_needs_can_be_typed_by_name(command: Command) -> None:
    """Every parameter, one after the other, in the order of the signature."""
    given = {parameter.name: typed(parameter, command) for parameter in command.spec.parameters}
    words = [f"{name}={text}" for name, (text, _value) in given.items()]
    call = COMMANDS.parse(" ".join((command.name, *words)))
    assert call.arguments == {name: value for name, (_text, value) in given.items()}


def typed(parameter: Parameter, command: Command) -> tuple[str, object]:
    if parameter.choices:
        return parameter.choices[-1].upper(), parameter.choices[-1]
    match parameter.kind:
        case Kind.STRING:
            matching = {argument.parameter.name: argument.matching for argument in command.arguments}
            form = matching[parameter.name]
            if form is None:
                return "'two words'", "two words"
            fits = next(each for each in ("42", "@somebody") if re.fullmatch(form.pattern, each))
            return fits, fits
        case Kind.BOOLEAN:
            return "yes", True
        case Kind.INTEGER:
            return "3", 3
        case Kind.NUMBER:
            return "0.5", 0.5
