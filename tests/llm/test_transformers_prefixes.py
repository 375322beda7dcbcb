"""What was read before is found by its longest common beginning, within a bound of memory."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from bot.llm.transformers.keyvalues import KeyValues, beginning, joined, row, rows, size_bytes
from bot.llm.transformers.prefixes import Prefixes

IDS = st.lists(st.integers(0, 2), min_size=1, max_size=8)
BYTES_PER_TOKEN = 8  # two float32: a key and a value


def layers(ids: list[int]) -> KeyValues:
    """Keys and values that tell which tokens they were made of."""
    keys = torch.tensor(ids, dtype=torch.float32).reshape(1, 1, -1, 1)
    return [(keys, keys + 100)]


def said(held: KeyValues) -> list[int]:
    return [int(value) for value in held[0][0].flatten()] if held else []


@given(st.lists(IDS, max_size=8), IDS)
def test_the_longest_common_beginning_is_found_and_never_the_whole(
    texts: list[list[int]], new: list[int]
) -> None:
    known = Prefixes(10**6)
    for text in texts:
        known.keep(text, layers(text))
    held, length = known.longest(new)
    best = max((common(text, new[:-1]) for text in texts), default=0)
    assert length == best
    assert said(held) == new[:best]


def common(one: list[int], other: list[int]) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


@given(st.lists(IDS, max_size=12), st.integers(0, 20))
def test_memory_stays_within_its_bound(texts: list[list[int]], tokens: int) -> None:
    known = Prefixes(tokens * BYTES_PER_TOKEN)
    for text in texts:
        known.keep(text, layers(text))
        assert known.size_bytes <= tokens * BYTES_PER_TOKEN


def test_the_least_recently_used_goes_first() -> None:
    known = Prefixes(6 * BYTES_PER_TOKEN)
    for text in ([0, 0, 0], [1, 1, 1]):
        known.keep(text, layers(text))
    assert known.longest([0, 0, 0, 5])[1] == 3
    known.keep([2, 2, 2], layers([2, 2, 2]))
    assert known.longest([0, 0, 0, 5])[1] == 3
    assert known.longest([1, 1, 1, 5])[1] == 0


def test_a_beginning_of_what_is_known_takes_no_memory() -> None:
    known = Prefixes(10**6)
    known.keep([1, 2, 3], layers([1, 2, 3]))
    known.keep([1, 2], layers([1, 2]))
    assert known.size_bytes == 3 * BYTES_PER_TOKEN
    known.keep([1, 2, 3, 4], layers([1, 2, 3, 4]))
    assert known.size_bytes == 4 * BYTES_PER_TOKEN
    known.clear()
    assert known.longest([1, 2, 3]) == ([], 0)


@given(st.lists(IDS, min_size=1, max_size=4))
def test_rows_come_out_of_a_batch_as_they_went_in(texts: list[list[int]]) -> None:
    batch = joined([layers(text) for text in texts])
    for index, text in enumerate(texts):
        assert said(row(batch, index, len(text))) == text
    longest = max(map(len, texts))
    last = rows(batch, [len(texts) - 1], longest)
    assert said(row(last, 0, len(texts[-1]))) == texts[-1]
    assert size_bytes(batch) == len(texts) * longest * BYTES_PER_TOKEN
    assert said(beginning(layers(texts[0]), 1)) == texts[0][:1]
