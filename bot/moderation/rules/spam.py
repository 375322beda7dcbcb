"""Advertising and fraud by the look of the text."""

from typing import ClassVar

from pydantic import Field

from bot.core.actions import Severity
from bot.core.text import N_
from bot.moderation.rule import ActionName, Example
from bot.moderation.scored import ScoreRule


class Spam(ScoreRule):
    """Asks the classifier of spam."""

    kind: ClassVar[str] = "spam"
    summary: ClassVar[str] = N_("Finds messages that a classifier takes for spam.")
    score: ClassVar[str] = "spam"
    why: ClassVar[str] = N_("probably spam ({percent} %)")
    violations: ClassVar[tuple[Example, ...]] = (
        Example("Earn $500 a day from home, write me for details", scores={"spam": 0.98}),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("I earn too little", scores={"spam": 0.1}),
        Example("nobody scored this"),
    )

    action: ActionName = Field(
        Severity.QUEUE, description=N_("What follows; at most queue until it is proven.")
    )
