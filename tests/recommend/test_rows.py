"""Lists of numbers and times answer alike however many they are, wherever they lie."""

import numpy as np

from bot.recommend.rows import Rows


def many(lists: int, entries: int) -> Rows:
    """Lists with more entries than a matrix is worth loading for, some moved, shortened and emptied."""
    chance = np.random.default_rng(0)
    rows = Rows()
    rows.fill(
        chance.integers(0, lists, entries), chance.integers(0, 500, entries), np.sort(chance.random(entries))
    )
    for row in range(0, lists, 3):
        rows.add(row, row % 500, 2.0)
        rows.remove(row + 1, int(rows.of(row + 1)[0][0]))
    rows.clear(5)
    return rows


def test_the_sum_of_every_list_is_the_sum_of_its_entries() -> None:
    rows, weights = many(300, 60_000), np.random.default_rng(1).random(500)
    asked = np.random.default_rng(2).permutation(400)
    for before in (np.inf, 0.6):
        expected = [
            weights[rows.of(row)[0][rows.of(row)[1] < before]].sum() if row < 300 else 0.0
            for row in asked.tolist()
        ]
        assert np.allclose(rows.sums(asked, weights, before), expected)
    few = asked[:5]
    assert np.allclose(rows.sums(few, weights), [weights[rows.of(row)[0]].sum() for row in few.tolist()])


def test_the_latest_entries_of_lists_are_their_last_ones() -> None:
    rows = many(30, 600)
    asked = np.arange(30)
    for before in (np.inf, 0.6):
        latest = rows.gather(asked, before, latest=4)
        ends = np.cumsum(latest.lengths)
        for row in asked.tolist():
            others, times = rows.of(row)
            there = others[times < before]
            mine = latest.others[ends[row] - latest.lengths[row] : ends[row]]
            assert mine.tolist() == there[-4:].tolist()


def test_a_span_is_the_first_and_the_last_time_before_a_moment() -> None:
    rows = many(30, 600)
    for before in (np.inf, 0.3):
        first, last = rows.spans(before)
        for row in range(30):
            times = rows.of(row)[1]
            times = times[times < before]
            assert first[row] == (times[0] if len(times) else np.inf)
            assert last[row] == (times[-1] if len(times) else -np.inf)
