"""Reading PDF and HTML in a process of its own, which may take little memory and time and write nothing.

Run by `bot.knowledge.extracting` as `python -m bot.knowledge.parsing KIND LIMITS`: the file comes in on
stdin, one JSON object goes out on stdout. A file that breaks a reader breaks this process and nothing else.
"""

import json
import logging
import resource
import sys
import time
from collections.abc import Callable
from io import BytesIO
from typing import Literal, TypedDict

Problem = Literal["", "locked", "broken", "empty", "much"]
Kind = Literal["pdf", "html"]

TITLE_CHARACTERS = 200
_HEAD = 100_000
"""Characters of a page in which its title stands."""
_CHROME = ["aside", "footer", "form", "iframe", "nav", "button", "[role=navigation]", "[role=contentinfo]"]
"""What surrounds a page's own words."""


class Limits(TypedDict):
    """What a file may cost; `seconds` of processor time, a quarter of it is kept for the end."""

    characters: int
    pages: int
    seconds: int
    bytes_of_memory: int


class Parsed(TypedDict):
    """What was found: pages of `of` were read; `cut` if there was more text than wanted."""

    problem: Problem
    title: str
    text: str
    pages: int
    of: int
    cut: bool


def parsed(kind: Kind, content: bytes, limits: Limits) -> Parsed:
    """The text of a file, in this process."""
    reader = {"pdf": _pdf, "html": _html}[kind]
    try:
        return reader(content, limits)
    except MemoryError:
        return _without_text("much")


def _html(content: bytes, limits: Limits) -> Parsed:
    import html_to_markdown as library  # noqa: PLC0415 - under the limits

    page = content.decode("utf-8", "replace")
    wanted = library.ConversionOptions(
        extract_metadata=False,
        exclude_selectors=_CHROME,
        preprocessing=library.PreprocessingOptions(preset="aggressive"),
        skip_images=True,
        strip_tags=["a"],
    )
    try:
        text = library.convert(page, wanted).content or ""
        about = library.convert(page[:_HEAD]).metadata
    except (library.ConversionError, ValueError):
        return _without_text("broken")
    title = (about.document.title if about else "") or ""
    return _found(title, text, limits)


def _pdf(content: bytes, limits: Limits) -> Parsed:
    """A page after the other, until enough was read: a small file can unpack to gigabytes."""
    from pypdf import PdfReader  # noqa: PLC0415 - under the limits
    from pypdf.errors import DependencyError, LimitReachedError, PyPdfError  # noqa: PLC0415

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells every oddity of every file
    odd = (PyPdfError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError, OSError)
    texts: list[str] = []
    read = size = 0
    try:
        reader = PdfReader(BytesIO(content), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            return _without_text("locked")
        of = len(reader.pages)
        for page in reader.pages:
            late = time.process_time() > limits["seconds"] * 3 / 4
            if late or read >= limits["pages"] or size > limits["characters"]:
                break
            texts.append(page.extract_text())
            read, size = read + 1, size + len(texts[-1])
        title = str(reader.metadata.title or "") if reader.metadata else ""
    except LimitReachedError:
        return _without_text("much")
    except DependencyError:
        return _without_text("locked")
    except odd:
        return _without_text("broken")
    return _found(title, "\n\n".join(texts), limits) | {"pages": read, "of": of}


def _found(title: str, text: str, limits: Limits) -> Parsed:
    clean, most = _clean(text), limits["characters"]
    if not clean.strip():
        return _without_text("empty")
    title = " ".join(_clean(title).split())[:TITLE_CHARACTERS]
    return Parsed(problem="", title=title, text=clean[:most], pages=0, of=0, cut=len(clean) > most)


def _without_text(problem: Problem) -> Parsed:
    return Parsed(problem=problem, title="", text="", pages=0, of=0, cut=False)


def _clean(text: str) -> str:
    """Without halves of characters, which no database takes, and without NUL."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _bound(limits: Limits) -> None:
    """Let the system end this process when it wants too much; it can never have more again."""
    bounds = {
        resource.RLIMIT_CPU: limits["seconds"],
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform != "darwin":  # which knows the limit and does not keep it
        bounds[resource.RLIMIT_AS] = limits["bytes_of_memory"]
    for which, most in bounds.items():
        resource.setrlimit(which, (most, most))


def _main(kind: Kind, limits: Limits, bound: Callable[[Limits], None] = _bound) -> None:
    bound(limits)
    try:
        content = sys.stdin.buffer.read()
        told = json.dumps(parsed(kind, content, limits))
    except MemoryError:
        told = json.dumps(_without_text("much"))
    sys.stdout.write(told)


if __name__ == "__main__":
    _main("pdf" if sys.argv[1] == "pdf" else "html", json.loads(sys.argv[2]))
