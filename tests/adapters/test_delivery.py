"""An answer reaches its reader whole, once, and always ends, whatever the model and the platform do."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.delivery import Delivery, Sent, part_key
from bot.adapters.memory import MemoryAdapter, World
from bot.adapters.pacing import EditBudget, FixedWindow, Window
from bot.core.actions import Chunk, Receipt, Reply, Status, StreamedReply
from bot.core.below import NOTHING, Below, Entry
from bot.core.controls import Control
from bot.core.errors import Forbidden, Gone, PlatformError, RateLimited
from bot.core.events import Channel, MessageRef
from tests.adapters.test_splitting import is_balanced
from tests.adapters.virtual_time import now, run


class Town:
    """A world with a question in it, and an adapter with tight limits."""

    def __init__(self, edits: int = 5, seconds: float = 5, message_limit: int = 2000) -> None:
        self.world = World()
        self.place: Channel = self.world.channel()
        self.question = self.world.say(self.world.member("ann"), self.place, "@llmos why?")
        self.adapter = MemoryAdapter(
            self.world, limit=lambda: Window(edits, seconds), message_limit=message_limit
        )

    @property
    def shown(self) -> list[str]:
        return self.world.answers(self.place)

    async def stream(
        self, chunks: AsyncIterator[Chunk], key: str = "k", resume: Receipt | None = None
    ) -> Receipt:
        self.receipts: list[Receipt] = []

        async def report(receipt: Receipt) -> None:
            self.receipts.append(receipt)

        action = StreamedReply(self.question.ref, self.question.author, chunks)
        return await self.adapter.perform(action, key, resume, report)

    async def reply(self, text: str, key: str = "k", resume: Receipt | None = None) -> Receipt:
        return await self.adapter.perform(Reply(self.question.ref, self.question.author, text), key, resume)


async def written(text: str, seconds: float, *, pause_s: float = 0.0) -> AsyncIterator[Chunk]:
    """A model that takes `pause_s` to begin and `seconds` to write, character by character."""
    await asyncio.sleep(pause_s)
    for character in text:
        await asyncio.sleep(seconds / len(text))
        yield character


async def scripted(*script: Chunk | float | BaseException) -> AsyncIterator[Chunk]:
    """Chunks; numbers are pauses in seconds, exceptions are raised."""
    for step in script:
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, float):
            await asyncio.sleep(step)
        else:
            yield step


def test_an_answer_that_begins_late_has_a_placeholder_and_status_before_its_text() -> None:
    town = Town()

    async def scenario() -> None:
        await town.stream(scripted(1.0, Status("2 before you"), 5.0, "Because", 5.0, " so.", 5.0))

    run(scenario())
    (message,) = [p for p in town.world.messages.values() if p.message.author == town.world.bot]
    assert message.texts == ["…", "2 before you", "Because", "Because so."]
    assert message.message.reply_to == town.question.ref.id


def test_an_answer_that_is_there_at_once_is_one_message_without_edits() -> None:
    town = Town()
    run(town.stream(scripted("PO", "NG")))
    assert [p.texts for p in town.world.messages.values()][1:] == [["PONG"]]


def test_a_long_answer_continues_in_new_messages_and_loses_nothing() -> None:
    town = Town(edits=1000, seconds=1, message_limit=100)
    text = "".join(f"Sentence number {n} is here. " for n in range(40))
    receipt = run(town.stream(written(text, 60)))
    assert "".join(town.shown) == text
    assert [ref.id for ref in town.world.messages][1:] == list(receipt.message_ids)
    assert len(receipt.message_ids) > 10
    replies = [p.message.reply_to for p in town.world.messages.values()][1:]
    assert replies == [town.question.ref.id, *[None] * (len(replies) - 1)]


def test_every_message_is_reported_before_the_stream_goes_on() -> None:
    town = Town(edits=1000, seconds=1, message_limit=100)

    async def chunks() -> AsyncIterator[Chunk]:
        for n in range(20):
            yield f"line {n} of the answer\n"
            await asyncio.sleep(2)
            assert town.receipts[-1].message_ids == tuple(ref.id for ref in town.world.messages)[1:]

    run(town.stream(chunks()))


def test_edits_keep_the_budget_and_the_model_is_not_held_up() -> None:
    town = Town()
    ended: list[float] = []

    async def chunks(start: float) -> AsyncIterator[Chunk]:
        async for chunk in written("word " * 200, 20):
            yield chunk
        ended.append(now() - start)

    async def scenario() -> None:
        await town.stream(chunks(now()))

    run(scenario())
    (message,) = [p for p in town.world.messages.values() if p.message.author == town.world.bot]
    assert ended == [pytest.approx(20)]
    assert 10 <= len(message.texts) <= 20
    assert message.text == "word " * 200


def test_an_error_of_the_model_ends_the_message_with_the_text_so_far_and_is_raised() -> None:
    town = Town()
    with pytest.raises(ZeroDivisionError):
        run(town.stream(scripted("Half an ans", 3.0, "wer", ZeroDivisionError())))
    assert town.shown == ["Half an answer"]


def test_an_error_before_any_text_removes_the_placeholder() -> None:
    town = Town()
    with pytest.raises(ZeroDivisionError):
        run(town.stream(scripted(3.0, ZeroDivisionError())))
    assert town.shown == []
    assert town.receipts == [Receipt(("2",)), Receipt()]


def test_a_cancelled_answer_ends_with_the_text_so_far() -> None:
    town = Town()

    async def scenario() -> None:
        task = asyncio.create_task(town.stream(scripted("Half an ans", 3.0, "wer", 3600.0)))
        await asyncio.sleep(4)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        run(scenario())
    assert town.shown == ["Half an answer"]


def test_an_answer_cancelled_while_its_last_edit_waits_is_still_finished() -> None:
    town = Town(edits=1, seconds=4)

    async def scenario() -> None:
        task = asyncio.create_task(town.stream(scripted("Half an ans", 1.0, "wer")))
        await asyncio.sleep(2)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        run(scenario())
    assert town.shown == ["Half an answer"]


def test_deleting_the_answer_stops_the_model() -> None:
    town = Town()
    closed = []

    async def chunks() -> AsyncIterator[Chunk]:
        try:
            for _ in range(1000):
                yield "word "
                await asyncio.sleep(1)
        finally:
            closed.append(now())

    async def scenario() -> float:
        start = now()
        task = asyncio.create_task(town.stream(chunks()))
        await asyncio.sleep(5)
        town.world.delete(MessageRef(town.place, "2"))
        with pytest.raises(Gone):
            await task
        return now() - start

    assert run(scenario()) < 8
    assert len(closed) == 1


def test_a_lost_answer_of_the_platform_doubles_nothing() -> None:
    town = Town(edits=1000, seconds=1, message_limit=100)
    town.world.faults.lose_answers = 0.4
    text = "".join(f"Sentence number {n} is here. " for n in range(40))
    run(town.stream(written(text, 60)))
    assert "".join(town.shown) == text


def test_a_rate_limit_is_waited_out() -> None:
    town = Town()
    town.world.faults.refuse = [RateLimited(30.0)]

    async def scenario() -> float:
        start = now()
        await town.reply("Hello")
        return now() - start

    assert run(scenario()) == pytest.approx(30, abs=0.1)
    assert town.shown == ["Hello"]


def test_after_three_refusals_an_answer_shows_only_its_final_text() -> None:
    town = Town(edits=1000, seconds=1)

    async def chunks() -> AsyncIterator[Chunk]:
        yield "word "
        await asyncio.sleep(2)
        town.world.faults.refuse = [RateLimited(1.0)] * 3
        async for chunk in written("word " * 60, 60):
            yield chunk

    run(town.stream(chunks()))
    (message,) = [p for p in town.world.messages.values() if p.message.author == town.world.bot]
    assert message.texts == ["word ", "word " * 61]


def test_while_a_code_block_is_written_no_message_is_ever_shown_with_an_open_fence() -> None:
    town = Town(edits=1000, seconds=1, message_limit=80)
    code = "".join(f"print({n})\n" for n in range(30))
    run(town.stream(written(f"Look:\n```python\n{code}```\nDone.\n> ```\n> quoted\n> ```\n", 120)))
    versions = [text for p in town.world.messages.values() for text in p.texts][1:]
    assert len(versions) > 40
    assert [text for text in versions if not is_balanced(text)] == []


def test_in_one_channel_final_texts_go_before_first_before_growing_ones() -> None:
    town = Town(edits=1, seconds=10)
    shown: list[str] = []

    async def watch() -> None:
        while True:
            await town.world.changed()
            shown.append(" | ".join(town.shown))

    async def scenario() -> None:
        watching = asyncio.create_task(watch())
        async with asyncio.TaskGroup() as group:
            group.create_task(town.stream(scripted("grows", 15.0, " on", 200.0, "."), key="growing"))
            await asyncio.sleep(5)
            group.create_task(town.stream(scripted("begins", 200.0), key="beginning"))
            group.create_task(town.stream(scripted("ends"), key="ending"))
        watching.cancel()

    run(scenario())
    assert shown[:3] == ["grows", "grows | ends", "grows | ends | begins"]
    assert "grows on." in shown[-1]


def test_a_message_that_cannot_be_edited_any_more_is_replaced() -> None:
    town = Town()

    async def scenario() -> Receipt:
        await town.reply("old", key="first")
        town.world.faults.refuse = [Forbidden("too old to edit")]
        return await town.reply("new", resume=Receipt(("2",)))

    assert run(scenario()) == Receipt(("3",))
    assert town.shown == ["new"]


def test_a_platform_that_stays_broken_is_reported_to_the_caller() -> None:
    town = Town()
    town.world.faults.refuse = [PlatformError("502")] * 50
    with pytest.raises(PlatformError, match="502"):
        run(town.reply("Hello"))


def test_resuming_edits_what_is_there_and_deletes_the_surplus() -> None:
    town = Town(edits=1000, seconds=1, message_limit=50)

    async def scenario() -> tuple[Receipt, Receipt]:
        first = await town.reply("word " * 30)
        return first, await town.stream(scripted("short", 2.0, " answer"), resume=first)

    first, second = run(scenario())
    assert len(first.message_ids) == 3
    assert second.message_ids == first.message_ids[:1]
    assert town.shown == ["short answer"]


def test_a_message_sent_before_a_crash_but_not_recorded_is_found_by_its_key_and_brought_to_the_new_text() -> (
    None
):
    town = Town()

    async def scenario() -> None:
        crashed = asyncio.create_task(town.stream(scripted("Half an", 3600.0)))
        await asyncio.sleep(1)
        again = await town.stream(scripted("Another whole answer"), resume=Receipt())
        assert again == Receipt(("2",))
        crashed.cancel()

    run(scenario())
    assert town.world.messages[MessageRef(town.place, "2")].texts[:2] == ["Half an", "Another whole answer"]


def test_a_key_whose_message_was_deleted_by_an_earlier_attempt_makes_a_new_one() -> None:
    town = Town(edits=1000, seconds=1, message_limit=50)

    async def scenario() -> tuple[Receipt, Receipt, Receipt]:
        long = await town.reply("word " * 30)
        short = await town.reply("short", resume=long)
        return long, short, await town.stream(scripted("again " * 10, 1.0, "longer " * 8), resume=short)

    long, short, again = run(scenario())
    assert "".join(town.shown) == "again " * 10 + "longer " * 8
    assert again.message_ids[:1] == short.message_ids == long.message_ids[:1]
    assert not set(again.message_ids[1:]) & set(long.message_ids)
    assert run(town.reply("again " * 10 + "longer " * 8, resume=short)) == again, "and finds it again"


def test_an_apology_is_shown_although_the_placeholder_of_its_key_was_removed() -> None:
    town = Town()
    with pytest.raises(ZeroDivisionError):
        run(town.stream(scripted(3.0, ZeroDivisionError())))
    assert run(town.reply("Something went wrong.", resume=town.receipts[-1])).message_ids != ("2",)
    assert town.shown == ["Something went wrong."]


def test_an_answer_that_was_deleted_while_the_bot_was_away_stays_deleted() -> None:
    town = Town()
    first = run(town.reply("Half an ans"))
    town.world.delete(MessageRef(town.place, first.message_ids[0]))
    with pytest.raises(Gone):
        run(town.stream(scripted("The whole answer"), resume=first))
    assert town.shown == []


def test_an_answer_of_white_space_makes_no_message() -> None:
    town = Town()
    assert run(town.stream(scripted("\n", " "))) == Receipt()
    assert run(town.reply("\n" * 5000 + "text", key="other")).message_ids == ("2",)


@given(
    st.lists(st.one_of(st.text(max_size=80), st.floats(0.01, 3), st.just("```py\nx = 1\n"))),
    st.floats(0, 0.5),
    st.integers(0, 3),
)
@settings(deadline=None, max_examples=60)
def test_under_faults_the_final_messages_are_the_whole_text_once(
    script: list[str | float], loss: float, refusals: int
) -> None:
    town, clean = Town(message_limit=64), Town(message_limit=64)
    town.world.faults.lose_answers = loss
    town.world.faults.random = random.Random(len(script))
    town.world.faults.refuse = [RateLimited(1.0) for _ in range(refusals)]
    text = "".join(step for step in script if isinstance(step, str))

    async def scenario() -> None:
        try:
            await town.stream(scripted(*script))
        except PlatformError:
            assert loss > 0.2, "five losses in a row are unlikely"
            town.world.faults.lose_answers = 0
            known = town.receipts[-1] if town.receipts else Receipt()
            await town.stream(scripted(text), resume=known)
        await clean.reply(text)

    run(scenario())
    assert town.shown == clean.shown


def test_keys_of_parts_differ_and_fit_into_a_nonce() -> None:
    keys = [part_key(base, part) for base in ("a", "b" * 25, "b" * 24 + "c") for part in range(120)]
    assert len(set(keys)) == len(keys)
    assert max(map(len, keys)) <= 25
    assert part_key("abc", 2) == "abc.2"


@pytest.mark.parametrize(("count", "mean", "longest"), [(3, 0.5, 0.7), (6, 2.4, 4.9), (10, 3.6, 6.6)])
def test_final_texts_of_a_crowd_in_one_channel_are_hardly_late(
    count: int, mean: float, longest: float
) -> None:
    late = run(crowd(count))
    assert sum(late) / count <= mean
    assert max(late) <= longest


async def crowd(count: int, seconds: float = 20.0) -> Sequence[float]:
    """Seconds between the end of a model and its final text shown, for answers that share 5 edits per 5 s."""
    town = Town()
    late: list[float] = []

    async def one(number: int) -> None:
        ended = 0.0

        async def chunks() -> AsyncIterator[Chunk]:
            nonlocal ended
            async for chunk in written("word " * 80, seconds, pause_s=1 + 0.3 * number):
                yield chunk
            ended = now()

        await town.stream(chunks(), key=f"k{number}")
        late.append(now() - ended)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(one(number))
    return late


class Furnished:
    """A platform with buttons, and with cards or without."""

    limit, buttons = 100, True

    def __init__(self, *, cards: bool) -> None:
        self.cards = cards
        self.calls: list[tuple[str, str, Below]] = []

    def length(self, text: str) -> int:
        return len(text)

    async def send(self, text: str, part: int, key: str, below: Below) -> Sent:
        self.calls.append(("send", text, below))
        return Sent(str(len(self.calls)))

    async def find(self, part: int, key: str) -> str | None:
        return None

    async def edit(self, message_id: str, text: str, below: Below) -> None:
        self.calls.append(("edit", text, below))

    async def delete(self, message_id: str) -> None:
        self.calls.append(("delete", message_id, NOTHING))


THUMB = Control("👍", "Helpful", ("rate",))
SOURCE = Entry(1, "Hours", "https://docs.example/")


@pytest.mark.parametrize(
    ("cards", "text", "below"),
    [
        (True, "Because so.", Below((THUMB,), (SOURCE,))),
        (False, "Because so.\n\n[1] Hours https://docs.example/", Below((THUMB,))),
    ],
)
def test_a_quick_answer_is_one_call_with_all_that_stands_below_it(
    cards: bool, text: str, below: Below
) -> None:
    platform = Furnished(cards=cards)

    async def scenario() -> None:
        delivery = Delivery(platform, EditBudget(FixedWindow(5, 5.0)))
        await delivery.stream(scripted("Because", " so."), "k", afterwards=lambda: Below((THUMB,), (SOURCE,)))

    run(scenario())
    assert platform.calls == [("send", text, below)]
