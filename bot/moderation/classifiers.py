"""The classifiers for the judge, read when the first rule asks for a score: a start stays quick."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bot.moderation.normalize import Normalized, normalize
from bot.moderation.rule import Evidence

if TYPE_CHECKING:
    from bot.moderation.classifier import Classifier
    from bot.moderation.topics import Channels


class Classifiers:
    """See `bot.moderation.examined.Scorer` and `OffTopic`.

    The embedding stage is left out: it takes tens of milliseconds for a message, and everybody would wait.
    """

    def __init__(self, own: Path | None = None) -> None:
        """Args: own: a file of the operator's in place of the shipped one."""
        self._own = own

    def check(self) -> None:
        """Read a file of the operator's now, so that nobody finds out later that it is broken.

        Raises:
            ConfigError: it cannot be used; the shipped one never takes its place unasked.
        """
        if self._own is not None:
            _ = self._classifier

    def ready(self) -> None:
        """Do now what the first message would wait for: a fifth of a second of reading."""
        for text in ("Is everything there?", "都好了吗", "¿Listo?"):
            self.score((normalize(text),))

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
        from bot.moderation.classifier import load, shipped  # noqa: PLC0415 - numpy and two megabytes

        return shipped() if self._own is None else load(self._own)

    @cached_property
    def _channels(self) -> "Channels":
        from bot.moderation.topics import Channels  # noqa: PLC0415 - as above

        return Channels(self._classifier.seldom)
