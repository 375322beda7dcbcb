"""Files become text; what is broken, locked, empty or made to hurt is refused, in a sentence and soon."""

import asyncio
import sys
import time
import zlib
from pathlib import Path

import pytest

from bot.core.errors import Unreadable
from bot.knowledge import extracting
from bot.knowledge.extracting import USUAL, Extracted, Limits, extract
from tests.knowledge.pdf import locked, nested, of_objects, pdf, shown

PAGE = """<!doctype html><html><head><title>Handbook – Club</title><style>p {}</style></head><body>
<nav><a href="/">Home</a></nav><h1>Handbook</h1><p>Welcome to <b>all</b>.</p><h2>Hours</h2>
<p>We open at <a href="javascript:alert(1)">nine</a>.</p><p hidden>Nobody sees this.</p>
<pre># no heading</pre><ul><li>Monday closed</li></ul><script>steal()</script>
<footer>Imprint</footer></body></html>"""


async def refused(content: bytes, name: str, media_type: str = "", limits: Limits = USUAL) -> str:
    with pytest.raises(Unreadable) as error:
        await extract(content, name, media_type, limits)
    return str(error.value)


async def test_markdown_keeps_its_headings_and_is_called_as_its_first() -> None:
    found = await extract(b"\xef\xbb\xbf# Guide\r\n\r\ntext\r\n## More\r\n", "guide.md")
    assert found == Extracted("Guide", "# Guide\n\ntext\n## More\n")


async def test_a_comment_of_code_is_no_heading() -> None:
    found = await extract("# 注释\nprint(1)\n".encode(), "a.py")
    assert (found.title, found.code) == ("", True)


@pytest.mark.parametrize("name", ["a.txt", "README", "a.rst"])
async def test_prose_is_no_code(name: str) -> None:
    assert not (await extract(b"words", name)).code


async def test_what_a_server_calls_markdown_is_no_code() -> None:
    assert (await extract(b"# T\nx", "raw.cgi", "text/markdown; charset=utf-8")).title == "T"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        ("昵称规则".encode("gbk"), "text/plain; charset=gb2312"),
        ("昵称规则".encode("utf-16"), ""),
        ("昵称规则".encode(), "text/plain; charset=no-such"),
        ("昵称规则".encode(), "text/plain; charset=punycode"),
        ("昵称规则".encode(), "text/plain; charset=zlib"),
    ],
)
async def test_encodings_that_are_told_are_known(content: bytes, media_type: str) -> None:
    assert (await extract(content, "a.txt", media_type)).text == "昵称规则"


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"\x89PNG\0\0", "not a text"), (b"caf\xe9", "UTF-8"), (b" \n", "empty"), (b"", "empty")],
)
async def test_what_is_no_text_is_refused(content: bytes, why: str) -> None:
    assert why in await refused(content, "a.txt")


async def test_a_long_text_is_cut_and_that_is_said() -> None:
    found = await extract(b"x" * 30, "a.txt", limits=Limits(characters=20))
    assert (found.text, found.left_out) == ("x" * 20, "Only its first 20 characters were read.")


async def test_too_many_bytes_are_refused() -> None:
    assert "larger than 0 MB" in await refused(b"x" * 11, "a.txt", limits=Limits(bytes=10))


async def test_a_page_becomes_markdown_without_what_surrounds_it() -> None:
    found = await extract(PAGE.encode(), "handbook", "text/html; charset=utf-8")
    assert found.title == "Handbook – Club"
    assert found.text.split("\n") == [
        *("# Handbook", "", "Welcome to **all**.", "", "## Hours", "", "We open at nine.", ""),
        *("```", "# no heading", "```", "", "- Monday closed", ""),
    ]


async def test_a_page_is_read_in_the_encoding_that_it_tells() -> None:
    page = '<meta charset="gb2312"><title>群规</title><p>昵称两到十二个字。</p>'
    found = await extract(page.encode("gbk"), "rules.html")
    assert (found.title, found.text.strip()) == ("群规", "昵称两到十二个字。")


async def test_a_page_without_a_title_is_called_as_its_first_heading() -> None:
    assert (await extract(b"<h1>Rules</h1><p>Be kind.</p>", "a.html")).title == "Rules"


async def test_a_nul_does_not_change_how_a_page_is_read() -> None:
    assert (await extract("<p>caf\0é “here”</p>".encode(), "a.html")).text.strip() == "café “here”"


async def test_a_page_of_an_unknown_encoding_is_read_as_browsers_do() -> None:
    assert (await extract(b"<p>caf\xe9</p>", "a.html")).text.strip() == "café"


@pytest.mark.parametrize(
    "page",
    [
        b"<div>" * 200_000 + b"deep",
        b"<b>" * 200_000,
        b"<table>" * 50_000,
        b"<!--" * 100_000,
        b"<a " + b"x=y " * 500_000,
        b"&" * 1_000_000,
        b"<ul><li>" * 100_000,
    ],
    ids=["deep", "bold", "tables", "comments", "attributes", "entities", "lists"],
)
async def test_pages_that_are_made_to_hurt_end_soon(page: bytes) -> None:
    limits = Limits(seconds=5)
    started = time.monotonic()
    try:
        found = await extract(page, "a.html", limits=limits)
    except Unreadable:
        found = Extracted("", "")
    assert len(found.text) <= limits.characters
    assert time.monotonic() - started < limits.seconds + extracting._ENDING_S + 30  # to start and end it


async def test_an_empty_page_is_refused() -> None:
    assert "no text" in await refused(b"<script>all()</script>", "a.html")


async def test_a_pdf_is_read_page_by_page_with_its_title() -> None:
    found = await extract(pdf(shown("The umbrella"), shown("and the boat"), title="Lost"), "a.pdf")
    assert found == Extracted("Lost", "The umbrella\n\nand the boat")


async def test_a_pdf_is_known_by_what_it_begins_with() -> None:
    assert (await extract(pdf(shown("umbrella")), "a.txt", "text/plain")).text == "umbrella"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.4",
        b"no pdf at all",
        b"%PDF-1.4\nxref\n0 999999999\n",
        pdf(shown("x"))[:200],
        b"%PDF-1.4\n" + b"\xff" * 5000,
    ],
)
async def test_a_broken_pdf_is_refused(content: bytes) -> None:
    assert "broken" in await refused(content, "a.pdf")


async def test_a_pdf_under_a_password_is_refused() -> None:
    assert "password" in await refused(locked(pdf(shown("secret")), "open sesame"), "a.pdf")


async def test_a_pdf_that_everybody_may_open_is_read() -> None:
    assert (await extract(locked(pdf(shown("umbrella")), ""), "a.pdf")).text == "umbrella"


async def test_a_scanned_pdf_is_refused() -> None:
    assert "scanned" in await refused(pdf(b"", b""), "a.pdf")


async def test_a_page_that_unpacks_to_hundreds_of_megabytes_is_refused() -> None:
    bomb = pdf(b" " * 300_000_000)
    assert len(bomb) < 1_000_000
    assert "more than I can read" in await refused(bomb, "a.pdf")


async def test_a_pdf_that_is_packed_twice_is_refused() -> None:
    twice = zlib.compress(zlib.compress(b" " * 300_000_000, 9), 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<<>>>>>>",
        b"<</Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n%b\nendstream" % (len(twice), twice),
    ]
    assert "more than I can read" in await refused(of_objects(objects), "a.pdf")


@pytest.mark.parametrize(
    "content",
    [
        nested(20_000),
        of_objects([b"[" * 50_000 + b"]" * 50_000]),
        of_objects([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 1>>"]),
        of_objects([b"<</A" * 50_000]),
    ],
    ids=["pages", "arrays", "circle", "dictionaries"],
)
async def test_deep_nesting_is_refused(content: bytes) -> None:
    assert await refused(content, "a.pdf", limits=Limits(seconds=8))


async def test_of_ten_thousand_pages_the_first_are_read_and_that_is_said() -> None:
    found = await extract(pdf(*[shown("line")] * 10_000), "a.pdf", limits=Limits(pages=300, seconds=60))
    assert found.text.count("line") == 300
    assert found.left_out == "Only the first 300 of its 10000 pages were read."


async def test_more_characters_of_a_pdf_than_wanted_are_not_read() -> None:
    found = await extract(pdf(*[shown("z" * 6_000)] * 50), "a.pdf", limits=Limits(characters=10_000))
    assert len(found.text) == 10_000
    assert found.left_out == "Only the first 2 of its 50 pages were read."


async def test_a_reader_that_wants_too_much_memory_is_ended() -> None:
    small = Limits(bytes_of_memory=120 * 1024 * 1024)
    assert "more than I can read" in await refused(pdf(b" " * 70_000_000), "a.pdf", limits=small)


async def test_a_reader_that_computes_too_long_is_ended() -> None:
    slow = pdf(*[shown("x) Tj (y" * 20_000)] * 40)
    started = time.monotonic()
    try:
        told = (await extract(slow, "a.pdf", limits=Limits(seconds=1))).left_out
    except Unreadable as error:
        told = str(error)
    assert "more than I can read" in told or "of its 40 pages" in told
    assert time.monotonic() - started < 1 + extracting._ENDING_S + 30


async def test_a_reader_sees_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spy = tmp_path / "spy"
    spy.write_text(
        f'#!{sys.executable}\nimport json, os\nprint(json.dumps({{"problem": "", "title": "",'
        ' "text": " ".join(os.environ), "pages": 0, "of": 0, "cut": False}))',
        "utf-8",
    )
    spy.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(spy))
    monkeypatch.setenv("LLMOS_DISCORD__TOKEN", "secret")
    seen = (await extract(b"<p>x</p>", "a.html")).text.split()
    assert "LLMOS_DISCORD__TOKEN" not in seen
    assert "PYTHONPATH" in seen


async def test_who_does_not_wait_any_more_ends_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[asyncio.subprocess.Process] = []
    running = asyncio.Event()
    start = asyncio.create_subprocess_exec

    async def watched(*command: str, **options: object) -> asyncio.subprocess.Process:
        begun.append(await start(*command, **options))  # type: ignore[arg-type]
        running.set()
        return begun[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    task = asyncio.ensure_future(extract(pdf(*[shown("line")] * 20_000), "a.pdf"))
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert begun[0].returncode is not None


async def test_few_readers_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running = most = 0
    run = extracting._run

    async def counted(*arguments: object) -> bytes | None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await run(*arguments)  # type: ignore[arg-type]
        finally:
            running -= 1

    monkeypatch.setattr(extracting, "_run", counted)
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(extract(b"<p>x</p>", "a.html"))
    assert most == 2
