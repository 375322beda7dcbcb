"""Writes many answers at once: a batch that answers join and leave between two tokens.

New prompts are read in chunks between the tokens of the answers that already run, so that nobody's answer
stands still for long; a long prompt lets the shorter ones behind it pass. Rows are padded on the left; what
was read is kept for the next question.
"""

import inspect
from collections import deque
from collections.abc import Sequence

import torch
from transformers import DynamicCache

from bot.core.errors import ModelEmpty, ModelError
from bot.llm.model import Queued, Reading
from bot.llm.transformers.job import End, Job
from bot.llm.transformers.keyvalues import cache_of, joined, states
from bot.llm.transformers.keyvalues import row as cut_row
from bot.llm.transformers.keyvalues import rows as cut_rows
from bot.llm.transformers.loading import LoadedModel
from bot.llm.transformers.output import Output
from bot.llm.transformers.prefixes import Prefixes
from bot.llm.transformers.sampling import Sampler

CHUNK_TOKENS = 256
"""Prompt tokens read between two tokens of running answers: half a second for 135 M on one core."""


class _Row:
    """One answer: the tokens read so far and the one chosen last, which is not read yet."""

    def __init__(self, job: Job, sampler: Sampler, output: Output) -> None:
        self.job = job
        self.sampler = sampler
        self.output = output
        self.read = 0
        self.ids = list(job.ids)
        self.cache: DynamicCache | None = None  # while the prompt is read; then the batch's cache holds it

    @property
    def written(self) -> int:
        return len(self.ids) - len(self.job.ids)


class Decoder:
    """The batch loop around one loaded model; lives in one thread."""

    def __init__(self, loaded: LoadedModel, *, concurrency: int, prefix_bytes: int, batch_bytes: int) -> None:
        """Nothing is read yet.

        Args:
            concurrency: answers written at once, if their memory allows.
            prefix_bytes: memory for what was read before; 0 reads everything again.
            batch_bytes: memory for the answers being written; a single one may take more.
        """
        self._loaded = loaded
        self._concurrency = concurrency
        self._batch_tokens = batch_bytes // loaded.cache_bytes_per_token
        self._prefixes = Prefixes(prefix_bytes)
        self._accepted = inspect.signature(loaded.model.forward).parameters
        self._waiting: deque[Job] = deque()
        self._reading: deque[_Row] = deque()
        self._rows: list[_Row] = []
        self._cache = DynamicCache()

    @property
    def is_busy(self) -> bool:
        """Something is left to do."""
        return bool(self._waiting or self._reading or self._rows)

    def add(self, job: Job) -> None:
        """Take a job; it begins as soon as one of `concurrency` places is free."""
        self._waiting.append(job)

    def round(self) -> None:
        """Read some of the new prompts, then write one token of every running answer."""
        with torch.inference_mode():
            self._drop_cancelled()
            self._admit()
            self._read_prompts()
            if self._rows:
                self._write()

    def fail(self, error: ModelError) -> None:
        """End everything with this error, and forget what may be damaged."""
        jobs = [*self._waiting, *(row.job for row in (*self._reading, *self._rows))]
        self._waiting.clear()
        self._reading.clear()
        self._rows, self._cache = [], DynamicCache()
        self._prefixes.clear()
        for job in jobs:
            job.emit(error)

    def _drop_cancelled(self) -> None:
        self._waiting = deque(job for job in self._waiting if not job.cancelled)
        self._reading = deque(row for row in self._reading if not row.job.cancelled)
        if any(row.job.cancelled for row in self._rows):
            self._leave([row for row in self._rows if row.job.cancelled])

    def _admit(self) -> None:
        while self._waiting and self._has_room(self._waiting[0]):
            job = self._waiting.popleft()
            _tell_place(job, 0)
            sampler = Sampler(self._loaded.model.generation_config, job.temperature)
            self._reading.append(_Row(job, sampler, Output(self._loaded.decode_stream(), job.stop)))
        for place, job in enumerate(self._waiting, start=1):
            _tell_place(job, place)

    def _has_room(self, newcomer: Job) -> bool:
        """Rows are padded to the longest, so one long conversation makes every other one as large."""
        jobs = [newcomer, *(row.job for row in (*self._reading, *self._rows))]
        longest = max(len(job.ids) + job.max_new_tokens for job in jobs)
        fits = len(jobs) * longest <= self._batch_tokens
        return len(jobs) == 1 or (len(jobs) <= self._concurrency and fits)

    def _read_prompts(self) -> None:
        budget = CHUNK_TOKENS
        finished = []
        while self._reading and budget > 0:
            row = self._reading[0]
            if row.cache is None:
                known, row.read = self._prefixes.longest(row.ids)
                row.cache = cache_of(known)
            chunk = row.ids[row.read : row.read + budget]
            budget -= len(chunk)
            logits = self._forward(torch.tensor([chunk]), row.cache, [row.read])
            row.read += len(chunk)
            left = len(row.ids) - row.read
            if left:
                row.job.emit(Reading(row.read, len(row.ids)))
            if left > CHUNK_TOKENS:
                self._reading.rotate(-1)
            if not left:
                self._reading.popleft()
                self._prefixes.keep(row.ids, states(row.cache))
                if self._take(row, row.sampler.choose(row.ids, logits)):
                    finished.append(row)
        self._join(finished)

    def _join(self, rows: Sequence[_Row]) -> None:
        if not rows:
            return
        parts = [states(row.cache) for row in rows if row.cache is not None]
        running = [states(self._cache)] if self._rows else []
        self._cache = cache_of(joined([*running, *parts]))
        self._rows += rows
        for row in rows:
            row.cache = None

    def _write(self) -> None:
        fed = torch.tensor([[row.ids[row.read]] for row in self._rows])
        logits = self._forward(fed, self._cache, [row.read for row in self._rows])
        likeliest = logits.argmax(dim=-1).tolist()
        done = []
        for index, row in enumerate(self._rows):
            row.read += 1
            plain = row.sampler.is_plain
            token = likeliest[index] if plain else row.sampler.choose(row.ids, logits[index : index + 1])
            if not self._take(row, token):
                done.append(row)
        if done:
            self._leave(done)

    def _take(self, row: _Row, token: int) -> bool:
        """Show what the token says; False if the answer is over."""
        is_end = token in self._loaded.end_tokens
        if not is_end:
            row.ids.append(token)
            if text := row.output.push(token):
                row.job.emit(text)
            if not row.output.stopped and row.written < row.job.max_new_tokens:
                return True
        if text := row.output.flush():
            row.job.emit(text)
        row.job.emit(End() if row.output.has_text else ModelEmpty("The model ended without a word."))
        return False

    def _leave(self, leaving: Sequence[_Row]) -> None:
        """Take rows out of the batch; what they read stays known for the next turn of the conversation."""
        held = states(self._cache)
        for index, row in enumerate(self._rows):
            if row in leaving:
                self._prefixes.keep(row.ids[: row.read], cut_row(held, index, row.read))
        kept = [index for index, row in enumerate(self._rows) if row not in leaving]
        self._rows = [self._rows[index] for index in kept]
        longest = max((row.read for row in self._rows), default=0)
        self._cache = cache_of(cut_rows(held, kept, longest) if kept else [])

    def _forward(self, ids: torch.Tensor, cache: DynamicCache, read: list[int]) -> torch.Tensor:
        """Read one piece of each row.

        Args:
            ids: int (rows, tokens).
            read: tokens of each row that the cache holds, without padding.

        Returns:
            Logits after the last token, float (rows, vocabulary).
        """
        tokens = ids.shape[1]
        before = torch.tensor(read)[:, None]
        width = max(read) + tokens
        arguments = {
            "input_ids": ids,
            "past_key_values": cache,
            "use_cache": True,
            "position_ids": before + torch.arange(tokens),
            "attention_mask": None
            if min(read) == max(read)
            else (torch.arange(width)[None] >= width - tokens - before).long(),
            "logits_to_keep": 1,
        }
        understood = {name: value for name, value in arguments.items() if name in self._accepted}
        logits: torch.Tensor = self._loaded.model(**understood).logits[:, -1]
        return logits


def _tell_place(job: Job, place: int) -> None:
    if job.place != place:
        job.place = place
        job.emit(Queued(place))
