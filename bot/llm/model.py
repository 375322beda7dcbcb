"""The port between LLMOS and a language model."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

TurnRole = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Image:
    """A picture for a model with vision; `media_type` such as "image/png"."""

    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation as a model sees it; images only for models with vision."""

    role: TurnRole
    text: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model can do, from the catalogue or from what its files say.

    Attributes:
        languages: ISO 639-1 codes it answers in; empty means unknown, so nothing is refused.
        can_answer: large enough to be trusted with a plain answer; below that it is called a demo.
        chat: has a chat template (a base model continues text instead).
    """

    chat: bool = True
    tools: bool = False
    json_schema: bool = False
    vision: bool = False
    languages: frozenset[str] = frozenset()
    can_answer: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how freely a model may write. `temperature` 0 is greedy."""

    max_new_tokens: int = 512
    temperature: float = 0.7
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Queued:
    """The question waits: `place` others are served first."""

    place: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The model reads the question, which takes it a while: `read` tokens of `of` so far."""

    read: int
    of: int


Piece = str | Queued | Reading
"""Text, or a sign of life that is not part of the answer."""

Progress = Callable[[str, float], None]
"""Told what is being done (English) and the share done, 0..1; called from any thread."""


def no_progress(doing: str, share: float) -> None:
    """For loading that nobody watches."""


class Model(ABC):
    """A language model.

    `stream` is safe to call from many tasks at once. Closing its generator (or cancelling the task that reads
    it) stops the model within two tokens. All errors are ModelErrors.
    """

    name: str
    capabilities: Capabilities
    context_tokens: int
    is_local: bool = True
    """False when text leaves this machine and may cost money."""

    async def load(self, progress: Progress = no_progress) -> None:
        """Make the model ready; `stream` does so by itself when nobody called this before.

        Raises:
            ModelUnavailable: with what an operator can do about it.
        """

    @abstractmethod
    def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        """Write the next assistant turn, piece by piece.

        Raises:
            ModelBusy: the queue is full, before anything was yielded.
            ModelEmpty: the model ended without any text other than white space.
            ModelTimeout, ModelUnavailable, ModelBroken: at any point.
        """

    @abstractmethod
    def count_tokens(self, turns: Sequence[Turn]) -> int:
        """Tokens these turns take in the context, template included; an upper bound where unknown."""

    async def close(self) -> None:
        """Free threads, memory and connections."""
