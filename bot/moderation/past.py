"""The last minutes of one community, in memory only: what rules about floods and copies look back at.

Everything is bounded, however many people write: members and channels that were silent longest are forgotten
first. Nothing of it is ever written down or shown.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Generic, TypeVar

from bot.core.events import Author, Identity, Join, Message, MessageRef
from bot.moderation.copies import Copies, Group
from bot.moderation.examined import UNKNOWN, Examined, Standing

MEMBERS, CHANNELS = 4_096, 512
"""As many are remembered of a community."""

PER_MEMBER, PER_CHANNEL, OF_ALL = 128, 512, 1_024
"""So many moments are remembered of each, and so high can a rule's limit be."""

LOOK_BACK_S = 600.0
"""The longest window of any rule."""

_Key = TypeVar("_Key", bound=Hashable)


class Window:
    """Moments, the newest last."""

    def __init__(self, size: int) -> None:
        self._moments: deque[float] = deque(maxlen=size)

    def add(self, at_s: float) -> None:
        """Note a moment; they may come slightly out of order."""
        self._moments.append(at_s)

    def count(self, since_s: float, most: int = OF_ALL) -> int:
        """How many moments lie after another one, counting no further than `most`."""
        return sum(1 for at_s in islice(reversed(self._moments), most) if at_s > since_s)

    def __len__(self) -> int:
        return len(self._moments)


class _Windows(Generic[_Key]):
    """A window for each of the keys seen last."""

    def __init__(self, keys: int, size: int) -> None:
        self._keys, self._size = keys, size
        self._windows: OrderedDict[_Key, Window] = OrderedDict()

    def of(self, key: _Key) -> Window:
        """The window of a key; a new one forgets the key silent longest."""
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = Window(self._size)
            if len(self._windows) > self._keys:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(key)
        return window

    def forget(self, key: _Key) -> None:
        self._windows.pop(key, None)

    def __len__(self) -> int:
        return len(self._windows)


def utc_now() -> datetime:
    """The clock, unless a test or a replay brings its own."""
    return datetime.now(UTC)


class Past:
    """What happened in one community lately.

    Attributes:
        everyone, newcomers: messages of all members, and of those who are new.
        joins: arrivals.
        copies: texts that were said before.
    """

    def __init__(self, now: Callable[[], datetime] = utc_now) -> None:
        self._now = now
        self._members: _Windows[Identity] = _Windows(MEMBERS, PER_MEMBER)
        self._channels: _Windows[str] = _Windows(CHANNELS, PER_CHANNEL)
        self._joined: OrderedDict[Identity, datetime] = OrderedDict()
        self.everyone = Window(OF_ALL)
        self.newcomers = Window(OF_ALL)
        self.joins = Window(OF_ALL)
        self.copies = Copies(LOOK_BACK_S)
        self._last: tuple[MessageRef, Group] | None = None
        self._moment: tuple[datetime | None, float] = (None, 0.0)

    def moment(self, at: datetime) -> float:
        """When something happened, in seconds; nothing happens later than now, whatever a server says."""
        if self._moment[0] is not at:  # asked by every rule about the same message
            self._moment = (at, min(at, self._now()).timestamp())
        return self._moment[1]

    def said(self, message: Message, *, by_newcomer: bool = False) -> None:
        """Note a new message; edits are none."""
        at_s = self.moment(message.at)
        self.everyone.add(at_s)
        self._members.of(message.author.identity).add(at_s)
        self._channels.of(message.ref.channel.key).add(at_s)
        if by_newcomer:
            self.newcomers.add(at_s)

    def joined(self, join: Join) -> None:
        """Note an arrival."""
        self.joins.add(self.moment(join.at))
        self._joined[join.author.identity] = join.at
        self._joined.move_to_end(join.author.identity)
        if len(self._joined) > MEMBERS:
            self._joined.popitem(last=False)

    def standing(self, author: Author, known: Standing = UNKNOWN) -> Standing:
        """What is known of an author, with when they came if nobody knew but it was seen."""
        seen = self._joined.get(author.identity)
        return known if seen is None or known.joined_at is not None else replace(known, joined_at=seen)

    def copies_of(self, seen: Examined) -> Group:
        """What was said like a new message, itself the last; it is noted when a rule first asks."""
        message = seen.message
        if self._last is None or self._last[0] != message.ref:
            text = seen.normalized.text.strip()
            group = self.copies.add(
                text, message.author.identity, message.ref.channel.key, self.moment(message.at)
            )
            self._last = (message.ref, group)
        return self._last[1]

    def by_member(self, author: Author) -> Window:
        """Messages of one member, in all channels."""
        return self._members.of(author.identity)

    def in_channel(self, key: str) -> Window:
        """Messages in one channel or thread."""
        return self._channels.of(key)

    def forget(self, identity: Identity) -> None:
        """Forget a member who asked for it."""
        self._members.forget(identity)
        self._joined.pop(identity, None)
        self.copies.forget(identity)

    def __len__(self) -> int:
        """How many members and channels are remembered."""
        return len(self._members) + len(self._channels) + len(self._joined)
