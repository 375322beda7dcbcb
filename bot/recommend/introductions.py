"""Lines about the threads of a digest, asked for before it is due: at its time nothing is waited for."""

from collections.abc import Collection, Sequence
from typing import Protocol

from bot.core.events import Channel
from bot.storage.digests import Digest
from bot.storage.threads import ThreadRef


class Introduction(Protocol):
    """A line about a thread that is not shown yet."""

    async def now(self) -> str:
        """The line; "" if what it is about was changed or taken back since."""
        ...


class Introducer(Protocol):
    """Writes them."""

    def wanted(self, place: Channel) -> bool:
        """Whether the digests of a place have any."""
        ...

    async def introduce(self, place: Channel, thread: ThreadRef, locale: str) -> Introduction | None:
        """A line about a thread in a language; None if there is none that is fit to be shown."""
        ...


class Introductions:
    """Holds them, in memory only, until their digest is decided; each thread is asked about once."""

    def __init__(self, introducer: Introducer) -> None:
        self._introducer = introducer
        self._held: dict[int, dict[str, Introduction | None]] = {}

    def wanted(self, digest: Digest) -> bool:
        """Whether a digest has any."""
        return self._introducer.wanted(digest.channel)

    async def ask(self, digest: Digest, threads: Sequence[ThreadRef], locale: str) -> None:
        """Ask for a line about each thread, one after the other; what is there when it is cut off stays."""
        held = self._held.setdefault(digest.number, {})
        for thread in threads:
            if thread.key not in held:
                held[thread.key] = None
                held[thread.key] = await self._introducer.introduce(digest.channel, thread, locale)

    async def of(self, digest: Digest, thread: ThreadRef) -> str:
        """The line that is there, at once; "" for none."""
        found = self._held.get(digest.number, {}).get(thread.key) if self.wanted(digest) else None
        return "" if found is None else await found.now()

    def drop(self, digest: Digest) -> None:
        """A digest is decided: what was held for it goes."""
        self._held.pop(digest.number, None)

    def keep(self, digests: Collection[int]) -> None:
        """Let go of all but these digests' (by number): the others are removed, or come much later now."""
        self._held = {number: held for number, held in self._held.items() if number in digests}
