"""Finding fenced code blocks in Markdown, also inside quotes and lists, in one pass."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

# CommonMark 0.31 section 4.5, except that any indentation counts: lists nest fences deeper than 3 columns.
_FENCE_LINE = re.compile(
    r"^(?P<margin>[ \t]*+(?:(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t]))[ \t]*+)*+)"
    r"(?P<marker>`{3,}+|~{3,}+)(?P<info>[^\n]*)",
    re.MULTILINE,
)
_LIST_MARKER = re.compile(r"[-*+.)\d]")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced code block.

    Attributes:
        start: where its opening line begins.
        inside: the first position after the opening marker.
        close: where its closing line begins; for a block that nothing closes, the end of the text.
        end: the first position that is outside again; past the text if nothing closes it.
        margin: what stands before the marker, list markers blanked: it puts a new fence at the same depth.
    """

    start: int
    inside: int
    close: int
    end: int
    margin: str
    marker: str
    info: str
    closed: bool


def fences(text: str, longest: int) -> Iterator[Fence]:
    """The fenced blocks of a text; one whose margin and marker are longer than `longest` is plain text."""
    opening: re.Match[str] | None = None
    seen = 0
    for line in _FENCE_LINE.finditer(text):
        if opening is not None:
            quote_end = _quote_end(opening, text, seen, line.start() - 1)
            if quote_end is None and _depth(line) < _depth(opening):
                quote_end = line.start()
            if quote_end is not None:
                yield _fence(opening, quote_end, quote_end)
                opening = None
        if opening is None:
            opening = line if _opens(line, longest) else None
        elif _closes(line, opening):
            yield _fence(opening, line.start(), line.end("marker"))
            opening = None
        seen = line.end()
    if opening is not None:
        quote_end = _quote_end(opening, text, seen, len(text) - text.endswith("\n"))
        if quote_end is None:
            yield _fence(opening, len(text), len(text) + 1, closed=False)
        else:
            yield _fence(opening, quote_end, quote_end)


def open_fence(text: str, longest: int) -> Fence | None:
    """The block that is still open where the text ends."""
    last = None
    for last in fences(text, longest):  # noqa: B007 - only the last one matters
        pass
    return last if last is not None and not last.closed else None


def _depth(line: re.Match[str]) -> int:
    return line["margin"].count(">")


def _opens(line: re.Match[str], longest: int) -> bool:
    if len(line["margin"]) + len(line["marker"]) > longest:
        return False
    return line["marker"][0] == "~" or "`" not in line["info"]


def _closes(line: re.Match[str], opening: re.Match[str]) -> bool:
    return (
        line["marker"].startswith(opening["marker"])
        and not line["info"].strip()
        and _depth(line) == _depth(opening)
        and not _LIST_MARKER.search(line["margin"])
    )


def _fence(opening: re.Match[str], close: int, end: int, *, closed: bool = True) -> Fence:
    margin = _LIST_MARKER.sub(" ", opening["margin"])
    return Fence(
        opening.start(),
        opening.end("marker"),
        close,
        end,
        margin,
        opening["marker"],
        opening["info"].rstrip(),
        closed,
    )


@cache
def _unquoted_line(depth: int) -> re.Pattern[str]:
    return re.compile(rf"^(?!(?:[ \t]*+>){{{depth}}})", re.MULTILINE)


def _quote_end(opening: re.Match[str], text: str, start: int, stop: int) -> int | None:
    """Where the quote around a fence ends, which ends the fence too."""
    depth = _depth(opening)
    if not depth or stop <= start:
        return None
    found = _unquoted_line(depth).search(text, max(start, opening.end()), stop)
    return None if found is None else found.start()
