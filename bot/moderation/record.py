"""How often a rule was right, by what moderators said of its cases."""

from collections.abc import Mapping
from dataclasses import dataclass

GOOD_ENOUGH = 0.8
"""Below this share of right findings a rule should not act yet."""

ENOUGH_VERDICTS = 10
"""With fewer verdicts the share says little."""

MUCH = 0.05
"""A rule that finds something in more than this share of messages looks for the wrong thing."""


@dataclass(frozen=True, slots=True)
class Record:
    """What became of the cases of a rule.

    Attributes:
        cases: how many there were, undecided ones included.
        right, wrong: what moderators said; a message that may stay says nothing about the rule.
    """

    cases: int = 0
    right: int = 0
    wrong: int = 0

    @property
    def verdicts(self) -> int:
        """How often moderators said something."""
        return self.right + self.wrong

    @property
    def precision(self) -> float | None:
        """The share of right ones among those that were decided, 0..1; None before the first verdict."""
        return self.right / self.verdicts if self.verdicts else None

    @property
    def is_doubtful(self) -> bool:
        """Whether moderators found the rule wrong too often."""
        precision = self.precision
        return precision is not None and self.verdicts >= ENOUGH_VERDICTS and precision < GOOD_ENOUGH


def record(counted: Mapping[str, int]) -> Record:
    """Args: counted: how many cases of a rule are in each state."""
    return Record(sum(counted.values()), counted.get("upheld", 0), counted.get("false alarm", 0))
