"""The embedded engine as the rest of LLMOS sees it: a Model whose work happens in a thread of its own."""

import asyncio
import importlib.util
import logging
import os
import threading
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.errors import ModelBroken, ModelError, ModelUnavailable
from bot.llm import catalogue
from bot.llm.model import Capabilities, Limits, Model, Piece, Progress, Turn, no_progress
from bot.llm.transformers.job import Emitted, End, Job

if TYPE_CHECKING:
    from bot.llm.transformers.decoder import Decoder
    from bot.llm.transformers.prompt import Prompt

logger = logging.getLogger(__name__)

DEFAULT_PREFIX_BYTES = 512 * 2**20
"""Memory for what was read before: about 11,000 tokens of smollm2-135m, 1,800 of qwen3-4b."""
DEFAULT_BATCH_BYTES = 2**30
"""Memory for the answers being written: 23,000 tokens of smollm2-135m, 3,600 of qwen3-4b, with padding."""
CAN_ANSWER_PARAMETERS = 1_000_000_000
"""Models below this size make up too much to be trusted with a plain answer."""

_UNKNOWN_CONTEXT_TOKENS = 2048  # before a model is loaded: few have less
_TOKENS_AROUND_TURN = 16  # what a template writes around a turn, generously
_LIBRARIES = ("torch", "transformers", "safetensors")
_INLINE_CHARACTERS = 20_000  # tokenizing this much takes about 10 ms, which the event loop can spare
_CHARACTERS_PER_CONTEXT_TOKEN = 16  # text that is longer than this times the context fits in no tokenizer


class TransformersModel(Model):
    """Any causal language model in safetensors or GGUF, for several members at once."""

    def __init__(
        self,
        model: str | Path,
        *,
        context_tokens: int | None = None,
        concurrency: int = 8,
        threads: int | None = None,
        prefix_bytes: int = DEFAULT_PREFIX_BYTES,
        batch_bytes: int = DEFAULT_BATCH_BYTES,
    ) -> None:
        """Nothing heavy happens before `load`.

        Args:
            model: catalogue name, Hugging Face id, folder, or GGUF file.
            context_tokens: at most this many for prompt and answer; None takes the model's own, at most 8192.
            concurrency: answers written at once, if their memory allows; more of them wait.
            threads: processor threads; None leaves one processor to everything else.
            prefix_bytes: memory for what was read before; 0 reads everything again.
            batch_bytes: memory for the answers being written; a single one may take more.

        Raises:
            ModuleNotFoundError: the extra `llm` is not installed.
        """
        _require_libraries()
        entry = catalogue.get(str(model))
        self._source = str(model)
        self.name = entry.name if entry else Path(model).name
        self.capabilities = entry.capabilities if entry else Capabilities()
        self.context_tokens = context_tokens or (entry.context_tokens if entry else _UNKNOWN_CONTEXT_TOKENS)
        self._wanted_context = context_tokens or (entry.context_tokens if entry else None)
        self._concurrency = concurrency
        self._threads = threads or max(1, len(os.sched_getaffinity(0)) - 1)
        self._prefix_bytes = prefix_bytes
        self._batch_bytes = batch_bytes
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"llm-{self.name}")
        self._lock = threading.Lock()
        self._arrived: list[Job] = []
        self._is_writing = False
        self._closed = False
        self._decoder: Decoder | None = None
        self._prompt: Prompt | None = None

    async def load(self, progress: Progress = no_progress) -> None:
        """Load in the engine's thread; a second caller waits for the first."""
        if self._closed:
            raise ModelUnavailable(f"The model {self.name} was closed.")
        if self._decoder is None:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._load, progress)

    async def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        """Write the next turn, together with all other answers that are being written.

        Raises:
            ModelError: the conversation leaves no room for an answer in the context.
        """
        await self.load()
        job, emitted = await self._prepare(turns, limits)
        self._submit(job)
        try:
            while not isinstance(piece := await emitted.get(), End):
                if isinstance(piece, ModelError):
                    raise piece
                yield piece
        finally:
            job.cancelled = True

    def count_tokens(self, turns: Sequence[Turn]) -> int:
        """Exact once the model is loaded; before that, and for texts far too long, an upper bound."""
        if self._prompt is None or _characters(turns) > self.context_tokens * _CHARACTERS_PER_CONTEXT_TOKEN:
            return sum(len(turn.text.encode("utf-8", "replace")) + _TOKENS_AROUND_TURN for turn in turns)
        return len(self._prompt.ids(turns))

    async def close(self) -> None:
        """End every answer, the thread, and give the memory back."""
        self._closed = True
        await asyncio.to_thread(self._executor.shutdown)
        self._fail_all(ModelUnavailable(f"The model {self.name} was closed."))
        self._decoder = self._prompt = None

    def _load(self, progress: Progress) -> None:
        if self._decoder is not None:
            return

        def tell(doing: str, share: float) -> None:
            if self._closed:  # nobody waits any more: loading ends at its next step
                raise ModelUnavailable(f"The model {self.name} was closed.")
            progress(doing, share)

        tell("Starting the engine", 0.0)
        # imported here, in the engine's thread: torch takes seconds, and the prompt must not wait for it
        from bot.llm.transformers.decoder import Decoder  # noqa: PLC0415
        from bot.llm.transformers.loading import load  # noqa: PLC0415
        from bot.llm.transformers.prompt import Prompt  # noqa: PLC0415

        loaded = load(self._source, threads=self._threads, context_tokens=self._wanted_context, progress=tell)
        self._prompt = Prompt(loaded.tokenizer)
        self.context_tokens = loaded.context_tokens
        if catalogue.get(self._source) is None:
            self.capabilities = Capabilities(
                chat=self._prompt.is_chat, can_answer=loaded.parameters >= CAN_ANSWER_PARAMETERS
            )
        self._decoder = Decoder(
            loaded,
            concurrency=self._concurrency,
            prefix_bytes=self._prefix_bytes,
            batch_bytes=self._batch_bytes,
        )

    async def _prepare(self, turns: Sequence[Turn], limits: Limits) -> tuple[Job, "asyncio.Queue[Emitted]"]:
        prompt = self._prompt
        if prompt is None:
            raise ModelUnavailable(f"The model {self.name} was closed.")
        is_short = _characters(turns) <= _INLINE_CHARACTERS
        ids = prompt.ids(turns) if is_short else await asyncio.to_thread(prompt.ids, turns)
        room = self.context_tokens - len(ids)
        if room < 1:
            raise ModelError(
                f"This conversation takes {len(ids):,} tokens and {self.name} reads {self.context_tokens:,} "
                "at most. Ask something shorter, or configure more context_tokens."
            )
        loop = asyncio.get_running_loop()
        emitted: asyncio.Queue[Emitted] = asyncio.Queue()
        job = Job(
            ids=ids,
            max_new_tokens=max(1, min(limits.max_new_tokens, room)),
            temperature=limits.temperature,
            stop=(*limits.stop, *prompt.stops),
            emit=lambda piece: _put(loop, emitted, job, piece),
        )
        return job, emitted

    def _submit(self, job: Job) -> None:
        with self._lock:
            if self._closed:
                raise ModelUnavailable(f"The model {self.name} was closed.")
            self._arrived.append(job)
            if not self._is_writing:
                self._is_writing = True
                self._executor.submit(self._write)

    def _write(self) -> None:
        """Runs in the engine's thread for as long as there is something to write."""
        try:
            while (decoder := self._decoder_with_work()) is not None:
                decoder.round()
        except BaseException as error:
            # nobody asks this job's future for its error: it is told here
            logger.exception("the model failed while it wrote", extra={"model": self.name})
            self._fail_all(ModelBroken(f"The model {self.name} failed: {type(error).__name__}."))
            raise

    def _decoder_with_work(self) -> "Decoder | None":
        with self._lock:
            decoder = self._decoder
            if decoder is None or self._closed:
                self._is_writing = False
                return None
            for job in self._arrived:
                decoder.add(job)
            self._arrived.clear()
            self._is_writing = decoder.is_busy
            return decoder if decoder.is_busy else None

    def _fail_all(self, error: ModelError) -> None:
        with self._lock:
            self._is_writing = False
            arrived, self._arrived = self._arrived, []
        for job in arrived:
            job.emit(error)
        if self._decoder is not None:
            self._decoder.fail(error)


def _require_libraries() -> None:
    for library in _LIBRARIES:
        if importlib.util.find_spec(library) is None:
            raise ModuleNotFoundError(f"No module named {library!r}", name=library)


def _characters(turns: Sequence[Turn]) -> int:
    return sum(len(turn.text) for turn in turns)


def _put(
    loop: asyncio.AbstractEventLoop, emitted: "asyncio.Queue[Emitted]", job: Job, piece: Emitted
) -> None:
    try:
        loop.call_soon_threadsafe(emitted.put_nowait, piece)
    except RuntimeError:  # the loop is closed: nobody reads any more
        job.cancelled = True
