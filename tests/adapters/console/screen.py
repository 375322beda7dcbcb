"""A small terminal: what a person sees after a program wrote its control sequences.

It knows the sequences prompt_toolkit uses (its output/vt100.py) and fails on others, so none is overlooked.
"""

import re
from collections.abc import Callable

from prompt_toolkit.utils import get_cwidth

_SEQUENCE = re.compile(r"\x1b(?:\[(?P<arguments>[?0-9;]*)(?P<name>[A-Za-z])|\](?P<title>[^\x07]*)\x07)")
_SET_MODE = frozenset({"m", "h", "l", "n"})


class VirtualScreen:
    """Rows of cells, all that scrolled away included; write to it as to a text file."""

    encoding = "utf-8"

    def __init__(self, columns: int = 80) -> None:
        self.columns = columns
        self.received = ""
        self.bells = 0
        self._rows: list[list[str]] = [[]]
        self._y = self._x = 0
        self._unread = ""

    @property
    def lines(self) -> list[str]:
        """The rows as text, without blanks at their ends, up to the last that is not empty."""
        lines = ["".join(row).rstrip() for row in self._rows]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def text(self) -> str:
        """All rows."""
        return "\n".join(self.lines)

    def write(self, text: str) -> int:
        """Take output; a sequence may come in pieces."""
        self.received += text
        self._unread += text
        position = 0
        while position < len(self._unread):
            if self._unread[position] == "\x1b":
                found = _SEQUENCE.match(self._unread, position)
                if found is None:
                    if len(self._unread) - position > 200:
                        raise ValueError(f"unknown sequence {self._unread[position:][:20]!r}")
                    break
                position = found.end()
                if found["name"] is not None:
                    self._obey(found["name"], found["arguments"])
            else:
                self._put(self._unread[position])
                position += 1
        self._unread = self._unread[position:]
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        """See `TextIO`."""
        return True

    def fileno(self) -> int:
        """See `TextIO`; there is no file."""
        raise OSError("a screen in memory has no file")

    def _put(self, character: str) -> None:
        match character:
            case "\r":
                self._x = 0
            case "\n":
                self._down(1)
            case "\b":
                self._x = max(0, self._x - 1)
            case "\a":
                self.bells += 1
            case _:
                if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0:
                    raise ValueError(f"a control character reached the screen: {character!r}")
                self._print(character)

    def _print(self, character: str) -> None:
        cells = get_cwidth(character)
        if self._x + cells > self.columns:
            self._x = 0
            self._down(1)
        row = self._rows[self._y]
        row += [" "] * (self._x - len(row))
        if cells == 0 and self._x:
            row[self._x - 1] += character
            return
        row[self._x : self._x + cells] = [character, *[""] * (cells - 1)]
        self._x += cells

    def _obey(self, name: str, arguments: str) -> None:
        if name in _SET_MODE:
            return
        count = int(arguments) if arguments.isdecimal() else None
        moves: dict[str, Callable[[int], None]] = {
            "A": self._up,
            "B": self._down,
            "C": self._right,
            "D": self._left,
            "J": self._erase_down,
            "K": self._erase_line,
        }
        moves[name](count if count is not None else 0 if name in "JK" else 1)

    def _up(self, count: int) -> None:
        self._y = max(0, self._y - count)

    def _down(self, count: int) -> None:
        self._y += count
        self._rows += [[] for _ in range(self._y + 1 - len(self._rows))]

    def _right(self, count: int) -> None:
        self._x = min(self.columns - 1, self._x + count)

    def _left(self, count: int) -> None:
        self._x = max(0, self._x - count)

    def _erase_down(self, mode: int) -> None:
        if mode != 0:
            raise ValueError(f"unknown erasure {mode}")
        del self._rows[self._y][self._x :], self._rows[self._y + 1 :]

    def _erase_line(self, mode: int) -> None:
        if mode != 0:
            raise ValueError(f"unknown erasure {mode}")
        del self._rows[self._y][self._x :]
