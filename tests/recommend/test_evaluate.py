"""The evaluation: an honest replay, whose numbers can be worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from bot.core.errors import ConfigError
from bot.recommend.evaluate import Report, Settings, evaluate
from bot.recommend.interactions import Interactions, read
from bot.recommend.measures import Resampled, discounted, diversity, gain, gini
from bot.recommend.recommender import recommenders
from bot.recommend.votes import Thread, Vote, Votes
from tests.recommend.communities import DAY_S, HOUR_S, columns, two_tastes

COFFEE = Path(__file__).parent / "coffee_se"


def unseen(what: str, share: float) -> None:
    """A progress bar that nobody watches."""


def evaluated(interactions: Interactions, settings: Settings | None = None) -> Report:
    return evaluate(interactions, settings or Settings(), unseen)


def test_ranks_and_skips_are_those_worked_out_by_hand() -> None:
    """Ten days; four threads; the last two days hold a choice of each kind."""
    day = DAY_S
    born = np.array([0.0, 1 * day, 2 * day, 9 * day])
    rows = [
        (0, 0, 1 * day),
        (1, 0, 1.5 * day),
        (0, 1, 3 * day),
        (2, 1, 3.5 * day),
        (3, 0, 4 * day),
        # scored from day 1 + 0.8 * 9 = 8.2 on
        (1, 2, 8.5 * day),  # of t1, t2: newest puts it first, and hn second since two others touched t1
        (1, 2, 8.6 * day),  # again
        (2, 3, 9 * day),  # opens it
        (2, 2, 9.5 * day),  # of t0, t2: first for newest
        (4, 3, 9.8 * day),  # touches nothing else
        (0, 3, 10 * day),
    ]
    told = evaluated(columns(rows, born))
    assert (told.train, told.scored) == (5, 3)
    assert told.skipped == {"few_threads": 1, "opening": 1, "repeated": 1}
    second = 1 / np.log2(3)
    assert told.gains["newest"].tolist() == [1, 1, 1]
    assert told.gains["hn"].tolist()[0] == pytest.approx(second)
    assert told.models["newest"].ndcg == told.models["newest"].hit == 1
    assert told.times.tolist() == [8.5 * day, 9.5 * day, 10 * day]
    assert told.digests == 0, "less than seven days are scored"
    assert told.models["newest"].coverage == 1


def test_a_digest_is_one_list_for_everybody_against_the_week_after_it() -> None:
    born = np.arange(30.0) * DAY_S
    rows = [(number % 3, number, born[number] + HOUR_S) for number in range(30)]
    rows += [(member, thread, 31 * DAY_S + member) for member in (3, 4) for thread in (0, 29)]
    rows += [(5, 29, 60 * DAY_S), (5, 28, 61 * DAY_S)]
    told = evaluated(columns(sorted(rows, key=lambda row: row[2]), born), Settings(split=0.5))
    assert told.digests >= 1
    newest = told.models["newest"]
    assert newest.digest_hit == 1, "t29 is the newest of all and everybody touches it"
    assert newest.digest_ndcg is not None
    assert 0 < newest.digest_ndcg < 1, "t0 is the oldest and not in the list"


def test_every_recommender_is_scored_beside_the_baselines() -> None:
    told = evaluated(read(COFFEE / "interactions.csv", COFFEE / "threads.csv"))
    assert told.models.keys() == recommenders().keys()
    assert {(each.a, each.b) for each in told.comparisons} >= {("blend", "hn"), ("blend", "blend_without_cf")}
    for each in told.comparisons:
        assert each.ci95[0] <= each.delta <= each.ci95[1]
        difference = told.models[each.a].ndcg - told.models[each.b].ndcg
        assert each.delta == pytest.approx(difference, abs=1e-9)
    for quality in told.models.values():
        assert 0 <= quality.ndcg_ci95[0] <= quality.ndcg <= quality.hit <= 1
        assert 0 < quality.coverage <= 1
        assert 0 <= quality.gini < 1
        assert 0 <= quality.diversity <= 1


def test_the_same_file_gives_the_same_numbers() -> None:
    coffee = read(COFFEE / "interactions.csv", COFFEE / "threads.csv")
    one, other = evaluated(coffee), evaluated(coffee)
    assert one.comparisons == other.comparisons
    assert one.weights == other.weights
    assert {name: quality.ndcg for name, quality in one.models.items()} == {
        name: quality.ndcg for name, quality in other.models.items()
    }


def test_what_comes_after_a_choice_does_not_change_its_rank() -> None:
    """The replay is cut short: what was scored until then was scored alike."""
    whole = two_tastes(choices=1500, threads=200)
    cut = int(len(whole) * 0.9)
    split = whole.moment(0.8)
    short = Interactions(
        whole.member_ids,
        whole.thread_ids,
        whole.members[:cut],
        whole.threads[:cut],
        whole.times[:cut],
        whole.born,
        whole.authors,
    )
    share = (split - short.times[0]) / (short.times[-1] - short.times[0])
    long, brief = (
        evaluated(whole, Settings(least_threads=1)),
        evaluated(short, Settings(share, least_threads=1)),
    )
    for name, model in recommenders().items():
        if model.live:  # the others are fitted again at shares of a span that is now shorter
            scored = len(brief.gains[name])
            assert long.gains[name][:scored].tolist() == brief.gains[name].tolist(), name


def test_where_two_tastes_differ_in_nothing_else_shared_readers_find_them() -> None:
    told = evaluated(two_tastes())
    blend, blind = told.models["blend"].ndcg, told.models["blend_without_cf"].ndcg
    assert blend - blind >= 0.10
    (gain,) = (each for each in told.comparisons if (each.a, each.b) == ("blend", "blend_without_cf"))
    assert gain.ci95[0] > 0.05
    assert told.weights.taste > 1.25, "more than it is believed at first"


def test_where_only_the_newest_counts_the_blend_loses_nothing() -> None:
    chance = np.random.default_rng(0)
    born = np.arange(300.0) * HOUR_S
    rows = []
    for at in np.sort(chance.uniform(30 * HOUR_S, born[-1], 1500)).tolist():
        back = min(int(chance.geometric(0.5)), 20)
        rows.append((int(chance.integers(50)), int(at // HOUR_S) + 1 - back, at))
    told = evaluated(columns(list({row[:2]: row for row in reversed(rows)}.values())[::-1], born))
    best = max(told.models["newest"].ndcg, told.models["hn"].ndcg)
    assert told.models["blend"].ndcg > best - 0.01


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([(0, 0, 5.0), (1, 0, 5.0)], "Nothing to learn from or nothing to score"),
        ([(0, 0, 1.0), (0, 0, 100.0)], "There is no choice to score"),
    ],
)
def test_a_file_without_a_choice_is_explained(rows: list[tuple[int, int, float]], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        evaluated(columns(rows, np.array([0.0])))


def test_measures_are_those_of_the_textbook() -> None:
    assert [gain(0), gain(1), gain(9), gain(10)] == [1, 1 / np.log2(3), 1 / np.log2(11), 0]
    assert discounted(np.array([1, 0, 1])) == pytest.approx(1 + 1 / 2)
    assert gini(np.array([2, 2, 2])) == pytest.approx(0)
    assert gini(np.array([0, 0, 0, 6])) == pytest.approx(3 / 4)
    votes = Votes([Thread(name, 0.0) for name in "abc"])
    for member, thread in (("ann", "a"), ("bob", "a"), ("ann", "b"), ("zoe", "c")):
        votes.add(Vote(member, thread, 1.0))
    assert diversity([np.array([0, 1])], votes) == pytest.approx(1 - 1 / np.sqrt(2))
    assert diversity([np.array([0, 2]), np.array([1])], votes) == pytest.approx(1)


def test_intervals_resample_members_and_not_choices() -> None:
    one_each = Resampled(np.arange(100), seed=0)
    ten_each = Resampled(np.repeat(np.arange(10), 10), seed=0)
    values = np.repeat(np.arange(10) % 2, 10).astype(np.float64)
    narrow, wide = one_each.interval(values), ten_each.interval(values)
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])
    assert narrow[0] < 0.5 < narrow[1]
