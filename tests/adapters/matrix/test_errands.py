"""Doors are gone through beside everything else, soon, in spite of refusals, and also after a restart."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.adapters.matrix.account import Account, Unreachable
from bot.adapters.matrix.errands import MOST_LEAVES, Errands
from bot.adapters.matrix.settings import Settings
from bot.adapters.reading import Json
from bot.core.errors import Forbidden, PlatformError

US = "@llmos:home.example"


class Doorkeeper(Account):
    """Lets us in and out as the test decides."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Settings("http://127.0.0.1:1", US, folder, password="x"))
        self.decide: Callable[[str], PlatformError | None] = lambda room_id: None
        self.tried: list[tuple[str, ...]] = []
        self.opened: list[str] = []
        self.holding: asyncio.Event | None = None
        self._changed = asyncio.Condition()

    async def request(
        self,
        method: str,
        *path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        base: tuple[str, ...] = (),
    ) -> Json:
        room_id = next(part for part in path if part.startswith("!"))
        async with self._changed:
            self.tried.append(path)
            self._changed.notify_all()
        if self.holding is not None and "slow" in room_id:
            await self.holding.wait()
        if (refusal := self.decide(room_id)) is not None:
            raise refusal
        async with self._changed:
            self.opened.append(room_id)
            self._changed.notify_all()
        return {}

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(holds)


@asynccontextmanager
async def kept(errands: Errands) -> AsyncIterator[None]:
    """A bot that works errands off, until it is killed."""
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(errands.keep())
        yield
        keeping.cancel()


def noted(file: Path) -> dict[str, str]:
    rooms: dict[str, str] = json.loads(file.read_text())["rooms"]
    return rooms


async def test_what_is_promised_is_written_down_first_and_done_after_a_restart(tmp_path: Path) -> None:
    keeper, file = Doorkeeper(tmp_path), tmp_path / "errands.json"
    await Errands(keeper, file).take({"!a": "join", "!b": "leave"})
    assert noted(file) == {"!a": "join", "!b": "leave"}
    assert file.stat().st_mode & 0o777 == 0o600
    async with kept(Errands(keeper, file)):
        await keeper.until(lambda: sorted(keeper.opened) == ["!a", "!b"])
    assert sorted(keeper.tried) == [("join", "!a"), ("rooms", "!b", "leave")]


async def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    keeper, file = Doorkeeper(tmp_path), tmp_path / "errands.json"
    errands = Errands(keeper, file)
    async with kept(errands):
        await errands.take({f"!{n}": "join" for n in range(9)})
        async with asyncio.timeout(20):
            while noted(file):  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.01)
    async with kept(again := Errands(keeper, file)):
        await again.take({"!new": "join"})
        await keeper.until(lambda: "!new" in keeper.opened)
    assert len(keeper.opened) == 10


async def test_slow_rooms_hold_up_no_other(tmp_path: Path) -> None:
    keeper = Doorkeeper(tmp_path)
    keeper.holding = asyncio.Event()
    errands = Errands(keeper, tmp_path / "errands.json")
    async with kept(errands):
        await errands.take({"!slow 1": "join", "!slow 2": "join", "!slow 3": "join"})
        await errands.take({f"!{n}": "join" for n in range(20)})
        await keeper.until(lambda: len(keeper.opened) == 20)
        keeper.holding.set()
        await keeper.until(lambda: len(keeper.opened) == 23)


async def test_friends_come_before_strangers(tmp_path: Path) -> None:
    keeper = Doorkeeper(tmp_path)
    errands = Errands(keeper, tmp_path / "errands.json")
    await errands.take({f"!stranger {n}": "leave" for n in range(20)})
    await errands.take({"!friend": "join"})
    async with kept(errands):
        await keeper.until(lambda: len(keeper.opened) == 21)
    assert "!friend" in keeper.opened[:4]


async def test_strangers_cannot_fill_our_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    errands, file = Errands(Doorkeeper(tmp_path), tmp_path / "errands.json"), tmp_path / "errands.json"
    await errands.take({f"!stranger {n}": "leave" for n in range(MOST_LEAVES + 3)})
    await errands.take({"!friend": "join"})
    assert len(noted(file)) == MOST_LEAVES + 1
    assert noted(file)["!friend"] == "join"
    assert caplog.text.count("one is ignored") == 3


@pytest.mark.parametrize("error", [Unreachable("down"), PlatformError("odd")])
async def test_what_may_succeed_later_is_tried_again(tmp_path: Path, error: PlatformError) -> None:
    keeper = Doorkeeper(tmp_path)
    faults = [error]
    keeper.decide = lambda room_id: faults.pop() if room_id == "!far" and faults else None
    errands = Errands(keeper, tmp_path / "errands.json")
    async with kept(errands):
        await errands.take({"!far": "join", "!near": "join"})
        await keeper.until(lambda: keeper.opened == ["!near", "!far"])


async def test_what_is_refused_is_told_once_and_given_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeper, file = Doorkeeper(tmp_path), tmp_path / "errands.json"
    keeper.decide = lambda room_id: Forbidden("not you") if room_id == "!closed" else None
    async with kept(errands := Errands(keeper, file)):
        await errands.take({"!closed": "join"})
        await keeper.until(lambda: len(keeper.tried) == 1)
        await errands.take({"!open": "join"})
        await keeper.until(lambda: keeper.opened == ["!open"])
    assert caplog.text.count("cannot join: not you") == 1
    assert "!closed" not in noted(file)


async def test_an_invitation_that_was_taken_back_is_not_followed(tmp_path: Path) -> None:
    keeper = Doorkeeper(tmp_path)
    errands = Errands(keeper, tmp_path / "errands.json")
    await errands.take({"!a": "join", "!b": "join"})
    await errands.drop(["!a", "!never heard of"])
    async with kept(errands):
        await keeper.until(lambda: keeper.opened == ["!b"])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"user_id": "@other:x", "rooms": {"!a": "join"}}'])
async def test_a_file_that_is_damaged_or_of_another_account_is_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    keeper, file = Doorkeeper(tmp_path), tmp_path / "errands.json"
    file.write_bytes(content)
    async with kept(errands := Errands(keeper, file)):
        await errands.take({"!b": "join"})
        await keeper.until(lambda: keeper.opened == ["!b"])


async def test_a_promise_that_cannot_be_written_down_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    errands = Errands(Doorkeeper(tmp_path), tmp_path / "file" / "errands.json")
    with pytest.raises(PlatformError, match="cannot be written"):
        await errands.take({"!a": "join"})
