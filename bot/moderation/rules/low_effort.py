"""Questions that nobody can answer as they are."""

from typing import ClassVar

from pydantic import Field

from bot.core.actions import Severity
from bot.core.text import N_
from bot.moderation.examined import Examined
from bot.moderation.rule import ActionName, Example
from bot.moderation.scored import ScoreRule


class LowEffort(ScoreRule):
    """Asks the classifier of quality, and helps the author rather than punishing."""

    kind: ClassVar[str] = "low_effort"
    summary: ClassVar[str] = N_("Finds questions that lack what is needed to answer them.")
    score: ClassVar[str] = "quality"
    why: ClassVar[str] = N_("hard to answer as it is ({percent} %)")
    violations: ClassVar[tuple[Example, ...]] = (Example("help pls not working", scores={"quality": 0.95}),)
    harmless: ClassVar[tuple[Example, ...]] = (
        Example(
            "Since version 2.1 `make test` ends with exit code 2; what changed?", scores={"quality": 0.05}
        ),
        Example("nobody scored this"),
    )

    action: ActionName = Field(
        Severity.HINT, description=N_("What follows; at most queue until it is proven.")
    )
    hint: str = Field(
        N_(
            "Others can help you sooner if you say what you tried, what you expected, and what happened "
            "instead (the exact error, your version)."
        ),
        max_length=500,
        description=N_("What the author is told; empty for the usual sentence."),
    )

    def value(self, seen: Examined) -> float | None:
        """See `ScoreRule`; a command, or a word to the bot, is nothing that members have to answer."""
        return None if seen.message.addressed is not None else super().value(seen)
