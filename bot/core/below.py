"""What stands below a complete text: where it comes from, and what can be pressed."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.controls import Control


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that an answer rests on.

    Attributes:
        number: as the answer cites it.
        title: in one line, made safe to show.
        link: where it stands; "" where the platform has no links.
    """

    number: int
    title: str
    link: str = ""

    @property
    def line(self) -> str:
        """The same as plain text."""
        return " ".join(part for part in (f"[{self.number}]", self.title, self.link) if part)


@dataclass(frozen=True, slots=True)
class Below:
    """What an adapter shows below the last message of an answer.

    Attributes:
        controls: buttons, where the platform has them.
        sources: a card, where it has those; otherwise the last lines of the text.
    """

    controls: tuple[Control, ...] = ()
    sources: tuple[Entry, ...] = ()


NOTHING = Below()


def nothing() -> Below:
    """For answers below which nothing stands."""
    return NOTHING


def with_sources(text: str, sources: Sequence[Entry]) -> str:
    """A text with its sources as its last lines."""
    return "\n\n".join(part for part in (text, "\n".join(each.line for each in sources)) if part)
