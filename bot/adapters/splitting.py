"""Cutting a long Markdown text into messages: nothing lost, no fence left open, no character broken."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import regex

from bot.adapters.fences import Fence, fences, open_fence

MIN_LIMIT = 32
"""Below this there is no room for a fence to be closed and opened again."""

Length = Callable[[str], int]
"""How a platform counts. It adds up, length(a + b) == length(a) + length(b), and is >= 1 per code point."""

_GRAPHEME = regex.compile(r"\X")
_QUOTE = re.compile(r"(?:[ \t]{0,3}>)++[ \t]?")
_LOOKS_FENCED = re.compile(r"[ \t>]*+(?:```|~~~)")
_SENTENCE = re.compile(r"[.!?…]+[\"'”’)\]]*\s|[。！？；][”’」』）]*")
_SPACE = re.compile(r"[\s，、]")


def utf8_length(text: str) -> int:
    """Bytes in UTF-8, as Matrix counts; a lone surrogate counts three."""
    return len(text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class Part:
    """One message of a cut text.

    Attributes:
        body: the piece of the original text.
        opened: what was put before it: the line that opens the interrupted fence again, or a quote sign.
        closed: what was put after it: the line that closes the fence for this message.
    """

    body: str
    opened: str = ""
    closed: str = ""

    @property
    def text(self) -> str:
        """The message to send."""
        return self.opened + self.body + self.closed


def split(text: str, limit: int, length: Length = len) -> list[Part]:
    """Cut a text into messages of at most `limit`, at a paragraph, line, sentence or space near the limit.

    A code block that spans messages is closed in one and opened again, with its language, in the next; one
    that the text itself leaves open is closed too. Only a grapheme longer than a message is cut, between
    code points. A fence whose margin and marker take a quarter of the limit counts as plain text.
    Time is linear in the text. `join` is the inverse.
    """
    if limit < MIN_LIMIT:
        raise ValueError(f"a limit of {limit} is below {MIN_LIMIT}")
    return list(_Cutter(text, limit, length).parts())


def join(parts: Iterable[Part]) -> str:
    """The text that was cut: the bodies in order, without the fence lines and quote signs that were added."""
    return "".join(part.body for part in parts)


class _Cutter:
    """One text being cut; positions are code points of the whole text."""

    def __init__(self, text: str, limit: int, length: Length) -> None:
        self.text, self.limit, self.length = text, limit, length
        self.quarter = limit // 4
        self.fences = list(fences(text, self.quarter - 1))
        self.insides = [fence.inside for fence in self.fences]
        self.starts = {fence.start for fence in self.fences}
        self.closes = {fence.close for fence in self.fences}

    def parts(self) -> Iterator[Part]:
        position = 0
        while position < len(self.text):
            part = self._part(position)
            yield part
            position += len(part.body)

    def _part(self, start: int) -> Part:
        opened = self._opening(start)
        for reserve in self._reserves(start, opened):
            part = self._attempt(start, opened, reserve)
            if self.length(part.text) <= self.limit:
                break
        return part

    def _reserves(self, start: int, opened: str) -> Iterator[int]:
        """Room to keep for the closing line: none, what the first attempt needed, the most there can be."""
        yield 0
        yield self.length(self._attempt(start, opened, 0).closed)
        yield self.quarter + 1

    def _attempt(self, start: int, opened: str, reserve: int) -> Part:
        end = self._furthest(start, self.limit - self.length(opened) - reserve)
        body = self.text[start : self._cut(start, end) if end < len(self.text) else end]
        return Part(body, opened, self._closing(opened + body))

    def _furthest(self, start: int, room: int) -> int:
        """The last position up to which the text fits into `room`."""
        low, high = start, min(start + room, len(self.text))
        if self.length(self.text[start:high]) <= room:
            return high
        while high - low > 1:
            middle = (low + high) // 2
            if self.length(self.text[start:middle]) <= room:
                low = middle
            else:
                high = middle
        return low

    def _closing(self, message: str) -> str:
        fence = open_fence(message, self.quarter - 1)
        if fence is None:
            return ""
        return ("" if message.endswith("\n") else "\n") + fence.margin + fence.marker

    def _opening(self, start: int) -> str:
        middle_of_line = start > 0 and self.text[start - 1] != "\n"
        fence = self._fence_at(start)
        if fence is None:
            return self._quote(start) if middle_of_line else ""
        line = fence.margin + fence.marker
        if self.length(line + fence.info) < self.quarter:
            line += fence.info
        return line + "\n" + (fence.margin if middle_of_line and ">" in fence.margin else "")

    def _quote(self, start: int) -> str:
        found = _QUOTE.match(self.text, self.text.rfind("\n", 0, start) + 1)
        return found[0] if found and found.end() <= start and len(found[0]) <= self.quarter else ""

    def _fence_at(self, position: int) -> Fence | None:
        index = bisect_right(self.insides, position) - 1
        return self.fences[index] if index >= 0 and position < self.fences[index].end else None

    def _cut(self, start: int, end: int) -> int:
        """The best place to cut after `start` and not after `end`."""
        for share in (2, 8):
            lowest = start + (end - start) // share
            for find in (self._line, self._sentence, self._space):
                found = find(lowest, end)
                if found is not None:
                    return found
        return self._grapheme(start, end)

    def _line(self, lowest: int, end: int) -> int | None:
        prose, code = None, None
        position = self.text.rfind("\n", lowest, end) + 1
        while position > lowest:
            before = self.text.rfind("\n", 0, position - 1) + 1
            fence = self._fence_at(position)
            if fence is None:
                blank = not self.text[before : position - 1].strip()
                if blank or position in self.starts or before in self.closes:
                    return position
                prose = prose or position
            elif position not in self.closes and before != fence.start:
                code = code or position
            position = before
        return prose or code

    def _sentence(self, lowest: int, end: int) -> int | None:
        return self._last(_SENTENCE, lowest, end, prose=True)

    def _space(self, lowest: int, end: int) -> int | None:
        return self._last(_SPACE, lowest, end)

    def _last(self, pattern: re.Pattern[str], lowest: int, end: int, *, prose: bool = False) -> int | None:
        for found in reversed(list(pattern.finditer(self.text, lowest, end))):
            position = found.end()
            inside = self._fence_at(position) is not None
            if self._is_whole(position) and not self._misleads(position) and not (prose and inside):
                return position
        return None

    def _is_whole(self, position: int) -> bool:
        """Nothing after a space or full stop belongs to it (a combining mark, a variation selector)."""
        found = _GRAPHEME.match(self.text, position - 1, position + 1)
        return found is not None and found.end() == position

    def _misleads(self, position: int) -> bool:
        """The rest of the line would look like a fence that it is not."""
        return _LOOKS_FENCED.match(self.text, position, position + self.quarter) is not None

    def _grapheme(self, start: int, end: int) -> int:
        borders = [
            found.end() for found in _GRAPHEME.finditer(self.text, start, end + 1) if found.end() <= end
        ] or [end]
        fair = (b for b in reversed(borders[-self.quarter :]) if not self._misleads(b))
        return next(fair, borders[-1])
