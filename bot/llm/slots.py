"""A bounded, fair queue before a model that serves only so many questions at once."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from bot.core.errors import ModelBusy
from bot.llm.model import Capabilities, Limits, Model, Piece, Progress, Queued, Turn, no_progress


class Wrapper(Model):
    """A model that adds something to another one and is otherwise the same."""

    def __init__(self, model: Model) -> None:
        """Args: model: the one that does the work; it is closed with this one."""
        self.inner = model
        self.name = model.name
        self.is_local = model.is_local

    # A model may learn what it can do only when it is loaded, so these two are asked, not copied.
    @property
    def capabilities(self) -> Capabilities:  # type: ignore[override]
        """What the inner model can do."""
        return self.inner.capabilities

    @property
    def context_tokens(self) -> int:  # type: ignore[override]
        """What the inner model can read at once."""
        return self.inner.context_tokens

    async def load(self, progress: Progress = no_progress) -> None:
        """Load the inner model."""
        await self.inner.load(progress)

    def count_tokens(self, turns: Sequence[Turn]) -> int:
        """As the inner model counts."""
        return self.inner.count_tokens(turns)

    async def close(self) -> None:
        """Close the inner model."""
        await self.inner.close()


class _Ticket:
    """A place in the queue; `moved` is set whenever the place changes."""

    __slots__ = ("moved", "place")

    def __init__(self, place: int) -> None:
        self.place = place
        self.moved = asyncio.Event()

    def move_to(self, place: int) -> None:
        self.place = place
        self.moved.set()


class Slotted(Wrapper):
    """Lets at most `concurrency` streams run; `waiting` more stand in line and are told their place.

    A waiter is yielded Queued(1) when one other has to finish or leave before it, and Queued(0) when its
    turn has come; who never had to wait is yielded no Queued at all.
    """

    def __init__(self, model: Model, *, concurrency: int, waiting: int) -> None:
        """Args: concurrency: at least 1. waiting: 0 refuses whoever finds no free slot."""
        super().__init__(model)
        self._free = concurrency
        self._waiting = waiting
        self._line: deque[_Ticket] = deque()

    async def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        """Stream when a slot is free, first come first served.

        Raises:
            ModelBusy: all slots and all places in the queue are taken.
        """
        ticket = self._enter()
        try:
            while ticket.place > 0:
                yield Queued(ticket.place)
                await ticket.moved.wait()
                ticket.moved.clear()
                if ticket.place == 0:
                    yield Queued(0)
            async with aclosing(self.inner.stream(turns, limits)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._leave(ticket)

    def _enter(self) -> _Ticket:
        if self._free > 0:
            self._free -= 1
            return _Ticket(0)
        if len(self._line) >= self._waiting:
            raise ModelBusy(f"{self.name}: all slots are taken and {len(self._line)} more are waiting")
        ticket = _Ticket(len(self._line) + 1)
        self._line.append(ticket)
        return ticket

    def _leave(self, ticket: _Ticket) -> None:
        if ticket.place > 0:
            self._line.remove(ticket)
        elif self._line:
            self._line.popleft().move_to(0)
        else:
            self._free += 1
        for place, waiter in enumerate(self._line, start=1):
            if waiter.place != place:
                waiter.move_to(place)
