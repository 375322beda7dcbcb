"""Moderators' patterns: google-re2 only, so that none of them can hold the bot up, however evil it is.

A pattern is looked for in the text as posted and in its folded copy, in capitals and small letters alike.
"""

import logging
import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import islice
from time import thread_time

import re2

from bot.core.errors import UserError
from bot.core.text import _
from bot.moderation.examined import Hit
from bot.moderation.normalize import Normalized

log = logging.getLogger(__name__)

MAX_CHARACTERS, MAX_PATTERNS = 512, 500
"""Of one pattern, and in one community."""

MAX_HITS = 20
"""Matches of one pattern that are looked at in one message."""

MAX_PROGRAM = 2_000
"""Steps of a compiled pattern; at worst time grows with them: 4,000 characters take 100 ms at 8,000."""

SIMPLE_PROGRAM, SIMPLE_COUNT = 128, 8
"""Patterns of at most so many steps, that repeat nothing more often, share an automaton. One that counts
far makes so many states that it would slow down all others; it runs alone."""

BUDGET_S = 0.002
"""Time for all patterns that run alone, in one message; those left over come first in the next."""

PIECE = 500
"""Characters that a pattern which runs alone sees at once; from one piece to the next by half of them."""

MAX_MEMORY_BYTES = 64 << 20
"""For the automaton of all simple patterns together."""

_COUNT = re.compile(r"(\d+)\}")

_LACKS = (
    ("(?=", "(?!", "(?<=", "(?<!"),
    ("\\1", "\\2", "\\3", "\\4", "\\5", "\\6", "\\7", "\\8", "\\9", "(?P="),
    ("(?>", "*+", "++", "?+", "}+"),
)
"""What other engines have and re2 has not, since it cannot be done in linear time."""


def compiled(pattern: str) -> "re2._Regexp[str]":
    """A pattern, if it is one.

    Raises:
        UserError: it is none; the text says why and what to write instead.
    """
    if len(pattern) > MAX_CHARACTERS:
        raise UserError(_("A pattern has at most {n} characters; split it into several.", n=MAX_CHARACTERS))
    try:
        found = re2.compile(pattern, _options())
    except re2.error as error:
        raise UserError(_refusal(pattern, _said(error))) from error
    if found.programsize > MAX_PROGRAM:
        instead = _("Repeat less, such as .{0,40} for .{0,400}, or split it into several patterns.")
        raise UserError(
            _("{pattern} is too costly for a pattern. {instead}", pattern=pattern, instead=instead)
        )
    if found.search("") is not None:
        raise UserError(
            _(
                "The pattern {pattern} matches an empty text, so it would match every message.",
                pattern=pattern,
            )
        )
    return found


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else error
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _refusal(pattern: str, said: str) -> str:
    around, back, possessive = (any(sign in pattern for sign in signs) for signs in _LACKS)
    if around:
        instead = _(
            "Look-ahead and look-behind are not known here; use a pattern and its exceptions instead."
        )
    elif back:
        instead = _("References to groups (\\1) are not known here; write out the repetitions.")
    elif possessive:
        instead = _("Possessive and atomic groups are not known here and not needed; leave the extra + out.")
    elif "repetition size" in said or "too large" in said:
        instead = _("Repeat something at most 1,000 times, and nothing that is repeated already.")
    else:
        instead = _("To look for a sign such as ( or * itself, write \\ before it.")
    return _("{pattern} is no pattern: {why}. {instead}", pattern=pattern, why=said, instead=instead)


class Patterns:
    """All patterns of a community, the simple ones as one automaton."""

    def __init__(self, sought: Sequence[tuple[str, str]], trusted: Collection[str] = ()) -> None:
        """Args: sought: names of rules and their patterns. trusted: rules whose patterns are our own.

        Raises:
            UserError: a pattern is none.
        """
        self._sought = [
            (name, pattern, _own(pattern) if name in trusted else compiled(pattern))
            for name, pattern in sought
        ]
        self._simple = [
            at for at, (name, *_rest) in enumerate(self._sought) if name in trusted or self._is_simple(at)
        ]
        self._alone = sorted(set(range(len(sought))).difference(self._simple))
        self._first = 0
        self._set = _together(tuple(sought[at][1] for at in self._simple)) if self._simple else None

    def search(self, text: Normalized, found: dict[str, list[Hit]]) -> None:
        """Add where patterns match: in the text as posted, or else in the folded copy."""
        in_original = self._matching(text.original)
        for index in in_original:
            self._add(index, text.original, None, found)
        folded = text.text != text.original.lower()  # patterns ignore capitals
        if folded:
            for index in set(self._matching(text.text)).difference(in_original):
                self._add(index, text.text, text, found)
        if self._alone:
            self._search_alone(text, folded, found)

    def _search_alone(self, text: Normalized, folded: bool, found: dict[str, list[Hit]]) -> None:
        until = thread_time() + BUDGET_S
        for done in range(len(self._alone)):
            at = (self._first + done) % len(self._alone)
            name, pattern, expression = self._sought[self._alone[at]]
            try:
                if done and thread_time() > until:
                    raise TimeoutError
                if match := _first_match(expression, text.original, until):
                    found[name].append(Hit(pattern, *match))
                elif folded and (match := _first_match(expression, text.text, until)):
                    found[name].append(Hit(pattern, *text.span(*match)))
            except TimeoutError:
                self._first = (at + (done == 0)) % len(self._alone)  # a slow one does not go first again
                log.warning(
                    "patterns took too long", extra={"rule": name, "left_out": len(self._alone) - done}
                )
                return

    def _is_simple(self, at: int) -> bool:
        _name, pattern, expression = self._sought[at]
        counts = (int(count) for count in _COUNT.findall(pattern))
        return expression.programsize <= SIMPLE_PROGRAM and max(counts, default=0) <= SIMPLE_COUNT

    def _matching(self, text: str) -> Sequence[int]:
        """The simple patterns that match."""
        if self._set is None:
            return ()
        return [self._simple[at] for at in self._set.Match(text) or ()]

    def _add(self, index: int, searched: str, folded: Normalized | None, found: dict[str, list[Hit]]) -> None:
        name, pattern, expression = self._sought[index]
        for match in islice(expression.finditer(searched), MAX_HITS):
            start, end = match.span()
            if folded is not None:
                start, end = folded.span(start, end)
            found[name].append(Hit(pattern, start, end))


def _first_match(expression: "re2._Regexp[str]", text: str, until: float) -> tuple[int, int] | None:
    """Where a pattern first matches, piece by piece, so that time can be looked at in between.

    Raises:
        TimeoutError: it is up.
    """
    for start in range(0, max(len(text) - PIECE // 2, 1), PIECE // 2):
        match = expression.search(text, start, min(start + PIECE, len(text)))
        if match is not None:
            begins, ends = match.span()
            return begins, ends
        if thread_time() > until:
            raise TimeoutError
    return None


@lru_cache(maxsize=16)
def _together(patterns: tuple[str, ...]) -> re2.Set:
    """One automaton for patterns; it takes 20 ms to make, and rules are read more often than they change."""
    automaton = re2.Set.SearchSet(_options(MAX_MEMORY_BYTES))
    for pattern in patterns:
        automaton.Add(pattern)
    automaton.Compile()
    return automaton


def _own(pattern: str) -> "re2._Regexp[str]":
    return re2.compile(pattern, _options())


def _options(max_memory_bytes: int = 8 << 20) -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = max_memory_bytes
    return options
