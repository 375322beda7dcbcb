"""Many answers in one batch are the answers each would have been alone; what was read is not read again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.errors import ModelBroken, ModelEmpty
from bot.llm.model import Queued, Reading, no_progress
from bot.llm.transformers.decoder import CHUNK_TOKENS, Decoder
from bot.llm.transformers.job import Emitted, End, Job
from bot.llm.transformers.keyvalues import size_bytes, states
from bot.llm.transformers.loading import LoadedModel, load
from tests.llm.tiny import tokens

MEMORY = 2**26
SYSTEM = "You are a friendly assistant of a community. " * 4
QUESTIONS = (
    "hello there",
    "what is the capital of France?",
    "x",
    "the quick brown fox jumps over the lazy dog " * 8,
    "😀 你好, héllo",
)
LONG = "0123456789" * 40
"""More than one piece, less than two: every digit is a token."""


class Sheet:
    """What came of one job."""

    def __init__(self, text: str, max_new_tokens: int = 24, temperature: float = 0, stop: str = "") -> None:
        self.emitted: list[Emitted] = []
        self.job = Job(
            ids=tokens().encode(text).ids,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            stop=(stop,) if stop else (),
            emit=self.emitted.append,
        )

    @property
    def text(self) -> str:
        return "".join(piece for piece in self.emitted if isinstance(piece, str))

    @property
    def last(self) -> Emitted:
        return self.emitted[-1]


class Reader:
    """Counts the tokens that a model reads."""

    def __init__(self, loaded: LoadedModel) -> None:
        self.tokens = 0
        self.rows: list[int] = []
        self.hook = loaded.model.register_forward_pre_hook(self._count, with_kwargs=True)

    def _count(self, _: torch.nn.Module, args: tuple[object, ...], given: dict[str, torch.Tensor]) -> None:
        self.tokens += given["input_ids"].numel()
        self.rows.append(given["input_ids"].shape[0])


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def loaded(request: pytest.FixtureRequest) -> LoadedModel:
    folder: Path = request.getfixturevalue(request.param)
    # an end is nothing these models mean: they are to write as much as they are allowed
    whole = load(str(folder), threads=1, context_tokens=None, progress=no_progress)
    return replace(whole, end_tokens=frozenset())


@pytest.fixture
def reader(loaded: LoadedModel) -> Iterator[Reader]:
    reader = Reader(loaded)
    yield reader
    reader.hook.remove()


def decoder_of(
    loaded: LoadedModel, concurrency: int = 8, prefix_bytes: int = MEMORY, batch_bytes: int = MEMORY
) -> Decoder:
    return Decoder(loaded, concurrency=concurrency, prefix_bytes=prefix_bytes, batch_bytes=batch_bytes)


def finish(decoder: Decoder, *sheets: Sheet) -> None:
    for sheet in sheets:
        decoder.add(sheet.job)
    while decoder.is_busy:
        decoder.round()


def alone(loaded: LoadedModel, text: str, max_new_tokens: int = 24, stop: str = "") -> Sheet:
    sheet = Sheet(text, max_new_tokens, stop=stop)
    finish(decoder_of(loaded, prefix_bytes=0), sheet)
    return sheet


def generated(loaded: LoadedModel, text: str, max_new_tokens: int) -> str:
    """What transformers' own generate() makes of it."""
    ids = torch.tensor([tokens().encode(text).ids])
    out = loaded.model.generate(  # type: ignore[operator]
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        pad_token_id=0,
    )
    return tokens().decode(out[0, ids.shape[1] :].tolist())


def test_an_answer_is_what_generate_writes(loaded: LoadedModel) -> None:
    for question in QUESTIONS:
        assert alone(loaded, question).text == generated(loaded, question, 24).replace("\ufffd", "")


def test_answers_in_one_batch_are_those_each_would_be_alone(loaded: LoadedModel, reader: Reader) -> None:
    sheets = [Sheet(SYSTEM + question) for question in QUESTIONS]
    finish(decoder_of(loaded), *sheets)
    assert max(reader.rows) == len(QUESTIONS)
    assert [sheet.text for sheet in sheets] == [alone(loaded, SYSTEM + each).text for each in QUESTIONS]
    assert all(isinstance(sheet.last, End) for sheet in sheets)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    starts=st.lists(
        st.tuples(st.integers(0, 12), st.sampled_from(QUESTIONS), st.integers(1, 20)), min_size=2, max_size=6
    ),
    concurrency=st.integers(1, 4),
)
def test_members_may_come_and_go_at_any_moment(
    loaded: LoadedModel, starts: list[tuple[int, str, int]], concurrency: int
) -> None:
    decoder = decoder_of(loaded, concurrency)
    waiting = sorted(((after, Sheet(SYSTEM + text, length)) for after, text, length in starts), key=at)
    sheets = [sheet for _, sheet in waiting]
    rounds = 0
    while waiting or decoder.is_busy:
        while waiting and waiting[0][0] <= rounds:
            decoder.add(waiting.pop(0)[1].job)
        decoder.round()
        rounds += 1
    for sheet in sheets:
        text = tokens().decode(sheet.job.ids)
        assert sheet.text == alone(loaded, text, sheet.job.max_new_tokens).text


def at(pair: tuple[int, Sheet]) -> int:
    return pair[0]


def test_no_more_members_are_served_at_once_than_allowed(loaded: LoadedModel, reader: Reader) -> None:
    sheets = [Sheet(question) for question in QUESTIONS]
    finish(decoder_of(loaded, concurrency=2), *sheets)
    assert max(reader.rows) == 2
    assert all(isinstance(sheet.last, End) for sheet in sheets)


def test_a_long_conversation_is_served_alone_where_memory_is_short(
    loaded: LoadedModel, reader: Reader
) -> None:
    decoder = decoder_of(loaded, batch_bytes=300 * loaded.cache_bytes_per_token)
    sheets = [Sheet("hello"), Sheet("hello there"), Sheet(LONG), Sheet("x")]
    finish(decoder, *sheets)
    assert max(reader.rows) == 2, "two short ones together, the long one neither with them nor with the last"
    assert [sheet.text for sheet in sheets] == [
        alone(loaded, tokens().decode(sheet.job.ids)).text for sheet in sheets
    ]


def test_the_memory_of_a_token_is_what_a_cache_takes(loaded: LoadedModel) -> None:
    cache = loaded.model(torch.tensor([[1, 2, 3]]), use_cache=True).past_key_values
    assert size_bytes(states(cache)) == 3 * loaded.cache_bytes_per_token


def test_a_shared_beginning_is_read_once(loaded: LoadedModel, reader: Reader) -> None:
    decoder = decoder_of(loaded)
    finish(decoder, Sheet(SYSTEM + "hello there", max_new_tokens=1))
    reader.tokens = 0
    finish(decoder, Sheet(SYSTEM + "what is this?", max_new_tokens=1))
    assert reader.tokens <= len(tokens().encode("what is this?").ids) + 1


def test_a_growing_conversation_reads_only_what_is_new(loaded: LoadedModel, reader: Reader) -> None:
    decoder = decoder_of(loaded)
    talk = Sheet(SYSTEM)
    finish(decoder, talk)
    conversation = talk.job.ids
    for _ in range(4):
        answer = tokens().encode(talk.text).ids
        new = answer + tokens().encode("and what of France?").ids
        conversation = conversation + new
        talk = Sheet("", max_new_tokens=8)
        talk.job.ids = conversation
        reader.tokens = 0
        finish(decoder, talk)
        assert reader.tokens <= len(new) + 8, "the whole conversation was read again"


def test_without_memory_everything_is_read_again(loaded: LoadedModel, reader: Reader) -> None:
    decoder = decoder_of(loaded, prefix_bytes=0)
    finish(decoder, Sheet(SYSTEM, max_new_tokens=1))
    once, reader.tokens = reader.tokens, 0
    finish(decoder, Sheet(SYSTEM, max_new_tokens=1))
    assert reader.tokens == once == len(tokens().encode(SYSTEM).ids)


def test_a_long_prompt_is_read_in_pieces_between_the_words_of_others(
    loaded: LoadedModel, reader: Reader
) -> None:
    decoder = decoder_of(loaded)
    running, newcomer = Sheet("hello there", max_new_tokens=100), Sheet(LONG, max_new_tokens=1)
    decoder.add(running.job)
    decoder.round()
    decoder.add(newcomer.job)
    reader.tokens = 0
    decoder.round()
    assert not newcomer.text
    assert reader.tokens == CHUNK_TOKENS + 1, "a piece of the newcomer's prompt and a word of the other"
    decoder.round()
    assert newcomer.text


def test_a_long_prompt_lets_a_short_one_pass(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.llm.transformers.decoder.CHUNK_TOKENS", 32)
    decoder = decoder_of(loaded)
    long, short = Sheet(LONG, max_new_tokens=1), Sheet("hello there", max_new_tokens=1)
    decoder.add(long.job)
    decoder.add(short.job)
    decoder.round()
    decoder.round()
    assert isinstance(short.last, End | ModelEmpty), "it is over"
    assert not isinstance(long.last, End | ModelEmpty)
    finish(decoder)
    assert long.text == alone(loaded, LONG, 1).text


def test_reading_a_long_prompt_is_told_and_a_short_one_is_not(loaded: LoadedModel) -> None:
    long, short = Sheet(LONG, max_new_tokens=1), Sheet("hello there", max_new_tokens=1)
    finish(decoder_of(loaded), long, short)
    of = len(long.job.ids)
    told = [piece for piece in long.emitted if isinstance(piece, Reading)]
    assert told == [Reading(read, of) for read in range(CHUNK_TOKENS, of, CHUNK_TOKENS)]
    assert not any(isinstance(piece, Reading) for piece in short.emitted)


def test_who_waits_for_memory_is_told_the_place(loaded: LoadedModel) -> None:
    sheets = [Sheet("0123456789" * 10, max_new_tokens=24) for _ in range(3)]
    one = (100 + 24) * loaded.cache_bytes_per_token
    finish(decoder_of(loaded, batch_bytes=one), *sheets)
    told = [[piece for piece in sheet.emitted if isinstance(piece, Queued)] for sheet in sheets]
    assert told == [[], [Queued(1), Queued(0)], [Queued(2), Queued(1), Queued(0)]]


def test_a_cancelled_answer_costs_no_further_token(loaded: LoadedModel, reader: Reader) -> None:
    decoder = decoder_of(loaded)
    left, kept = Sheet("hello there", 100), Sheet("the lazy dog", 100)
    decoder.add(left.job)
    decoder.add(kept.job)
    for _ in range(5):
        decoder.round()
    left.job.cancelled = True
    said, reader.rows = len(left.emitted), []
    while decoder.is_busy:
        decoder.round()
    assert len(left.emitted) == said
    assert set(reader.rows) == {1}
    assert kept.text == alone(loaded, "the lazy dog", 100).text


def test_who_leaves_while_waiting_or_being_read_is_forgotten(loaded: LoadedModel, reader: Reader) -> None:
    decoder = decoder_of(loaded, concurrency=1)
    reading, waiting = Sheet(LONG), Sheet("hello")
    decoder.add(reading.job)
    decoder.add(waiting.job)
    decoder.round()
    reading.job.cancelled = waiting.job.cancelled = True
    read = reader.tokens
    decoder.round()
    assert not decoder.is_busy
    assert reader.tokens == read
    assert reading.emitted == [Reading(CHUNK_TOKENS, len(reading.job.ids))]
    assert waiting.emitted == [Queued(1)]


@pytest.mark.parametrize("length", [1, 3])
def test_a_stop_string_ends_the_answer_and_is_not_part_of_it(loaded: LoadedModel, length: int) -> None:
    whole = alone(loaded, "hello there", 60).text
    stop = whole[len(whole) // 2 :][:length]
    assert stop
    assert alone(loaded, "hello there", 60, stop).text == whole[: whole.index(stop)]


def test_an_end_at_once_is_an_empty_answer(loaded: LoadedModel) -> None:
    everything = frozenset(range(tokens().get_vocab_size()))
    sheet = Sheet("hello there")
    finish(decoder_of(replace(loaded, end_tokens=everything)), sheet)
    assert len(sheet.emitted) == 1
    assert isinstance(sheet.last, ModelEmpty)


def test_a_drawn_answer_follows_the_seed_and_the_temperature(loaded: LoadedModel) -> None:
    def drawn(seed: int, temperature: float) -> str:
        torch.manual_seed(seed)
        sheet = Sheet("hello there", temperature=temperature)
        finish(decoder_of(loaded), sheet)
        return sheet.text

    assert drawn(1, 5.0) == drawn(1, 5.0)
    assert drawn(1, 5.0) != drawn(2, 5.0)
    assert drawn(1, 1e-6) == alone(loaded, "hello there").text, "near zero only the most likely is left"


def test_a_failure_reaches_everybody_and_leaves_nothing_behind(loaded: LoadedModel) -> None:
    decoder = decoder_of(loaded, concurrency=2)
    sheets = [Sheet(question) for question in QUESTIONS]
    for sheet in sheets:
        decoder.add(sheet.job)
    decoder.round()
    decoder.fail(ModelBroken("broken"))
    assert all(isinstance(sheet.last, ModelBroken) for sheet in sheets)
    assert not decoder.is_busy
    after = Sheet("hello there")
    finish(decoder, after)
    assert after.text == alone(loaded, "hello there").text
