"""Messages of Matrix rooms that agreed to it, with what moderators decided, beside the labelled files."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.errors import ConfigError
from bot.core.text import _
from bot.llm.language import language_of
from bot.moderation.agreeing import LEARNS_FROM
from bot.moderation.training.corpus import ROOMS, Example


@dataclass(frozen=True, slots=True)
class Lesson:
    """A message and whether it is what a score stands for.

    Attributes:
        platform: where it was said.
    """

    platform: str
    text: str
    score: str
    label: bool


@dataclass(frozen=True, slots=True)
class Lessons:
    """By what they are learned for, as examples of the source `ROOMS`."""

    english: Sequence[Example] = ()
    chinese: Sequence[Example] = ()
    spam: Sequence[Example] = ()

    def __len__(self) -> int:
        return len(self.english) + len(self.chinese) + len(self.spam)


NOTHING_MORE = Lessons()


def lessons(given: Sequence[Lesson]) -> Lessons:
    """Sort them; what is in a language that is not learned is left out.

    Raises:
        ConfigError: one is from a platform that forbids it, whatever anybody agreed to.
    """
    for platform in sorted({each.platform for each in given} - LEARNS_FROM):
        raise ConfigError(
            _(
                "Messages of {platform} may train nothing, so nothing was trained. Only rooms of Matrix can "
                "agree to it; Discord's Developer Policy forbids it.",
                platform=platform,
            )
        )
    abuse = [(each, language_of(each.text)) for each in given if each.score == "toxicity"]
    return Lessons(
        english=[_example(each) for each, language in abuse if each.text.isascii() or language == "en"],
        chinese=[_example(each) for each, language in abuse if language == "zh"],
        spam=[_example(each) for each in given if each.score == "spam"],
    )


def _example(lesson: Lesson) -> Example:
    return Example(lesson.text, int(lesson.label), ROOMS, ROOMS, "train")
