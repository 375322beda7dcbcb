"""Growing text as rows of a terminal: wrapped at words, with Markdown's marks in color and none removed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prompt_toolkit.utils import get_cwidth

from bot.adapters.console.harmless import harmless

Row = list[tuple[str, str]]
"""(style class, text) pairs, without a line end."""

_TAB = " " * 4
_MIN_WIDTH = 10
_INLINE = re.compile(r"\*\*|`+|[^*`]+|\*")
_FENCE = re.compile(r" {0,3}(?:```|~~~)")
_HEADING = re.compile(r" {0,3}#{1,6} ")
_LIST = re.compile(r" *(?:[-*+]|\d{1,9}[.)]) +")
_QUOTE = re.compile(r" {0,3}>")


class Rows:
    """One text on its way to the screen. Time is linear in the text."""

    def __init__(self, width: int, first: str, indent: str) -> None:
        """Args: width: cells of the terminal; first, indent: what stands before the first row, the others."""
        self._room = max(_MIN_WIDTH, width - len(indent) - 1 - max(0, len(first) - len(indent)))
        self._first, self._indent = first, indent
        self._style = _Style()
        self._ready: list[Row] = []
        self._row, self._cells = "", 0
        self._blank = 0
        self._begun = False
        self._held = ""
        self._label = first

    @property
    def begun(self) -> bool:
        """Whether there is anything to see."""
        return self._begun

    def feed(self, text: str) -> None:
        """Take the next piece of the text."""
        text = self._held + text
        self._held = "\r" if text.endswith("\r") else ""  # it may be half of a line end
        for character in harmless(text.removesuffix("\r") if self._held else text).replace("\t", _TAB):
            if character == "\n":
                self._end_line()
            else:
                self._put(character)

    def finish(self) -> None:
        """The text is complete: its last row is a whole one."""
        self._held = ""
        if self._row.strip():
            self._end_row(starts_next_line=True)

    def take(self) -> list[Row]:
        """The rows that are complete and were not taken before."""
        ready, self._ready = self._ready, []
        return ready

    def interrupted(self) -> None:
        """Something else is written in between: the next row says whose it is again."""
        if self._begun and self._label == self._indent:
            self._label = self._first

    def waiting(self) -> Iterator[Row]:
        """The rows that were not taken yet, and the one that still grows."""
        yield from self._ready
        if self._row.strip():
            yield [("class:label", self._label), *self._style.copy().row(self._row)]

    def _put(self, character: str) -> None:
        cells = get_cwidth(character)
        if self._cells + cells > self._room and cells:
            self._wrap(character)
        if character == " " and not self._row and self._style.is_wrapped:
            return
        self._row += character
        self._cells += cells

    def _wrap(self, following: str) -> None:
        """End the row behind its last space, if it has one in its second half, else here."""
        cut = len(self._row)
        if following != " ":
            space = self._row.rfind(" ", len(self._row) // 2)
            cut = space + 1 if space >= 0 else cut
        rest = self._row[cut:]
        self._row = self._row[:cut]
        self._end_row(starts_next_line=False)
        self._row, self._cells = rest, get_cwidth(rest)

    def _end_line(self) -> None:
        if self._row.strip():
            self._end_row(starts_next_line=True)
        else:
            self._blank += self._begun and self._style.at_line_start
            self._row, self._cells = "", 0
            self._style.next_line()

    def _end_row(self, *, starts_next_line: bool) -> None:
        self._ready += [[("class:label", self._indent)] for _ in range(self._blank)]
        self._ready.append([("class:label", self._label), *self._style.row(self._row.rstrip())])
        self._label, self._begun, self._blank = self._indent, True, 0
        self._row, self._cells = "", 0
        if starts_next_line:
            self._style.next_line()


@dataclass
class _Style:
    """What earlier rows of a text mean for the next one."""

    fenced: bool = False
    line: str = ""
    bold: bool = False
    code: str = ""
    at_line_start: bool = True

    @property
    def is_wrapped(self) -> bool:
        """Whether the next row goes on within a line of prose."""
        return not self.at_line_start and not self.fenced

    def copy(self) -> "_Style":
        return _Style(self.fenced, self.line, self.bold, self.code, self.at_line_start)

    def next_line(self) -> None:
        self.line, self.bold, self.code, self.at_line_start = "", False, "", True

    def row(self, text: str) -> Row:
        row: Row = []
        if self.at_line_start:
            self.at_line_start = False
            if _FENCE.match(text):
                self.fenced = not self.fenced
                self.line = "class:fence"
            elif self.fenced:
                self.line = "class:code"
            elif _HEADING.match(text):
                self.line = "class:heading"
            elif _QUOTE.match(text):
                self.line = "class:quote"
            elif mark := _LIST.match(text):
                row.append(("class:mark", mark[0]))
                text = text[mark.end() :]
        if self.line:
            return [*row, (self.line, text)]
        return [*row, *self._inline(text)]

    def _inline(self, text: str) -> Row:
        row: Row = []
        for part in _INLINE.findall(text):
            if part.startswith("`") and self.code in ("", part):
                self.code = "" if self.code else part
                row.append(("class:code", part))
            elif part == "**" and not self.code:
                self.bold = not self.bold
                row.append(("class:bold", part))
            else:
                row.append(("class:code" if self.code else "class:bold" if self.bold else "", part))
        return row
