"""`channel set archive` and `knowledge read`: a channel is told, its past is read, and what was kept goes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.commands.knowledge import read
from bot.core.actions import Action, Chunk, Post, Reply, Severity, Status
from bot.core.events import Author, Channel, Message, MessageRef
from bot.storage.cases import Case
from bot.storage.settlement import Settlement
from tests.commands.house import ALICE, BOB, CHANNEL, MODERATOR, THREAD, House, growing
from tests.messages import ROBOT, message


def posts(actions: Sequence[Action]) -> list[Post]:
    return [each for each in actions if isinstance(each, Post)]


def reply(actions: Sequence[Action]) -> Reply:
    (found,) = [each for each in actions if isinstance(each, Reply)]
    return found


async def archive(house: House, channel: Channel = CHANNEL) -> tuple[Action, ...]:
    return await house.do("channel set archive yes", MODERATOR, channel)


def talk(house: House, count: int, *, days_ago: float = 10, author: Author = ALICE) -> None:
    """Messages a minute apart that only the platform knows."""
    began = house.clock() - timedelta(days=days_ago)
    house.platform.past += [
        message(f"umbrella {n}", id=f"past{n}", author=author, at=began + timedelta(minutes=n))
        for n in range(count)
    ]


async def run(
    house: House, line: str = "knowledge read", *, stop_after: int | None = None, call: str = ""
) -> tuple[str, list[str]]:
    """The report of a reading, and its lines of progress; stopped after so many of these."""
    context = house.context(MODERATOR, call=call)
    outcome = await house.services.commands.run_line(context, line)
    if isinstance(outcome, tuple):
        return reply(outcome).text, []
    text, progress = "", list[str]()
    async for chunk in growing(outcome):
        text, progress = _taken(chunk, text, progress)
        if stop_after is not None and len(progress) == stop_after:
            house.services.running.stop(CHANNEL, MODERATOR.identity, moderator=True)
    return text, progress


def _taken(chunk: Chunk, text: str, progress: list[str]) -> tuple[str, list[str]]:
    return (text, [*progress, chunk.text]) if isinstance(chunk, Status) else (text + chunk, progress)


class TestChannelSetArchive:
    async def test_the_channel_is_told_once_what_is_kept_for_how_long_and_how_to_opt_out(
        self, house: House
    ) -> None:
        (told,) = posts(await archive(house))
        assert told.channel == CHANNEL
        for part in ("365 days", "encrypted", "/privacy optout", "/privacy forget", "may read this place"):
            assert part in told.text
        assert posts(await archive(house)) == []

    async def test_the_channel_is_told_in_its_language_whatever_the_moderator_speaks(
        self, house: House
    ) -> None:
        context = replace(house.context(MODERATOR), locale="zh-CN")
        outcome = await house.services.commands.run_line(context, "channel set archive yes")
        assert isinstance(outcome, tuple)
        assert "From now on I keep" in posts(outcome)[0].text
        assert "Here `archive`" not in reply(outcome).text

    async def test_said_in_a_thread_for_its_channel_both_are_told_and_all_of_it_is_read(
        self, house: House
    ) -> None:
        """A forum has no place of its own to write in."""
        actions = await house.do("channel set archive yes where=channel", MODERATOR, THREAD)
        assert [each.channel for each in posts(actions)] == [CHANNEL, THREAD]
        assert reply(actions).controls
        talk(house, 2)
        house.platform.past.append(replace(message("inside", channel=THREAD), at=house.clock()))
        context = house.context(MODERATOR, THREAD)
        outcome = growing(await house.services.commands.run_line(context, "knowledge read"))
        async for _chunk in outcome:
            pass
        assert await house.store.archive.count(CHANNEL) == 3

    async def test_the_moderator_is_offered_to_read_the_past_by_a_button(self, house: House) -> None:
        answer = reply(await archive(house))
        assert "Here `archive` is now `yes` (set for this channel)." in answer.text
        assert "/knowledge read" in answer.text
        (control,) = answer.controls
        assert control.command == ("knowledge", "read")

    async def test_after_a_kill_the_same_call_tells_the_channel_again(self, house: House) -> None:
        """The setting is durable before what follows from it is."""
        for _time in range(2):
            context = house.context(MODERATOR, call="the call")
            outcome = await house.services.commands.run_line(context, "channel set archive yes")
            assert isinstance(outcome, tuple)
            assert len(posts(outcome)) == 1

    @pytest.mark.parametrize(
        ("typed", "value"), [("on", "yes"), ("yes", "yes"), ("开", "yes"), ("off", "no"), ("no", "no")]
    )
    async def test_on_and_off_mean_yes_and_no(self, house: House, typed: str, value: str) -> None:
        await house.do(f"channel set archive {typed}", MODERATOR)
        assert house.store.policies.get(CHANNEL.key)["archive"] == value

    @pytest.mark.parametrize(
        ("place", "why"),
        [
            (replace(THREAD, encrypted=True), "encrypted room"),
            (replace(THREAD, hidden=True), "Only a few can read"),
            (replace(THREAD, private=True), "Only a few can read"),
        ],
    )
    async def test_where_few_read_or_it_is_encrypted_it_is_refused_with_the_reason(
        self, house: House, place: Channel, why: str
    ) -> None:
        actions = await archive(house, place)
        assert why in reply(actions).text
        assert posts(actions) == []
        assert house.store.policies.get(place.key) == {}

    async def test_it_is_not_set_for_all_channels_at_once_for_none_of_them_would_be_told(
        self, house: House
    ) -> None:
        text = await house.told("channel set archive yes where=community", MODERATOR)
        assert "Each channel is told" in text
        assert house.store.policies.get(CHANNEL.community_key) == {}

    async def test_no_removes_what_was_archived_here_and_nothing_else(self, house: House) -> None:
        other = replace(CHANNEL, id="other")
        for channel in (CHANNEL, other):
            await archive(house, channel)
            said = [message(f"m{n}", id=f"{n}", channel=channel, at=house.clock()) for n in range(30)]
            await house.store.settle(Settlement(archived=tuple(said)))
        await house.store.settle(Settlement(archived=(message("t", id="t", channel=THREAD),)))
        assert "31 archived messages are removed" in await house.told("channel set archive no", MODERATOR)
        assert await house.store.archive.count(CHANNEL) == 0
        assert await house.store.archive.count(other) == 30
        assert len(posts(await archive(house))) == 1

    async def test_members_cannot_archive(self, house: House) -> None:
        assert "is for moderators" in await house.told("channel set archive yes", ALICE)
        assert "is for moderators" in await house.told("knowledge read", ALICE)


class TestKnowledgeRead:
    async def test_it_needs_an_archived_place(self, house: House) -> None:
        text, _progress = await run(house)
        assert "not archived" in text
        assert "/channel set archive yes" in text

    async def test_it_keeps_what_members_said_and_nothing_else(self, house: House) -> None:
        await archive(house)
        house.platform.past = [
            message("too old", id="1", at=house.clock() - timedelta(days=91)),
            message("kept", id="2", at=house.clock() - timedelta(days=89)),
            message("!llmos help", id="3", at=house.clock() - timedelta(days=3)),
            message("what is it?", id="4", to_us=True, at=house.clock() - timedelta(days=3)),
            message("beep", id="5", author=ROBOT, at=house.clock() - timedelta(days=3)),
            message("of bob", id="6", author=BOB, at=house.clock() - timedelta(days=2)),
        ]
        await house.store.privacy.opt_out(BOB.identity)
        text, _progress = await run(house)
        assert "Of the last 90 days I read 5 messages, and archived 1 that I did not have." in text
        assert await house.store.archive.count(CHANNEL) == 1
        assert (await house.audited())[0] == ("knowledge read", f"{CHANNEL.key} 5 messages, 1 new")

    async def test_it_shows_how_far_it_is(self, house: House) -> None:
        await archive(house)
        talk(house, 350, days_ago=45)
        text, progress = await run(house)
        assert "I read 350 messages, and archived 350" in text
        assert "thread" not in text
        assert [each.partition("messages")[0] for each in progress[:3]] == [
            "Reading the past: 0 %, 0 ",
            "Reading the past: 50 %, 100 ",
            "Reading the past: 50 %, 200 ",
        ]

    async def test_it_reads_the_threads_of_the_channel_too_each_as_far_as_it_came(self, house: House) -> None:
        await archive(house)
        talk(house, 120)
        inside = [replace(each, ref=replace(each.ref, channel=THREAD)) for each in house.platform.past]
        house.platform.past += inside
        text, progress = await run(house, stop_after=3)
        assert "You stopped it" in text
        assert await house.store.archive.count(CHANNEL) == 220
        assert [each.split()[3] for each in progress] == ["0", "44", "94"]
        text, _progress = await run(house)
        assert "archived 20 that I did not have. 1 thread is among it." in text
        assert await house.store.archive.count(CHANNEL) == 240

    async def test_the_message_that_a_thread_hangs_on_is_counted_once(self, house: House) -> None:
        await archive(house)
        root = MessageRef(CHANNEL, THREAD.thread or "")
        house.platform.past = [
            replace(message("the root"), ref=root, at=house.clock()),
            replace(message("inside", channel=THREAD), at=house.clock()),
        ]
        text, _progress = await run(house)
        assert "I read 2 messages, and archived 2 that I did not have. 1 thread" in text

    async def test_a_thread_that_is_not_archived_is_left_out_and_ends_nothing(self, house: House) -> None:
        await archive(house)
        talk(house, 3)
        house.platform.past.append(replace(message("inside", channel=THREAD), at=house.clock()))
        await house.do("channel set archive no", MODERATOR, THREAD)
        text, _progress = await run(house)
        assert "I read 3 messages, and archived 3 that I did not have." in text
        assert "not archived" not in text
        assert "thread" not in text

    async def test_after_no_and_yes_again_all_of_it_is_read_anew(self, house: House) -> None:
        await archive(house)
        talk(house, 3)
        house.platform.past.append(replace(message("inside", channel=THREAD), at=house.clock()))
        await run(house)
        await house.do("channel set archive no", MODERATOR)
        await archive(house)
        text, _progress = await run(house)
        assert "archived 4 that I did not have" in text

    async def test_stopped_it_goes_on_where_it_ended_and_doubles_nothing(self, house: House) -> None:
        await archive(house)
        talk(house, 350)
        text, _progress = await run(house, stop_after=3)
        assert "You stopped it" in text
        assert await house.store.archive.count(CHANNEL) == 200
        text, _progress = await run(house)
        assert "archived 150 that I did not have" in text
        assert await house.store.archive.count(CHANNEL) == 350
        text, _progress = await run(house)
        assert "archived 0" in text

    async def test_what_is_known_already_is_not_doubled(self, house: House) -> None:
        await archive(house)
        talk(house, 3)
        await house.store.settle(Settlement(archived=tuple(house.platform.past[:2])))
        text, _progress = await run(house)
        assert "I read 3 messages, and archived 1 that" in text

    async def test_a_history_that_breaks_off_is_said_and_tried_again_from_there(self, house: House) -> None:
        await archive(house)
        talk(house, 250)
        house.platform.breaks_after = 230
        text, _progress = await run(house)
        assert "did not give me the rest" in text
        assert await house.store.archive.count(CHANNEL) == 200
        house.platform.breaks_after = None
        await run(house)
        assert await house.store.archive.count(CHANNEL) == 250

    async def test_one_call_reads_no_more_than_its_share(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(read, "MOST", 200)
        await archive(house)
        talk(house, 250)
        text, _progress = await run(house)
        assert "That was enough for once" in text
        text, _progress = await run(house)
        assert "archived 50 that" in text
        assert await house.store.archive.count(CHANNEL) == 250

    async def test_what_moderation_took_or_queued_stays_out_unless_it_may_stay(self, house: House) -> None:
        await archive(house)
        talk(house, 4)
        held, kept, tried, _free = house.platform.past
        await house.store.settle(
            Settlement(
                cases=(
                    case(held, 1, Severity.QUEUE, house.clock()),
                    replace(case(kept, 2, Severity.HIDE, house.clock()), state="kept"),
                    replace(case(tried, 3, Severity.DELETE, house.clock()), shadow=True),
                )
            )
        )
        text, _progress = await run(house)
        assert "I read 4 messages, and archived 3" in text

    async def test_what_changes_while_it_is_read_is_archived_as_it_is_then(self, house: House) -> None:
        await archive(house)
        talk(house, 3)
        gone, changed, _other = house.platform.past
        outcome = growing(await house.services.commands.run_line(house.context(MODERATOR), "knowledge read"))
        assert isinstance(await anext(outcome), Status)
        await house.store.settle(Settlement(removed=(gone.ref,), edited=((changed.ref, "a parasol"),)))
        async for _chunk in outcome:
            pass
        await house.store.archive.arrange()
        (run_,) = await house.store.archive.changed(9)
        assert [each.text for each in run_.messages] == ["a parasol", "umbrella 2"]

    async def test_it_ends_when_the_place_is_not_archived_any_more(self, house: House) -> None:
        await archive(house)
        talk(house, 250)
        outcome = growing(await house.services.commands.run_line(house.context(MODERATOR), "knowledge read"))
        for _line in range(2):
            assert isinstance(await anext(outcome), Status)
        assert "100 archived messages are removed" in await house.told("channel set archive no", MODERATOR)
        rest = "".join([chunk async for chunk in outcome if isinstance(chunk, str)])
        assert "not archived any more" in rest
        assert await house.store.archive.count(CHANNEL) == 0


def case(about: Message, number: int, severity: Severity, at: datetime) -> Case:
    """A case about a message, on which a rule acted."""
    return Case(
        number=number,
        community=CHANNEL.community_key,
        message=about.ref,
        author=about.author,
        text=about.text,
        rule="rude",
        version=1,
        severity=severity,
        shadow=False,
        at=at,
    )
