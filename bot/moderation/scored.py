"""What rules share that rest on a classifier's score: it alone never punishes."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from bot.core.actions import Severity
from bot.core.text import N_, _
from bot.moderation.examined import Examined
from bot.moderation.past import Past
from bot.moderation.rule import Finding, Rule, part

STRONGEST_UNPROVEN = Severity.QUEUE
"""What may follow from a score whose precision nobody has seen here: local models misread context."""

MOST_RAISED, HIGHEST = 0.1, 0.99
"""So far verdicts raise a threshold, and where they leave it at the latest."""


class ScoreRule(Rule):
    """Finds messages whose score reaches a threshold.

    Attributes:
        score: the name of the score.
        why: what moderators and authors read about it, marked with `N_`.
    """

    needs_scores: ClassVar[bool] = True
    for_our_words: ClassVar[bool] = False  # a text with a few links is no spam when the bot was asked for it
    score: ClassVar[str]
    why: ClassVar[str]

    threshold: float | None = Field(
        None,
        ge=0.5,
        le=1,
        description=N_("From this probability on; left out, from where the classifier is seldom wrong."),
    )
    adapts: bool = Field(
        True,
        description=N_(
            "The threshold follows moderators' verdicts: up while too many findings are wrong, and back."
        ),
    )
    raised: float = Field(
        0.0,
        ge=0,
        le=MOST_RAISED,
        description=N_("What verdicts added to the threshold; `default` takes it back."),
    )
    proven: bool = Field(
        False,
        description=N_(
            "At least 95 of 100 of its findings were right, by 50 verdicts of moderators or more; only "
            "then it may do more than queue."
        ),
    )

    @model_validator(mode="after")
    def _never_punishes_unproven(self) -> Self:
        strongest = max((self.action, *(step.action for step in self.escalation)))
        if strongest > STRONGEST_UNPROVEN and not self.proven:
            raise ValueError(
                _(
                    "`action` is at most queue: a classifier's score alone does not punish, until moderators "
                    "found it right often enough"
                )
            )
        return self

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        value = self.value(seen)
        if value is None or value < self.demands(self.threshold or seen.threshold(self.score)):
            return None
        why = _(self.why, percent=round(100 * value))
        return Finding(value, tuple(part(seen, *span, why) for span in seen.spans(self.score)))

    def demands(self, chosen: float) -> float:
        """The threshold with what verdicts added to it."""
        return max(chosen, min(chosen + self.raised, HIGHEST))

    def value(self, seen: Examined) -> float | None:
        """The score of a message, None if nobody knows it."""
        return seen.scores.get(self.score)
