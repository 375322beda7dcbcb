"""Somebody speaks as another member: what they may, what they read, and what is done to them."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.adapter import Batch
from bot.adapters.console import ConsoleAdapter
from bot.adapters.console.around import SPEAK_AS, spoken
from bot.commands.command import Commands
from bot.core.actions import (
    Action,
    Ban,
    Delete,
    Hide,
    Kick,
    Post,
    Purge,
    Reply,
    StreamedReply,
    Timeout,
    Unban,
    Update,
)
from bot.core.errors import Gone
from bot.core.events import Author, Channel, Deletion, Event, Message
from bot.core.permissions import Role

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
HOUR_S = 3600.0
PIP = Author("console", "pip", "pipistrelle")
TAM = Author("console", "tam", "Tamsin")
HERE = Channel("console", "console", "general")
STAFF = Channel("console", "console", "staff")


class Talk:
    """A console at which one line is typed after the other."""

    def __init__(self) -> None:
        self.now, self.out = NOON, io.StringIO()
        self._typed: list[bytes] = []
        self.adapter = ConsoleAdapter.piped(
            "ann", "general", self._lines(), self.out, io.StringIO(), now=lambda: self.now
        )
        self.adapter.beside(
            {"general": Role.MEMBER, "staff": Role.MODERATOR}, {PIP: Role.MEMBER, TAM: Role.MODERATOR}
        )
        self._events = self.adapter.events({})
        self._keys = 0

    def queue(self, *lines: str) -> None:
        """Lines that are typed before the next one."""
        self._typed += [line.encode() for line in lines]

    def rest(self) -> AsyncIterator[Batch]:
        """What comes if nothing more is typed."""
        return self._events

    async def _lines(self) -> AsyncIterator[bytes]:
        while self._typed:
            yield self._typed.pop(0)

    async def types(self, line: str) -> Event:
        """What follows from a line, or from what was done before it."""
        self.queue(line)
        return (await anext(self._events)).events[0]

    async def says(self, line: str) -> Message:
        event = await self.types(line)
        assert isinstance(event, Message)
        return event

    async def does(self, *actions: Action) -> str:
        """What the console shows of some actions."""
        before = len(self.out.getvalue())
        for action in actions:
            self._keys += 1
            await self.adapter.perform(action, f"k{self._keys}")
        return self.out.getvalue()[before:]


async def test_who_speaks_is_a_member_known_by_id_or_name_or_somebody_new() -> None:
    talk = Talk()
    for line, who in (
        ("/as pip hello", PIP),
        ("/as @Pipistrelle hello", PIP),
        ("／as PIP hello", PIP),
        ("/as mira hello", Author("console", "mira", "mira")),
        ("/as Ann hello", talk.adapter.user),
    ):
        said = await talk.says(line)
        assert (said.author, said.text) == (who, "hello")


async def test_a_member_speaks_to_the_channel_and_commands_go_to_the_bot() -> None:
    talk = Talk()
    said, called = await talk.says("/as pip hello all"), await talk.says("/as pip /why")
    assert (said.addressed, called.text, called.addressed) == (None, "/why", "/why")
    assert (await talk.says("/as ann hello bot")).addressed == "hello bot"


async def test_what_is_asked_next_is_about_what_a_member_said_last() -> None:
    talk = Talk()
    said = await talk.says("/as pip you fool")
    about = [await talk.says(line) for line in ("/why", "/as tam /report", "/mod warn be kind")]
    assert [each.reply_to for each in about] == [said.ref.id] * 3


async def test_a_line_without_a_name_or_a_text_tells_how_it_is_meant_and_says_nothing() -> None:
    talk = Talk()
    talk.queue("/as", "/as pip", "/as   ")
    assert (await talk.says("hello")).text == "hello"
    usage = (
        "bot> `/as NAME TEXT` says TEXT here as NAME, for example `/as pip hello`. "
        "Among those who are here: pip."
    )
    assert talk.out.getvalue().splitlines() == [usage] * 3


async def test_what_only_one_member_reads_says_for_whom_it_is() -> None:
    talk = Talk()
    own, said = await talk.says("hello"), await talk.says("/as pip /why")
    assert await talk.does(Reply(own.ref, own.author, "mine", private=True)) == "bot> mine\n"
    assert await talk.does(Reply(said.ref, PIP, "his", personal=True)) == "bot> [@pip] his\n"
    assert await talk.does(Reply(said.ref, PIP, "for all")) == "bot> for all\n"
    assert await talk.does(Post(said.ref.channel, "psst", to=PIP, private=True)) == "bot> [@pip] psst\n"
    streamed = StreamedReply(said.ref, PIP, chunks("one ", "two"), personal=True)
    assert await talk.does(streamed) == "bot> [@pip] one two\n"
    with pytest.raises(Gone, match="not at this terminal"):
        await talk.does(Post(said.ref.channel, "psst", to=TAM, private=True))


async def chunks(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


@pytest.mark.parametrize("removed", ["delete", "hide", "purge"])
async def test_what_is_removed_is_gone_from_the_channel_and_the_bot_hears_of_it(removed: str) -> None:
    talk = Talk()
    said, stays = await talk.says("/as pip rude"), await talk.says("/as pip kind")
    actions: dict[str, Action] = {
        "delete": Delete(said.ref, "rude"),
        "hide": Hide(said.ref, "rude"),
        "purge": Purge(said.ref.channel, (said.ref.id,), "rude"),
    }
    assert await talk.does(actions[removed]) == ""
    assert await talk.types("next") == Deletion(said.ref, NOON)
    assert (await talk.says("another")).text == "next"
    history = talk.adapter.directory.history(said.ref.channel, NOON - timedelta(hours=1))
    assert [message.text async for message in history] == [stays.text, "next"]


async def test_what_is_removed_last_is_told_though_nothing_is_typed_any_more() -> None:
    talk = Talk()
    said = await talk.says("/as pip rude")
    await talk.does(Hide(said.ref, "rude"))
    assert [batch.events async for batch in talk.rest()] == [(Deletion(said.ref, NOON),)]


async def test_a_card_that_changes_stays_the_same_card() -> None:
    talk = Talk()
    posted = await talk.adapter.perform(Post(talk.adapter.channel, "a case"), "post")
    card = Update(replace((await talk.says("hi")).ref, id=posted.message_ids[0]), "decided")
    for key in ("one", "two"):
        assert (await talk.adapter.perform(card, key)).message_ids == posted.message_ids


@pytest.mark.parametrize(
    ("done", "undone"),
    [
        (Timeout(HERE, PIP, HOUR_S, "flood"), Timeout(HERE, PIP, 0, "over")),
        (Ban(HERE, PIP, "ads"), Unban(HERE, PIP, "over")),
    ],
    ids=["timeout", "ban"],
)
async def test_who_was_silenced_speaks_to_the_bot_only_until_it_is_undone(
    done: Action, undone: Action
) -> None:
    talk = Talk()
    await talk.does(done)
    talk.queue("/as pip hello?")
    assert (await talk.says("/as pip /appeal")).text == "/appeal"
    assert "pipistrelle" in talk.out.getvalue()
    await talk.does(undone)
    assert (await talk.says("/as pip thanks")).text == "thanks"


async def test_a_timeout_ends_and_who_had_to_leave_may_come_back() -> None:
    talk = Talk()
    await talk.does(
        Timeout(talk.adapter.channel, PIP, HOUR_S, "flood"), Kick(talk.adapter.channel, TAM, "ads")
    )
    talk.now += timedelta(seconds=HOUR_S)
    assert (await talk.says("/as pip hello")).author == PIP
    assert (await talk.says("/as tam hello")).author == TAM


async def test_members_have_their_own_roles_and_read_what_these_may() -> None:
    talk = Talk()
    directory, here = talk.adapter.directory, talk.adapter.channel
    roles = [await directory.role(who, here) for who in (talk.adapter.user, TAM, PIP)]
    assert roles == [Role.ADMIN, Role.MODERATOR, Role.MEMBER]
    assert list(await directory.readable_channels(PIP, "console")) == [here]
    assert list(await directory.readable_channels(TAM, "console")) == [here, STAFF]
    assert list(await directory.shared_with(here)) == [here]
    assert list(await directory.shared_with(STAFF)) == [here, STAFF]
    assert await directory.place(PIP, "console", "staff") is None


def test_no_command_has_the_name_of_this_line() -> None:
    assert all(spec.path[0] != SPEAK_AS for spec in Commands.discover().specs)


@given(st.text(max_size=60))
def test_only_this_line_is_somebody_elses(line: str) -> None:
    assert spoken(line) is None or line.strip()[:3] in ("/as", "／as")
