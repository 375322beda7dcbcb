"""What a reasoning model thinks aloud is not its answer: `<think>…</think>` is taken out of the stream."""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from bot.core.errors import ModelEmpty
from bot.llm.model import Limits, Piece, Turn
from bot.llm.slots import Wrapper

_TAGS = ("think", "thinking", "reasoning")
_OPENING = tuple(f"<{tag}>" for tag in _TAGS)
_CLOSING = tuple(f"</{tag}>" for tag in _TAGS)
_ANY_TAG = re.compile(f"</?(?:{'|'.join(_TAGS)})>", re.IGNORECASE | re.ASCII)


class ThoughtFilter:
    """Takes thoughts out of a text that comes in pieces; holds back only what may become a tag."""

    def __init__(self) -> None:
        self._held = ""
        self._thinking = False

    def feed(self, piece: str) -> str:
        """The part of the answer that is certain after this piece."""
        self._held += piece
        answer = ""
        while (tag := _ANY_TAG.search(self._held)) is not None:
            answer += "" if self._thinking else self._held[: tag.start()]
            self._held = self._held[tag.end() :]
            self._thinking = not tag[0].startswith("</")
        keep = _possible_tag(self._held)
        certain = self._held[: len(self._held) - keep]
        self._held = self._held[len(self._held) - keep :]
        return answer if self._thinking else answer + certain

    def finish(self) -> str:
        """The rest: what looked like the beginning of a tag and was none."""
        rest = "" if self._thinking else self._held
        self._held = ""
        return rest


class Visible(Wrapper):
    """Yields only what a member may read, beginning with the first visible character."""

    async def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        """The answer without thoughts and without white space before it.

        Raises:
            ModelEmpty: there were only thoughts or white space.
        """
        thoughts = ThoughtFilter()
        begun = False
        async with aclosing(self.inner.stream(turns, limits)) as pieces:
            async for piece in pieces:
                if not isinstance(piece, str):
                    yield piece
                    continue
                text = thoughts.feed(piece)
                text = text if begun else text.lstrip()
                if text:
                    begun = True
                    yield text
        rest = thoughts.finish() if begun else thoughts.finish().strip()
        if rest:
            yield rest
        elif not begun:
            raise ModelEmpty(f"{self.name} ended without a visible word")


def _possible_tag(text: str) -> int:
    """How many characters at the end may be the beginning of a tag."""
    at = text.rfind("<")
    tail = text[at:].lower() if at >= 0 else ""
    return len(tail) if tail and any(tag.startswith(tail) for tag in _OPENING + _CLOSING) else 0
