"""Answers that outgrow a channel go on in a thread or in a file, whole and once, also over a restart."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.adapters.discord import DiscordAdapter, sending
from bot.adapters.discord.long import MOST, cut_of
from bot.core.actions import Chunk, Receipt, Reply, StreamedReply
from bot.core.errors import Gone
from bot.core.events import Author, Channel, Invocation, MessageRef
from bot.core.specs import CommandSpec
from bot.llm.echo import EchoModel, Script
from tests.adapters.discord.house import Heard, House
from tests.labs.discord import Interaction, Json
from tests.labs.discord.constants import EPHEMERAL, PERMS
from tests.labs.discord.records import Ref


def text_of(count: int, mark: str = "") -> str:
    """So many characters, no two lines the same."""
    lines = [f"{mark}line_{n}_of_a_long_answer" for n in range(count // 20)]
    return "\n".join(lines)[:count].rstrip()


def squeezed(texts: list[str]) -> str:
    """What messages say, whatever they were cut at."""
    return "".join(texts).replace("\n", "")


def threads(house: House) -> list[Json]:
    return [each for each in house.lab.channels.values() if each["type"] == 11]


def files(house: House, channel: Ref) -> list[str]:
    """The files that the bot shows in a channel, as text."""
    shown = [each for message in house.lab.bot_messages(channel) for each in message["attachments"]]
    assert all(each["filename"] == "answer.md" for each in shown)
    return [house.lab.uploads[each["id"]][1].decode("utf-8") for each in shown]


def no_threads(house: House) -> None:
    bits = (1 << 53) - 1 - PERMS["ADMINISTRATOR"]
    role, everyone = house.lab.bot_role(house.server.guild), house.server.guild
    house.lab.set_permissions(everyone, role, bits & ~PERMS["CREATE_PUBLIC_THREADS"])
    house.lab.set_permissions(everyone, everyone, PERMS["VIEW_CHANNEL"] | PERMS["SEND_MESSAGES"])


class Asked:
    """A question, and answers to it."""

    def __init__(self, house: House, channel: Json | None = None, place: Channel | None = None) -> None:
        where = channel or house.general
        self.ref = MessageRef(place or house.place(where), house.anna.say(where, "Why?"))
        self.author = Author("discord", house.anna.id, "Anna")

    def reply(self, text: str) -> Reply:
        return Reply(self.ref, self.author, text)

    def stream(self, text: str, *, stop: asyncio.Event | None = None, at: int = 0) -> StreamedReply:
        """The text as it is written; at some character it is waited for `stop`, which never comes."""

        async def chunks() -> AsyncIterator[Chunk]:
            for start in range(0, len(text), 100):
                if stop is not None and start >= at:
                    await stop.wait()
                yield text[start : start + 100]
                await asyncio.sleep(0)

        return StreamedReply(self.ref, self.author, chunks())


@pytest.fixture
def house(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A Discord without limits, and a bot that keeps to none."""
    for route in (
        "POST /channels/{channel_id}/messages",
        "PATCH /channels/{channel_id}/messages/{message_id}",
    ):
        house.lab.limits[route] = (1_000, 1.0)
    monkeypatch.setattr(sending, "CALLS", 1_000)
    return house


@pytest.fixture
async def adapter(house: House) -> AsyncIterator[DiscordAdapter]:
    async with house.hearing() as heard:
        house.anna.ask(house.general, "are you there")
        await house.lab.until(lambda: heard.events)
        yield heard.adapter


@pytest.mark.parametrize("streamed", [False, True])
async def test_up_to_eight_thousand_characters_stay_in_the_channel(
    house: House, adapter: DiscordAdapter, streamed: bool
) -> None:
    asked, text = Asked(house), text_of(MOST)
    receipt = await adapter.perform(asked.stream(text) if streamed else asked.reply(text), "k")
    assert squeezed(house.said(house.general)) == squeezed([text])
    assert (receipt.channel, receipt.head) == (None, None)
    assert threads(house) == []
    assert files(house, house.general) == []


@pytest.mark.parametrize("streamed", [False, True])
async def test_what_is_longer_goes_on_in_a_thread_on_its_first_message(
    house: House, adapter: DiscordAdapter, streamed: bool
) -> None:
    asked, text = Asked(house), text_of(15_000)
    told: list[Receipt] = []

    async def report(receipt: Receipt) -> None:
        told.append(receipt)

    action = asked.stream(text) if streamed else asked.reply(text)
    receipt = await adapter.perform(action, "k", None, report)
    (thread,) = threads(house)
    here, there = house.said(house.general), house.said(thread)
    assert squeezed([*here, *there]) == squeezed([text])
    assert MOST - 500 <= len(squeezed(here)) <= MOST
    assert thread["id"] == receipt.message_ids[0]
    assert thread["name"] == text.split("\n")[0]
    assert receipt.channel == Channel("discord", house.server.id, house.general["id"], thread["id"])
    assert receipt.head == len(here)
    assert len(receipt.message_ids) == len(here) + len(there)
    assert told[-1] == receipt
    refs = receipt.refs(asked.ref.channel)
    assert {ref.channel.thread for ref in refs[: len(here)]} == {None}
    assert {ref.channel.thread for ref in refs[len(here) :]} == {thread["id"]}


@pytest.mark.parametrize("streamed", [False, True])
async def test_where_it_may_open_no_thread_the_whole_answer_is_a_file(
    house: House, adapter: DiscordAdapter, streamed: bool
) -> None:
    no_threads(house)
    asked, text = Asked(house), text_of(15_000)
    receipt = await adapter.perform(asked.stream(text) if streamed else asked.reply(text), "k")
    assert threads(house) == []
    *beginning, last = house.said(house.general)
    assert text.replace("\n", "").startswith(squeezed(beginning))
    assert files(house, house.general) == [text]
    assert "file" in last
    assert len(receipt.message_ids) == len(beginning) + 1
    again = await adapter.perform(asked.reply(text), "k")
    assert (again, files(house, house.general)) == (receipt, [text])


async def test_in_a_thread_and_in_private_the_whole_answer_is_a_file(
    house: House, adapter: DiscordAdapter
) -> None:
    thread = house.anna.open_thread(house.general, "boats", on=house.anna.say(house.general, "boats"))
    alone = house.anna.private
    for channel, place in (
        (thread, Channel("discord", house.server.id, house.general["id"], thread["id"])),
        (alone, Channel("discord", alone["id"], alone["id"], private=True)),
    ):
        text = text_of(9_000, "你好 \N{SPEAKING HEAD IN SILHOUETTE}")
        await adapter.perform(Asked(house, channel, place).reply(text), f"k{channel['id']}")
        assert files(house, channel) == [text]
    assert len(threads(house)) == 1


@pytest.mark.parametrize("at", [500, 4_000, 7_900, 8_300, 11_000, 14_000])
@pytest.mark.parametrize("again", [12_000, 3_000])
async def test_an_answer_cut_off_anywhere_is_taken_up_whole_and_once(
    house: House, at: int, again: int
) -> None:
    asked, known = Asked(house), Receipt()

    async def report(receipt: Receipt) -> None:
        nonlocal known
        known = receipt

    before, after = text_of(15_000, "old_"), text_of(again, "new_")
    async with house.hearing() as heard:
        running = asyncio.ensure_future(
            heard.adapter.perform(asked.stream(before, stop=asyncio.Event(), at=at), "k", None, report)
        )
        await house.lab.until(lambda: len(known.message_ids) > (min(at, 14_000) - 500) // 2_000)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    async with house.hearing() as heard:
        receipt = await heard.adapter.perform(asked.stream(after), "k", known)
    said = house.said(house.general)
    rest = [text for thread in threads(house) for text in house.said(thread)]
    assert squeezed([*said, *rest]) == squeezed([after])
    assert len(threads(house)) <= 1
    assert len(receipt.message_ids) == len(said) + len(rest)
    assert bool(rest) is (again > MOST)


async def test_what_stands_in_the_thread_unrecorded_is_found_there(house: House) -> None:
    asked, before, after = Asked(house), text_of(9_500, "old_"), text_of(9_500, "new_")
    async with house.adapter() as adapter:
        made = await adapter.perform(asked.reply(before), "k")
    assert made.head == len(made.message_ids) - 1
    house.lab.settings.nonce_window_s = 0.0  # the nonce is forgotten
    async with house.adapter() as adapter:
        again = await adapter.perform(asked.stream(after), "k", Receipt(made.message_ids[:-1]))
    assert again == made
    (thread,) = threads(house)
    assert squeezed([*house.said(house.general), *house.said(thread)]) == squeezed([after])


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("again", [12_000, 3_000])
async def test_a_file_is_replaced_or_taken_back_by_the_next_process(
    house: House, recorded: bool, again: int
) -> None:
    no_threads(house)
    asked, before, after = Asked(house), text_of(15_000, "old_"), text_of(again, "new_")
    async with house.hearing() as heard:
        house.anna.ask(house.general, "are you there")
        await house.lab.until(lambda: heard.events)
        made = await heard.adapter.perform(asked.reply(before), "k")
    if not recorded and again > MOST:
        made = Receipt(made.message_ids[:-1])  # killed before the last message was written down
    house.lab.settings.nonce_window_s = 0.0
    async with house.hearing() as heard:
        house.anna.ask(house.general, "are you there")
        await house.lab.until(lambda: heard.events)
        receipt = await heard.adapter.perform(asked.reply(after), "k", made)
    assert files(house, house.general) == ([after] if again > MOST else [])
    assert len(house.said(house.general)) == len(receipt.message_ids)
    assert after.replace("\n", "").startswith(squeezed(house.said(house.general)[: receipt.head]))


async def test_a_code_block_that_is_cut_goes_on_as_one(house: House, adapter: DiscordAdapter) -> None:
    code = "Look:\n```python\n" + "\n".join(f"line_{n} = {n}" for n in range(800)) + "\n```\nThat is it."
    await adapter.perform(Asked(house).stream(code), "k")
    (thread,) = threads(house)
    for said in (*house.said(house.general), *house.said(thread)):
        assert said.count("```") % 2 == 0
    assert house.said(thread)[0].startswith("```python\n")


def test_a_text_is_cut_behind_a_paragraph_a_line_or_a_word() -> None:
    assert cut_of("a" * 7_600 + "\n\n" + "b\n" * 400) == 7_602
    assert cut_of("a" * 7_600 + "\n" + "b " * 400) == 7_601
    assert cut_of("a" * 7_600 + " " + "b" * 800) == 7_601
    assert cut_of("a" * 9_000) == MOST


async def test_the_whole_bot_goes_on_in_a_thread_and_remembers_both(house: House) -> None:
    text = text_of(12_000)
    house.model = EchoModel(Script(text))
    house.llm += "\nmax_new_tokens = 2000"
    async with house.living() as app:
        question = house.anna.ask(house.general, "talk")
        await house.lab.until(lambda: len(threads(house)) == 1)
        thread = threads(house)[0]
        await house.lab.until(
            lambda: squeezed([*house.said(house.general), *house.said(thread)]) == squeezed([text])
        )
        place = house.place(house.general)
        hanging = Channel("discord", place.community, place.id, thread["id"])
        ours = [str(each["id"]) for each in house.lab.bot_messages(thread)]
        async with asyncio.timeout(10):
            while await app.store.messages.get(MessageRef(hanging, ours[-1])) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert app.store.messages.is_ours(hanging, ours[0])
        assert app.store.messages.opened_thread(hanging)
        first = await app.store.messages.get(MessageRef(place, thread["id"]))
        assert first is not None
        assert first.text == text
        assert first.reply_to == question
    assert house.lab.refusals() == []


# As the answer of a slash command

VERSIONS = CommandSpec(("versions",), "List versions.")
SECRETS = CommandSpec(("secrets",), "List secrets.", private=True)


async def called(house: House, heard: Heard, name: str) -> tuple[Interaction, MessageRef, Author]:
    """A call that is acknowledged and waits for its answer."""
    call = house.anna.slash(house.general, name)
    await house.lab.until(lambda: heard.events)
    event = heard.events.pop()
    assert isinstance(event, Invocation)
    return call, MessageRef(event.channel, event.id), event.author


async def chunks_of(text: str) -> AsyncIterator[Chunk]:
    for start in range(0, len(text), 500):
        yield text[start : start + 500]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", ["versions", "secrets"])
async def test_a_long_answer_to_a_slash_command_ends_in_a_file_that_its_readers_see(
    house: House, streamed: bool, name: str
) -> None:
    text = text_of(15_000)
    async with house.hearing(VERSIONS, SECRETS) as heard:
        _call, ref, author = await called(house, heard, name)
        said = StreamedReply(ref, author, chunks_of(text)) if streamed else Reply(ref, author, text)
        receipt = await heard.adapter.perform(said, "k")
    messages = house.lab.bot_messages(house.general)
    assert [each["id"] for each in messages] == list(receipt.message_ids)
    assert receipt.head == len(messages) - 1
    *beginning, last = [each["content"] for each in messages]
    assert text.replace("\n", "").startswith(squeezed(beginning))
    assert "All of it is in the file." in last
    assert files(house, house.general) == [text]
    assert threads(house) == []
    assert {bool(each["flags"] & EPHEMERAL) for each in messages} == {name == "secrets"}


async def test_up_to_eight_thousand_characters_answer_a_slash_command_without_a_file(house: House) -> None:
    async with house.hearing(VERSIONS) as heard:
        _call, ref, author = await called(house, heard, "versions")
        await heard.adapter.perform(Reply(ref, author, text_of(MOST)), "k")
    assert squeezed(house.said(house.general)) == squeezed([text_of(MOST)])
    assert files(house, house.general) == []


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("again", [12_000, 3_000])
async def test_a_file_of_a_slash_command_is_replaced_or_taken_back_by_the_next_process(
    house: House, recorded: bool, again: int
) -> None:
    after = text_of(again, "new_")
    async with house.hearing(VERSIONS) as heard:
        _call, ref, author = await called(house, heard, "versions")
        made = await heard.adapter.perform(Reply(ref, author, text_of(15_000, "old_")), "k")
    if not recorded and again > MOST:
        made = Receipt(made.message_ids[:-1])  # killed before the last message was written down
    async with house.hearing(VERSIONS) as heard:
        receipt = await heard.adapter.perform(Reply(ref, author, after), "k", made)
    assert files(house, house.general) == ([after] if again > MOST else [])
    assert [each["id"] for each in house.lab.bot_messages(house.general)] == list(receipt.message_ids)
    assert after.replace("\n", "").startswith(squeezed(house.said(house.general)[: receipt.head]))


async def test_when_a_slash_command_took_too_long_its_file_stands_in_the_channel(house: House) -> None:
    text = text_of(15_000)
    async with house.hearing(VERSIONS) as heard:
        _call, ref, author = await called(house, heard, "versions")
        house.clock.shift += timedelta(minutes=15)
        await heard.adapter.perform(Reply(ref, author, text), "k")
    assert files(house, house.general) == [text]


async def test_a_file_for_one_member_alone_is_never_shown_in_the_channel(house: House) -> None:
    async with house.hearing(SECRETS) as heard:
        _call, ref, author = await called(house, heard, "secrets")
        house.clock.shift += timedelta(minutes=15)
        with pytest.raises(Gone):
            await heard.adapter.perform(Reply(ref, author, text_of(15_000)), "k")
    assert files(house, house.general) == []
    assert "That took longer" in house.said(house.general)[-1]
