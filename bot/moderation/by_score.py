"""What follows from scores alone in the `standard` preset: a note or a look by a moderator, never more.

A local score misreads negation, quotation and reclaimed words; whatever punishes needs a rule or a person.
This is the seam to the rules: each is asked with the message, its scores and the classifier's thresholds.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bot.moderation.classifier import Classifier, Scored
from bot.moderation.rule import Evidence

ACTIONS = ("none", "log", "react", "hint", "queue", "hide", "delete", "timeout", "kick", "ban")
"""What may follow, the weakest first."""


@dataclass(frozen=True, slots=True)
class ScoredVerdict:
    """What one rule makes of one message and its scores."""

    rule: str
    score: float
    evidence: tuple[Evidence, ...]
    actions: tuple[str, ...]


ScoreRule = Callable[[Scored, Classifier], ScoredVerdict | None]


def by_score(name: str, acting: str) -> ScoreRule:
    """A rule on one score: `acting` above the classifier's threshold, a log line above the lower one."""

    def judge(scored: Scored, classifier: Classifier) -> ScoredVerdict | None:
        score = scored.scores[name]
        for action in (acting, "log"):
            if score >= classifier.threshold(scored, name, action):
                return ScoredVerdict(
                    name, score, classifier.evidence(scored.message, name, scored.language), (action,)
                )
        return None

    return judge


STANDARD: tuple[ScoreRule, ...] = (
    by_score("toxicity", "queue"),
    by_score("spam", "queue"),
    by_score("quality", "hint"),
)


def judge(
    scored: Scored, classifier: Classifier, rules: tuple[ScoreRule, ...] = STANDARD
) -> list[ScoredVerdict]:
    """All verdicts on a message."""
    return [verdict for rule in rules if (verdict := rule(scored, classifier)) is not None]


def strongest(verdicts: list[ScoredVerdict]) -> str:
    """The strongest action of all verdicts, "none" without any."""
    actions = (action for verdict in verdicts for action in verdict.actions)
    return max(actions, key=ACTIONS.index, default="none")
