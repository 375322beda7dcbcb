"""`summarize` tells what members said where the caller may read, links each line, and keeps nothing of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from bot.commands import past, summarize
from bot.commands.command import Context, OwnWords, Whispered
from bot.conversation.running import Handle
from bot.core.actions import Reply, Status
from bot.core.errors import PlatformError
from bot.core.events import Author, Channel, Message
from bot.core.text import set_locale
from bot.llm.echo import EchoModel
from bot.llm.model import Capabilities
from tests.commands.house import ALICE, BOB, CHANNEL, THREAD, House, Platform, growing
from tests.messages import ROBOT, message

CLEO = Author("memory", "cleo", "Cleo")
PARTY = (
    (ALICE, "When do we meet for the release party?"),
    (BOB, "We decided: on Friday at seven, in the harbor cafe."),
    (ALICE, "Where is the harbor cafe, by the old bridge?"),
)


@dataclass
class Failing(Platform):
    """A platform whose history ends with an error after so many messages."""

    after: int = 0

    async def history(self, channel: Channel, since: datetime) -> AsyncIterator[Message]:
        for said in self.past[: self.after]:
            yield said
        raise PlatformError("no history")


@pytest.fixture
def house(house: House) -> House:
    """With a model too small to summarize."""
    tiny = EchoModel(name="tiny", capabilities=Capabilities(chat=False, can_answer=False))
    house.services = replace(house.services, model=tiny)
    return house


def say(house: House, author: Author, text: str, channel: Channel = CHANNEL, **more: object) -> Message:
    """Something stands in the history of a place; a minute passes."""
    said = message(text, id=f"m{len(house.platform.past)}", author=author, channel=channel, at=house.clock())
    said = replace(said, **more)  # type: ignore[arg-type]
    house.platform.past.append(said)
    house.clock.later(minutes=1)
    return said


def party(house: House, channel: Channel = CHANNEL) -> None:
    for author, text in PARTY:
        say(house, author, text, channel)


async def said(house: House, line: str = "summarize", context: Context | None = None) -> str:
    """The text of a summary that grows in the place it is about."""
    outcome = await house.services.commands.run_line(context or house.context(CLEO), line)
    assert isinstance(outcome, OwnWords)
    return "".join([chunk async for chunk in growing(outcome) if not isinstance(chunk, Status)])


async def whispered(house: House, line: str) -> str:
    """The text of a summary that the caller alone may read."""
    outcome = await house.services.commands.run_line(house.context(CLEO), line)
    assert isinstance(outcome, Whispered)
    return "".join([chunk async for chunk in growing(outcome) if not isinstance(chunk, Status)])


async def answered(house: House, line: str, context: Context | None = None) -> Reply:
    """A finished answer."""
    outcome = await house.services.commands.run_line(context or house.context(CLEO), line)
    assert isinstance(outcome, tuple)
    (reply,) = outcome
    assert isinstance(reply, Reply)
    return reply


async def test_each_line_says_who_said_what_and_where_in_the_order_of_time(house: House) -> None:
    party(house)
    assert (await said(house)).splitlines() == [
        "What was said since 2026-01-04 12:03 UTC, from 3 messages:",
        "• Alice: “When do we meet for the release party?” https://chat.example/memory/home/general/m0",
        "• Bob: “We decided: on Friday at seven, in the harbor cafe.” "
        "https://chat.example/memory/home/general/m1",
        "• Alice: “Where is the harbor cafe, by the old bridge?” https://chat.example/memory/home/general/m2",
    ]


async def test_where_there_are_no_links_the_time_stands_instead(house: House) -> None:
    house.platform.has_links = False
    party(house)
    assert "party?” (12:00 UTC)" in await said(house)


async def test_only_what_was_said_since_counts(house: House) -> None:
    party(house)
    assert "from 1 message:" in await said(house, "summarize 90s")
    assert "from 3 messages:" in await said(house, "summarize 1 hour")
    house.clock.later(days=2)
    assert "Members have said nothing there since 2026-01-06 12:03 UTC" in await said(house)
    assert "from 3 messages:" in await said(house, "summarize 2026-01-05")


async def test_a_thread_is_told_from_its_beginning(house: House) -> None:
    house.platform.open = ((THREAD, "Party"),)
    party(house, THREAD)
    house.clock.later(days=100)
    text = await said(house, context=house.context(CLEO, THREAD))
    assert text.startswith("What was said here, from 3 messages:")
    empty = replace(THREAD, thread="t2")
    house.platform.open = ((empty, "Nothing"),)
    assert "said nothing here yet" in await said(house, context=house.context(CLEO, empty))


async def test_programs_commands_and_what_moderation_removed_do_not_count(house: House) -> None:
    say(house, ROBOT, "The build of the release party page has failed again.")
    say(house, ALICE, "A bridge to another network says this about the party.", notice=True)
    say(house, ALICE, "/ask when is the release party in the harbor?")
    say(house, ALICE, "please summarize the release party for me")
    await house.heard("please summarize", "command", id="m3")
    say(house, ALICE, "You are all release party fools, every single one.")
    await house.heard("You are all fools", "moderated:insults", id="m4")
    assert "said nothing there since" in await said(house)


async def test_where_no_words_are_shown_that_is_said(house: House) -> None:
    say(house, ALICE, "")
    say(house, ALICE, "😀")
    say(house, ROBOT, "")
    assert (await said(house)).startswith("Of 2 messages there I was shown no words")


async def test_who_opted_out_or_was_forgotten_is_not_quoted(house: House) -> None:
    party(house)
    await house.store.privacy.opt_out(BOB.identity)
    text = await said(house)
    assert "from 2 messages:" in text
    assert "Bob" not in text
    await house.store.privacy.forget(ALICE.identity)
    assert "said nothing there since" in await said(house)
    house.clock.later(minutes=1)
    say(house, ALICE, "And now I say something about the harbor again.")
    assert "from 1 message:" in await said(house)


async def test_quotes_call_nobody_and_hide_no_link(house: House) -> None:
    eve = Author("memory", "eve", "@everyone **Eve**\n> boss")
    say(house, ALICE, "The harbor opens at nine in the morning.")
    say(house, eve, "Did @here see <@alice> or <@99>? [Read this](https://evil.example) `now")
    text = await said(house)
    line = text.splitlines()[2]
    assert "@everyone" not in text
    assert "@here" not in text
    assert "](" not in text
    assert line.startswith("• @\u200beveryone")
    assert len(text.splitlines()) == 3


async def test_names_stand_for_mentions(house: House) -> None:
    ann = Author("memory", "123", "Ann")
    say(house, ann, "The harbor opens at nine in the morning.")
    say(house, BOB, "Will <@123> or <@!456> decide about the harbor?")
    assert "“Will @Ann or @… decide about the harbor?”" in await said(house)


async def test_a_long_sentence_is_shortened(house: House) -> None:
    say(house, ALICE, "The harbor " + "really " * 100 + "opens at nine.")
    (_heading, line) = (await said(house)).splitlines()
    assert len(line) < past.QUOTE_CHARS + 100
    assert "…”" in line


async def test_nobody_reads_here_what_they_may_not_read(house: House) -> None:
    party(house)
    house.platform.shut_out.add(CLEO.id)
    refused = await answered(house, "summarize")
    assert refused.private
    assert refused.text == "You may not read this place, so I do not summarize it for you."
    house.platform.broken = True
    assert "Try again in a minute" in (await answered(house, "summarize")).text


async def test_alone_with_the_bot_no_rights_are_asked(house: House) -> None:
    alone = Channel("memory", "home", "dm", private=True)
    house.platform.shut_out.add(CLEO.id)
    say(house, CLEO, "I would like to remember the harbor opening at nine.", alone)
    assert "from 1 message:" in await said(house, context=house.context(CLEO, alone))


@pytest.mark.parametrize(
    "named",
    [
        "t1",
        "Party plans · t1",
        "https://chat.example/memory/home/general/t1/m0",
        "<https://chat.example/x#/t1>",
    ],
)
async def test_another_thread_is_told_to_the_caller_alone(house: House, named: str) -> None:
    house.platform.open = ((THREAD, "Party plans"),)
    party(house, THREAD)
    text = await whispered(house, f"summarize {named}")
    assert "from 3 messages:" in text
    assert "general/t1/m1" in text
    assert len(house.services.running) == 0


@pytest.mark.parametrize(
    "named", ["nowhere", "<#1>", "https://chat.example/a/b", "https://[", "x" * 3000, "a\x00b"]
)
async def test_a_place_that_nobody_knows_is_like_one_that_one_may_not_read(house: House, named: str) -> None:
    party(house, THREAD)
    for_nobody = (await answered(house, f"summarize thread={named}")).text
    assert for_nobody.startswith("I know no thread or channel")
    house.platform.open = ((THREAD, "Secret"),)
    house.platform.shut_out.add(CLEO.id)
    closed = (await answered(house, "summarize t1")).text
    assert closed.startswith("I know no thread or channel “t1”")


@pytest.mark.parametrize("since", ["2026-02-30", "2999-01-01", "0m"])
async def test_a_time_that_has_not_been_is_refused(house: House, since: str) -> None:
    assert f"“{since}” is no time that has been" in (await answered(house, f"summarize {since}")).text


async def test_threads_are_suggested_by_their_titles(house: House) -> None:
    house.platform.open = ((THREAD, "Party\nplans " + "x" * 200), (replace(THREAD, thread="t2"), "Kernel"))
    spec = next(each for each in house.services.commands.offered(house.services) if each.name == "summarize")
    complete = next(each.complete for each in spec.parameters if each.name == "thread")
    assert complete is not None
    assert await complete("ker", CLEO, CHANNEL) == ["Kernel · t2"]
    everything = await complete("", CLEO, CHANNEL)
    assert all(len(each) <= 100 and each.isprintable() for each in everything)
    party(house, THREAD)
    assert "from 3 messages:" in await whispered(house, f"summarize {everything[0]}")


async def test_reading_tells_how_far_it_is_and_can_be_stopped(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "TOLD_EVERY", 2)
    party(house)
    begun: list[Handle] = []
    context = replace(house.context(CLEO), begin=lambda ref, who: _begin(house, begun, ref, who))
    outcome = await house.services.commands.run_line(context, "summarize")
    seen: list[str] = []
    async for chunk in growing(outcome):
        seen.append(chunk.text if isinstance(chunk, Status) else chunk)
        if len(seen) == 2:
            assert house.services.running.stop(CHANNEL, CLEO.identity, moderator=False) == tuple(begun)
    assert seen == [
        "Reading what was said: 0 messages so far. `stop` ends it.",
        "Reading what was said: 2 messages so far. `stop` ends it.",
        "You stopped me while I was reading, so I say nothing about half of it.",
    ]


def _begin(house: House, begun: list[Handle], ref: object, who: Author) -> Handle:
    begun.append(house.services.running.begin(ref, who.identity))  # type: ignore[arg-type]
    return begun[-1]


async def test_the_text_of_a_summary_is_not_kept(house: House) -> None:
    party(house)
    begun: list[Handle] = []
    context = replace(house.context(CLEO), begin=lambda ref, who: _begin(house, begun, ref, who))
    assert "harbor" in await said(house, context=context)
    assert (begun[0].keeps, begun[0].outcome) == (False, "command")


async def test_too_much_is_cut_and_said(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summarize, "MOST_MESSAGES", 2)
    party(house)
    text = await said(house)
    assert "from 2 messages:" in text
    assert text.endswith("I read the first 2 messages only; say a later time to read the newer ones.")


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (0, "I was not given the history of that place: I may lack the permission. Try again later."),
        (2, "I was not given the history to its end."),
    ],
)
async def test_a_history_that_fails_is_told(house: House, after: int, says: str) -> None:
    party(house)
    failing = Failing(past=house.platform.past, after=after)
    house.services = replace(house.services, directory=failing)
    text = await said(house)
    assert text.splitlines()[-1] == says
    assert ("from 2 messages:" in text) == (after == 2)


async def test_a_chinese_caller_reads_chinese(house: House) -> None:
    say(house, ALICE, "我们决定星期五七点在港口咖啡馆见面。")
    text = await said(house, context=replace(house.context(CLEO), locale="zh-CN"))
    assert "消息" in text.splitlines()[0]
    assert "我们决定星期五七点在港口咖啡馆见面。" in text
    set_locale("en")


async def test_many_messages_give_few_lines(house: House) -> None:
    words = ("harbor", "ferry", "bridge", "kernel", "party", "cafe", "market", "train", "island", "storm")
    for n in range(300):
        one, two, three = words[n % 10], words[n // 10 % 10], words[n * 7 % 10]
        say(
            house,
            (ALICE, BOB)[n % 2],
            f"The {one} and the {two} number {n} belong to the {three} of {n * 3}.",
        )
    text = await said(house, "summarize 1d")
    assert 2 <= len(text.splitlines()) <= summarize.MOST_LINES + 1
    assert house.clock() - house.platform.past[0].at > timedelta(hours=4)
