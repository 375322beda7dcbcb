"""A whole bot in a village whose people open threads, answer and react; what it then recommends to them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.adapter import Batch, Cursors
from bot.adapters.memory import Server
from bot.app import App, opened
from bot.core.events import Author, Channel, Message, MessageRef
from bot.recommend.worth import Worth
from tests.living import PATIENCE_S, Announcing, Life


@dataclass
class Village:
    """A life, and its running bot."""

    life: Life
    app: App
    adapter: "Careful"

    async def settled(self) -> None:
        """Wait until the bot has dealt with everything that happened."""
        async with asyncio.timeout(PATIENCE_S):
            await self.adapter.until(len(self.life.world.log))

    async def thread(self, by: str, title: str, *, room: str = "general") -> Channel:
        """Somebody opens a thread and writes its first message."""
        author = self.life.person(by)
        opened = self.life.world.open_thread(author, self.life.world.channel(room), title)
        self.life.world.say(author, opened.channel, f"about {title}")
        await self.settled()
        return opened.channel

    def first(self, thread: Channel) -> MessageRef:
        """The message a thread begins with."""
        return self.life.world.shown(thread)[0].message.ref

    def say(
        self, who: str, text: str, *, channel: Channel | None = None, to: Message | None = None
    ) -> Message:
        """Somebody writes, maybe as a reply."""
        place = channel or self.life.room
        reply_to = None if to is None else to.ref.id
        return self.life.world.say(self.life.person(who), place, text, reply_to=reply_to)

    async def react(self, who: str, ref: MessageRef, emoji: str = "👍", *, added: bool = True) -> None:
        """Somebody reacts to a message, or takes it back."""
        self.life.world.react(self.life.person(who), ref, emoji, added=added)
        await self.settled()

    async def worth(self, who: str, *rooms: str) -> Sequence[Worth]:
        """What a member is recommended who may read some rooms."""
        readable = {self.life.world.channel(room).key for room in rooms or ("general",)}
        author: Author = self.life.person(who)
        community = self.life.room.community_key
        return await self.app.recommendations.for_member(
            author.identity, community, readable, 10, self.life.clock()
        )

    async def titles(self, who: str, *rooms: str) -> list[str]:
        """Their titles."""
        return [each.thread.title for each in await self.worth(who, *rooms)]

    async def reacted(self, who: str = "newcomer") -> dict[str, int]:
        """By title, how many people somebody who touched nothing is told have reacted."""
        return {
            each.thread.title: next((r.members for r in each.reasons if r.cause == "reactions"), 0) or 0
            for each in await self.worth(who)
        }


@asynccontextmanager
async def village(folder: Path, life: Life | None = None) -> AsyncIterator[Village]:
    """A village whose bot runs; enter it again with the same life for a restart."""
    life = life or Life(folder)
    adapter = Careful(life.world)
    made = opened(life.config, [adapter], models={"echo": life.model}, now=life.clock)
    async with made as app, life.living(app, adapter):
        yield Village(life, app, adapter)


class Careful(Announcing):
    """Deals with one batch before it takes the next, and tells how far it is."""

    one_at_a_time = True

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._done, self._more = 0, asyncio.Event()

    async def events(self, since: Cursors) -> AsyncIterator[Batch]:
        async for batch in super().events(since):
            yield batch
            self._done = int(batch.cursors["world"])
            self._more.set()

    async def until(self, count: int) -> None:
        """Wait until so many events are dealt with."""
        while self._done < count:
            self._more.clear()
            await self._more.wait()
