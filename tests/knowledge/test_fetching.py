"""What somebody names is fetched from the public internet only, and never more of it than wanted."""

import asyncio
import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.core.errors import Unreachable, UserError
from bot.knowledge.fetching import Bounds, Fetcher, looked_up, parsed
from bot.knowledge.public import is_public, public_and
from tests.knowledge.site import LOOPBACK, Site, answer, moved
from tests.labs.discord.certificate import contexts

NEAR = [
    *("127.0.0.1", "127.0.0.2", "127.255.255.254", "127.0.0.1.", "localhost", "LOCALHOST", "localhost."),
    *("2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0x7F.0.0.0x1"),
    *("00000177.0.0.1", "127.0.0.1..", "127.000.000.001", "0", "0.0.0.0", "0x0", "0.0.0.0."),
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"),
    *("[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]"),
    *("[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]"),
    *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("168.63.129.16", "192.88.99.1", "１２７.０.０.１", "127。0。0。1", "ⓛocalhost", "%31%32%37.0.0.1"),
    *("2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "[::ffff:a9fe:a9fe]", "[fec0::1]", "[2001:db8::1]"),
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450:4001::1"]


async def refused(fetcher: Fetcher, address: str) -> str:
    with pytest.raises(UserError) as error:
        await fetcher.fetch(address)
    return str(error.value)


@pytest.mark.parametrize("host", NEAR)
async def test_nothing_near_us_is_connected_to_however_it_is_spelled(host: str) -> None:
    async with Site({"/": answer(b"secret")}).open() as site:
        fetcher = Fetcher(ports={site.port})
        await refused(fetcher, f"http://{host}:{site.port}/")
        await refused(fetcher, f"https://{host}:{site.port}/")
        assert site.connections == 0


@pytest.mark.parametrize("host", [host.strip("[]") for host in NEAR])
async def test_nothing_near_us_is_connected_to_when_a_name_leads_there(host: str) -> None:
    async def resolve(name: str) -> Sequence[str]:
        return ["1.1.1.1", host]

    async with Site({"/": answer(b"secret")}).open() as site:
        told = await refused(Fetcher(resolve=resolve, ports={site.port}), site.address("/"))
        assert "private network" in told
        assert site.connections == 0


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_may_be_reached(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", NEAR)
async def test_nothing_near_us_is_connected_to_by_a_redirect(host: str) -> None:
    async with Site().open() as near, Site().open() as site:
        site.pages = {"/": moved(f"http://{host}:{near.port}/")}
        fetcher = Fetcher(
            allowed=lambda address: address == LOOPBACK if site.connections == 0 else is_public(address),
            resolve=lambda host: looked_up("127.0.0.1" if host == "site.example" else host),
            ports={site.port, near.port},
        )
        await refused(fetcher, site.address("/"))
        assert (site.connections, near.connections) == (1, 0)


async def test_a_name_is_looked_up_once_so_it_cannot_lead_elsewhere_a_moment_later() -> None:
    asked = 0

    async def rebinding(host: str) -> Sequence[str]:
        nonlocal asked
        asked += 1
        return [LOOPBACK] if asked == 1 else ["10.0.0.1"]

    async with Site({"/": answer(b"words", "text/plain")}).open() as site:
        fetcher = Fetcher(allowed=lambda address: address == LOOPBACK, resolve=rebinding, ports={site.port})
        page = await fetcher.fetch(site.address("/"))
        assert (page.content, asked, site.connections) == (b"words", 1, 1)
        assert "private network" in await refused(fetcher, site.address("/"))
        assert site.connections == 1


async def test_a_connection_is_looked_at_once_more_when_it_is_made() -> None:
    answers = iter([True, False, False])
    async with Site({"/": answer(b"secret")}).open() as site:
        fetcher = Fetcher(
            allowed=lambda address: next(answers),
            resolve=lambda host: looked_up(LOOPBACK),
            ports={site.port},
        )
        assert "cannot be reached" in await refused(fetcher, site.address("/"))
        assert site.connections == 0


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("ftp://site.example/", "http and https"),
        ("file:///etc/passwd", "http and https"),
        ("gopher://site.example/", "http and https"),
        ("http://anna@site.example/", "name or password"),
        ("http://anna:secret@site.example/", "name or password"),
        ("http://site.example:22/", "usual ports"),
        ("http://site.example:8080/", "usual ports"),
        ("http://site.example:99999/", "no address"),
        ("http:///path", "no address"),
        ("http://a\\@b/", "no address"),
        ("http://a b/", "no address"),
        ("http://site..example/", "no address"),
        (f"http://site.example/{'x' * 3000}", "no address"),
        (f"http://{'x' * 300}.example/", "no such site"),
    ],
)
async def test_addresses_of_other_kinds_are_refused_with_why(address: str, why: str) -> None:
    assert why in await refused(Fetcher(), address)


def test_an_address_is_remembered_without_its_fragment_and_brackets() -> None:
    assert str(parsed(" <https://Site.Example/a?b=c#d> ")) == "https://site.example/a?b=c"


async def test_a_page_is_fetched_and_nothing_of_us_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    async with Site({"/a/guide.md": answer(b"# Guide", "text/markdown; charset=utf-8")}).open() as site:
        page = await site.fetcher().fetch(site.address("/a/guide.md"))
        assert (page.content, page.name) == (b"# Guide", "guide.md")
        assert page.media_type == "text/markdown; charset=utf-8"
        head = site.requests[0].lower()
        assert f"host: site.example:{site.port}" in head
        assert "cookie" not in head
        assert "authorization" not in head


async def test_under_tls_the_server_is_asked_for_by_its_name(tmp_path: Path) -> None:
    server, client = contexts(["site.example"], tmp_path)
    async with Site({"/": answer(b"words", "text/plain")}, server).open() as site:
        fetcher = site.fetcher(tls=client, hosts={"other.example": [LOOPBACK]})
        assert (await fetcher.fetch(site.address("/", scheme="https"))).content == b"words"
        assert "certificate" in await refused(fetcher, site.address("/", "other.example", "https"))
        assert "certificate" in await refused(site.fetcher(), site.address("/", scheme="https"))


async def test_from_https_nothing_leads_to_http(tmp_path: Path) -> None:
    server, client = contexts(["site.example"], tmp_path)
    async with Site(tls=server).open() as site:
        site.pages = {"/": moved(site.address("/plain"))}
        told = await refused(site.fetcher(tls=client), site.address("/", scheme="https"))
        assert "from https to http" in told
        assert site.connections == 1


async def test_five_redirects_are_followed_and_no_more() -> None:
    pages = {f"/{n}": moved(f"/{n + 1}") for n in range(10)} | {"/6": answer(b"x", "text/plain")}
    async with Site(pages).open() as site:
        assert (await site.fetcher().fetch(site.address("/1"))).content == b"x"
        assert "without end" in await refused(site.fetcher(), site.address("/0"))


@pytest.mark.parametrize("place", ["file:///etc/passwd", "http://a:b@site.example/", "http://["])
async def test_a_redirect_to_nowhere_is_refused(place: str) -> None:
    async with Site({"/": moved(place)}).open() as site:
        await refused(site.fetcher(), site.address("/"))
        assert site.connections == 1


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        writer.write(b"x" * 10_000)
        await writer.drain()


async def silent(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(3600)


async def dripping(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def test_a_body_without_end_is_read_as_far_as_wanted() -> None:
    async with Site({"/": endless}).open() as site:
        told = await refused(site.fetcher(bounds=Bounds(bytes=1_000_000)), site.address("/"))
        assert "larger than" in told


async def test_a_body_that_tells_its_size_is_not_read_at_all() -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99999999\r\n\r\n"
    async with Site({"/": reply}).open() as site:
        assert "larger than 20 MB" in await refused(site.fetcher(), site.address("/"))


@pytest.mark.parametrize("slow", [silent, dripping])
async def test_who_is_slow_is_left(slow: object) -> None:
    async with Site({"/": slow}).open() as site:  # type: ignore[dict-item]
        told = await refused(site.fetcher(bounds=Bounds(seconds=0.2)), site.address("/"))
        assert "0.2 seconds" in told


async def test_a_name_that_is_not_answered_is_left() -> None:
    async def never(host: str) -> Sequence[str]:
        await asyncio.sleep(3600)
        return []

    assert "0.1 seconds" in await refused(
        Fetcher(resolve=never, bounds=Bounds(seconds=0.1)), "http://site.example/"
    )


async def test_a_packed_page_is_unpacked_even_if_it_is_in_pieces() -> None:
    body = gzip.compress(b"one ") + gzip.compress(b"two")
    async with Site({"/": answer(body, "text/plain", more="Content-Encoding: gzip\r\n")}).open() as site:
        assert (await site.fetcher().fetch(site.address("/"))).content == b"one two"


async def test_a_large_packed_page_is_unpacked_whole() -> None:
    text = b"".join(b"%d " % n for n in range(600_000))
    reply = answer(gzip.compress(text), "text/plain", more="Content-Encoding: gzip\r\n")
    async with Site({"/": reply}).open() as site:
        assert (await site.fetcher().fetch(site.address("/"))).content == text


async def test_a_page_that_unpacks_without_end_is_left() -> None:
    bomb = gzip.compress(b"\0" * 200_000_000)
    assert len(bomb) < 1_000_000
    async with Site({"/": answer(bomb, "text/plain", more="Content-Encoding: gzip\r\n")}).open() as site:
        assert "larger than 20 MB" in await refused(site.fetcher(), site.address("/"))


@pytest.mark.parametrize(
    ("body", "packing"),
    [
        (gzip.compress(b"x" * 1000)[:-12], "gzip"),
        (b"no gzip", "gzip"),
        (gzip.compress(gzip.compress(b"x")), "gzip, gzip"),
        (zlib.compress(b"x"), "br"),
    ],
    ids=["cut", "not packed", "twice", "unknown"],
)
async def test_what_cannot_be_unpacked_is_refused(body: bytes, packing: str) -> None:
    reply = answer(body, "text/plain", more=f"Content-Encoding: {packing}\r\n")
    async with Site({"/": reply}).open() as site:
        assert "broke off" in await refused(site.fetcher(), site.address("/"))


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        *(("image/png", "/"), ("application/zip", "/"), ("text/css", "/"), ("text/javascript", "/")),
        *(("application/octet-stream", "/program"), ("video/mp4", "/a.pdf"), ("a\x01b", "/")),
    ],
)
async def test_what_is_no_text_is_not_read(kind: str, path: str) -> None:
    async with Site({path: answer(b"x", kind)}).open() as site:
        assert "I read web pages" in await refused(site.fetcher(), site.address(path))


@pytest.mark.parametrize("path", ["/a.md", "/a.pdf", "/a.HTML", "/a.txt"])
async def test_where_a_server_knows_nothing_the_name_counts(path: str) -> None:
    async with Site({path: answer(b"x", "application/octet-stream")}).open() as site:
        page = await site.fetcher().fetch(site.address(path))
        assert (page.media_type, page.name) == ("", path[1:])


@pytest.mark.parametrize(
    ("status", "why"),
    [
        *(("404 Not Found", "Nothing stands"), ("410 Gone", "Nothing stands"), ("403 Forbidden", "403")),
        *(("401 Unauthorized", "401"), ("500 Oops", "500"), ("302 Found", "302"), ("206 Partial", "206")),
    ],
)
async def test_other_answers_are_refused_with_why(status: str, why: str) -> None:
    async with Site({"/": answer(b"x", status=status)}).open() as site:
        assert why in await refused(site.fetcher(), site.address("/"))


@pytest.mark.parametrize("reply", [b"", b"no http\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
async def test_a_server_that_breaks_off_is_left(reply: bytes) -> None:
    async with Site({"/": reply}).open() as site:
        await refused(site.fetcher(), site.address("/"))


async def test_where_nobody_listens_that_is_said() -> None:
    async with Site().open() as site:
        pass
    with pytest.raises(Unreachable, match="cannot be reached"):
        await site.fetcher().fetch(site.address("/"))


async def test_a_site_that_is_not_there_is_named_so() -> None:
    async with Site().open() as site:
        assert "no such site" in await refused(site.fetcher(), site.address("/", "typo.example"))


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.7.9", "fd12::5", "1.1.1.1"])
def test_what_an_operator_opens_may_be_reached(address: str) -> None:
    assert public_and(["10.0.0.0/8", "192.168.7.9", "fd12::/16", "100.64.0.0/10", "fc00::/7"])(address)


@pytest.mark.parametrize(
    "address", ["192.168.7.8", "127.0.0.1", "169.254.169.254", "100.100.100.200", "fd00:ec2::254", "::1", "x"]
)
def test_what_nobody_opened_or_may_open_stays_closed(address: str) -> None:
    assert not public_and(["10.0.0.0/8", "192.168.7.9", "100.64.0.0/10", "fc00::/7"])(address)


@pytest.mark.parametrize(
    "network",
    [
        "127.0.0.1",
        "169.254.0.0/16",
        "0.0.0.0/0",
        "10.0.0.5/8",
        "8.8.8.8",
        "::/0",
        "::1",
        "fe80::/10",
        "wiki",
        "",
    ],
)
def test_only_private_networks_can_be_opened(network: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        public_and([network])
