"""A room gets our events one after the other, in the order in which they were asked for."""

import asyncio
from collections.abc import Mapping

from bot.adapters.matrix.calls import Calls
from bot.adapters.reading import Json


class Slow:
    """A homeserver that answers when the test lets it."""

    user_id = "@llmos:home.example"

    def __init__(self) -> None:
        self.begun: list[tuple[str, str]] = []
        self.answers = asyncio.Semaphore(0)
        self._changed = asyncio.Condition()

    async def request(
        self,
        method: str,
        *path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
        base: tuple[str, ...] = (),
    ) -> Json:
        async with self._changed:
            self.begun.append((path[1], path[-1]))
            self._changed.notify_all()
        await self.answers.acquire()
        return {"event_id": "$x"}

    async def upload(self, data: bytes, media_type: str) -> str:
        raise NotImplementedError

    async def until_begun(self, count: int) -> None:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self.begun) >= count)


async def test_a_room_gets_one_event_at_a_time_and_other_rooms_do_not_wait() -> None:
    server = Slow()
    calls = Calls(server)
    async with asyncio.TaskGroup() as tasks:
        for key in ("one", "two", "three"):
            tasks.create_task(calls.send("!a", "m.room.message", {}, key))
        tasks.create_task(calls.send("!b", "m.room.message", {}, "other"))
        await server.until_begun(2)
        assert server.begun == [("!a", "one"), ("!b", "other")]
        for _answer in range(4):
            server.answers.release()
    assert [key for room, key in server.begun if room == "!a"] == ["one", "two", "three"]
