"""What the core relies on, on every platform."""

import asyncio
import importlib
import pkgutil
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bot.adapters
from bot.adapters.adapter import Adapter
from bot.core.actions import (
    Action,
    Alert,
    Archive,
    Ban,
    Chunk,
    Delete,
    File,
    Hide,
    Kick,
    Lock,
    OpenThread,
    Pin,
    Post,
    Purge,
    React,
    Receipt,
    Reply,
    SlowMode,
    Status,
    StreamedReply,
    Timeout,
    Unban,
    Update,
)
from bot.core.errors import Gone, PlatformError, Unsupported
from bot.core.events import Attachment, Channel, Event, Message, MessageRef, place_of
from bot.core.permissions import Role
from tests.contracts.stage import Stage
from tests.contracts.stages import STAGES, stranger

HOSTILE = {
    "nul": "a\0b",
    "surrogate": "half \ud83d a character",
    "bidi": "user \u202etxt.exe\u2066",
    "zero width": "a\u200bb\u2060c\ufeff",
    "escape": "\x1b[2J\x9b31mred\x07",
    "line ends": "one\r\ntwo\rthree\u2028four\x85five\vsix",
    "marks": "Z\u0310\u0304" * 50,
}


@pytest.fixture(params=STAGES)
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    async with STAGES[request.param](tmp_path) as stage:
        yield stage
        await stage.adapter.close()


@pytest.fixture(params=[name for name in STAGES if not name.startswith("console")])
async def service(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """Platforms that live on without the bot: what was shown can be changed, what happened is told again."""
    async with STAGES[request.param](tmp_path) as stage:
        yield stage


class Script:
    """Chunks as a model yields them; exceptions are raised, events are waited for."""

    def __init__(self, *steps: Chunk | BaseException | asyncio.Event) -> None:
        self.steps = steps
        self.waits = asyncio.Event()
        self.closed = False

    async def chunks(self) -> AsyncIterator[Chunk]:
        try:
            for step in self.steps:
                await asyncio.sleep(0)
                if isinstance(step, BaseException):
                    raise step
                if isinstance(step, asyncio.Event):
                    self.waits.set()
                    await step.wait()
                else:
                    yield step
        finally:
            self.closed = True


def streamed(question: Message, *steps: Chunk | BaseException | asyncio.Event) -> StreamedReply:
    return StreamedReply(question.ref, question.author, Script(*steps).chunks())


def reply(question: Message, text: str) -> Reply:
    return Reply(question.ref, question.author, text)


# In


async def test_a_message_comes_as_it_was_written(stage: Stage) -> None:
    before = datetime.now(UTC)
    message = await stage.ask("What is the capital of France?")
    assert message.addressed == message.text == "What is the capital of France?"
    assert not message.author.is_bot
    assert place_of(message).platform == message.author.platform == stage.adapter.platform
    assert before <= message.at <= datetime.now(UTC)


async def test_messages_keep_their_order_and_have_keys_of_their_own(stage: Stage) -> None:
    messages = [await stage.ask(f"question {n}") for n in range(30)]
    assert [message.text for message in messages] == [f"question {n}" for n in range(30)]
    assert len({message.key for message in messages}) == 30


@pytest.mark.parametrize("text", [HOSTILE["zero width"], HOSTILE["marks"], "你好 " * 2_000])
async def test_what_is_written_is_not_changed(stage: Stage, text: str) -> None:
    text = f"{text[: stage.most_question - 1]}?"
    assert (await stage.ask(text)).text == text


async def test_what_is_not_text_comes_as_something_that_can_be_answered(stage: Stage) -> None:
    message = await stage.ask("half \ud83d a character")
    await stage.adapter.perform(reply(message, f"You said: {message.text}"), "k")
    (shown,) = stage.shown()
    assert shown.startswith("You said: half ")


async def test_events_are_told_again_from_every_cursor_and_only_those_after_it(service: Stage) -> None:
    fresh = service.adapter.events({})
    first = await anext(fresh)
    assert first.events == ()
    cursors, told = [dict(first.cursors)], list[Event]()
    for n in range(5):
        service.happen(f"message {n}")
        batch = await anext(fresh)
        told += batch.events
        cursors.append({**cursors[-1], **batch.cursors})
        await service.adapter.committed(batch.cursors)
    for n, cursor in enumerate(cursors[:-1]):
        again = await service.told_since(cursor)
        assert list(again.events) == told[n:]
        assert {**cursor, **again.cursors} == cursors[-1]


async def test_the_first_start_brings_nothing_old(service: Stage) -> None:
    service.happen("old")
    events = service.adapter.events({})
    assert (await anext(events)).events == ()
    service.happen("new")
    (event,) = (await anext(events)).events
    assert isinstance(event, Message)
    assert event.text == "new"


# Out


async def test_a_reply_is_shown_and_its_message_named(stage: Stage) -> None:
    question = await stage.ask("Why?")
    receipt = await stage.adapter.perform(reply(question, "Because.\n\nReally."), "k")
    assert stage.shown() == ["Because.\n\nReally."]
    assert len(receipt.message_ids) == 1
    assert question.ref.id not in receipt.message_ids


async def test_the_same_key_shows_the_same_thing_once(stage: Stage) -> None:
    question = await stage.ask("Why?")
    actions: list[tuple[str, list[Action]]] = [
        ("reply", [reply(question, "a reply"), reply(question, "a reply")]),
        ("stream", [streamed(question, "a stream"), streamed(question, "a stream")]),
        ("post", [Post(question.ref.channel, "a post"), Post(question.ref.channel, "a post")]),
    ]
    for key, (one, two) in actions:
        first = await stage.adapter.perform(one, key)
        assert await stage.adapter.perform(two, key) == first
    assert stage.shown() == ["a reply", "a stream", "a post"]


async def test_different_keys_show_the_same_text_twice(stage: Stage) -> None:
    question = await stage.ask("Why?")
    receipts = [await stage.adapter.perform(reply(question, "so"), f"k{n}") for n in range(2)]
    assert stage.shown() == ["so", "so"]
    assert receipts[0] != receipts[1]


async def test_a_message_is_reported_as_soon_as_it_exists(stage: Stage) -> None:
    question = await stage.ask("Why?")
    told: list[tuple[Receipt, list[str]]] = []

    async def report(receipt: Receipt) -> None:
        told.append((receipt, stage.shown()))

    receipt = await stage.adapter.perform(streamed(question, "Because", " so."), "k", None, report)
    assert told
    assert told[0][0].message_ids == receipt.message_ids
    assert told[-1][1] or not stage.lives_on, "it stands when it is reported"
    assert stage.shown() == ["Because so."]


async def test_a_stream_goes_on_only_when_its_first_message_is_recorded(service: Stage) -> None:
    question = await service.ask("Why?")
    going_on, recorded = asyncio.Event(), asyncio.Event()

    async def report(receipt: Receipt) -> None:
        recorded.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(
            service.adapter.perform(streamed(question, "Because", going_on, " so."), "k", None, report)
        )
        await recorded.wait()
        assert service.shown() == ["Because"]
        going_on.set()
    assert service.shown() == ["Because so."]


async def test_an_error_of_the_model_leaves_the_text_so_far_and_is_raised(stage: Stage) -> None:
    question = await stage.ask("Why?")
    with pytest.raises(ZeroDivisionError):
        await stage.adapter.perform(
            streamed(question, Status("thinking"), "Half an", " answer", ZeroDivisionError()), "k"
        )
    assert stage.shown() == ["Half an answer"]


async def test_after_an_error_the_same_key_brings_the_new_text(stage: Stage) -> None:
    question = await stage.ask("Why?")
    receipts: list[Receipt] = []

    async def report(receipt: Receipt) -> None:
        receipts.append(receipt)

    with pytest.raises(ZeroDivisionError):
        await stage.adapter.perform(streamed(question, "Half an", ZeroDivisionError()), "k", None, report)
    again = await stage.adapter.perform(reply(question, "Something went wrong."), "k", receipts[-1], report)
    assert again == receipts[-1]
    assert stage.shown()[-1] == "Something went wrong."
    assert len(stage.shown()) == (1 if stage.lives_on else 2)


async def test_a_cancelled_stream_ends_with_the_text_so_far(stage: Stage) -> None:
    question = await stage.ask("Why?")
    script = Script("Half an", " answer", asyncio.Event(), "never")
    performing = asyncio.ensure_future(
        stage.adapter.perform(StreamedReply(question.ref, question.author, script.chunks()), "k")
    )
    await script.waits.wait()
    performing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await performing
    assert stage.shown() == ["Half an answer"]
    assert script.closed


@pytest.mark.parametrize("steps", [(), (Status("thinking"),), ("\n", " ")])
async def test_an_answer_without_a_word_leaves_nothing(stage: Stage, steps: tuple[Chunk, ...]) -> None:
    question = await stage.ask("Why?")
    assert await stage.adapter.perform(streamed(question, *steps), "k") == Receipt()
    assert stage.shown() == []


async def test_resuming_edits_what_is_there_and_removes_the_surplus(service: Stage) -> None:
    question = await service.ask("Why?")
    first = await service.adapter.perform(reply(question, "word " * 1500), "k")
    assert len(first.message_ids) == 4
    second = await service.adapter.perform(streamed(question, "short ", "answer"), "k", first)
    assert second.message_ids == first.message_ids[:1]
    assert service.shown() == ["short answer"]
    third = await service.adapter.perform(reply(question, "another " * 500), "k", second)
    assert third.message_ids[:1] == first.message_ids[:1]
    assert "".join(service.shown()) == "another " * 500


async def test_a_private_answer_reaches_its_asker(stage: Stage) -> None:
    question = await stage.ask("/privacy show")
    await stage.adapter.perform(Reply(question.ref, question.author, "psst", private=True), "k")
    assert stage.shown() == ["psst"]
    if stage.hides:
        assert stage.readers() == [question.author.id]


async def test_an_answer_for_its_asker_alone_grows_where_nobody_else_reads_or_not_at_all(
    stage: Stage,
) -> None:
    question = await stage.ask("/catchup")
    answer = replace(streamed(question, "ps", "st"), personal=True)
    try:
        await stage.adapter.perform(answer, "k")
    except Gone:
        assert not any("psst" in text for text in stage.shown())
        return
    assert stage.shown() == ["psst"]
    if stage.hides:
        assert stage.readers() == [question.author.id]


async def test_ten_answers_at_once_stay_apart(stage: Stage) -> None:
    questions = [await stage.ask(f"question {n}") for n in range(10)]
    async with asyncio.TaskGroup() as group:
        for n, question in enumerate(questions):
            words = [f"w{n}.{i} " for i in range(20)]
            group.create_task(stage.adapter.perform(streamed(question, *words), f"k{n}"))
    expected = ["".join(f"w{n}.{i} " for i in range(20)).strip() for n in range(10)]
    assert sorted(text.strip() for text in stage.shown()) == sorted(expected)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_whatever_is_said_arrives(stage: Stage, text: str) -> None:
    question = await stage.ask("Why?")
    receipt = await stage.adapter.perform(reply(question, text), "whole")
    streamed_receipt = await stage.adapter.perform(streamed(question, *text), "stream")
    assert stage.shown() == [stage.looks(text)] * 2
    assert receipt != streamed_receipt


async def test_a_megabyte_arrives_whole_or_what_can_be_waited_for(stage: Stage) -> None:
    question = await stage.ask("Why?")
    text = "".join(f"Sentence number {n} is here.\n" for n in range(40_000))[: stage.most_answer].rstrip("\n")
    receipt = await stage.adapter.perform(reply(question, text), "k")
    assert "".join(stage.shown()) == stage.looks(text)
    assert len(receipt.message_ids) == len(stage.shown())


async def test_thousands_of_fences_arrive(stage: Stage) -> None:
    question = await stage.ask("Why?")
    count = min(10_000, stage.most_answer // 4)
    await stage.adapter.perform(reply(question, "```\n" * count), "k")
    assert sum(shown.count("```") for shown in stage.shown()) >= count


@given(text=st.text(st.characters(exclude_categories=()), max_size=200), cuts=st.integers(1, 20))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("name", ["memory", "console-piped"])
def test_any_text_in_any_pieces_looks_like_the_whole(name: str, text: str, cuts: int, tmp_path: Path) -> None:
    pieces = [text[start : start + cuts] for start in range(0, len(text), cuts)]
    random.Random(cuts).shuffle(statuses := [Status(text or "…")] * 2)

    async def scenario() -> tuple[list[str], list[str]]:
        async with STAGES[name](tmp_path) as one, STAGES[name](tmp_path) as two:
            question = await one.ask("Why?")
            await one.adapter.perform(streamed(question, *statuses, *pieces), "k")
            question = await two.ask("Why?")
            await two.adapter.perform(reply(question, text), "k")
            return one.shown(), two.shown()

    grown, whole = asyncio.run(scenario())
    assert grown == whole
    assert bool(whole) == bool(text.strip())


# Acts


async def test_every_action_is_done_or_refused_with_a_platform_error(stage: Stage) -> None:
    question = await stage.ask("Why?")
    place, author = question.ref.channel, question.author
    actions: list[Action] = [
        OpenThread(question.ref, "boats"), OpenThread(place, "ships"), Pin(question.ref, True),
        Pin(question.ref, False), Lock(place, True, "raid"), Lock(place, False, "over"),
        SlowMode(place, 5, "busy"), Archive(place, "done"), Purge(place, (), "spring"),
        Timeout(place, author, 0, "over"), Unban(place, author, "appeal"),
        React(question.ref, "👀"), Hide(question.ref, "rude"), Delete(question.ref, "spam"),
        Timeout(place, author, 60, "spam"), Kick(place, author, "spam"), Ban(place, author, "spam"),
        Alert(place, "look"), Post(place, "news"), Update(MessageRef(place, "no-such-id"), "text"),
    ]  # fmt: skip
    refused: dict[type[Action], PlatformError] = {}
    for n, action in enumerate(actions):
        try:
            await stage.adapter.perform(action, f"k{n}")
        except PlatformError as error:
            refused[type(action)] = error
    assert refused.keys().isdisjoint({Alert, Post}), "words always arrive"
    assert isinstance(refused.pop(Update, Gone()), Gone), "a console writes it below"
    assert {type(action) for action in actions} == set(get_args(Action)) - {Reply, StreamedReply}
    assert all(isinstance(error, Unsupported) for error in refused.values())
    assert all(str(error) for error in refused.values()), "an operator reads why"


async def test_a_thread_is_opened_once_for_each_key_and_can_be_written_in(service: Stage) -> None:
    question = await service.ask("Boats?")
    for key, at in (("on", question.ref), ("in", question.ref.channel)):
        opened = [await service.adapter.perform(OpenThread(at, "boats"), key) for _time in range(2)]
        assert opened[0] == opened[1]
        place = opened[0].channel
        assert place is not None
        assert place.thread is not None
        assert place.parent == question.ref.channel
        assert len((await service.adapter.perform(Post(place, "welcome"), f"{key}-post")).message_ids) == 1


async def test_messages_that_are_purged_are_gone_and_purging_again_is_no_fault(service: Stage) -> None:
    questions = [await service.ask(f"spam {n}") for n in range(5)]
    place, kept = questions[0].ref.channel, await service.ask("stays")
    ids = tuple(question.ref.id for question in questions)
    for key in ("k", "k", "k2"):
        await service.adapter.perform(Purge(place, (*ids, ids[0]), "raid"), key)
    start = questions[0].at - timedelta(seconds=1)
    assert [m.ref async for m in service.adapter.directory.history(place, start)] == [kept.ref]


async def test_nothing_is_lacking_where_everything_is_allowed(stage: Stage) -> None:
    question = await stage.ask("Why?")
    for action in (reply(question, "so"), Delete(question.ref, "spam"), Lock(question.ref.channel, True, "")):
        assert await stage.adapter.lacking(action) is None


async def test_an_update_changes_the_bots_own_message(service: Stage) -> None:
    question = await service.ask("Why?")
    made = await service.adapter.perform(Post(question.ref.channel, "news"), "post")
    ref = MessageRef(question.ref.channel, made.message_ids[0])
    assert await service.adapter.perform(Update(ref, "newer"), "update") == made
    assert service.shown() == ["newer"]


async def test_a_post_for_one_member_stands_once_where_nobody_else_reads(service: Stage) -> None:
    question = await service.ask("Why?")
    place, reader = question.ref.channel, question.author
    told: list[Receipt] = []

    async def exists(receipt: Receipt) -> None:
        told.append(receipt)

    post = Post(place, "for you", to=reader, private=True)
    made = [await service.adapter.perform(post, "own", None, exists) for _time in range(2)]
    assert made[0] == made[1] == told[0]
    assert made[0].channel is not None
    assert made[0].channel.private
    assert service.shown() == []
    await service.adapter.perform(Post(place, "look", to=reader), "named")
    (shown,) = service.shown()
    assert shown.endswith(" look")
    assert shown != " look", "it says whom it is for"


async def test_a_file_stands_once_behind_its_text_and_is_found_again(service: Stage) -> None:
    question = await service.ask("Why?")
    chart = File.of("chart.png", "image/png", b"\x89PNG\r\n\xff", "a line that goes up")
    told: list[Receipt] = []

    async def exists(receipt: Receipt) -> None:
        told.append(receipt)

    answer = Reply(question.ref, question.author, "Look:", notice=True, file=chart)
    made = await service.adapter.perform(answer, "chart", None, exists)
    assert made.file
    assert len(made.message_ids) == 2
    assert told == [Receipt(made.message_ids[:1]), made], "each as soon as it exists"
    assert service.files() == {"chart.png": chart.content}
    for resume in (None, *told):
        assert await service.adapter.perform(answer, "chart", resume) == made
    changed = replace(answer, text="Look here:")
    assert await service.adapter.perform(changed, "chart", made) == made
    assert [text for text in service.shown() if "Look" in text] == ["Look here:"]
    post = Post(question.ref.channel, "For all:", file=chart)
    assert len((await service.adapter.perform(post, "post")).message_ids) == 2


async def test_where_there_are_only_words_a_file_is_told_in_words(stage: Stage) -> None:
    question = await stage.ask("Why?")
    chart = File.of("chart.png", "image/png", b"\x89PNG", "a line that goes up")
    await stage.adapter.perform(Reply(question.ref, question.author, "Look:", file=chart), "chart")
    if not stage.lives_on:
        assert any("[chart.png: a line that goes up]" in text for text in stage.shown())


async def test_a_file_that_is_not_there_is_refused_with_a_platform_error(stage: Stage) -> None:
    nothing = Attachment("a", "story.txt", "text/plain", 5, "nowhere:story.txt")
    with pytest.raises(PlatformError, match=r"story|fetched"):
        await stage.adapter.fetch(nothing, 5)


# Asked


async def test_strangers_are_members_and_no_right_crosses_a_community(stage: Stage) -> None:
    message = await stage.ask("Why?")
    here = message.ref.channel
    elsewhere = Channel(here.platform, "elsewhere", here.id)
    directory = stage.adapter.directory
    assert await directory.role(stranger(here), here) is Role.MEMBER
    assert await directory.role(message.author, here) in Role
    assert await directory.role(stranger(elsewhere), elsewhere) is Role.MEMBER
    assert here in await directory.readable_channels(message.author, here.community)
    assert list(await directory.readable_channels(message.author, "elsewhere")) == []
    assert await directory.place(message.author, here.community, here.id) == here
    assert await directory.place(message.author, "elsewhere", here.id) is None
    assert await directory.place(message.author, here.community, "nowhere") is None
    assert list(await directory.threads(message.author, "elsewhere")) == []
    assert here in await directory.shared_with(here)


async def test_history_is_in_order_and_after_the_given_time(stage: Stage) -> None:
    messages = [await stage.ask(f"question {n}") for n in range(3)]
    directory, place = stage.adapter.directory, messages[0].ref.channel
    start = messages[0].at - timedelta(seconds=1)
    whole = [m.text async for m in directory.history(place, start)]
    assert whole == [m.text for m in messages]
    assert [m async for m in directory.history(place, messages[-1].at)] == []


async def test_the_past_is_told_in_order_and_goes_on_behind_each_page(stage: Stage) -> None:
    messages = [await stage.ask(f"question {n}") for n in range(3)]
    directory, place = stage.adapter.directory, messages[0].ref.channel
    start = messages[0].at - timedelta(seconds=1)
    pages = [page async for page in directory.happened(place, start)]
    texts = [event.text for page in pages for event in page.events if isinstance(event, Message)]
    assert texts == ([m.text for m in messages] if stage.lives_on else [])
    positions = [page.position for page in pages if page.position]
    if positions:
        behind = [page async for page in directory.happened(place, start, positions[-1])]
        assert [event for page in behind for event in page.events if event in messages] == []


async def test_a_channel_is_shared_with_itself_and_with_none_of_another_community(stage: Stage) -> None:
    place = (await stage.ask("hello")).ref.channel
    shared = await stage.adapter.directory.shared_with(place)
    assert place.parent.key in {each.key for each in shared}
    assert {each.community_key for each in shared} == {place.community_key}
    assert await stage.adapter.directory.is_shared(place)


async def test_threads_in_which_something_was_said_are_told_and_can_be_read(service: Stage) -> None:
    question = await service.ask("Why?")
    directory, here = service.adapter.directory, question.ref.channel
    start = question.at - timedelta(seconds=1)
    assert list(await directory.threads_with(here, start)) == []
    place = (await service.adapter.perform(OpenThread(question.ref, "a place for it"), "thread")).channel
    assert place is not None
    await service.adapter.perform(Post(place, "welcome"), "post")
    assert [each.key for each in await directory.threads_with(here, start)] == [place.key]
    assert [m.text async for m in directory.history(place, start)] == [question.text, "welcome"]
    assert list(await directory.threads_with(here, question.at + timedelta(hours=1))) == []
    assert list(await directory.threads_with(place, start)) == []


async def test_permissions_and_links_are_told_in_words(stage: Stage) -> None:
    message = await stage.ask("Why?")
    directory, place = stage.adapter.directory, message.ref.channel
    assert all(isinstance(name, str) for name in await directory.missing_permissions(place))
    link = await directory.link(place, message.ref.id)
    assert link is None or message.ref.id in link


async def test_commands_are_offered_and_closing_twice_is_no_harm(stage: Stage) -> None:
    await stage.adapter.offer(())
    await stage.adapter.close()
    await stage.adapter.close()


OVER_THE_NET = {"matrix"}
"""Held to the same promises one by one in `tests/adapters/...`: its server takes its time."""


def test_every_adapter_is_held_to_this_contract() -> None:
    for module in pkgutil.walk_packages(bot.adapters.__path__, "bot.adapters."):
        importlib.import_module(module.name)
    covered = {name.partition("-")[0] for name in STAGES}
    found = {adapter.__module__.split(".")[2] for adapter in Adapter.__subclasses__()}
    assert found - OVER_THE_NET == covered
