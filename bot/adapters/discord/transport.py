"""The messages of one answer: in a channel, or as the answer of an interaction."""

from collections.abc import Callable

from bot.adapters.delivery import Controls, Sent
from bot.adapters.discord.calls import Calls, whole_characters
from bot.adapters.discord.components import buttons
from bot.adapters.discord.interactions import Open
from bot.adapters.discord.snowflakes import snowflake
from bot.adapters.reading import Json, table, tables, text
from bot.core.errors import Gone, PlatformError

LIMIT = 2000
"""Characters of a message (Discord, "Create Message")."""

_NO_PREVIEWS = 1 << 2  # SUPPRESS_EMBEDS: what a model links to is not fetched and shown
_QUIET: Json = {"parse": [], "replied_user": False}
_EPHEMERAL = 1 << 6
_LONGEST_TITLE = 256


LONGEST_CARD = 4096
"""Characters of an embed's description (Discord, "Embed Limits")."""


def written(said: str, controls: Controls) -> Json:
    """The body of a message that tells nobody."""
    return {
        "content": whole_characters(said),
        "allowed_mentions": _QUIET,
        "flags": _NO_PREVIEWS,
        "components": buttons(controls),
    }


class ChannelTransport:
    """See `bot.adapters.delivery.Transport`.

    Args:
        channel_id: of a channel or a thread.
        us: our user id.
        question: id of the message that is answered; its author is told by the first message.
        tells: whether that is an answer people wait for, and not the output of a command.
    """

    limit, buttons = LIMIT, True

    def __init__(self, calls: Calls, channel_id: str, us: str, question: str | None, *, tells: bool) -> None:
        self._calls, self._channel_id, self._us = calls, channel_id, us
        self._question, self._tells = question, tells

    def length(self, said: str) -> int:
        """Characters, as Discord counts them."""
        return len(said)

    async def send(self, said: str, part: int, key: str, controls: Controls) -> Sent:
        """See `Transport`."""
        body = self._body(said, controls) | {"nonce": key, "enforce_nonce": True}
        if part == 0 and self._question is not None:
            body["message_reference"] = {"message_id": self._question, "fail_if_not_exists": False}
            body["allowed_mentions"] = {"parse": [], "replied_user": self._tells}
        made = await self._calls.send(self._channel_id, body)
        return Sent(message_id(made), self._text_of(made))

    def _body(self, said: str, controls: Controls) -> Json:
        return written(said, controls)

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

    async def edit(self, message_id: str, said: str, controls: Controls) -> None:
        """See `Transport`."""
        await self._calls.edit(self._channel_id, message_id, self._body(said, controls))

    async def delete(self, message_id: str) -> None:
        """See `Transport`."""
        await self._calls.delete(self._channel_id, message_id)


class CardTransport(ChannelTransport):
    """A message that stands out from talk: an embed with a title."""

    limit = LONGEST_CARD

    def __init__(self, calls: Calls, channel_id: str, us: str, title: str) -> None:
        super().__init__(calls, channel_id, us, None, tells=False)
        self._title = title

    def _body(self, said: str, controls: Controls) -> Json:
        card = {
            "title": whole_characters(self._title)[:_LONGEST_TITLE],
            "description": whole_characters(said),
        }
        return written("", controls) | {"embeds": [card], "flags": 0}

    def _text_of(self, made: Json) -> str | None:
        return text(next(iter(tables(made, "embeds")), {}), "description")


class ThreadTransport(ChannelTransport):
    """The rest of an answer, in a thread that was opened for it."""

    def __init__(self, calls: Calls, thread_id: str, us: str) -> None:
        super().__init__(calls, thread_id, us, None, tells=False)

    async def find(self, part: int, key: str) -> str | None:
        """See `Transport`: there we reply to others, and to nobody only with the rest of that answer."""
        ours = [
            message_id(each)
            for each in await self._calls.messages_after(self._channel_id, self._channel_id)
            if snowflake(table(each, "author"), "id") == self._us and not table(each, "message_reference")
        ]
        return ours[part] if part < len(ours) else None


class InteractionTransport:
    """See `bot.adapters.delivery.Transport`; whether others see it was said when it was acknowledged."""

    limit, buttons = LIMIT, True

    def __init__(self, calls: Calls, answer: Callable[[], Open | None], *, hidden: bool) -> None:
        self._calls, self._answer, self._hidden = calls, answer, hidden

    def length(self, said: str) -> int:
        """Characters, as Discord counts them."""
        return len(said)

    async def send(self, said: str, part: int, key: str, controls: Controls) -> Sent:
        """See `Transport`. The first message fills in what stands already, so it is the same every time."""
        body = written(said, controls)
        made = await (self._fill_in(body) if part == 0 else self._follow_up(body))
        return Sent(message_id(made), text(made, "content"))

    async def _fill_in(self, body: Json) -> Json:
        still = self._still()
        try:
            return await self._calls.answer(still.application_id, still.token, body)
        except Gone:  # what stood there was taken back, by us when we stopped or by somebody who saw it
            return await self._follow_up(body)

    async def _follow_up(self, body: Json) -> Json:
        still = self._still()
        if self._hidden:
            body["flags"] = _NO_PREVIEWS | _EPHEMERAL
        return await self._calls.follow_up(still.application_id, still.token, body)

    async def find(self, part: int, key: str) -> str | None:
        """See `Transport`; sending the first message finds it."""
        return None

    async def edit(self, message_id: str, said: str, controls: Controls) -> None:
        """See `Transport`."""
        still = self._still()
        await self._calls.edit_answer(still.application_id, still.token, message_id, written(said, controls))

    async def delete(self, message_id: str) -> None:
        """See `Transport`."""
        still = self._still()
        await self._calls.delete_answer(still.application_id, still.token, message_id)

    def _still(self) -> Open:
        still = self._answer()
        if still is None:
            raise Gone("the interaction can no longer be answered")
        return still


def message_id(made: Json) -> str:
    """The id of a message that Discord answered with."""
    found = snowflake(made, "id")
    if found is None:
        raise PlatformError("Discord answered without a message id")
    return found
