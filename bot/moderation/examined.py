"""One message, looked at once for all rules: what is costly is done when the first rule asks for it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

from bot.core.events import Message
from bot.core.permissions import Role
from bot.moderation.evidence import Evidence
from bot.moderation.likeness import Likeness
from bot.moderation.links import Link, links_in
from bot.moderation.normalize import Normalized, normalize
from bot.moderation.opinion import Opinion

NEWCOMER = timedelta(days=1)
"""For so long somebody is new: those who come to do harm mostly begin at once."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an author in a community; unknown people are members without roles or age.

    Attributes:
        roles: the platform's ids.
        joined_at: when they joined the community.
        created_at: when their account was made.
    """

    role: Role = Role.MEMBER
    roles: frozenset[str] = frozenset()
    joined_at: datetime | None = None
    created_at: datetime | None = None

    def is_new(self, at: datetime) -> bool:
        """Whether they came less than a day ago, or have had the account for less, as far as is known."""
        known = (self.joined_at, self.created_at)
        return any(since is not None and at - since < NEWCOMER for since in known)


UNKNOWN = Standing()
"""Somebody of whom nothing is known."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a channel is for, as far as it is known.

    Attributes:
        examples: messages that belong there.
    """

    topic: str = ""
    examples: tuple[str, ...] = ()


class Scorer(Protocol):
    """The classifiers: calibrated probabilities by name ("toxicity", "spam", "quality")."""

    def score(self, messages: Sequence[Normalized]) -> Sequence[Mapping[str, float]]:
        """The scores of each message; many at once cost a fraction of one by one."""
        ...

    def evidence(self, message: Normalized, score: str) -> Sequence[Evidence]:
        """The parts of a text that a score rests on, in code points of the text as posted."""
        ...

    def threshold(self, message: Normalized, score: str) -> float:
        """From which score on whoever chose the classifier would have somebody look."""
        ...


USUAL_THRESHOLD = 0.9

OffTopic = Callable[[Normalized, Sequence[str]], float]
"""How likely a message does not belong among examples, 0..1."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where something that a rule looks for stands, in code points of the text as posted.

    Attributes:
        sought: the literal or the expression.
        starts_word, ends_word: no word goes on before or after it.
    """

    sought: str
    start: int
    end: int
    starts_word: bool = True
    ends_word: bool = True

    def within(self, others: Iterable["Hit"]) -> bool:
        """Whether it is a part of one of some others."""
        return any(other.start <= self.start and self.end <= other.end for other in others)


Search = Callable[[Normalized], Mapping[str, Sequence[Hit]]]
"""Looks for everything that the rules of a community name, in one pass; hits by the name of the rule."""


def nothing_sought(text: Normalized) -> Mapping[str, Sequence[Hit]]:
    """For communities whose rules name nothing."""
    return {}


class Examined:
    """A message and what is to be known about it.

    Attributes:
        is_edit: it is a new version of a message: nothing was sent, so it counts for no flood.
        is_ours: the bot is about to say it.
        standing: the author in this community.
        place: what the channel is for.
        opinion: what a model thinks of it, once it was asked.
        pictures: what is seen on its pictures, once they were looked at.
    """

    def __init__(
        self,
        message: Message,
        *,
        is_edit: bool = False,
        is_ours: bool = False,
        standing: Standing = UNKNOWN,
        place: Place | None = None,
        scorer: Scorer | None = None,
        off_topic: OffTopic | None = None,
        search: Search = nothing_sought,
    ) -> None:
        self.message = message
        self.is_edit = is_edit
        self.is_ours = is_ours
        self.standing = standing
        self.place = place or Place()
        self.opinion: Opinion | None = None
        self.pictures: Sequence[Likeness] = ()
        self._scorer = scorer
        self._off_topic = off_topic
        self._search = search

    @property
    def is_new(self) -> bool:
        """Whether a member just sent it: only then it counts for floods and copies."""
        return not (self.is_edit or self.is_ours)

    @cached_property
    def normalized(self) -> Normalized:
        """The text with its folded copy."""
        return normalize(self.message.text)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """The links in it, in their order."""
        return links_in(self.message.text)

    @cached_property
    def found(self) -> Mapping[str, Sequence[Hit]]:
        """Hits of literals and expressions, by the name of the rule."""
        return self._search(self.normalized)

    def hits(self, rule: str) -> Sequence[Hit]:
        """What was found of the literals and expressions of a rule, in order."""
        return self.found.get(rule, ())

    @cached_property
    def scores(self) -> Mapping[str, float]:
        """The classifiers' scores; empty without classifiers."""
        if self._scorer is None:
            return {}
        return self._scorer.score((self.normalized,))[0]

    def take(self, text: Normalized, scores: Mapping[str, float]) -> None:
        """What is known of it already: many messages are scored at once."""
        self.normalized = text
        self.scores = scores

    def threshold(self, score: str) -> float:
        """From which score on somebody should look, if moderators chose nothing."""
        if self._scorer is None or score not in self.scores:
            return USUAL_THRESHOLD
        return self._scorer.threshold(self.normalized, score)

    def spans(self, score: str) -> Sequence[tuple[int, int]]:
        """The parts of the text that a score rests on; the whole text if nobody knows."""
        found = () if self._scorer is None else self._scorer.evidence(self.normalized, score)
        return [(each.start, each.end) for each in found] or [(0, len(self.message.text))]

    def off_topic(self, examples: Sequence[str]) -> float | None:
        """How likely it does not belong among examples; None if nobody can tell."""
        if self._off_topic is None or not examples:
            return None
        return self._off_topic(self.normalized, examples)

    @property
    def is_newcomer(self) -> bool:
        """Whether the author came less than a day ago, or has had the account for less."""
        return self.standing.is_new(self.message.at)
