"""What is said while the bot is away, or while its connection is down, is answered once."""

import asyncio
from collections.abc import Callable
from functools import partial

from bot.core.events import Message
from tests.adapters.discord.house import House


async def begun(house: House) -> None:
    """The bot was here once, in the channel and with somebody alone, and wrote down that it answered."""
    async with house.living() as app:
        house.anna.ask(house.general, "first")
        house.anna.whisper("first")
        await house.stands(house.general, "first")
        await house.whispered(house.anna, "first")
        async with asyncio.timeout(20):
            while await app.store.outbox.unfinished("discord"):  # noqa: ASYNC110 - a database tells nobody
                await asyncio.sleep(0.01)


async def test_nothing_from_before_the_first_start_is_answered(house: House) -> None:
    house.anna.ask(house.general, "before")
    house.anna.whisper("before")
    async with house.living():
        house.anna.ask(house.general, "after")
        house.anna.whisper("after")
        await house.stands(house.general, "after")
        await house.whispered(house.anna, "after")


async def test_what_was_asked_while_the_bot_was_away_is_answered_once(house: House) -> None:
    await begun(house)
    thread = house.anna.open_thread(house.general, "boats")
    post = await house.anna.post(house.server.forum("questions"), "Sky", f"<@{house.us}> post")
    new = house.server.channel("new")
    questions = [f"away {number}" for number in range(6)]
    for text in questions:
        house.anna.ask(house.general, text)
    house.anna.ask(thread, "in a thread")
    house.anna.ask(new, "in a new channel")
    house.anna.whisper("alone")
    for _start in range(2):
        async with house.living():
            await house.stands(house.general, "first", *questions)
            await house.stands(thread, "in a thread")
            await house.stands(post, "post")
            await house.stands(new, "in a new channel")
            await house.whispered(house.anna, "first", "alone")
    async with house.living():
        await house.quiet(house.general)
    assert sorted(house.said(house.general)) == sorted(["first", *questions, "are you there"])


async def test_a_gap_of_hundreds_of_messages_is_read_to_its_end_and_in_order(house: House) -> None:
    house.message_content = True
    async with house.hearing() as heard:
        house.anna.say(house.general, "0")
        await house.lab.until(lambda: heard.events)
    for number in range(1, 251):
        house.anna.say(house.general, str(number))
    async with house.hearing(known=heard.cursors) as heard:
        await house.lab.until(lambda: len(heard.events) >= 250)
        house.anna.say(house.general, "251")
        await house.lab.until(lambda: len(heard.events) >= 251)
    assert [each.text for each in heard.events if isinstance(each, Message)] == [
        str(n) for n in range(1, 252)
    ]
    async with house.hearing(known=heard.cursors) as heard:
        house.anna.say(house.general, "252")
        await house.lab.until(lambda: heard.events)
    assert [each.text for each in heard.events if isinstance(each, Message)] == ["252"]


async def test_what_is_asked_while_the_socket_is_down_comes_with_the_resumption(house: House) -> None:
    async with house.living():
        await house.quiet(house.general)
        cuts: list[Callable[[], None]] = [
            house.lab.drop,
            partial(house.lab.drop, 4000),
            house.lab.request_reconnect,
        ]
        for cut in cuts:
            resumed = len(house.lab.gateway_events("RESUME"))
            cut()
            text = f"cut {resumed}"
            house.anna.ask(house.general, text)
            house.anna.whisper(text)
            for place in (house.general, house.anna.private):
                await house.lab.until(lambda: text in house.said(place))  # noqa: B023
    assert len(house.lab.gateway_events("RESUME")) == 3
    assert house.said(house.general) == ["are you there", "cut 0", "cut 1", "cut 2"]
    assert house.said(house.anna.private) == ["cut 0", "cut 1", "cut 2"]


async def test_what_is_asked_between_two_sessions_is_answered(house: House) -> None:
    await begun(house)
    async with house.living():
        await house.quiet(house.general)
        before = house.lab.identifies
        house.lab.invalidate()
        house.anna.ask(house.general, "between")
        house.anna.whisper("between")
        new = house.server.channel("new")
        house.anna.ask(new, "in a new channel")
        await house.lab.until(lambda: house.lab.identifies > before)
        house.anna.ask(house.general, "after")
        await house.stands(house.general, "first", "are you there", "between", "after")
        await house.whispered(house.anna, "first", "between")
        await house.stands(new, "in a new channel")


async def test_a_history_that_cannot_be_read_now_holds_up_no_other_channel(house: House) -> None:
    other = house.server.channel("other")
    async with house.living():
        for place in (house.general, other):
            house.anna.ask(place, "first")
            await house.stands(place, "first")
    house.anna.ask(house.general, "away")
    house.anna.ask(other, "away")
    house.lab.fault(r"GET /channels/\{channel_id\}/messages$", status=503, count=2)
    async with house.living():
        third = house.server.channel("third")
        house.anna.ask(third, "here")
        await house.stands(third, "here")
        assert {*house.said(house.general), *house.said(other)} == {"first"}
        house.anna.ask(house.general, "later")
        await house.stands(house.general, "first", "away", "later")
        await house.stands(other, "first", "away")
    assert sorted(house.said(house.general)) == ["away", "first", "later"]


async def test_a_channel_whose_history_is_closed_to_us_is_passed_over(house: House) -> None:
    secret = house.server.channel("secret")
    await begun(house)
    house.anna.ask(secret, "away")
    house.anna.ask(house.general, "away")
    bit = str(1 << 16)  # Read Message History
    house.lab.set_overwrites(secret, [{"id": house.server.id, "type": 0, "allow": "0", "deny": bit}])
    role = house.lab.bot_role(house.server.guild)
    house.lab.set_permissions(house.server.guild, role, int(role["permissions"]) & ~int(bit))
    async with house.living():
        await house.stands(house.general, "first", "away")
        house.anna.ask(secret, "now")
        await house.stands(secret, "now")
