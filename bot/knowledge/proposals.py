"""Topics that were found in what was said, until a moderator accepts one; in memory only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True, slots=True)
class Proposal:
    """Conversations that are about one thing.

    Attributes:
        words: the most telling ones, each used in several of them.
        size: how many conversations.
    """

    words: tuple[str, ...]
    size: int

    @property
    def name(self) -> str:
        """What a topic is called that nobody named."""
        return " ".join(self.words[:2])

    @property
    def examples(self) -> tuple[str, ...]:
        """What it is recognized by: words, for sentences are the members' own, who may take them back."""
        first, *others = self.words
        return (
            " ".join(self.words),
            *(f"{first} {one} {other}" for one, other in zip(others[::2], others[1::2], strict=False)),
        )


class Proposals:
    """The last proposals of each community. No number is used twice, so none means another than was read."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._held: dict[str, Mapping[int, Proposal]] = {}

    def put(self, community: str, proposals: Sequence[Proposal]) -> Mapping[int, Proposal]:
        """Remember proposals in place of earlier ones; each with its number."""
        self._held[community] = {next(self._numbers): each for each in proposals}
        return self._held[community]

    def get(self, community: str, number: int) -> Proposal | None:
        """A proposal of a community; None if there is none, or others came later."""
        return self._held.get(community, {}).get(number)
