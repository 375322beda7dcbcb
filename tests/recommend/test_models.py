"""Each model computes what its source says, worked out in the plainest way."""

import numpy as np
import pytest

from bot.recommend.models.ease import Ease
from bot.recommend.models.hn import HackerNews
from bot.recommend.models.item_knn import ItemKnn
from bot.recommend.models.recent_popularity import RecentPopularity
from bot.recommend.models.user_knn import UserKnn
from bot.recommend.rows import Floats
from bot.recommend.votes import Thread, Vote, Votes
from tests.recommend.communities import DAY_S, HOUR_S, two_tastes


@pytest.fixture(scope="module")
def votes() -> Votes:
    return Votes.of(two_tastes(members=30, threads=80, choices=400))


def touches(votes: Votes) -> Floats:
    """Dense (members, threads), 1 where touched."""
    members, threads, _times = votes.every()
    dense = np.zeros((votes.member_count, votes.thread_count))
    dense[members, threads] = 1
    return dense


def test_item_knn_sums_similarities_of_threads(votes: Votes) -> None:
    model = ItemKnn(shrinkage=3, calm=5)
    model.fit(votes)
    dense, at = touches(votes), votes.latest + 1
    voices = 1 / np.sqrt(dense.sum(axis=1) + 5)
    for member in range(votes.member_count):
        candidates = votes.candidates(member, at)
        own = np.flatnonzero(dense[member])
        alike = np.array(
            [
                sum((dense[:, i] * dense[:, j] * voices).sum() for j in own) / (dense[:, i].sum() + 3)
                for i in candidates
            ]
        )
        np.testing.assert_allclose(
            model.scores(member, candidates, at), alike / np.sqrt(len(own) + 1), rtol=1e-5, atol=1e-9
        )


def test_ease_has_the_papers_closed_form(votes: Votes) -> None:
    model = Ease(ridge=20)
    model.fit(votes)
    dense, at = touches(votes), votes.latest + 1
    inverse = np.linalg.inv(dense.T @ dense + 20 * np.eye(dense.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    candidates = votes.candidates(7, at)
    expected = dense[7] @ weights[:, candidates]
    np.testing.assert_allclose(model.scores(7, candidates, at), expected, rtol=1e-3, atol=1e-6)


def test_ease_takes_in_the_threads_touched_last(votes: Votes) -> None:
    model = Ease(most_threads=10)
    model.fit(votes)
    at = votes.latest + 1
    _members, threads, _times = votes.every()
    last = list(dict.fromkeys(threads[::-1].tolist()))[:10]
    scored = {
        int(thread)
        for member in range(votes.member_count)
        for thread in np.flatnonzero(model.scores(member, np.arange(votes.thread_count), at))
    }
    assert scored == set(last)


def test_user_knn_sums_cosines_of_the_nearest(votes: Votes) -> None:
    model = UserKnn(neighbours=5)
    model.fit(votes)
    dense, at = touches(votes), votes.latest + 1
    normed = dense / np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-12)
    for member in range(votes.member_count):
        cosines = normed @ normed[member]
        cosines[member] = 0
        bound = np.sort(cosines)[-5]
        if np.isclose(cosines, bound).sum() == 1 and bound > 0:  # who is fifth is decided by no tie
            near = cosines * (cosines >= bound - 1e-9)
            candidates = votes.candidates(member, at)
            np.testing.assert_allclose(
                model.scores(member, candidates, at), near @ dense[:, candidates], rtol=1e-4, atol=1e-6
            )


def test_hacker_news_orders_as_its_formula_does() -> None:
    chance = np.random.default_rng(0)
    threads = [
        Thread(f"t{number}", float(at), "op") for number, at in enumerate(chance.uniform(0, 9 * DAY_S, 40))
    ]
    votes = Votes(threads)
    points = chance.integers(0, 12, 40)
    for number, count in enumerate(points.tolist()):
        votes.add(Vote("op", f"t{number}", threads[number].born))
        for member in range(count):
            votes.add(Vote(f"m{member}", f"t{number}", threads[number].born + 60))
    model, at = HackerNews(), 10 * DAY_S
    model.fit(votes)
    ages = np.array([(at - thread.born) / HOUR_S for thread in threads])
    formula = (1 + points) / (ages + 2) ** 1.8
    assert np.argsort(model.scores(0, np.arange(40), at)).tolist() == np.argsort(formula).tolist()


def test_popularity_halves_with_every_half_life() -> None:
    votes = Votes([Thread("t", 0.0)], [Vote("ann", "t", 0.0), Vote("bob", "t", 2 * DAY_S)])
    model = RecentPopularity(half_life_days=2)
    model.fit(votes)
    only = np.array([0])
    assert model.scores(0, only, 4 * DAY_S)[0] == pytest.approx(0.25 + 0.5)
    assert model.scores(0, only, 6 * DAY_S)[0] == pytest.approx(0.125 + 0.25)
    assert model.scores(0, only, 80 * DAY_S)[0] == 0
