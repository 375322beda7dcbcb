"""Messages that do not belong in their channel."""

from typing import ClassVar

from pydantic import Field

from bot.core.actions import Severity
from bot.core.text import N_
from bot.moderation.examined import Examined, Place
from bot.moderation.rule import ActionName, Example
from bot.moderation.scored import ScoreRule

_COOKING = Place("cooking", ("how long do I bake bread?", "which pan for eggs?", "is this dough too wet?"))


class OffTopic(ScoreRule):
    """Compares a message with examples of what belongs in its channel; without examples it finds nothing."""

    kind: ClassVar[str] = "off_topic"
    summary: ClassVar[str] = N_(
        "Finds messages that do not belong in their channel, by examples of what does."
    )
    needs_scores: ClassVar[bool] = False
    score: ClassVar[str] = "off_topic"
    why: ClassVar[str] = N_("probably not what this channel is for ({percent} %)")
    violations: ClassVar[tuple[Example, ...]] = (
        Example("my graphics driver crashes", place=_COOKING, off_topic={"bread": 0.96}),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("my bread does not rise", place=_COOKING, off_topic={"bread": 0.05}),
        Example("my graphics driver crashes", off_topic={"bread": 0.96}),
    )

    action: ActionName = Field(
        Severity.HINT, description=N_("What follows; at most queue until it is proven.")
    )
    hint: str = Field(
        N_("This channel is meant for something else. You will find more people who know in another one."),
        max_length=500,
        description=N_("What the author is told; empty for the usual sentence."),
    )
    shortest: int = Field(
        15, ge=1, le=1000, description=N_("Characters from which on messages are compared.")
    )

    def value(self, seen: Examined) -> float | None:
        """See `ScoreRule`."""
        if len(seen.message.text) < self.shortest:
            return None
        return seen.off_topic(seen.place.examples)
