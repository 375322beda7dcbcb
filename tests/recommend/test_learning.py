"""A community's own weights take over when they prove better, and never otherwise."""

import numpy as np

from bot.recommend.learning import HACKER_NEWS, LEAST_CHOICES, learned
from bot.recommend.models.blend import Blend, Weights
from bot.recommend.models.hn import HackerNews
from bot.recommend.votes import Thread, Vote, Votes
from tests.recommend.communities import columns, two_tastes


def used(votes: Votes, weights: Weights) -> Blend:
    """A blend in use with some weights."""
    model = Blend()
    model.resume(votes, weights)
    return model


def test_a_community_that_follows_its_taste_is_learned() -> None:
    votes = Votes.of(two_tastes())
    kept = Weights(youth=1.8, order=0.0, reactions=1.0, recent=0.0, taste=0.0)
    found = learned(used(votes, kept), votes)
    assert found.is_new
    assert found.choices >= LEAST_CHOICES
    assert found.gain is not None
    assert found.before is not None
    assert found.gain > found.before + 0.05
    assert found.weights.taste > 1


def test_weights_that_are_as_good_stay() -> None:
    votes = Votes.of(two_tastes())
    best = learned(used(votes, Weights()), votes).weights
    again = learned(used(votes, best), votes)
    assert again.gain is not None
    assert again.before is not None
    assert again.gain >= again.before
    assert again.is_new == (again.gain > again.before)


def test_with_few_choices_nothing_is_learned() -> None:
    votes = Votes.of(two_tastes(choices=60))
    model = used(votes, Weights(youth=3.0))
    found = learned(model, votes)
    assert (found.weights, found.is_new, found.gain) == (Weights(youth=3.0), False, None)


def test_weights_that_prefer_the_oldest_give_way_where_members_choose_the_newest() -> None:
    """Members choose the newest thread, and the weights in use prefer the oldest."""
    rng = np.random.default_rng(0)
    born = np.arange(400, dtype=np.float64) * 3600
    rows = [
        (int(rng.integers(40)), thread, float(born[thread] + 60 + 30 * n))
        for thread in range(40, 400)
        for n in range(3)
    ]
    votes = Votes.of(columns(sorted(set(rows), key=lambda row: row[2]), born))
    found = learned(used(votes, Weights(youth=-5.0)), votes)
    assert found.is_new
    assert found.gain is not None
    assert found.before is not None
    assert found.gain > found.before


def test_hacker_news_as_weights_orders_as_the_model_does_where_all_voices_count_alike() -> None:
    votes = Votes(Thread(f"t{thread}", thread * 3600.0) for thread in range(200))
    for member in range(40):
        for n in range(10):
            votes.add(Vote(f"m{member}", f"t{(member * 37 + n * n) % 200}", 200 * 3600.0 + member + 50 * n))
    hn, at = HackerNews(), votes.latest + 1
    hn.fit(votes)
    candidates = votes.candidates(0, at)
    ours = used(votes, HACKER_NEWS).scores(0, candidates, at)
    theirs = hn.scores(0, candidates, at)
    assert np.allclose(ours - ours.mean(), theirs - theirs.mean(), atol=1e-3)


def test_a_copy_of_votes_stays_as_it_is() -> None:
    votes = Votes.of(two_tastes())
    copied, before = votes.copy(), votes.every()
    votes.forget("m0")
    votes.close("t100")
    assert all((ours == theirs).all() for ours, theirs in zip(copied.every(), before, strict=True))
    assert len(votes.every()[0]) < len(before[0])
    copied.forget("m1")
    assert votes.member("m1") != -1
