"""A policy in the moderators' own words, by which the configured model judges what looks suspicious."""

from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from bot.core.actions import Severity
from bot.core.text import N_, _
from bot.moderation.examined import Examined
from bot.moderation.opinion import SILENT, Opinion, lines_of
from bot.moderation.past import Past
from bot.moderation.rule import ActionName, Example, Finding, Rule, Verdict, part, whole

STRONGEST = Severity.QUEUE
"""What may follow from a model's word alone."""

_LINE_CHARACTERS = 120

_NO_SALES = {"policy": "Nobody offers goods or services here."}


class Policy(Rule):
    """Finds nothing by itself: it names messages to be judged, and says what a model's opinion means."""

    kind: ClassVar[str] = "policy"
    summary: ClassVar[str] = N_(
        "Has the configured model judge by your own words what looks suspicious, and a small sample; a "
        "moment after the message came."
    )
    needs_scores: ClassVar[bool] = True
    for_our_words: ClassVar[bool] = False
    asks_a_model: ClassVar[bool] = True
    violations: ClassVar[tuple[Example, ...]] = (
        Example("I sell two tickets", settings=_NO_SALES, opinion=Opinion(True, 1, (0, 6))),
        Example("I sell two tickets", settings=_NO_SALES, opinion=Opinion(None, doubt=SILENT)),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("two tickets were sold", settings=_NO_SALES, opinion=Opinion(False)),
        Example("nobody judged this", settings=_NO_SALES),
    )

    action: ActionName = Field(
        Severity.QUEUE, description=N_("What follows; at most queue, for a model can be wrong and be fooled.")
    )
    policy: str = Field(
        min_length=10,
        max_length=2_000,
        description=N_("What is not wanted, in your own words, a line for each thing."),
    )
    suspicion: float = Field(
        0.5,
        ge=0.1,
        le=1,
        description=N_("From this score for toxicity or spam on a message is judged; so is what rules find."),
    )
    sample: float = Field(
        0.01, ge=0, le=0.05, description=N_("The share of all other messages that is judged too.")
    )

    @model_validator(mode="after")
    def _never_punishes(self) -> Self:
        if max((self.action, *(step.action for step in self.escalation))) > STRONGEST:
            raise ValueError(_("`action` is at most queue: a model's word alone does not punish"))
        return self

    def wants(self, seen: Examined, verdicts: Sequence[Verdict], lot: float) -> bool:
        """See `Rule`."""
        if not seen.message.text.strip():
            return False
        if verdicts or lot < self.sample:
            return True
        return any(seen.scores.get(score, 0.0) >= self.suspicion for score in ("toxicity", "spam"))

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        opinion = seen.opinion
        if opinion is None or opinion.breaks is False:
            return None
        if opinion.breaks is None:
            return Finding(0.5, (whole(seen, _("not judged: {why}", why=_(opinion.doubt))),))
        why = _("against your policy: {line}", line=self._line(opinion.line))
        return Finding(1.0, (whole(seen, why) if opinion.span is None else part(seen, *opinion.span, why),))

    def _line(self, number: int) -> str:
        lines = lines_of(self.policy)
        line = lines[number - 1] if 1 <= number <= len(lines) else " ".join(lines)
        return line if len(line) <= _LINE_CHARACTERS else f"{line[: _LINE_CHARACTERS - 1]}…"
