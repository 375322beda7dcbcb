"""Every command that is not for everybody: refused and recorded, whoever tries it from wherever."""

import pytest

from bot.commands.command import Command, Commands
from bot.core.actions import Reply
from bot.core.events import Channel
from bot.core.permissions import Role
from bot.core.specs import Kind, Parameter
from bot.storage.rulebooks import Rulebook
from tests.commands.house import ALICE, CHANNEL, MODERATOR, House

RESERVED = [each for each in Commands.discover().all if each.spec.role > Role.MEMBER]
ABROAD = Channel("memory", "abroad", "general")

EVERY = pytest.mark.parametrize("command", RESERVED, ids=lambda command: command.name)


def value(parameter: Parameter) -> object:
    if parameter.choices:
        return parameter.choices[0]
    return "@bob" if parameter.kind is Kind.STRING else 1


async def refused(house: House, command: Command, channel: Channel = CHANNEL) -> None:
    """The call leads to a refusal and an entry in the log, and to nothing else."""
    arguments = {each.name: value(each) for each in command.spec.parameters}
    caller = MODERATOR if channel == ABROAD or command.spec.role is Role.ADMIN else ALICE
    context = house.context(caller, channel)
    outcome = await house.services.commands.invoke(context, command.spec.path, arguments)
    assert isinstance(outcome, tuple)
    (reply,) = outcome
    assert isinstance(reply, Reply)
    assert reply.private
    assert "is for moderators" in reply.text or "is for administrators" in reply.text
    (entry,) = await house.store.audit.recent("memory", channel.community, 10)
    assert (entry.verb, entry.detail) == ("refused", command.name)
    assert entry.actor == house.store.seal.pseudonym(caller.identity)


@EVERY
async def test_who_has_no_such_role_is_refused(house: House, command: Command) -> None:
    await refused(house, command)


@EVERY
async def test_who_moderates_another_community_is_refused(house: House, command: Command) -> None:
    house.platform.elsewhere["abroad", MODERATOR.id] = Role.MEMBER
    await refused(house, command, ABROAD)


@EVERY
async def test_who_only_reads_where_the_cards_are_is_refused(house: House, command: Command) -> None:
    await house.store.rulebooks.save(Rulebook("memory/home", log=ABROAD), "mia")
    house.platform.roles.clear()
    await refused(house, command, ABROAD)


async def test_nothing_is_suggested_for_a_command_to_who_may_not_call_it(house: House) -> None:
    offered = {spec.path: spec for spec in house.services.commands.offered(house.services)}
    (complete,) = (each.complete for each in offered["channel", "set"].parameters if each.complete)
    assert "never" in await complete("", MODERATOR, CHANNEL)
    assert await complete("", ALICE, CHANNEL) == ()
    house.platform.broken = True
    assert await complete("", MODERATOR, CHANNEL) == ()
