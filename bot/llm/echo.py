"""A model that says what it is told to: for tests, and for a configuration without a real model."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from bot.core.errors import ModelEmpty, ModelError
from bot.llm.model import Capabilities, Limits, Model, Piece, Turn

_WORDS = re.compile(r"\s*\S+|\s+")
_CHARACTERS_PER_TOKEN = 4

_ABLE = Capabilities()

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Script:
    """What the echo does with one question.

    Attributes:
        text: what it says; None is the last turn of the user, word for word.
        delay_s: wait before each word, in seconds of the injected sleep.
        error: raised after the text (at once if the text is "").
        stall: after the text it neither ends nor says anything more.
        forever: it says the text again and again.
    """

    text: str | None = None
    delay_s: float = 0
    error: ModelError | None = None
    stall: bool = False
    forever: bool = False


Behavior = Script | Callable[[Sequence[Turn]], Script]


class EchoModel(Model):
    """Repeats the question, or follows a script. Four characters are a token.

    Attributes:
        asked: the turns of every call so far, oldest first.
        running: streams open at this moment.
        cut_off: streams that were closed before they were done.
    """

    def __init__(
        self,
        behavior: Behavior = Script(),
        *,
        name: str = "echo",
        capabilities: Capabilities = _ABLE,
        context_tokens: int = 4096,
        is_local: bool = True,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Args: behavior: one script for all questions, or a choice by the turns."""
        self.name = name
        self.capabilities = capabilities
        self.context_tokens = context_tokens
        self.is_local = is_local
        self.asked: list[tuple[Turn, ...]] = []
        self.running = 0
        self.cut_off = 0
        self._behavior = behavior
        self._sleep = sleep

    async def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        """Say the script's text word by word, at most `max_new_tokens` words."""
        self.asked.append(tuple(turns))
        script = self._behavior if isinstance(self._behavior, Script) else self._behavior(turns)
        self.running += 1
        done = False
        try:
            async for piece in self._say(script, turns, limits):
                yield piece
            done = True
        except ModelError:
            done = True
            raise
        finally:
            self.running -= 1
            self.cut_off += not done

    async def _say(self, script: Script, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        text = _last_question(turns) if script.text is None else script.text
        words = _WORDS.findall(text)
        said = islice(words, limits.max_new_tokens)
        for word in cycle(words or ["…"]) if script.forever else said:
            await self._sleep(script.delay_s)
            yield word
        if script.error is not None:
            raise script.error
        if script.stall:
            await asyncio.Event().wait()
        if not text.strip():
            raise ModelEmpty(f"{self.name} was asked to say nothing")

    def count_tokens(self, turns: Sequence[Turn]) -> int:
        """A token for every four characters begun."""
        return sum(-(-len(turn.text) // _CHARACTERS_PER_TOKEN) for turn in turns)


def _last_question(turns: Sequence[Turn]) -> str:
    return next((turn.text for turn in reversed(turns) if turn.role == "user"), "")
