"""Files that people send, fetched from a real homeserver, and from servers that behave worse than that."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from nio.crypto import encrypt_attachment
from yarl import URL

from bot.adapters.matrix import MatrixAdapter, Settings
from bot.adapters.matrix.account import Account, Refused, Unreachable
from bot.adapters.matrix.downloading import redirected
from bot.adapters.matrix.encryption.errors import Undecipherable
from bot.adapters.matrix.encryption.files import decrypted
from bot.adapters.matrix.media import fetched
from bot.cli.platforms import matrix_settings
from bot.core.errors import Forbidden, Gone, PlatformError, RateLimited, TooBig, Unsupported
from bot.core.events import Attachment, Message
from tests.adapters.matrix.house import House

STORY = b"Once upon a time\n" * 1000
PATH = "/_matrix/client/v1/media/download/home.example/{id}"
US = "@llmos:home.example"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def attachment(url: str = "mxc://home.example/story", size: int = len(STORY)) -> Attachment:
    return Attachment("$event", "story.txt", "text/plain", size, url)


async def received(house: House, content: dict[str, object]) -> tuple[MatrixAdapter, Attachment]:
    """A bot that has got a message with a file."""
    adapter = MatrixAdapter(matrix_settings(house.config))
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with aclosing(adapter.events({})) as batches, asyncio.timeout(20):  # type: ignore[type-var]
        await anext(batches)
        await house.lives_in(room)
        await anna.send(room, "m.room.message", content)
        async for batch in batches:
            for event in batch.events:
                if isinstance(event, Message):
                    return adapter, event.attachments[0]
    raise AssertionError("the adapter ended")


async def test_what_somebody_sends_can_be_fetched_until_it_is_taken_away(house: House) -> None:
    anna = await house.person("anna")
    address = await anna.upload(STORY)
    adapter, story = await received(
        house,
        {
            "msgtype": "m.file",
            "body": "story.txt",
            "url": address,
            "info": {"size": 5, "mimetype": "text/plain"},
        },
    )
    try:
        assert (story.name, story.size_bytes) == ("story.txt", 5), "what its sender claims"
        assert await adapter.fetch(story, len(STORY)) == STORY
        with pytest.raises(TooBig, match="17000"):
            await adapter.fetch(story, len(STORY) - 1)
        house.synapse.administer("DELETE", f"/_synapse/admin/v1/media/{address.removeprefix('mxc://')}")
        with pytest.raises(Gone):
            await adapter.fetch(story, len(STORY))
    finally:
        await adapter.close()


@pytest.mark.parametrize(
    "url",
    [
        "", "https://home.example/story", "mxc://", "mxc://home.example", "mxc://home.example/",
        "mxc://home.example/a/b", "mxc://home.example/..", "mxc://../story", "mxc://home.example/story?x=y",
        "mxc://home.example/story\n", "mxc://" + "x" * 300 + "/story",
    ],
)  # fmt: skip
async def test_what_is_no_file_on_matrix_is_not_asked_for(tmp_path: Path, url: str) -> None:
    account = Account(Settings("http://127.0.0.1:1", US, tmp_path, access_token="t"))
    with pytest.raises(Unsupported, match="no address of a file"):
        await fetched(account, attachment(url), 10)
    await account.close()


@asynccontextmanager
async def served(handler: Handler, folder: Path) -> AsyncIterator[Account]:
    """An account on a homeserver that serves files in its own way, and lets us log in."""

    async def login(request: web.Request) -> web.Response:
        return web.json_response({"access_token": "new", "user_id": US, "device_id": "D"})

    app = web.Application()
    app.router.add_get(PATH, handler)
    app.router.add_post("/_matrix/client/v3/login", login)
    async with TestServer(app) as server:
        home = str(server.make_url("")).rstrip("/")
        account = Account(Settings(home, US, folder, password="p", access_token="old"))
        try:
            yield account
        finally:
            await account.close()


async def fetch(handler: Handler, folder: Path, most_bytes: int = len(STORY), timeout_s: float = 20) -> bytes:
    async with served(handler, folder) as account:
        return await fetched(account, attachment(), most_bytes, timeout_s)


async def endless(request: web.Request) -> web.StreamResponse:
    """A file that says nothing about its length."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 1000)


async def short(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(STORY)
    return response


async def silent(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"Once")
    await asyncio.Event().wait()
    return response


async def test_a_file_that_does_not_tell_its_length_is_read_up_to_the_limit(tmp_path: Path) -> None:
    assert await fetch(short, tmp_path) == STORY
    with pytest.raises(TooBig):
        await fetch(short, tmp_path, len(STORY) - 1)
    with pytest.raises(TooBig):
        await fetch(endless, tmp_path)


async def test_a_file_that_never_ends_to_come_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        await fetch(silent, tmp_path, timeout_s=0.2)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (403, {"errcode": "M_FORBIDDEN"}, Forbidden),
        (404, {"errcode": "M_NOT_FOUND"}, Gone),
        (404, {"errcode": "M_UNRECOGNIZED"}, Unsupported),
        (400, {"errcode": "M_UNKNOWN"}, Refused),
        (429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 10}, RateLimited),
        (502, {"errcode": "M_TOO_LARGE"}, TooBig),
        (504, {"errcode": "M_NOT_YET_UPLOADED"}, Unreachable),
        (500, "x" * 200_000, Unreachable),
    ],
)
async def test_refusals_are_told_apart(
    tmp_path: Path, status: int, body: object, error: type[PlatformError]
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    with pytest.raises(error):
        await fetch(refuse, tmp_path)


async def test_with_a_token_that_has_expired_we_log_in_again(tmp_path: Path) -> None:
    tokens: list[str | None] = []

    async def guarded(request: web.Request) -> web.Response:
        tokens.append(request.headers.get("Authorization"))
        if tokens[-1] != "Bearer new":
            return web.json_response({"errcode": "M_UNKNOWN_TOKEN", "soft_logout": True}, status=401)
        return web.Response(body=STORY)

    assert await fetch(guarded, tmp_path) == STORY
    assert tokens == ["Bearer old", "Bearer new"]


async def test_a_file_kept_elsewhere_is_fetched_there_without_our_token(tmp_path: Path) -> None:
    seen: list[str | None] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.Response(body=STORY)

    app = web.Application()
    app.router.add_get("/kept", elsewhere)
    async with TestServer(app) as other:
        place = str(other.make_url("/kept"))

        async def send_there(request: web.Request) -> web.Response:
            seen.append(request.headers.get("Authorization"))
            return web.Response(status=307, headers={"Location": place})

        assert await fetch(send_there, tmp_path) == STORY
        with pytest.raises(TooBig):
            await fetch(send_there, tmp_path, 10)
    assert seen == ["Bearer old", None] * 2


async def test_a_file_that_moves_for_ever_is_given_up(tmp_path: Path) -> None:
    asked = 0

    async def moving(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=308, headers={"Location": str(request.url)})

    with pytest.raises(Unreachable, match="too often"):
        await fetch(moving, tmp_path)
    assert asked == 3


async def test_other_redirects_are_no_answer(tmp_path: Path) -> None:
    async def moved(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": str(request.url)})

    with pytest.raises(Unreachable, match="no JSON"):
        await fetch(moved, tmp_path)


def test_nothing_secure_leads_to_something_insecure() -> None:
    home = URL("https://home.example/a/b")
    assert redirected(home, "/c") == URL("https://home.example/c")
    assert redirected(URL("http://127.0.0.1/a"), "https://cdn.example/c") == URL("https://cdn.example/c")
    for place in ("http://cdn.example/c", "file:///etc/passwd", "http://["):
        with pytest.raises(aiohttp.ClientError):
            redirected(home, place)


async def test_an_encrypted_file_is_fetched_decrypted_and_held_against_what_was_sent(house: House) -> None:
    anna = await house.person("anna")
    sealed, how = encrypt_attachment(STORY)
    file = {**how, "url": await anna.upload(sealed)}
    adapter, story = await received(house, {"msgtype": "m.file", "body": "story.txt", "file": file})
    try:
        assert await adapter.fetch(story, 100_000) == STORY
        assert str(how["key"]["k"]) not in repr(story)
        other = replace(story, url=await anna.upload(sealed[::-1]))
        with pytest.raises(Undecipherable, match="not the one"):
            await adapter.fetch(other, 100_000)
    finally:
        await adapter.close()


@pytest.mark.parametrize(
    "secret",
    ["{", "[]", "{}", '{"v": "v1"}', '{"v": "v2", "key": {"k": "a"}, "iv": "b", "hashes": {"sha256": "c"}}'],
)
def test_a_file_that_nobody_knows_how_to_decrypt_is_refused(secret: str) -> None:
    with pytest.raises(Undecipherable):
        decrypted(STORY, secret)
