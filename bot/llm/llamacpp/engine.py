"""The llama.cpp engine as the rest of LLMOS sees it: a Model that speaks to a process of its own."""

import asyncio
import hashlib
import importlib.util
import logging
import os
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from bot.core.errors import ModelUnavailable
from bot.llm import catalogue
from bot.llm.counting import upper_bound
from bot.llm.llamacpp.process import LlamaCpp, start
from bot.llm.llamacpp.task import Task
from bot.llm.model import Capabilities, Limits, Model, Piece, Progress, Turn, no_progress
from bot.llm.openai import OpenAIModel
from bot.llm.weights import weights

logger = logging.getLogger(__name__)

_UNKNOWN_CONTEXT_TOKENS = 4096
_UNKNOWN_TURN_TOKENS = 8  # until the template is known; ChatML takes 5
_INLINE_CHARACTERS = 20_000  # tokenizing this much takes about 10 ms, which the event loop can spare
_COUNTS_REMEMBERED = 4096
_MAGIC = b"GGUF"
_SAMPLE = [{"role": role, "content": "a"} for role in ("system", "user", "assistant", "user")]


class LlamaCppModel(Model):
    """A GGUF file in a llama.cpp process, which is started anew if it dies.

    Each of its slots keeps what it has read, so a conversation that goes on is not read again.
    """

    def __init__(
        self,
        model: str,
        *,
        context_tokens: int | None = None,
        concurrency: int = 4,
        threads: int | None = None,
        timeout_s: float = 60,
    ) -> None:
        """Nothing heavy happens before `load`.

        Args:
            model: catalogue name or GGUF file.
            context_tokens: of each member; None takes the catalogue's, or 4096.
            concurrency: members served at once; memory for their contexts is taken at the start.
            threads: processor threads; None leaves one processor to everything else.

        Raises:
            ModuleNotFoundError: the extra `fast` is not installed.
        """
        if importlib.util.find_spec("xllamacpp") is None:
            raise ModuleNotFoundError("No module named 'xllamacpp'", name="xllamacpp")
        entry = catalogue.get(model)
        self.name = entry.name if entry else Path(model).name
        self.capabilities = entry.capabilities if entry else Capabilities()
        self.context_tokens = context_tokens or (entry.context_tokens if entry else _UNKNOWN_CONTEXT_TOKENS)
        self._source = model
        self._concurrency = concurrency
        self._threads = threads or max(1, len(os.sched_getaffinity(0)) - 1)
        self._timeout_s = timeout_s
        self._loading = asyncio.Lock()
        self._process: LlamaCpp | None = None
        self._client: OpenAIModel | None = None
        self._counts: dict[bytes, int] = {}
        self._turn_tokens = _UNKNOWN_TURN_TOKENS
        self._closed = False

    async def load(self, progress: Progress = no_progress) -> None:
        """Start llama.cpp, unless it runs.

        Raises:
            ModelUnavailable: there is no such file, or llama.cpp cannot load it.
        """
        await self._ready(progress)

    async def _ready(self, progress: Progress = no_progress) -> OpenAIModel:
        async with self._loading:
            if self._closed:
                raise ModelUnavailable(f"The model {self.name} was closed.")
            if self._client is not None and self._process is not None and self._process.runs:
                return self._client
            await self._stop()
            progress(f"Loading {self.name}", 0.3)
            file = await asyncio.to_thread(_file_of, self._source)
            key = secrets.token_urlsafe(32)
            task = Task(os.fspath(file), self.context_tokens, self._concurrency, self._threads, key)
            self._process = process = await start(task)
            self._turn_tokens = await asyncio.to_thread(_around_a_turn, process)
            self._client = client = await asyncio.to_thread(self._connected, process, key)
            await client.load()
            progress(f"Loading {self.name}", 1.0)
            return client

    def _connected(self, process: LlamaCpp, key: str) -> OpenAIModel:
        return OpenAIModel(self.name, base_url=process.base_url, api_key=key, timeout_s=self._timeout_s)

    async def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        """Stream from the process; closing the stream closes the connection, which ends the writing."""
        client = await self._ready()
        async with aclosing(client.stream(turns, limits)) as pieces:
            async for piece in pieces:
                yield piece

    def count_tokens(self, turns: Sequence[Turn]) -> int:
        """By the model's own tokenizer once it is loaded; before, and for huge texts, an upper bound."""
        return sum(self._tokens_of(turn.text) + self._turn_tokens for turn in turns)

    async def close(self) -> None:
        """End the process."""
        self._closed = True
        async with self._loading:
            await self._stop()

    async def _stop(self) -> None:
        client, self._client = self._client, None
        process, self._process = self._process, None
        if client is not None:
            await client.close()
        if process is not None:
            await process.end()

    def _tokens_of(self, text: str) -> int:
        if self._process is None or len(text) > _INLINE_CHARACTERS:
            return upper_bound(text)
        key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if (known := self._counts.get(key)) is not None:
            return known
        try:
            count = self._process.tokens(text)
        except ModelUnavailable as error:
            logger.warning("tokens are only estimated: %s", error, extra={"model": self.name})
            return upper_bound(text)
        if len(self._counts) >= _COUNTS_REMEMBERED:
            self._counts.clear()
        self._counts[key] = count
        return count


def _around_a_turn(process: LlamaCpp) -> int:
    """How many tokens the chat template writes around a turn, rounded up."""
    around = process.tokens(process.rendered(_SAMPLE)) - len(_SAMPLE) * process.tokens("a")
    return -(-around // len(_SAMPLE))


def _file_of(model: str) -> Path:
    entry = catalogue.get(model)
    path = Path(model)
    file = weights(entry) if entry is not None and not path.exists() else path
    if file.suffix != ".gguf":
        raise ModelUnavailable(f"llama.cpp runs GGUF files; {model} is none. Use engine = 'transformers'.")
    try:
        with file.open("rb") as opened:
            magic = opened.read(len(_MAGIC))
    except OSError as error:
        raise ModelUnavailable(f"The file {file} cannot be read: {error.strerror}.") from error
    if magic != _MAGIC:
        raise ModelUnavailable(f"The file {file} is no GGUF file, or it is damaged.")
    return file
