"""What is known: a document, or a thread, as sections by one author each."""

from dataclasses import dataclass
from datetime import datetime

FAQ_TITLE = "FAQ: "
"""Before the question, in the title of an answer that became a document."""


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of a document that one person wrote, or that has no author."""

    text: str
    at: datetime
    link: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """Something to answer from.

    Attributes:
        id: unique in a community; a document of the same id takes its place.
        channel: the key of the channel whose readers may see it; "" for everybody of the community.
        plain: it has no headings, such as code, in which a line may begin with # too.
    """

    id: str
    title: str
    sections: tuple[Section, ...]
    channel: str = ""
    plain: bool = False

    @property
    def text(self) -> str:
        """All of it."""
        return "\n\n".join(section.text for section in self.sections)
