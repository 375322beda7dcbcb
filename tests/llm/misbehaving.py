"""An OpenAI-compatible server that behaves as badly as a word in the last user message asks it to.

Words: PING, SLOW5 (any number: seconds), LONG, FAIL401 (any status), FAIL429AFTER7 (with Retry-After),
FLAKY500 (fails twice, then answers), STALL, STALL_MID, STALL_END, EMPTY, BLANK, BADJSON, CUT, CUT_CLEAN,
HUGE, HALF_UTF8, SURROGATES, FOREVER, CLOSED, THINK, HTML, UNSTREAMED, ERROR_MID, FILTERED, NO_DONE,
NO_FINISH, WORDS3 (any number), PICKY (refuses max_tokens, temperature and stream_options, as some hosts do).
Without such a word it repeats the message.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

SECRET_TEXT = "PROVIDER-RAW-TEXT sk-provider-secret-1234567890"
LONG_TEXT = (
    "Here is the whole story.\n\n```python\n"
    + "".join(f"print('line {n} of the first program')\n" for n in range(80))
    + "```\n\nAnd now the second program, which is shorter.\n\n```sh\n"
    + "".join(f"echo 'line {n} of the second'\n" for n in range(40))
    + "```\n\n"
    + "That was all there is to say about it, and it was a lot. " * 10
)


@dataclass
class Asked:
    """One request as the server saw it, and how it ended."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, object]
    open: bool = True
    client_closed: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def question(self) -> str:
        messages = self.body.get("messages")
        assert isinstance(messages, list)
        return str(messages[-1]["content"])


class Misbehaving:
    """The server; `asked` remembers every request, `base_url` is what to configure."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.base_url = ""
        self.arrived = asyncio.Event()
        self._tries: dict[str, int] = {}
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/chat/completions", self._complete)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)

    async def start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}/v1"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(request.path, dict(request.headers), await request.json())
        self.asked.append(asked)
        self.arrived.set()
        try:
            return await self._answer(request, asked)
        except (asyncio.CancelledError, ConnectionResetError):
            asked.client_closed = True
            raise
        finally:
            asked.open = False
            asked.ended.set()

    async def _answer(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        word, number, after = _behavior(asked.question)
        if word == "FAIL":
            return _failure(number, after)
        if word == "FLAKY":
            self._tries[asked.question] = self._tries.get(asked.question, 0) + 1
            if self._tries[asked.question] <= 2:
                return _failure(number, None)
        if word == "PICKY" and (refusal := _refusal(asked.body)) is not None:
            return refusal
        if word in _PLAIN:
            return await _PLAIN[word](request)
        stream = _Stream(request, asked)
        await stream.open()
        await _STREAMED.get(word, _repeat)(stream, number)
        return stream.response


class _Stream:
    def __init__(self, request: web.Request, asked: Asked) -> None:
        self.request = request
        self.question = asked.question
        self.wants_usage = "stream_options" in asked.body
        headers = {"Content-Type": "text/event-stream"}
        self.response = web.StreamResponse(headers=headers)

    async def open(self) -> None:
        await self.response.prepare(self.request)

    async def raw(self, data: bytes) -> None:
        await self.response.write(data)

    async def event(self, data: object) -> None:
        await self.raw(b"data: " + json.dumps(data).encode() + b"\n\n")

    async def say(self, text: str, finish: str | None = None) -> None:
        delta = {"content": text} if text else {}
        await self.event({"object": "chat.completion.chunk", "choices": [
            {"index": 0, "delta": delta, "finish_reason": finish}]})  # fmt: skip

    async def end(self, finish: str = "stop") -> None:
        await self.say("", finish)
        if self.wants_usage:
            usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
            await self.event({"object": "chat.completion.chunk", "choices": [], "usage": usage})
        await self.done()

    async def done(self) -> None:
        await self.raw(b"data: [DONE]\n\n")

    async def words(self, text: str) -> None:
        for word in re.findall(r"\s*\S+", text):
            await self.say(word)

    def drop(self) -> None:
        transport = self.request.transport
        assert transport is not None
        transport.close()


def _behavior(question: str) -> tuple[str, int, str | None]:
    found = re.search(r"\b(FAIL|FLAKY|SLOW|WORDS)(\d+)(?:AFTER(\S+))?|\b([A-Z][A-Z0-9_]+)\b", question)
    if found is None:
        return "", 0, None
    return found[1] or found[4], int(found[2] or 0), found[3]


def _failure(status: int, after: str | None) -> web.Response:
    headers = {} if after is None else {"Retry-After": after}
    error = {"message": SECRET_TEXT, "type": "server_error", "code": f"code_{status}"}
    return web.json_response({"error": error}, status=status, headers=headers)


def _refusal(body: Mapping[str, object]) -> web.Response | None:
    for name, hint in (
        ("max_tokens", " Use 'max_completion_tokens' instead."),
        ("temperature", " Only the default (1) value is supported."),
        ("stream_options", ""),
    ):
        if name in body:
            error = {"message": f"Unsupported parameter: '{name}'.{hint}", "param": name}
            return web.json_response({"error": error}, status=400)
    return None


async def _stall(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    return web.Response()


async def _closed(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def _html(request: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>Please sign in to the WiFi</html>", content_type="text/html")


async def _unstreamed(request: web.Request) -> web.StreamResponse:
    message = {"role": "assistant", "content": "all at once"}
    return web.json_response({"object": "chat.completion", "choices": [{"index": 0, "message": message}]})


async def _repeat(stream: _Stream, number: int) -> None:
    await stream.words(stream.question)
    await stream.end()


async def _ping(stream: _Stream, number: int) -> None:
    await stream.words("PONG")
    await stream.end()


async def _slow(stream: _Stream, number: int) -> None:
    for n in range(number * 10):
        await stream.say(f"word{n} ")
        await asyncio.sleep(0.1)
    await stream.end()


async def _long(stream: _Stream, number: int) -> None:
    for start in range(0, len(LONG_TEXT), 40):
        await stream.say(LONG_TEXT[start : start + 40])
    await stream.end()


async def _count(stream: _Stream, number: int) -> None:
    for n in range(number):
        await stream.say(f"word{n} ")
    await stream.end()


async def _stall_mid(stream: _Stream, number: int) -> None:
    await stream.words("This answer stops")
    await asyncio.Event().wait()


async def _stall_end(stream: _Stream, number: int) -> None:
    await stream.words("All is said")
    await stream.say("", "stop")
    await asyncio.Event().wait()


async def _empty(stream: _Stream, number: int) -> None:
    await stream.end()


async def _blank(stream: _Stream, number: int) -> None:
    await stream.say(" \n ")
    await stream.end()


async def _bad_json(stream: _Stream, number: int) -> None:
    await stream.raw(b'data: {"choices": [{"delta": {"con\n\n')


async def _cut(stream: _Stream, number: int) -> None:
    await stream.words("one two three four five six seven eight nine ten")
    stream.drop()


async def _cut_clean(stream: _Stream, number: int) -> None:
    await stream.words("one two three four")


async def _huge(stream: _Stream, number: int) -> None:
    await stream.say("huge " * 1_000_000)
    await stream.end()


async def _half_utf8(stream: _Stream, number: int) -> None:
    event = json.dumps({"choices": [{"index": 0, "delta": {"content": "猫 ok"}}]}, ensure_ascii=False)
    data = b"data: " + event.encode() + b"\n\n"
    middle = data.index("猫".encode()) + 1
    await stream.raw(data[:middle])
    await asyncio.sleep(0)
    await stream.raw(data[middle:])
    await stream.raw(data[:middle] + data[middle + 2 :])  # this one never gets its second half
    await stream.end()


async def _surrogates(stream: _Stream, number: int) -> None:
    for half in ("cat \ud83d", "\udc31 and ", "\udc31 alone \ud83d"):
        await stream.say(half)
    await stream.end()


async def _forever(stream: _Stream, number: int) -> None:
    while True:
        await stream.say("on and on ")
        await asyncio.sleep(0)


async def _think(stream: _Stream, number: int) -> None:
    for piece in ("<th", "ink>They ask", " for the capital.</thi", "nk>\n\n", "Par", "is."):
        await stream.say(piece)
    await stream.end()


async def _error_mid(stream: _Stream, number: int) -> None:
    await stream.words("It begins well")
    await stream.event({"error": {"message": SECRET_TEXT, "code": 500}})


async def _filtered(stream: _Stream, number: int) -> None:
    await stream.end("content_filter")


async def _no_done(stream: _Stream, number: int) -> None:
    await stream.words("Finished, not done")
    await stream.say("", "stop")


async def _no_finish(stream: _Stream, number: int) -> None:
    await stream.words("Done, not finished")
    await stream.done()


_PLAIN: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
    "STALL": _stall,
    "CLOSED": _closed,
    "HTML": _html,
    "UNSTREAMED": _unstreamed,
}
_STREAMED: dict[str, Callable[[_Stream, int], Awaitable[None]]] = {
    "PING": _ping,
    "SLOW": _slow,
    "LONG": _long,
    "WORDS": _count,
    "STALL_MID": _stall_mid,
    "STALL_END": _stall_end,
    "EMPTY": _empty,
    "BLANK": _blank,
    "BADJSON": _bad_json,
    "CUT": _cut,
    "CUT_CLEAN": _cut_clean,
    "HUGE": _huge,
    "HALF_UTF8": _half_utf8,
    "SURROGATES": _surrogates,
    "FOREVER": _forever,
    "THINK": _think,
    "ERROR_MID": _error_mid,
    "FILTERED": _filtered,
    "NO_DONE": _no_done,
    "NO_FINISH": _no_finish,
}


@asynccontextmanager
async def misbehaving() -> AsyncGenerator[Misbehaving]:
    """The server for as long as the block runs."""
    server = Misbehaving()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
