"""Patterns of the moderators' own."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from bot.core.errors import UserError
from bot.core.text import N_, _
from bot.moderation.examined import Examined
from bot.moderation.past import Past
from bot.moderation.patterns import MAX_CHARACTERS, MAX_PATTERNS, compiled
from bot.moderation.rule import Example, Finding, Rule, part


def _checked(pattern: str) -> str:
    try:
        compiled(pattern)
    except UserError as error:
        raise ValueError(str(error)) from error
    return pattern


Pattern = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS), AfterValidator(_checked)]
"""A pattern of google-re2."""


class Patterns(Rule):
    """Finds texts of a form, by google-re2: what needs no look-around or references, and never hangs."""

    kind: ClassVar[str] = "patterns"
    summary: ClassVar[str] = N_("Finds patterns (regular expressions of google-re2, capitals ignored).")
    foreign: ClassVar[bool] = True
    violations: ClassVar[tuple[Example, ...]] = (
        Example("order number AB-1234 is late", {"patterns": [r"\b[a-z]{2}-\d{4}\b"]}),
        Example("Buy ch\u200beap watches", {"patterns": ["cheap +watches"]}),
        Example("红包123456", {"patterns": ["红包[0-9]+"]}),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("an order", {"patterns": [r"\b[a-z]{2}-\d{4}\b"]}),
        Example("see AB-0000", {"patterns": [r"\b[a-z]{2}-\d{4}\b"], "allow": ["AB-0000"]}),
    )

    patterns: tuple[Pattern, ...] = Field(
        min_length=1, max_length=MAX_PATTERNS, description=N_("What is looked for.")
    )
    allow: tuple[Pattern, ...] = Field(
        (), max_length=MAX_PATTERNS, description=N_("What may stand although a pattern matches in it.")
    )

    def expressions(self) -> tuple[str, ...]:
        """See `Rule`."""
        return (*self.patterns, *self.allow)

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        hits = seen.hits(self.name)
        allowed = [hit for hit in hits if hit.sought in self.allow]
        found = {
            (hit.start, hit.end)
            for hit in hits
            if hit.sought in self.patterns and not hit.within(allowed) and hit.end > hit.start
        }
        if not found:
            return None
        why = _("a pattern that moderators do not want here")
        return Finding(1.0, tuple(part(seen, start, end, why) for start, end in sorted(found)))
