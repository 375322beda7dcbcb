"""What can be pressed below the bot's cards, for platforms where pressing is a reaction. All in memory."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import select

from bot.core.controls import Control, same_emoji
from bot.core.events import MessageRef
from bot.storage.clock import Clock
from bot.storage.reader import Reader
from bot.storage.schema import controls
from bot.storage.writer import Row

CONTROL_DAYS = 90
"""After so long nobody presses anything; the commands behind it can still be typed."""


class Controls:
    """Controls by the message they stand below; writes go through `Store.settle`."""

    def __init__(self, reader: Reader, now: Clock) -> None:
        """Call `load` before use."""
        self._reader, self._now = reader, now
        self._known: dict[tuple[str, str], tuple[datetime, tuple[Control, ...]]] = {}

    async def load(self) -> None:
        """Read all that have not expired."""
        query = select(controls.c.channel_key, controls.c.message_id, controls.c.value, controls.c.at)
        for channel_key, message_id, value, at in await self._reader.rows(query):
            self._known[channel_key, message_id] = (at, tuple(_control(each) for each in json.loads(value)))

    def pressed(self, ref: MessageRef, emoji: str) -> Control | None:
        """The control that an emoji below a message stands for, if it does for any."""
        _at, standing = self._known.get((ref.channel.key, ref.id), (None, ()))
        return next((each for each in standing if same_emoji(each.emoji, emoji)), None)

    def row(self, ref: MessageRef, standing: Sequence[Control]) -> Row:
        """What stands below a message from now on, for `Writes.offer`."""
        at = self._now()
        for old in [key for key, (since, _) in self._known.items() if at - since > timedelta(CONTROL_DAYS)]:
            del self._known[old]
        self._known[ref.channel.key, ref.id] = (at, tuple(standing))
        value = json.dumps([_plain(each) for each in standing], ensure_ascii=False)
        return {"channel_key": ref.channel.key, "message_id": ref.id, "value": value, "at": at}

    def rows(self, offered: Iterable[tuple[MessageRef, Sequence[Control]]]) -> list[Row]:
        """`row` for several messages."""
        return [self.row(ref, standing) for ref, standing in offered]


def _plain(control: Control) -> dict[str, object]:
    return asdict(control)


def _control(plain: dict[str, object]) -> Control:
    arguments = plain["arguments"]
    command = plain["command"]
    assert isinstance(arguments, dict)  # noqa: S101 - written by `_plain` alone
    assert isinstance(command, list)  # noqa: S101
    return Control(
        str(plain["emoji"]), str(plain["label"]), tuple(command), arguments, grave=bool(plain["grave"])
    )
