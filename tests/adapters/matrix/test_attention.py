"""Signs of attention come in an order that keeps nobody waiting for an answer."""

import asyncio
from collections.abc import Mapping

from bot.adapters.matrix.account import API
from bot.adapters.matrix.attention import Attention
from bot.adapters.matrix.calls import Calls
from bot.adapters.reading import Json
from bot.core.events import Channel, MessageRef
from tests.adapters.virtual_time import run

QUESTION = MessageRef(Channel("matrix", "!room", "!room"), "$question")


class Server:
    """Notes what is asked of it."""

    user_id = "@llmos:lab.test"

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def request(
        self,
        method: str,
        *path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
        base: tuple[str, ...] = API,
    ) -> Json:
        self.asked.append(path[2])
        return {"event_id": "$answer"}

    async def upload(self, data: bytes, media_type: str) -> str:
        raise NotImplementedError


def answered_after(seconds: float, *, writes: bool) -> list[str]:
    """What the server is asked when the answer takes so long."""

    async def scenario() -> list[str]:
        server = Server()
        calls = Calls(server)
        async with Attention(calls).on(QUESTION, writes=writes):
            await asyncio.sleep(seconds)
            await calls.send("!room", "m.room.message", {}, "key")
        return server.asked

    return run(scenario())


def test_a_quick_answer_goes_before_the_receipt() -> None:
    assert answered_after(0.1, writes=True) == ["send", "receipt"]


def test_who_waits_for_an_answer_sees_that_the_question_was_read_and_that_we_write() -> None:
    *signs, answer, ended = answered_after(1, writes=True)
    assert (sorted(signs), answer, ended) == (["receipt", "typing"], "send", "typing")


def test_what_takes_long_without_being_written_is_shown_as_read_only() -> None:
    assert answered_after(1, writes=False) == ["receipt", "send"]
