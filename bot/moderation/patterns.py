"""Moderators' patterns: google-re2 only, so that none of them can hold the bot up, however evil it is.

A pattern is looked for in the text as posted and in its folded copy, in capitals and small letters alike.
"""

from collections.abc import Sequence
from itertools import islice

import re2

from bot.core.errors import UserError
from bot.core.text import _
from bot.moderation.examined import Hit
from bot.moderation.normalize import Normalized

MAX_CHARACTERS, MAX_PATTERNS = 512, 500
"""Of one pattern, and in one community."""

MAX_HITS = 20
"""Matches of one pattern that are looked at in one message."""

MAX_MEMORY_BYTES = 64 << 20
"""For the automaton of all patterns together."""

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
    elif "repetition" in said or "too large" in said:
        instead = _("Repeat something at most 1,000 times, and nothing that is repeated already.")
    else:
        instead = _("To look for a sign such as ( or * itself, write \\ before it.")
    return _("{pattern} is no pattern: {why}. {instead}", pattern=pattern, why=said, instead=instead)


class Patterns:
    """All patterns of a community as one automaton."""

    def __init__(self, sought: Sequence[tuple[str, str]]) -> None:
        """Args: sought: names of rules and their patterns.

        Raises:
            UserError: a pattern is none.
        """
        self._sought = [(name, pattern, compiled(pattern)) for name, pattern in sought]
        self._set: re2.Set | None = None
        if sought:
            self._set = re2.Set.SearchSet(_options(MAX_MEMORY_BYTES))
            for _name, pattern in sought:
                self._set.Add(pattern)
            self._set.Compile()

    def search(self, text: Normalized, found: dict[str, list[Hit]]) -> None:
        """Add where patterns match: in the text as posted, or else in the folded copy."""
        if self._set is None:
            return
        in_original = self._matching(text.original)
        for index in in_original:
            self._add(index, text.original, None, found)
        if text.text != text.original:
            for index in set(self._matching(text.text)).difference(in_original):
                self._add(index, text.text, text, found)

    def _matching(self, text: str) -> Sequence[int]:
        return (self._set.Match(text) or ()) if self._set is not None else ()

    def _add(self, index: int, searched: str, folded: Normalized | None, found: dict[str, list[Hit]]) -> None:
        name, pattern, expression = self._sought[index]
        for match in islice(expression.finditer(searched), MAX_HITS):
            start, end = match.span()
            if folded is not None:
                start, end = folded.span(start, end)
            found[name].append(Hit(pattern, start, end))


def _options(max_memory_bytes: int = 8 << 20) -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = max_memory_bytes
    return options
