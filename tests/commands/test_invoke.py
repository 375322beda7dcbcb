"""One place finds commands, checks rights and turns what they return into actions."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.commands.command import Commands, Context, Outcome
from bot.commands.definition import command
from bot.core.actions import Chunk, Post, Reply
from bot.core.errors import ConfigError, StorageError, UserError
from bot.core.permissions import Role
from tests.commands.house import ALICE, CHANNEL, MODERATOR, House, growing


@command("say")
async def say(context: Context, n: int = 1) -> str:
    """Say something."""
    return f"said {n}"


@command("whisper", private=True)
async def whisper(context: Context) -> str:
    """Say something to one person."""
    return "psst"


@command("post", role=Role.MODERATOR)
async def post(context: Context) -> tuple[Post, ...]:
    """Post something."""
    return (Post(CHANNEL, "news"),)


@command("rule", role=Role.ADMIN)
async def rule(context: Context) -> str:
    """Be an administrator."""
    return "done"


@command("stream")
async def stream(context: Context) -> AsyncIterator[Chunk]:
    """Say something slowly."""

    async def words() -> AsyncIterator[Chunk]:
        yield "slow"

    return words()


@command("fail user")
async def fail_user(context: Context) -> str:
    """Fail as a member can mend."""
    raise UserError("Try it with a hat.")


@command("fail disk")
async def fail_disk(context: Context) -> str:
    """Fail as an operator can mend."""
    raise StorageError("The disk is full.")


OURS = Commands([say, whisper, post, rule, stream, fail_user, fail_disk])


async def ran(house: House, line: str, caller: object = ALICE) -> Outcome:
    context = house.context(MODERATOR if caller is MODERATOR else ALICE)
    return await OURS.run_line(replace(context, services=replace(house.services, commands=OURS)), line)


async def test_a_text_becomes_a_reply_to_the_caller_marked_as_a_notice(house: House) -> None:
    (reply,) = await told(house, "say 3")
    assert (reply.text, reply.private, reply.notice, reply.author) == ("said 3", False, True, ALICE)
    (reply,) = await told(house, "whisper")
    assert reply.private


async def told(house: House, line: str, caller: object = ALICE) -> tuple[Reply, ...]:
    outcome = await ran(house, line, caller)
    assert isinstance(outcome, tuple)
    replies = tuple(each for each in outcome if isinstance(each, Reply))
    assert len(replies) == len(outcome)
    return replies


async def test_actions_and_streams_pass_through(house: House) -> None:
    assert await ran(house, "post", MODERATOR) == (Post(CHANNEL, "news"),)
    chunks = await ran(house, "stream")
    assert [chunk async for chunk in growing(chunks)] == ["slow"]


async def test_who_may_not_is_told_so_and_it_is_recorded(house: House) -> None:
    (reply,) = await told(house, "post")
    assert reply.text == "`post` is for moderators. Ask one of them to do it."
    (reply,) = await told(house, "rule", MODERATOR)
    assert reply.text == "`rule` is for administrators. Ask one of them to do it."
    assert await house.audited() == [("refused", "rule"), ("refused", "post")]


async def test_rights_are_asked_at_every_call_and_only_where_they_matter(house: House) -> None:
    await ran(house, "say")
    assert house.platform.asked == 0
    await ran(house, "post", MODERATOR)
    house.platform.roles.clear()
    (reply,) = await told(house, "post", MODERATOR)
    assert "for moderators" in reply.text
    assert house.platform.asked == 2


async def test_a_platform_that_does_not_tell_rights_gives_none(house: House) -> None:
    house.platform.broken = True
    (reply,) = await told(house, "post", MODERATOR)
    assert "could not find out what you may do" in reply.text


async def test_what_a_member_can_mend_is_a_reply_and_the_rest_is_raised(house: House) -> None:
    (reply,) = await told(house, "fail user")
    assert reply.text == "Try it with a hat."
    (reply,) = await told(house, "say x")
    assert "`n` cannot be “x”" in reply.text
    (reply,) = await told(house, "sya")
    assert "Did you mean `/say`?" in reply.text
    with pytest.raises(StorageError):
        await ran(house, "fail disk")


async def test_typed_calls_are_checked_like_typed_lines(house: House) -> None:
    good = await OURS.invoke(house.context(), ("say",), {"n": 2})
    bad = await OURS.invoke(house.context(), ("say",), {"n": "many"})
    unknown = await OURS.invoke(house.context(), ("sing",), {})
    texts = [
        each[0].text
        for each in (good, bad, unknown)
        if isinstance(each, tuple) and isinstance(each[0], Reply)
    ]
    assert texts[0] == "said 2"
    assert "a whole number" in texts[1]
    assert "no command `sing`" in texts[2]


def test_two_commands_of_one_name_are_refused_at_the_start() -> None:
    @command("say")
    async def other(context: Context) -> str:
        """Say something else."""
        return ""

    @command("say loudly")
    async def loudly(context: Context) -> str:
        """Say something louder."""
        return ""

    for twin in (other, loudly):
        with pytest.raises(ConfigError, match="'say'"):
            Commands([say, twin])


def test_our_own_commands_are_found_by_package_scan() -> None:
    names = [each.name for each in Commands.discover().all]
    assert names == sorted(names)
    assert {"ask", "help", "stop", "why", "report", "privacy show", "channel set", "admin status"} <= set(
        names
    )
