"""What can be pressed below the bot's cards, for platforms where pressing is a reaction. All in memory."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from bot.core.controls import Control, Value, same_emoji
from bot.core.events import Channel, MessageRef
from bot.storage.clock import Clock
from bot.storage.reader import Reader
from bot.storage.schema import controls
from bot.storage.writer import Row

CONTROL_DAYS = 90
"""After so long nobody presses anything; the commands behind it can still be typed."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """What stands below a message, and since when."""

    ref: MessageRef
    at: datetime
    controls: tuple[Control, ...]


class Controls:
    """Controls by the message they stand below; writes go through `Store.settle`."""

    def __init__(self, reader: Reader, now: Clock) -> None:
        """Call `load` before use."""
        self._reader, self._now = reader, now
        self._known: dict[tuple[str, str], _Standing] = {}

    async def load(self) -> None:
        """Read all that have not expired."""
        query = select(controls.c.channel_key, controls.c.message_id, controls.c.value, controls.c.at)
        for channel_key, message_id, value, at in await self._reader.rows(query):
            found = json.loads(value)
            ref = MessageRef(Channel(*found["place"]), message_id)
            self._known[channel_key, message_id] = _Standing(ref, at, tuple(map(_control, found["controls"])))

    def pressed(self, ref: MessageRef, emoji: str) -> Control | None:
        """The control that an emoji below a message stands for, if it does for any."""
        standing = self._known.get((ref.channel.key, ref.id))
        controls = () if standing is None else standing.controls
        return next((each for each in controls if same_emoji(each.emoji, emoji)), None)

    def about(self, command: tuple[str, ...], argument: str, value: Value) -> list[MessageRef]:
        """The messages below which this command stands with this argument: the cards of a case."""
        return [
            standing.ref
            for standing in self._known.values()
            if any(
                control.command == command and control.arguments.get(argument) == value
                for control in standing.controls
            )
        ]

    def row(self, ref: MessageRef, standing: Sequence[Control]) -> Row:
        """What stands below a message from now on, for `Writes.offer`."""
        at, place = self._now(), ref.channel
        for old in [key for key, each in self._known.items() if at - each.at > timedelta(CONTROL_DAYS)]:
            del self._known[old]
        self._known[ref.channel.key, ref.id] = _Standing(ref, at, tuple(standing))
        fields = (place.platform, place.community, place.id, place.thread, place.private, place.encrypted)
        value = json.dumps({"place": fields, "controls": list(map(asdict, standing))}, ensure_ascii=False)
        return {"channel_key": ref.channel.key, "message_id": ref.id, "value": value, "at": at}

    def rows(self, offered: Iterable[tuple[MessageRef, Sequence[Control]]]) -> list[Row]:
        """`row` for several messages."""
        return [self.row(ref, standing) for ref, standing in offered]


def _control(plain: dict[str, object]) -> Control:
    arguments = plain["arguments"]
    command = plain["command"]
    assert isinstance(arguments, dict)  # noqa: S101 - written by `_plain` alone
    assert isinstance(command, list)  # noqa: S101
    return Control(
        str(plain["emoji"]), str(plain["label"]), tuple(command), arguments, grave=bool(plain["grave"])
    )
