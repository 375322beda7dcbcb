"""How often sessions were begun: at 1,000 IDENTIFYs in 24 hours Discord resets the token.

The count outlives the process, so that what starts it again and again is slowed down and never gets so far.
Source: Discord, "Gateway", session start limit.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.adapters.files import write_private
from bot.adapters.reading import parse

DAY = timedelta(hours=24)

LIMIT = 1000
"""IDENTIFYs a day, if Discord names no other number."""

MARGIN = 50
"""Left for whatever else uses the token."""

FREE = 25
"""Sessions of each shard in a day that wait for nothing."""

LONGEST = timedelta(minutes=30)
"""Between two sessions; they double up to this from a second on."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What Discord said last about how many sessions may be begun.

    Attributes:
        shards: that the account needs.
        total: IDENTIFYs in a day.
        remaining: those that are left.
        again_at: when all of them are allowed again.
    """

    shards: int = 1
    total: int = LIMIT
    remaining: int = LIMIT
    again_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)


class Identifies:
    """Counts the IDENTIFYs of one account.

    Args:
        file: where they are remembered.
        now: the clock, in aware UTC datetimes.
    """

    def __init__(self, file: Path, now: Callable[[], datetime]) -> None:
        self._file, self._now = file, now
        self._user_id = ""
        self._times: list[datetime] = []
        self._allowance = Allowance()

    @property
    def count(self) -> int:
        """Those of the last 24 hours."""
        oldest = self._now() - DAY
        self._times = [each for each in self._times if each > oldest]
        return len(self._times)

    @property
    def total(self) -> int:
        """Those that Discord allows in 24 hours."""
        return self._allowance.total

    async def load(self, user_id: str) -> None:
        """Remember what earlier processes of this account did."""
        self._user_id = user_id
        try:
            found = parse(await asyncio.to_thread(self._file.read_bytes)).get(user_id)
        except FileNotFoundError:
            return
        except ValueError:
            _log.warning("%s is damaged; new sessions are counted from now on", self._file)
            return
        now, times = self._now(), found if isinstance(found, list) else []
        for each in times:
            if isinstance(each, int | float) and 0 <= each <= now.timestamp():
                self._times.append(datetime.fromtimestamp(each, UTC))

    def allowed(self, allowance: Allowance) -> None:
        """Discord has said how many may be begun."""
        self._allowance = allowance

    def ready_at(self, sessions: int) -> datetime:
        """When so many sessions may be begun, one after the other; a time that has passed if now."""
        return max(self._slow_at(), self._full_at(sessions))

    def _slow_at(self) -> datetime:
        """When the pause after the last one is over."""
        known = self._allowance
        beyond = (self.count - min(FREE * known.shards, known.total // 2)) // known.shards
        if not self._times or beyond < 0:
            return self._now()
        return max(self._times) + min(timedelta(seconds=2 ** min(beyond, 20)), LONGEST)

    def _full_at(self, sessions: int) -> datetime:
        """When there are so many left, by our count and by Discord's."""
        now, known = self._now(), self._allowance
        if known.remaining < sessions and known.again_at > now:
            return known.again_at
        too_many = self.count + sessions - max(known.total - MARGIN, sessions)
        return sorted(self._times)[too_many - 1] + DAY if too_many > 0 else now

    def barred(self, *, again: bool) -> bool:
        """Whether one more has to wait.

        Args:
            again: the shard had a session a moment ago; the first ones of all shards follow each other.
        """
        ready_at = max(self._full_at(1), self._slow_at()) if again else self._full_at(1)
        return ready_at > self._now()

    async def begin(self) -> None:
        """Count one more, durably, before it is sent."""
        self._allowance = replace(self._allowance, remaining=max(self._allowance.remaining - 1, 0))
        self._times.append(self._now())
        times = [round(each.timestamp(), 3) for each in self._times[-self.count :]]
        await asyncio.to_thread(write_private, self._file, json.dumps({self._user_id: times}))
