"""From the configuration's words to a model: patience, and what to do when an engine fails."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from bot.core.errors import ModelError, ModelTimeout
from bot.llm.engine import EngineSpec, concurrency_of, make
from bot.llm.language import language_of
from bot.llm.model import Capabilities, Limits, Model, Piece, Progress, Queued, Reading, Turn, no_progress
from bot.llm.slots import Slotted, Wrapper
from bot.llm.thinking import Visible

__all__ = ["EngineSpec", "Fallback", "Patient", "Tuned", "build", "choices"]

logger = logging.getLogger(__name__)


def build(spec: EngineSpec, fallbacks: Sequence[EngineSpec] = ()) -> Model:
    """The model a configuration asks for: queue, patience and fallbacks included; see `choices`."""
    return next(iter(choices(spec, fallbacks).values()))


def choices(spec: EngineSpec, fallbacks: Sequence[EngineSpec] = ()) -> Mapping[str, Model]:
    """Every configured model by name, the default first; each falls back on the others in their order.

    The engines are shared, so a model is in memory once however many fall back on it. `spec.timeout_s` is the
    longest silence of all engines together: until its first text each of n engines has an n-th of it, so
    that a stalled engine leaves time for the next one.

    Raises:
        ConfigError: an engine is unknown, not installed or not completely configured.
    """
    specs = (spec, *fallbacks)
    share_s = spec.timeout_s / len(specs)
    default, *others = (_serving(each, spec.timeout_s, share_s) for each in specs)
    if not others:
        return {default.name: default}
    engines = [
        default,
        *(Tuned(model, each.limits) for model, each in zip(others, fallbacks, strict=True)),
    ]
    chosen: dict[str, Model] = {}
    for number, engine in enumerate(engines):
        rest = [*engines[:number], *engines[number + 1 :]]
        chosen.setdefault(engine.name, Patient(Fallback([engine, *rest]), spec.timeout_s))
    return chosen


def _serving(spec: EngineSpec, timeout_s: float, share_s: float) -> Model:
    model = Visible(make(replace(spec, timeout_s=share_s)))
    slotted = Slotted(model, concurrency=concurrency_of(spec), waiting=spec.waiting)
    return Patient(slotted, timeout_s, first_text_s=share_s)


class Patient(Wrapper):
    """Gives up on a model that is silent for too long; an answer that flows is never cut.

    Time in a queue does not count: there the member sees the place. Nor does the time a slow reader takes.
    A model that reads on is not silent, however long the question is.
    """

    def __init__(self, model: Model, timeout_s: float, *, first_text_s: float | None = None) -> None:
        """Args: timeout_s: longest silence. first_text_s: the same before the first text, if that is less."""
        super().__init__(model)
        self._timeout_s = timeout_s
        self._first_text_s = timeout_s if first_text_s is None else first_text_s

    async def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        """Stream as the inner model does.

        Raises:
            ModelTimeout: no text came for `timeout_s`, all retries and fallbacks together.
        """
        left_s = self._first_text_s
        counts = True
        now = asyncio.get_running_loop().time
        async with aclosing(self.inner.stream(turns, limits)) as pieces:
            while True:
                asked_at = now()
                try:
                    async with asyncio.timeout(left_s if counts else None):
                        piece = await anext(pieces)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    raise ModelTimeout(f"{self.name} was silent for too long (timeout_s)") from error
                if isinstance(piece, Queued):
                    left_s -= (now() - asked_at) if counts else 0
                    counts = piece.place == 0
                elif isinstance(piece, Reading):
                    left_s = self._first_text_s
                elif piece.strip():
                    left_s = self._timeout_s
                else:
                    left_s -= now() - asked_at
                yield piece


class Tuned(Wrapper):
    """A fallback keeps its own temperature and never writes more than its own limit."""

    def __init__(self, model: Model, limits: Limits) -> None:
        """Args: limits: those of the fallback's own configuration."""
        super().__init__(model)
        self._limits = limits

    async def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        """Stream within both limits."""
        most = min(limits.max_new_tokens, self._limits.max_new_tokens)
        own = Limits(most, self._limits.temperature, limits.stop)
        async with aclosing(self.inner.stream(turns, own)) as pieces:
            async for piece in pieces:
                yield piece


class Fallback(Model):
    """Asks the next model when one fails before its first visible text; after that the error goes on.

    A model that does not speak the question's language is passed over.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        """Args: models: in order of preference, at least one. The first one gives name and token counts."""
        self._models = tuple(models)
        self.name = self._models[0].name
        self.is_local = all(model.is_local for model in self._models)

    @property
    def capabilities(self) -> Capabilities:  # type: ignore[override]
        """What all of them can do; the languages that any of them speaks."""
        all_of = [model.capabilities for model in self._models]
        spoken = [each.languages for each in all_of]
        return Capabilities(
            chat=all_of[0].chat,
            tools=all(each.tools for each in all_of),
            json_schema=all(each.json_schema for each in all_of),
            vision=all(each.vision for each in all_of),
            languages=frozenset().union(*spoken) if all(spoken) else frozenset(),
            can_answer=all_of[0].can_answer,
        )

    @property
    def context_tokens(self) -> int:  # type: ignore[override]
        """The smallest, so that a question fits wherever it goes."""
        return min(model.context_tokens for model in self._models)

    async def load(self, progress: Progress = no_progress) -> None:
        """Load the first model that can be loaded; the others load when they are needed.

        Raises:
            ModelError: none could be loaded.
        """
        for model in self._models[:-1]:
            try:
                return await model.load(progress)
            except ModelError as error:
                logger.warning("%s cannot be loaded: %s", model.name, error, extra={"model": model.name})
        return await self._models[-1].load(progress)

    async def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        """The answer of the first model that gives one.

        Raises:
            ModelError: of the last model, or of the one that had begun.
        """
        models = _speaking(self._models, turns)
        for model in models:
            begun = False
            try:
                async with aclosing(model.stream(turns, limits)) as pieces:
                    async for piece in pieces:
                        begun = begun or (isinstance(piece, str) and bool(piece.strip()))
                        yield piece
                return
            except ModelError as error:
                if begun or model is models[-1]:
                    raise
                logger.warning("%s failed, the next model is asked: %s", model.name, error)

    def count_tokens(self, turns: Sequence[Turn]) -> int:
        """As the first model counts."""
        return self._models[0].count_tokens(turns)

    async def close(self) -> None:
        """Close all of them."""
        for model in self._models:
            await model.close()


def _speaking(models: Sequence[Model], turns: Sequence[Turn]) -> list[Model]:
    question = next((turn.text for turn in reversed(turns) if turn.role == "user"), "")
    language = language_of(question)
    speaking = [m for m in models if not m.capabilities.languages or language in m.capabilities.languages]
    return speaking if language and speaking else list(models)
