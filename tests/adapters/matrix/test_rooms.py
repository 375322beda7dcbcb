"""What is known of a room, also when several ask at once and while it changes."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from bot.adapters.matrix.account import Account
from bot.adapters.matrix.rooms import Rooms
from bot.adapters.matrix.settings import Settings
from bot.adapters.reading import Json
from bot.core.errors import Gone

ROOM, ANN, BEN = "!room:h", "@ann:h", "@ben:h"


class Slow(Account):
    """A homeserver whose answers about members wait until they are let out."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Settings("http://h", "@bot:h", folder, password="secret"))
        self.asked, self.let = 0, asyncio.Event()

    async def request(
        self,
        method: str,
        *path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        base: tuple[str, ...] = (),
    ) -> Json:
        if path[-1] != "joined_members":
            raise Gone("not encrypted")
        self.asked += 1
        await self.let.wait()
        return {"joined": {ANN: {}, BEN: {}}}


async def test_two_who_ask_at_once_know_the_same_room_and_what_is_learned_of_it(tmp_path: Path) -> None:
    account = Slow(tmp_path)
    rooms = Rooms(account)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(rooms.get(ROOM)) for _ in range(2)]
        await asyncio.sleep(0)
        account.let.set()
    first, second = [task.result() for task in both]
    first.learn([{"type": "m.room.member", "state_key": BEN, "content": {"membership": "leave"}}])
    assert account.asked == 1
    assert second.readers == {ANN}
    assert await rooms.get(ROOM) is first


async def test_what_was_asked_before_a_room_was_forgotten_is_not_remembered(tmp_path: Path) -> None:
    account = Slow(tmp_path)
    rooms = Rooms(account)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(rooms.get(ROOM))
        while not account.asked:  # noqa: ASYNC110 - a request tells nobody
            await asyncio.sleep(0)
        rooms.forget(ROOM)
        account.let.set()
    assert rooms.known(ROOM) is None
    assert await rooms.get(ROOM) is not asking.result()
