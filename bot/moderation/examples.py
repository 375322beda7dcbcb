"""Plays the examples of a rule: what documents it is what tests it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bot.core.events import Author, Channel, Join, Message, MessageRef
from bot.moderation.examined import USUAL_THRESHOLD, Examined
from bot.moderation.normalize import Normalized
from bot.moderation.past import Past
from bot.moderation.rule import Earlier, Evidence, Example, Finding, Rule
from bot.moderation.ruleset import Ruleset

_AT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
_PLATFORM, _COMMUNITY = "memory", "home"


class Scripted:
    """A scorer that says what an example says of itself."""

    def __init__(self, example: Example) -> None:
        self._example = example

    def score(self, messages: Sequence[Normalized]) -> Sequence[Mapping[str, float]]:
        """See `Scorer`."""
        return [self._example.scores for _message in messages]

    def evidence(self, message: Normalized, score: str) -> Sequence[Evidence]:
        """See `Scorer`."""
        return ()

    def threshold(self, message: Normalized, score: str) -> float:
        """See `Scorer`."""
        return USUAL_THRESHOLD

    def off_topic(self, message: Normalized, examples: Sequence[str]) -> float:
        """See `OffTopic`."""
        said = " ".join(examples)
        return next((far for word, far in self._example.off_topic.items() if word in said), 0.5)


def rule_for(kind: type[Rule], example: Example) -> Rule:
    """A rule with the settings of an example."""
    return kind.model_validate({"name": kind.kind, **example.settings})


def play(kind: type[Rule], example: Example) -> tuple[Examined, Finding | None]:
    """Let a rule look at one of its examples, in a community where happened what the example says."""
    rules = Ruleset((rule_for(kind, example),))
    past = Past(now=lambda: _AT)
    for number, earlier in enumerate(example.before):
        _happen(earlier, number, rules, past)
    message = Message(
        MessageRef(_channel(example.channel), "example"),
        _author(example.author),
        example.text,
        _AT,
        attachments=example.attachments,
    )
    standing, scripted = past.standing(message.author, example.standing), Scripted(example)
    seen = rules.examine(
        message,
        is_edit=example.is_edit,
        standing=standing,
        place=example.place,
        scorer=scripted,
        off_topic=scripted.off_topic,
    )
    seen.opinion, seen.pictures = example.opinion, example.pictures
    if seen.is_new:
        past.said(message, by_newcomer=seen.is_newcomer)
    findings = (rule.check(seen, past) for rule in rules.concerned(seen))
    return seen, next((finding for finding in findings if finding is not None), None)


def _happen(earlier: Earlier, number: int, rules: Ruleset, past: Past) -> None:
    at = _AT - timedelta(seconds=earlier.seconds_ago)
    channel, author = _channel(earlier.channel), _author(earlier.author)
    if earlier.joins:
        past.joined(Join(channel, author, at))
        return
    message = Message(MessageRef(channel, f"earlier{number}"), author, earlier.text, at)
    seen = rules.examine(message, standing=past.standing(author))
    past.said(message, by_newcomer=seen.is_newcomer)
    for rule in rules.concerned(seen):
        rule.check(seen, past)


def _channel(name: str) -> Channel:
    return Channel(_PLATFORM, _COMMUNITY, name)


def _author(name: str) -> Author:
    return Author(_PLATFORM, name, name)
