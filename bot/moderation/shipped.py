"""The shipped classifiers for the judge, read when the first rule asks for a score: a start stays quick."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from bot.moderation.normalize import Normalized
from bot.moderation.rule import Evidence

if TYPE_CHECKING:
    from bot.moderation.classifier import Classifier
    from bot.moderation.topics import Channels


class Shipped:
    """See `bot.moderation.examined.Scorer` and `OffTopic`.

    The embedding stage is left out: it takes tens of milliseconds for a message, and everybody would wait.
    """

    def score(self, messages: Sequence[Normalized]) -> Sequence[Mapping[str, float]]:
        """See `Scorer`."""
        return self._classifier.score(messages)

    def evidence(self, message: Normalized, score: str) -> Sequence[Evidence]:
        """See `Scorer`."""
        return self._classifier.evidence(message, score)

    def threshold(self, message: Normalized, score: str) -> float:
        """See `Scorer`."""
        return self._classifier.threshold(message, score)

    def off_topic(self, message: Normalized, examples: Sequence[str]) -> float:
        """See `OffTopic`."""
        return self._channels.off_topic(message, examples)

    @cached_property
    def _classifier(self) -> "Classifier":
        from bot.moderation.classifier import shipped  # noqa: PLC0415 - numpy and two megabytes

        return shipped()

    @cached_property
    def _channels(self) -> "Channels":
        from bot.moderation.topics import Channels  # noqa: PLC0415 - as above

        return Channels(self._classifier.seldom)
