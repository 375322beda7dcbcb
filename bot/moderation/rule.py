"""The port of a moderation rule: it judges a message and never acts."""

from dataclasses import dataclass
from typing import Protocol

from bot.core.actions import Action, Severity
from bot.core.events import Message


@dataclass(frozen=True, slots=True)
class Evidence:
    """The part of a text a verdict rests on; `start` and `end` are code points of the text as posted."""

    start: int
    end: int
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule thinks of one message; `score` is 0..1."""

    rule: str
    score: float
    severity: Severity
    evidence: tuple[Evidence, ...] = ()
    actions: tuple[Action, ...] = ()


class Rule(Protocol):
    """Judges messages; it may remember what it saw, and must not wait for anything."""

    @property
    def name(self) -> str:
        """What settings, logs and moderators call it."""
        ...

    def judge(self, message: Message) -> Verdict | None:
        """A verdict, or None when the rule has nothing to say."""
        ...
