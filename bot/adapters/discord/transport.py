"""The messages of one answer: in a channel, or as the answer of an interaction."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from bot.adapters.delivery import Sent
from bot.adapters.discord.calls import Calls, Expired, Unreachable, whole_characters
from bot.adapters.discord.components import buttons
from bot.adapters.discord.gaps import pages
from bot.adapters.discord.interactions import Open
from bot.adapters.discord.snowflakes import snowflake
from bot.adapters.discord.sources import LONGEST_CARD, embed, length, without_previews
from bot.adapters.reading import Json, integer, table, tables, text
from bot.core.actions import File
from bot.core.below import NOTHING, Below
from bot.core.errors import Gone, PlatformError

LIMIT = 2000
"""Characters of a message (Discord, "Create Message")."""

FILE_NAME = "answer.md"
"""Of a file that holds a whole answer."""

_NO_PREVIEWS = 1 << 2  # SUPPRESS_EMBEDS: what a model links to is not fetched and shown
_QUIET: Json = {"parse": [], "replied_user": False}
_EPHEMERAL, _LOADING = 1 << 6, 1 << 7
_LONGEST_TITLE = 256


def written(said: str, below: Below, *, hidden: bool = False) -> Json:
    """The body of a message that tells nobody; hidden ones answer an interaction."""
    card = below.sources
    return {
        "content": whole_characters(without_previews(said) if card else said),
        "allowed_mentions": _QUIET,
        "flags": (0 if card else _NO_PREVIEWS) | (_EPHEMERAL if hidden else 0),
        "components": buttons(below.controls),
        "embeds": [embed(card)] if card else [],
    }


class ChannelTransport:
    """See `bot.adapters.delivery.Transport`.

    Args:
        channel_id: of a channel or a thread.
        us: our user id.
        question: id of the message that is answered; its author is told by the first message.
        tells: whether that is an answer people wait for, and not the output of a command.
        names: id of somebody whom the first message mentions, and may tell.
        cards: whether we may put cards below messages there.
    """

    limit, buttons = LIMIT, True

    def __init__(
        self,
        calls: Calls,
        channel_id: str,
        us: str,
        question: str | None,
        *,
        tells: bool,
        names: str | None = None,
        cards: bool = False,
    ) -> None:
        self._names, self.cards = names, cards
        self._calls, self._channel_id, self._us = calls, channel_id, us
        self._question, self._tells = question, tells

    def length(self, said: str) -> int:
        """Characters, as Discord counts them, with room to keep links from being fetched."""
        return length(said) if self.cards else len(said)

    async def send(self, said: str, part: int, key: str, below: Below) -> Sent:
        """See `Transport`."""
        body = self._body(said, below) | {"nonce": key, "enforce_nonce": True}
        if part == 0 and self._question is not None:
            body["message_reference"] = {"message_id": self._question, "fail_if_not_exists": False}
        if part == 0 and (self._question is not None or self._names is not None):
            named = {"users": [self._names]} if self._names is not None else {}
            body["allowed_mentions"] = {"parse": [], "replied_user": self._tells, **named}
        made = await self._calls.send(self._channel_id, body)
        return _sent(made, said, self._text_of(body), self._text_of(made))

    def _body(self, said: str, below: Below) -> Json:
        return written(said, below)

    def _text_of(self, made: Json) -> str | None:
        return text(made, "content")

    async def find(self, part: int, key: str) -> str | None:
        """See `Transport`. Discord forgets nonces within minutes, but not what a message replies to."""
        if part or self._question is None:
            return None
        for each in await self._calls.messages_after(self._channel_id, self._question):
            ours = snowflake(table(each, "author"), "id") == self._us
            if ours and snowflake(table(each, "message_reference"), "message_id") == self._question:
                return message_id(each)
        return None

    async def standing(self, interaction: str, *, files: bool = False) -> Sequence[str]:
        """Ids of our messages that answer an interaction, oldest first, as far as we may read.

        Args:
            files: those with a whole answer as a file, and not the others.
        """
        found: list[str] = []
        async for page in pages(self._calls, self._channel_id, interaction):
            for each in page:
                ours = snowflake(table(each, "author"), "id") == self._us
                answers = snowflake(table(each, "interaction_metadata"), "id") == interaction
                loading = (integer(each, "flags") or 0) & _LOADING
                if ours and answers and not loading and has_file(each) == files:
                    found.append(message_id(each))
        return found

    async def edit(self, message_id: str, said: str, below: Below) -> None:
        """See `Transport`."""
        await self._calls.edit(self._channel_id, message_id, self._body(said, below))

    async def delete(self, message_id: str) -> None:
        """See `Transport`."""
        await self._calls.delete(self._channel_id, message_id)

    async def send_file(self, said: str, key: str, below: Below, content: bytes) -> str:
        """Post a message with a file, and return its id. Same key, same message."""
        body = written(said, below) | {"nonce": key, "enforce_nonce": True}
        return message_id(await self._calls.send_file(self._channel_id, body, FILE_NAME, content))

    async def attach(self, file: File, key: str) -> str:
        """See `bot.adapters.attaching.Attach`."""
        body = written("", NOTHING) | {"nonce": key, "enforce_nonce": True}
        return message_id(await self._calls.attach(self._channel_id, body, file))

    async def find_file(self, after: str) -> str | None:
        """The message with a file that stands behind one of ours, made by an earlier attempt."""
        for each in await self._calls.messages_after(self._channel_id, after):
            if snowflake(table(each, "author"), "id") == self._us and has_file(each):
                return message_id(each)
        return None

    async def edit_file(self, message_id: str, said: str, below: Below, content: bytes) -> None:
        """Give a message with a file another one."""
        body = written(said, below)
        await self._calls.edit_file(self._channel_id, message_id, body, FILE_NAME, content)


class CardTransport(ChannelTransport):
    """A message that stands out from talk: an embed with a title."""

    limit = LONGEST_CARD

    def __init__(self, calls: Calls, channel_id: str, us: str, title: str) -> None:
        super().__init__(calls, channel_id, us, None, tells=False)
        self._title = title

    def _body(self, said: str, below: Below) -> Json:
        card = {
            "title": whole_characters(self._title)[:_LONGEST_TITLE],
            "description": whole_characters(said),
        }
        return written("", below) | {"embeds": [card], "flags": 0}

    def _text_of(self, made: Json) -> str | None:
        return text(next(iter(tables(made, "embeds")), {}), "description")


class ThreadTransport(ChannelTransport):
    """The rest of an answer, in a thread that was opened for it."""

    def __init__(self, calls: Calls, thread_id: str, us: str, *, cards: bool) -> None:
        super().__init__(calls, thread_id, us, None, tells=False, cards=cards)

    async def find(self, part: int, key: str) -> str | None:
        """See `Transport`: there we reply to others, and to nobody only with the rest of that answer."""
        ours = [
            message_id(each)
            for each in await self._calls.messages_after(self._channel_id, self._channel_id)
            if snowflake(table(each, "author"), "id") == self._us and not table(each, "message_reference")
        ]
        return ours[part] if part < len(ours) else None


class InteractionTransport:
    """See `bot.adapters.delivery.Transport`; whether others see it was said when it was acknowledged.

    When its time is over, what others see goes on in the channel: there the messages are ours like any other.

    Args:
        id: of the interaction.
        answer: how to answer it now; None when that is over.
        late: where it goes on; None where nobody else may read it.
        hidden: only who used it sees it.
        cards: whether we may put cards below messages there.
    """

    limit, buttons = LIMIT, True

    def __init__(
        self,
        calls: Calls,
        id: str,
        answer: Callable[[], Open | None],
        late: ChannelTransport | None,
        *,
        hidden: bool,
        cards: bool = False,
    ) -> None:
        self.cards = cards
        self._calls, self._interaction, self._answer = calls, id, answer
        self._late, self._hidden = late, hidden
        self._seen: set[str] = set()
        self._in_doubt: set[int] = set()

    def length(self, said: str) -> int:
        """Characters, as Discord counts them, with room to keep links from being fetched."""
        return length(said) if self.cards else len(said)

    async def send(self, said: str, part: int, key: str, below: Below) -> Sent:
        """See `Transport`. There is no nonce: what may stand there is looked for before it is sent again."""
        if part in self._in_doubt and (found := await self._look(part)) is not None:
            return Sent(found)
        still, body = self._answer(), written(said, below)
        if still is not None:
            try:
                made = await (self._fill_in(still, body) if part == 0 else self._follow_up(still, body))
                self._seen.add(message_id(made))
                return _sent(made, said, text(body, "content"), text(made, "content"))
            except Unreachable:
                self._in_doubt.add(part)
                raise
            except Expired:
                pass  # earlier than by our clock
        return await self._in_channel().send(said, part, key, below)

    async def _fill_in(self, still: Open, body: Json) -> Json:
        try:
            return await self._calls.answer(still.application_id, still.token, body)
        except Expired:
            raise
        except Gone:  # what stood there was taken back, by us when we stopped or by somebody who saw it
            return await self._follow_up(still, body)

    async def _follow_up(self, still: Open, body: Json) -> Json:
        flags = (integer(body, "flags") or 0) | (_EPHEMERAL if self._hidden else 0)
        return await self._calls.follow_up(still.application_id, still.token, body | {"flags": flags})

    async def find(self, part: int, key: str) -> str | None:
        """See `Transport`. Sending the first message finds it; what nobody else sees can never be found."""
        over = self._answer() is None
        if part == 0 and not over:
            return None
        found = await self._look(part)
        return await self._late.find(part, key) if found is None and over and self._late else found

    async def _look(self, part: int) -> str | None:
        if self._late is None or self._hidden:
            return None
        standing = await self._late.standing(self._interaction)
        new = next((each for each in standing[part:] if each not in self._seen), None)
        if new is not None:
            self._seen.add(new)
        return new

    async def edit(self, message_id: str, said: str, below: Below) -> None:
        """See `Transport`."""
        self._seen.add(message_id)
        still = self._answer()
        if still is not None:
            with suppress(Expired):
                await self._calls.edit_answer(
                    still.application_id, still.token, message_id, written(said, below)
                )
                return
        await self._in_channel().edit(message_id, said, below)

    async def delete(self, message_id: str) -> None:
        """See `Transport`."""
        still = self._answer()
        if still is not None:
            with suppress(Expired):
                await self._calls.delete_answer(still.application_id, still.token, message_id)
                return
        await self._in_channel().delete(message_id)

    async def send_file(self, said: str, key: str, below: Below, content: bytes) -> str:
        """Post a message with a file that who sees the answer sees too, and return its id."""
        still, body = self._answer(), written(said, below, hidden=self._hidden)
        if still is not None:
            with suppress(Expired):
                made = await self._calls.follow_up_file(
                    still.application_id, still.token, body, FILE_NAME, content
                )
                return message_id(made)
        return await self._in_channel().send_file(said, key, below, content)

    async def attach(self, file: File, key: str) -> str:
        """See `bot.adapters.attaching.Attach`."""
        still, body = self._answer(), written("", NOTHING, hidden=self._hidden)
        if still is not None:
            with suppress(Expired):
                made = await self._calls.attach_to_answer(still.application_id, still.token, body, file)
                return message_id(made)
        return await self._in_channel().attach(file, key)

    async def find_file(self, after: str) -> str | None:
        """See `ChannelTransport`; what nobody else sees can never be found."""
        if self._late is None or self._hidden:
            return None
        standing = await self._late.standing(self._interaction, files=True)
        return standing[0] if standing else await self._late.find_file(after)

    async def edit_file(self, message_id: str, said: str, below: Below, content: bytes) -> None:
        """See `ChannelTransport`."""
        still = self._answer()
        if still is not None:
            with suppress(Expired):
                await self._calls.edit_answer_file(
                    still.application_id, still.token, message_id, written(said, below), FILE_NAME, content
                )
                return
        await self._in_channel().edit_file(message_id, said, below, content)

    def _in_channel(self) -> ChannelTransport:
        if self._late is None:
            raise Expired("the interaction can no longer be answered")
        return self._late


def has_file(made: Json) -> bool:
    """Whether a message carries a whole answer as a file."""
    return any(text(file, "filename") == FILE_NAME for file in tables(made, "attachments"))


def _sent(made: Json, said: str, asked: str | None, stands: str | None) -> Sent:
    """A message that was made, with what was said as its text unless another one stands there."""
    return Sent(message_id(made), said if stands == asked else stands)


def message_id(made: Json) -> str:
    """The id of a message that Discord answered with."""
    found = snowflake(made, "id")
    if found is None:
        raise PlatformError("Discord answered without a message id")
    return found
