"""The text of a file or a page, whoever made it: `await extract(content, name)`.

Text, Markdown and code are decoded here. PDF and HTML are read in a process of their own
(`bot.knowledge.parsing`) with hard limits of memory, time, pages and characters, since both can be made to
unpack without end or to break their readers.
"""

import asyncio
import codecs
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from pathlib import PurePosixPath
from typing import Literal, cast
from weakref import WeakKeyDictionary

from bot.core.errors import Unreadable
from bot.core.text import _, ngettext
from bot.knowledge import parsing
from bot.knowledge.apart import apart

PROSE = frozenset({".md", ".markdown", ".txt", ".rst", ".adoc", ".org"})
"""Suffixes of texts in which a line that begins with # is a heading, or that have no such line."""
PAGES = frozenset({".html", ".htm", ".xhtml"})

_SNIFFED = 8192
_MAGIC = 1024
"""So many bytes may come before %PDF- (source: Adobe's implementation note 13 on PDF 1.7)."""
_META = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([a-zA-Z0-9_-]{2,40})", re.IGNORECASE)
_ENCODINGS = re.compile(
    r"ascii|utf-8|utf-16(-[lb]e)?|utf_8_sig|latin_1|iso8859-\d+|cp125\d|cp874|cp949|gb2312|gbk|gb18030"
    r"|big5(hkscs)?|shift_jis|cp932|euc_jp|euc_kr|iso2022_jp|koi8-[ru]|mac-roman|tis-620"
)
"""As `codecs` calls them; others, such as punycode, decode no text or take a square of its length."""
_AT_ONCE = 2
_ENDING_S = 40.0
"""A process that waits for a processor may take so much longer than its processor time."""
_ANSWER_BYTES = 32 * 1024 * 1024

_running: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost. More `characters` or `pages` are left out, more of the others is refused."""

    bytes: int = 20 * 1024 * 1024
    characters: int = 2_000_000
    pages: int = 2_000
    seconds: int = 20
    bytes_of_memory: int = 512 * 1024 * 1024


USUAL = Limits()


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a file says.

    Attributes:
        title: its own, or "".
        text: with headings as in Markdown, unless `code`.
        left_out: a sentence on what of it was not read, or "".
        code: a line that begins with # is none of its headings.
    """

    title: str
    text: str
    left_out: str = ""
    code: bool = False


async def extract(content: bytes, name: str, media_type: str = "", limits: Limits = USUAL) -> Extracted:
    """The text of a file.

    Args:
        name: with its suffix, which tells code from prose; or an address.
        media_type: as a server gives it, such as "text/html; charset=gbk"; "" to go by the name.

    Raises:
        Unreadable: it has no text that can be read; says why and what to do, without its name.
    """
    if len(content) > limits.bytes:
        raise too_large(limits.bytes)
    told, charset = _told(media_type)
    kind = _kind(content, PurePosixPath(name).suffix.lower(), told)
    if kind == "pdf":
        return await _apart("pdf", content, limits)
    if kind == "html":
        page = _decoded(content, charset or _declared(content), nul=True) or content.decode(
            "cp1252", "replace"
        )
        return await _apart("html", page.encode("utf-8", "replace"), limits)
    return _plain(content, name, told, charset, limits)


def too_large(most_bytes: int) -> Unreadable:
    """What is said of a file with more bytes than are taken."""
    return Unreadable(
        _(
            "It is larger than {n} MB, which is the most I read. Give me a part of it.",
            n=most_bytes // 1024 // 1024,
        )
    )


def first_heading(text: str) -> str:
    """What a Markdown text begins with, if that is a heading."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return first.lstrip("# ").strip()[: parsing.TITLE_CHARACTERS] if first.startswith("#") else ""


def _told(media_type: str) -> tuple[str, str]:
    """Type and encoding of what a server says; "" where it says none."""
    if not media_type:
        return "", ""
    header = Message()
    header["Content-Type"] = media_type
    return header.get_content_type(), str(header.get_param("charset", ""))


def _kind(content: bytes, suffix: str, told: str) -> Literal["pdf", "html", "text"]:
    """What to read it as; what it begins with counts most."""
    if b"%PDF-" in content[:_MAGIC] or told == "application/pdf" or (not told and suffix == ".pdf"):
        return "pdf"
    if told in ("text/html", "application/xhtml+xml") or (not told and suffix in PAGES):
        return "html"
    return "text"


def _plain(content: bytes, name: str, told: str, charset: str, limits: Limits) -> Extracted:
    text = _decoded(content, charset)
    if text is None:
        binary = b"\0" in content[:_SNIFFED]
        raise Unreadable(
            _("It is not a text. I read text, Markdown, code, HTML and PDF.")
            if binary
            else _("Its characters are not UTF-8. Save it as UTF-8 and give it to me again.")
        )
    text = text.replace("\r\n", "\n")
    if not text.strip():
        raise Unreadable(_("It is empty."))
    code = PurePosixPath(name).suffix.lower() not in PROSE | {""} and told != "text/markdown"
    title = "" if code else first_heading(text)
    left_out = _only(limits) if len(text) > limits.characters else ""
    return Extracted(title, text[: limits.characters], left_out, code)


def _decoded(content: bytes, charset: str, *, nul: bool = False) -> str | None:
    """By its mark, by what was told, or as UTF-8; None if it is none of these, or no text.

    Args:
        nul: it may hold NUL, which a page may (source: HTML, "unexpected-null-character") and a text may not.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace").replace("\0", "")
    if b"\0" in content[:_SNIFFED] and not nul:
        return None
    encoding = "utf-8-sig"
    if charset:
        with suppress(LookupError):
            known = codecs.lookup(charset).name
            encoding = known if _ENCODINGS.fullmatch(known) and known != "utf-8" else encoding
    try:
        return content.decode(encoding).replace("\0", "")
    except UnicodeDecodeError:
        return content.decode(encoding, "replace") if encoding != "utf-8-sig" else None


def _declared(page: bytes) -> str:
    """What a page says of its encoding (source: HTML, "Determining the character encoding": 1024 bytes)."""
    found = _META.search(page[:1024])
    return found[1].decode("ascii") if found else ""


def _only(limits: Limits) -> str:
    return _("Only its first {n} characters were read.", n=limits.characters)


async def _apart(kind: parsing.Kind, content: bytes, limits: Limits) -> Extracted:
    loop = asyncio.get_running_loop()
    async with _running.setdefault(loop, asyncio.Semaphore(_AT_ONCE)):
        answer = await _run(kind, content, limits)
    if answer is None:
        raise _refused(kind, "much")
    found = cast(parsing.Parsed, json.loads(answer))
    if found["problem"]:
        raise _refused(kind, found["problem"])
    left_out = ""
    if found["pages"] < found["of"]:
        left_out = ngettext(
            "Only the first of its {of} pages was read.",
            "Only the first {n} of its {of} pages were read.",
            found["pages"],
            of=found["of"],
        )
    elif found["cut"]:
        left_out = _only(limits)
    title = found["title"] or (first_heading(found["text"]) if kind == "html" else "")
    return Extracted(title, found["text"], left_out)


async def _run(kind: parsing.Kind, content: bytes, limits: Limits) -> bytes | None:
    """What the process says; None if it was ended for wanting too much."""
    told = parsing.Limits(
        characters=limits.characters,
        pages=limits.pages,
        seconds=limits.seconds,
        bytes_of_memory=limits.bytes_of_memory,
    )
    async with apart("bot.knowledge.parsing", kind, json.dumps(told)) as process:
        try:
            async with asyncio.timeout(limits.seconds + _ENDING_S):
                return await _spoken(process, content)
        except TimeoutError:
            return None


async def _spoken(process: asyncio.subprocess.Process, content: bytes) -> bytes | None:
    if process.stdin is None or process.stdout is None:
        return None
    with suppress(ConnectionError):  # it has ended already, and the code says why
        process.stdin.write(content)
        await process.stdin.drain()
        process.stdin.close()
    answer = bytearray()
    while part := await process.stdout.read(64 * 1024):
        answer += part
        if len(answer) > _ANSWER_BYTES:
            return None
    return bytes(answer) if await process.wait() == 0 else None


def _refused(kind: parsing.Kind, problem: parsing.Problem) -> Unreadable:
    told = {
        "locked": _("It is locked with a password. Save it without one and give it to me again."),
        "broken": _("It is broken, or no PDF or HTML at all. Open it, save it again and give me that."),
        "empty": _("It holds no text, perhaps scanned pages. Run text recognition over it first.")
        if kind == "pdf"
        else _("It holds no text; perhaps a script writes it when the page is opened. Give me its text."),
        "much": _("It unpacks to more than I can read. Save it anew, or give me its text."),
    }
    return Unreadable(told.get(problem, told["broken"]))
