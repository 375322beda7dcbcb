"""Models behind any OpenAI-compatible server: vLLM, llama.cpp, Ollama, transformers serve, hosted ones."""

import asyncio
import base64
import json
import logging
import random
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import openai
from openai import AsyncStream, omit
from openai.types import CompletionUsage
from openai.types.chat import (
    ChatCompletionChunk,
    ChatCompletionContentPartImageParam,
    ChatCompletionMessageParam,
)

from bot.core.errors import ModelBroken, ModelEmpty, ModelError, ModelUnavailable
from bot.llm.counting import encoding_of, upper_bound
from bot.llm.model import Capabilities, Image, Limits, Model, Piece, Progress, Turn, no_progress
from bot.llm.openai_errors import Failure, failure_of, mask
from bot.llm.openai_wire import Watched, http_client, is_private

logger = logging.getLogger(__name__)

_ABLE = Capabilities()
_BACKOFF_S = (0.5, 1.5)  # before the second and the third try, plus up to a quarter
_GRACE_S = 0.5  # how long a server may take from its last word to the end of its stream
_IMAGE_TOKENS = 1_500  # at most 1,445: 8 tiles (OpenAI, "Images and vision", "Calculating costs")
_TURN_TOKENS = 6  # role, separators; ChatML takes 5
_CHARACTERS_PER_TOKEN = 16  # no tokenizer averages more; who sends more ignores max_tokens
_OPTIONAL = ("temperature", "stream_options", "stop")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LOST = "\N{REPLACEMENT CHARACTER}"
_MAX_STOPS = 4  # OpenAI API reference, chat completions, `stop`


@dataclass(slots=True)
class Usage:
    """Tokens a server says it has read and written for us since the start."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add(self, usage: CompletionUsage) -> None:
        """Add what one answer took; servers that leave a number out count as 0."""
        self.prompt_tokens += usage.prompt_tokens or 0
        self.completion_tokens += usage.completion_tokens or 0


class _Failed(Exception):
    """A try failed; carries what to make of it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error)
        self.failure = failure


class OpenAIModel(Model):
    """A model on a server that speaks OpenAI's chat completions.

    Only the turns and the limits are sent: no ids of members, no facts about this machine.

    Attributes:
        usage: what the server says it has read and written.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        api_key: str | None = None,
        capabilities: Capabilities = _ABLE,
        context_tokens: int = 4096,
        timeout_s: float = 60,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Args: timeout_s: no retry is begun that would have to wait beyond this."""
        self.name = model
        self.capabilities = capabilities
        self.context_tokens = context_tokens
        self.is_local = is_private(base_url)
        self.usage = Usage()
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._dropped: set[str] = set()  # optional parameters this server has refused
        self._encoding = encoding_of(model)
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            max_retries=0,
            http_client=http_client(base_url, api_key, timeout_s),
        )

    async def load(self, progress: Progress = no_progress) -> None:
        """Import now what the client would import at the first question, for 0.1 s of the event loop."""
        await asyncio.to_thread(lambda: self._client.chat.completions)

    async def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        """Stream from the server; tries that fail before the first text are repeated."""
        if self._client.is_closed():
            raise ModelUnavailable(f"The model {self.name} was closed.")
        gives_up_at = time.monotonic() + self._timeout_s
        waits_s = iter(_BACKOFF_S)
        while True:
            begun = False
            try:
                async with aclosing(self._try(turns, limits)) as texts:
                    async for text in texts:
                        begun = True
                        yield text
                return
            except _Failed as failed:
                failure = failed.failure
                wait_s = _wait(failure, next(waits_s, None))
                if begun or wait_s is None or time.monotonic() + wait_s > gives_up_at:
                    raise failure.error from failed.__cause__
            logger.info("%s, trying again in %.1f s", failure.error, wait_s, extra={"model": self.name})
            await self._sleep(wait_s)

    async def _try(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[str]:
        begun = said = False
        try:
            answer = await self._open(turns, limits)
            async with aclosing(self._read(answer, limits)) as texts:
                async for text in texts:
                    begun, said = True, said or bool(text.strip())
                    yield text
        except openai.APIError as error:
            failure = failure_of(error, self.name, secret=self._api_key, begun=begun, now=time.time())
            raise _Failed(failure) from error
        except ModelError as error:
            raise _Failed(Failure(error)) from error
        if not said:
            raise _Failed(Failure(ModelEmpty(f"{self.name}: the server ended without a word")))

    async def _open(self, turns: Sequence[Turn], limits: Limits) -> AsyncStream[ChatCompletionChunk]:
        while True:
            dropped = self._dropped
            newer = "max_tokens" in dropped
            try:
                return await self._client.chat.completions.create(
                    model=self.name,
                    messages=[_message(turn) for turn in turns],
                    stream=True,
                    max_tokens=omit if newer else limits.max_new_tokens,
                    max_completion_tokens=limits.max_new_tokens if newer else omit,
                    temperature=omit if "temperature" in dropped else limits.temperature,
                    stop=omit if "stop" in dropped else list(limits.stop[:_MAX_STOPS]) or omit,
                    stream_options=omit if "stream_options" in dropped else {"include_usage": True},
                )
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refused = _refused_option(error) - dropped
                if not refused:
                    raise
                logger.info("%s does not take %s", self.name, ", ".join(sorted(refused)))
                dropped |= refused

    async def _read(self, answer: AsyncStream[ChatCompletionChunk], limits: Limits) -> AsyncGenerator[str]:
        room = limits.max_new_tokens * _CHARACTERS_PER_TOKEN
        held, finish, said = "", "", False
        try:
            while room > 0 and (event := await self._next(answer, finish)) is not None:
                if isinstance(event.usage, CompletionUsage):
                    self.usage.add(event.usage)
                text, reason = _content(event)
                finish = finish or reason
                text, held = _mend(held + text[:room])
                room -= len(text)
                if text:
                    said = True
                    yield text
        finally:
            await answer.close()
        if held:
            yield _LOST
        if not said and finish == "content_filter":
            raise ModelBroken(f"{self.name}: the answer was withheld by the server's filter")
        if room > 0 and not finish and not _done(answer):
            raise ModelBroken(f"{self.name}: the server stopped without saying that it was done")

    async def _next(
        self, answer: AsyncStream[ChatCompletionChunk], finish: str
    ) -> ChatCompletionChunk | None:
        """The next event; after the last word, whatever else goes wrong is of no interest."""
        try:
            async with asyncio.timeout(_GRACE_S if finish else None):
                return await anext(answer)
        except StopAsyncIteration:
            return None
        except (json.JSONDecodeError, UnicodeError) as error:
            text = f"{self.name}: the server's events are not JSON ({mask(str(error), self._api_key)})"
            raise ModelBroken(text) from error
        except (TimeoutError, openai.APIError):
            if not finish:
                raise
            return None

    def count_tokens(self, turns: Sequence[Turn]) -> int:
        """Exact for OpenAI's models when their encoding is in tiktoken's cache, else an upper bound."""
        around = sum(_TURN_TOKENS + _IMAGE_TOKENS * len(turn.images) for turn in turns)
        if self._encoding is None:
            return around + sum(upper_bound(turn.text) for turn in turns)
        return around + sum(len(self._encoding.encode_ordinary(turn.text)) for turn in turns)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()


def _wait(failure: Failure, backoff_s: float | None) -> float | None:
    """Seconds until the next try, or None when there should be none."""
    if backoff_s is None or not failure.retry:
        return None
    jitter = 1 + random.random() / 4  # noqa: S311 - spreads retries, hides nothing
    return backoff_s * jitter if failure.after_s is None else failure.after_s


def _message(turn: Turn) -> ChatCompletionMessageParam:
    text = turn.text.encode("utf-8", "replace").decode()  # a lone surrogate fits in no request
    match turn.role:
        case "system":
            return {"role": "system", "content": text}
        case "user" if turn.images:
            return {"role": "user", "content": [{"type": "text", "text": text}, *map(_shown, turn.images)]}
        case "user":
            return {"role": "user", "content": text}
        case "assistant":
            return {"role": "assistant", "content": text}


def _shown(image: Image) -> ChatCompletionContentPartImageParam:
    encoded = base64.b64encode(image.content).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{encoded}"}}


def _refused_option(error: openai.APIStatusError) -> set[str]:
    """Optional parameters that a refusal names, by its `param` or in quotes."""
    named = {name for name in _OPTIONAL if error.param == name or f"'{name}'" in error.message}
    if "max_completion_tokens" in error.message:
        named.add("max_tokens")
    return named


def _content(event: ChatCompletionChunk) -> tuple[str, str]:
    """Text and finish reason of an event; servers are not trusted to keep to the schema."""
    choices = event.choices if isinstance(event, ChatCompletionChunk) else None
    if not isinstance(choices, list) or not choices:
        return "", ""
    delta = getattr(choices[0], "delta", None)
    text = getattr(delta, "content", None) or getattr(delta, "refusal", None)
    reason = getattr(choices[0], "finish_reason", None)
    return text if isinstance(text, str) else "", reason if isinstance(reason, str) else ""


def _mend(text: str) -> tuple[str, str]:
    """Join surrogate halves that came in two pieces; the second value waits for its other half."""
    if not _SURROGATE.search(text):
        return text, ""
    held = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
    whole = text[: len(text) - len(held)].encode("utf-16-le", "surrogatepass")
    return whole.decode("utf-16-le", "replace"), held


def _done(answer: AsyncStream[ChatCompletionChunk]) -> bool:
    body = answer.response.stream
    return not isinstance(body, Watched) or body.done
