"""Insults, hate, threats: what readers would call harmful."""

from typing import ClassVar

from pydantic import Field

from bot.core.actions import Severity
from bot.core.text import N_
from bot.moderation.rule import ActionName, Example
from bot.moderation.scored import ScoreRule


class Toxicity(ScoreRule):
    """Asks the classifier of toxicity."""

    kind: ClassVar[str] = "toxicity"
    summary: ClassVar[str] = N_("Finds messages that a classifier takes for abusive or harmful.")
    for_our_words: ClassVar[bool] = True
    score: ClassVar[str] = "toxicity"
    why: ClassVar[str] = N_("probably abusive ({percent} %)")
    violations: ClassVar[tuple[Example, ...]] = (Example("you are all worthless", scores={"toxicity": 0.97}),)
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("you are all wonderful", scores={"toxicity": 0.02}),
        Example("nobody scored this"),
    )

    action: ActionName = Field(
        Severity.QUEUE, description=N_("What follows; at most queue until it is proven.")
    )
