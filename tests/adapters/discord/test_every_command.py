"""Every slash command x everything that can come with it x everybody: answered, and refused where it must be.

What is sent passes no client: Discord's own checks are not what holds the bot.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pytest

from bot.app import App
from bot.commands.command import Command, Commands, reserved
from bot.commands.conversion import bind
from bot.core.errors import UserError
from bot.core.permissions import Role
from bot.core.specs import CommandSpec, Kind, Parameter
from tests.adapters.discord.house import House
from tests.adapters.discord.test_slash import answered
from tests.labs.discord import Interaction
from tests.labs.discord.people import Person

COMMANDS = Commands.discover()
ROLES = {"member": Role.MEMBER, "moderator": Role.MODERATOR, "admin": Role.ADMIN, "owner": Role.ADMIN}
SAMPLES: Mapping[Kind, object] = {
    Kind.STRING: "answer",
    Kind.INTEGER: 7,
    Kind.NUMBER: 2.5,
    Kind.BOOLEAN: True,
}
ILLEGAL: Mapping[Kind, Sequence[object]] = {
    Kind.STRING: (["a", "list"],),
    Kind.INTEGER: ("seven", 2.5, True, -(10**15), 10**15),
    Kind.NUMBER: ("much", True),
    Kind.BOOLEAN: ("perhaps", 2),
}
AT_ONCE = 4
"""Discord and its people are in this process, too: with more, a call waits for them, and not for the bot."""
LONG = os.environ.get("LLMOS_DRILLS") == "long"
TURNS = {"privacy export": 0, "privacy forget": 2}
"""Exports are short at first; who is forgotten leaves no name of a refused command in the audit log."""

Given = Mapping[str, object]


def legal(spec: CommandSpec, *, all_of_them: bool) -> dict[str, object]:
    """A value for each required option of a command, or for every one."""
    wanted = [each for each in spec.parameters if each.required or all_of_them]
    return {each.name: each.choices[0] if each.choices else SAMPLES[each.kind] for each in wanted}


def cases(spec: CommandSpec) -> Sequence[Given]:
    """All calls in a drill; otherwise a legal one, a spoiled option, and one that lacks what it needs."""
    found = list(all_cases(spec))
    if LONG:
        return found
    needed = {parameter.name for parameter in spec.parameters if parameter.required}
    legal_one, _whole, *spoiled = found
    lacking = [given for given in spoiled if not needed <= given.keys()]
    fitting = [given for given in spoiled if needed <= given.keys()]
    return [legal_one, *fitting[:1], *lacking[:1]]


def all_cases(spec: CommandSpec) -> Iterator[Given]:
    """Legal calls, then each option with each illegal value, without each required one, and one too many."""
    least, whole = legal(spec, all_of_them=False), legal(spec, all_of_them=True)
    yield least
    yield whole
    for parameter in spec.parameters:
        for value in illegal(parameter):
            yield least | {parameter.name: value}
        if parameter.required:
            yield {name: value for name, value in whole.items() if name != parameter.name}
    yield least | {"nonsense": "x"}


def illegal(parameter: Parameter) -> Iterator[object]:
    yield from ILLEGAL[parameter.kind]
    if parameter.choices:
        yield "no such choice"


def complaint(command: Command, given: Given) -> str | None:
    """What is said about arguments that do not fit."""
    try:
        bind(command.arguments, given)
    except UserError as error:
        return str(error)
    return None


async def called(house: House, caller: Person, spec: CommandSpec, given: Given) -> str:
    call: Interaction = house.lab.slash(caller.user, house.general, spec.name, given, force=True)
    answer = await answered(house, call)
    assert call.state == "deferred", spec.name
    assert call.ack_ms is not None
    assert call.ack_ms < 2_000
    assert answer.ephemeral == spec.private, spec.name
    assert answer.asked_by == caller.id
    assert answer.text.strip(), f"{spec.name} {given}"
    return answer.text


async def refusals(app: App, house: House) -> Counter[str]:
    entries = await app.store.audit.recent("discord", house.server.id, 1000)
    return Counter(entry.detail for entry in entries if entry.verb == "refused")


@pytest.mark.drill
@pytest.mark.parametrize("name", ROLES)
async def test_every_call_is_answered_and_every_refusal_is_audited(house: House, name: str) -> None:
    caller = house.server.owner if name == "owner" else house.person("caller", name)
    expected, said = Counter[str](), dict[str, str]()
    gate = asyncio.Semaphore(AT_ONCE)
    async with house.living() as app:

        async def check(spec: CommandSpec, given: Given) -> None:
            async with gate:
                said[f"{spec.name} {given}"] = await called(house, caller, spec, given)

        for turn in range(3):
            async with asyncio.TaskGroup() as group:
                for spec in (each for each in COMMANDS.specs if TURNS.get(each.name, 1) == turn):
                    for given in cases(spec):
                        group.create_task(check(spec, given))
                        expected[spec.name] += ROLES[name] < spec.role
            if turn < 2:
                assert await refusals(app, house) == +expected
    for spec in COMMANDS.specs:
        command = COMMANDS.find(spec.path)
        for given in cases(spec):
            text, wrong = said[f"{spec.name} {given}"], complaint(command, given)
            if ROLES[name] < spec.role:
                assert text == reserved(command)
            elif wrong is not None:
                assert text == wrong
            else:
                assert text != reserved(command)
