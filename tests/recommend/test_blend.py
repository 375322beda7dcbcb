"""The blend: what it learns, when it learns nothing, and that nobody can push it far."""

import numpy as np
import pytest

from bot.recommend.models.blend import Blend, Weights
from bot.recommend.votes import Thread, Vote, Votes
from tests.recommend.communities import DAY_S, HOUR_S, two_tastes


def test_without_a_past_it_is_the_prior() -> None:
    blend = Blend()
    blend.fit(Votes())
    assert blend.weights == blend.prior
    blend.fit(Votes([Thread("t", 0.0)], [Vote("ann", "t", 5.0)]))
    assert blend.weights == blend.prior


def test_what_was_learned_survives_as_json() -> None:
    votes = Votes.of(two_tastes(choices=1000, threads=200))
    blend, again = Blend(), Blend()
    blend.fit(votes)
    again.resume(votes, Weights.model_validate_json(blend.weights.model_dump_json()))
    assert blend.weights != blend.prior
    at = votes.latest + 1
    everything = votes.candidates(0, at)
    assert again.scores(0, everything, at).tolist() == blend.scores(0, everything, at).tolist()


@pytest.mark.parametrize("seed", range(4))
def test_signals_that_decide_nothing_do_not_turn_round(seed: int) -> None:
    """Members choose by age alone; beside each choice threads are drawn uniformly, so age gets all weight."""
    chance = np.random.default_rng(seed)
    threads = [Thread(f"t{number}", number * HOUR_S) for number in range(400)]
    votes = Votes(threads)
    for at in np.sort(chance.uniform(50 * HOUR_S, 400 * HOUR_S, 2500)).tolist():
        ages = (at - np.arange(int(at // HOUR_S)) * HOUR_S) / HOUR_S
        odds = (ages + 2) ** -1.8
        thread = int(chance.choice(len(ages), p=odds / odds.sum()))
        votes.add(Vote(f"m{chance.integers(200)}", f"t{thread}", at))
    blend = Blend()
    blend.fit(votes)
    learned = blend.weights
    assert learned.youth + learned.order > 1.2
    assert abs(learned.reactions) < 1
    assert abs(learned.taste) < 1.5


def test_a_penalty_without_end_keeps_the_prior() -> None:
    blend = Blend(penalty=1e9)
    blend.fit(Votes.of(two_tastes(choices=1000, threads=200)))
    assert blend.weights.array() == pytest.approx(blend.prior.array(), abs=1e-3)


def test_fifty_sock_puppets_cannot_lift_an_old_thread_into_the_lists_of_a_thousand_members() -> None:
    """They touch what everybody touches, to seem alike, and then an old thread of theirs."""
    chance = np.random.default_rng(0)
    now = 60 * DAY_S
    threads = [Thread(f"t{number}", number * 6 * HOUR_S) for number in range(240)]
    votes = Votes([*threads, Thread("bait", 20 * DAY_S)])
    for number in range(1000):
        for thread in chance.choice(240, 8, replace=False).tolist():
            votes.add(Vote(f"m{number}", f"t{thread}", min(now - 1, (thread * 6 + 30) * HOUR_S)))
    for puppet in range(50):
        for thread in range(0, 240, 12):
            votes.add(Vote(f"puppet{puppet}", f"t{thread}", min(now - 1, (thread * 6 + 40) * HOUR_S)))
        votes.add(Vote(f"puppet{puppet}", "bait", now - 2 * DAY_S))
    blend = Blend()
    blend.resume(votes, blend.prior)
    lifted = sum(
        "bait" in {each.thread for each in blend.recommend(f"m{n}", now)} for n in range(0, 1000, 10)
    )
    assert lifted <= 5, f"{lifted} of 100 members would be shown it"
