"""One answer on its way between the event loop and the engine's thread."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.core.errors import ModelError
from bot.llm.model import Piece


@dataclass(frozen=True, slots=True)
class End:
    """The answer is complete."""


Emitted = Piece | End | ModelError


@dataclass(slots=True, eq=False)
class Job:
    """An answer to be written.

    Attributes:
        ids: the prompt's tokens, at least one.
        max_new_tokens: at least 1; prompt and answer together fit the context.
        stop: texts that end the answer and are not part of it.
        emit: takes pieces, then End or an error; called in the engine's thread.
        cancelled: set by the reader; looked at before every token.
        place: the one in the line for memory that was told last; 0 outside of it.
    """

    ids: list[int]
    max_new_tokens: int
    temperature: float
    stop: tuple[str, ...]
    emit: Callable[[Emitted], None]
    cancelled: bool = False
    place: int = 0
