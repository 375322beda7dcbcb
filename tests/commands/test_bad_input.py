"""Whatever a member sends, every command answers it, and what it answers can be sent."""

import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.command import Commands
from bot.commands.conversion import bind
from bot.core.actions import Alert, Reply
from bot.core.errors import UsageError
from bot.core.events import Author
from tests.commands.house import CHANNEL, House, growing

COMMANDS = Commands.discover()

LARGE = 1_000_000 if os.environ.get("LLMOS_DRILLS") == "long" else 100_000
"""More than any platform lets through (Matrix: 65,536 bytes in an event); in drills, a line of a console."""

NASTY = {
    "large": "x" * LARGE,
    "large, of words": "ab " * (LARGE // 3),
    "large, of quotes": "'a \"b " * (LARGE // 6),
    "large, of an id": "$" + "x" * LARGE,
    "large, of a link": "https://chat.example/" + "x/" * (LARGE // 2),
    "NUL": "\0 a\0b",
    "lone surrogates": "\ud800 \udfff\ud800",
    "bidi": "\u202eabc\u2066 \u200f",
    "unbalanced quote": "\"never closed 'nor this",
    "zero width": "\u200b\u200d\ufeff",
    "backticks": "`````` ``` `",
    "option": "message=\ud800 reason=\0 value= name=`",
    "surrogate in an id": "$\ud800\0",
    "link to nowhere": "https://[::1 https://%00%ff/ x://y",
    "percent": "https://chat.example/%00%ED%A0%80#%E2%80%AE",
    "format": "{name} {0} %s {n!r:>99999999}",
    "numbers": "9" * 5000 + " ٣ ² 1e999 nan -0 0x10",
}

EVERYBODY = Author("memory", "\u202emia\0\ud800@everyone", "\u202eMia\0\ud800 @everyone `")


@pytest.mark.drill
@pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY.keys())
async def test_every_command_answers_anything_with_something_that_can_be_sent(
    house: House, nasty: str
) -> None:
    house.platform.roles[EVERYBODY.id] = max(house.platform.roles.values())
    await house.heard("x", "answered", id="1", author=EVERYBODY)
    for command in COMMANDS.all:
        for between in (" ", "", " set member "):
            line = f"{command.name}{between}{nasty}"
            context = replace(house.context(target="1"), caller=EVERYBODY)
            outcome = await house.services.commands.run_line(context, line)
            if not isinstance(outcome, tuple):
                assert [chunk async for chunk in growing(outcome)]
                continue
            texts = [each.text for each in outcome if isinstance(each, Reply | Alert)]
            assert texts
            for text in texts:
                text.encode()
                assert len(text) < 10_000
                assert "\u202e" not in text
                assert "\0" not in text


@pytest.mark.drill
@pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY.keys())
async def test_a_platforms_form_may_hold_anything_too(house: House, nasty: str) -> None:
    for command in COMMANDS.all:
        for parameter in command.spec.parameters:
            outcome = await house.services.commands.invoke(
                house.context(target="1"), command.spec.path, {parameter.name: nasty}
            )
            if not isinstance(outcome, tuple):
                assert [chunk async for chunk in growing(outcome)]
                continue
            texts = [each.text for each in outcome if isinstance(each, Reply | Alert)]
            assert texts
            assert all(len(text.encode()) < 10_000 for text in texts)
    for path in ((), ("",), (nasty,), (nasty, nasty), ("privacy", nasty), ("ask", nasty, nasty)):
        outcome = await house.services.commands.invoke(house.context(), path, {nasty: nasty})
        assert isinstance(outcome, tuple)
        assert isinstance(outcome[0], Reply)
        assert len(outcome[0].text.encode()) < 1000


@pytest.mark.drill
async def test_a_refused_line_changes_and_stores_nothing(house: House) -> None:
    for nasty in NASTY.values():
        await house.do(f"channel set answer {nasty}", CHANNEL_KEEPER)
    assert house.store.policies.get(CHANNEL.key) == {}
    assert await house.audited() == []


CHANNEL_KEEPER = Author("memory", "mia", "Mia")

words = st.sampled_from(
    [*(command.name for command in COMMANDS.all), "set", "member", "yes", "5", "answer", "where=here"]
)
lines = st.lists(st.one_of(words, st.text(max_size=12)), max_size=6).map(" ".join)


@given(lines)
def test_any_line_is_a_complete_call_or_a_complaint_that_can_be_sent(line: str) -> None:
    try:
        call = COMMANDS.parse(line, "!llmos ")
        bound = bind(call.command.arguments, call.arguments)
    except UsageError as error:
        complaint = str(error)
        complaint.encode()
        assert 0 < len(complaint) < 1000
    else:
        assert set(bound) == {parameter.name for parameter in call.command.spec.parameters}
