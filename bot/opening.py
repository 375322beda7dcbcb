"""Opens what only its adapter can read, and waits for keys that are late.

What cannot be opened yet stays in the inbox: a kill forgets nothing of it.
"""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter

from bot.adapters.adapter import Adapter
from bot.core.actions import Alert
from bot.core.errors import Forbidden, Gone, Locked, PlatformError, Unsupported
from bot.core.events import Channel, Encrypted, MessageRef, Readable
from bot.core.text import _

PATIENCE_S = 30.0
"""How long a key may be late; clients send it before the message, and servers deliver it within seconds."""
MOST_LOCKED = 1_000
"""How many events of a room may wait for keys; more are given up at once, so that nobody fills the memory."""
MOST_DELETED = 10_000

_AGAIN_S = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """An event that could be read; None is what the core has no word for."""

    event: Readable | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An event whose key did not come."""


class Opener:
    """Opens encrypted events.

    Args:
        adapters: by platform.
        retry: takes events, and when they arrived, that should be opened again.
        patience_s: how long a key may be late.
    """

    def __init__(
        self,
        adapters: Mapping[str, Adapter],
        retry: Callable[[Iterable[tuple[Encrypted, float]]], None],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._adapters, self._retry, self._patience_s = adapters, retry, patience_s
        self._locked: dict[str, tuple[Encrypted, float]] = {}
        self._waiting: Counter[str] = Counter()
        self._deleted: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._some = asyncio.Event()

    async def open(self, event: Encrypted, arrived: float) -> Opened | Unreadable | None:
        """What an event says, or None while its key may still come; then it is tried again later.

        Args:
            arrived: when, as `perf_counter` tells time.
        """
        if (event.channel.key, event.id) in self._deleted:
            return Opened(None)
        try:
            return Opened(await self._adapters[event.channel.platform].open(event))
        except Locked as error:
            waiting = self._waiting[event.channel.id]
            overdue = perf_counter() - arrived > self._patience_s or waiting >= MOST_LOCKED
            if overdue:
                log.warning("an event stays unread: %s", error, extra=_where(event))
                return Unreadable()
            first = perf_counter() - arrived < _AGAIN_S
            log.log(
                logging.INFO if first else logging.DEBUG, "not readable yet: %s", error, extra=_where(event)
            )
        except (Gone, Forbidden, Unsupported) as error:  # we left the room, or may not read there any more
            log.info("an event is not ours to read: %s", error, extra=_where(event))
            return Opened(None)
        except PlatformError as error:  # nobody knows what it says: it is kept until that is known
            log.warning("an event cannot be opened now: %s", error, extra=_where(event))
        except Exception:  # one event: a fault in reading it must not stop the place it stands in
            log.exception("an event cannot be read", extra=_where(event))
            return Opened(None)
        self._locked[event.key] = (event, arrived)
        self._waiting[event.channel.id] += 1
        self._some.set()
        return None

    def withdraw(self, ref: MessageRef) -> None:
        """A message was deleted: should it still wait for its key, nobody will read it."""
        self._deleted[ref.channel.key, ref.id] = None
        if len(self._deleted) > MOST_DELETED:
            self._deleted.popitem(last=False)

    async def keep_trying(self) -> None:
        """Hand back what could not be opened, every second, for as long as the bot runs."""
        while True:
            await self._some.wait()
            await asyncio.sleep(_AGAIN_S)
            self._some.clear()
            waiting, self._locked = tuple(self._locked.values()), {}
            self._waiting.clear()
            self._retry(waiting)


def unread_alert(channel: Channel) -> Alert:
    """What the moderators of a room are told when the bot cannot read there."""
    return Alert(
        channel,
        _(
            "I cannot read some encrypted messages in {room}: their keys did not reach me, so I neither "
            "answer nor moderate them. It helps if who wrote them writes again, or restarts their client.",
            room=channel.id,
        ),
    )


def _where(event: Encrypted) -> dict[str, str]:
    return {"channel": event.channel.id, "event_id": event.id}
