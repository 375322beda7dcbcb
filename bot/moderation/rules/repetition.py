"""Texts that repeat, tower or take up the screen."""

import re
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from bot.core.actions import Severity
from bot.core.text import N_, _
from bot.moderation.examined import Examined
from bot.moderation.past import Past
from bot.moderation.rule import ActionName, Evidence, Example, Finding, Rule, part

_RUN = re.compile(r"([^\s\d=_*~#.·…—–-])\1{4,}")
"""Five of a character; rulers, dots and spoilers are drawn with the others."""

_TOWER = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{2,}"
)
_WORD = re.compile(r"\w+")
_SAME = re.compile(r"\b(\w+)\W+\1\W+\1\b", re.IGNORECASE)
"""Three times one word: only then it is worth counting."""


class Repetition(Rule):
    """Finds long runs of one character or word, marks piled on letters (zalgo), and walls of lines."""

    kind: ClassVar[str] = "repetition"
    summary: ClassVar[str] = N_(
        "Finds long repetitions, letters buried under marks (zalgo) and walls of lines."
    )
    violations: ClassVar[tuple[Example, ...]] = (
        Example("a" * 30),
        Example("buy " * 12),
        Example(
            "h\u0300\u0301\u0302\u0303\u0304e\u0305\u0306\u0307\u0308\u0309llo t\u0310\u0311\u0312\u0313here"
        ),
        Example("\n".join("x" for _line in range(40))),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("noooooo way, hahahaha"),
        Example("哈哈哈哈哈哈哈哈"),
        Example("--------------------------------------"),
        Example("Tiếng Việt có dấu, ภาษาไทยก็มีวรรณยุกต์"),
        Example("very very very good"),
    )

    action: ActionName = Field(Severity.HINT, description=N_("What follows."))
    characters: int = Field(
        20, ge=5, le=2000, description=N_("From so many times the same character in a row on.")
    )
    words: int = Field(8, ge=3, le=500, description=N_("From so many times the same word in a row on."))
    marks: int = Field(4, ge=3, le=100, description=N_("From so many marks on one letter on."))
    lines: int = Field(30, ge=5, le=1000, description=N_("From so many lines on."))

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        evidence = tuple(self._evidence(seen, seen.message.text))
        return Finding(1.0, evidence) if evidence else None

    def _evidence(self, seen: Examined, text: str) -> Iterator[Evidence]:
        for run in _RUN.finditer(text):
            if len(run[0]) >= self.characters:
                yield part(seen, run.start(), run.end(), _("{n} times the same character", n=len(run[0])))
        if not text.isascii():
            for tower in _TOWER.finditer(text):
                if len(tower[0]) >= self.marks:
                    start = max(tower.start() - 1, 0)
                    yield part(seen, start, tower.end(), _("{n} marks on one letter", n=len(tower[0])))
        if _SAME.search(text):
            yield from self._same_words(seen, text)
        if text.count("\n") >= self.lines:
            yield part(seen, 0, len(text), _("{n} lines", n=text.count("\n") + 1))

    def _same_words(self, seen: Examined, text: str) -> Iterator[Evidence]:
        before, start, end, times = "", 0, 0, 0
        for found in _WORD.finditer(text):
            word = found[0].lower()
            if word != before:
                if times >= self.words:
                    break
                before, start, times = word, found.start(), 0
            times, end = times + 1, found.end()
        if times >= self.words:
            yield part(seen, start, end, _("{n} times the same word", n=times))
