"""Fifty puppets cannot lift their master's thread into the ten that a thousand members are shown."""

from typing import get_args

import numpy as np
import pytest

from bot.recommend import signals
from bot.recommend.independence import dependent
from bot.recommend.learning import HACKER_NEWS
from bot.recommend.models.blend import Blend, Weights
from bot.recommend.votes import NOBODY, Thread, Vote, Votes
from tests.recommend.brigade import (
    BAIT,
    MASTER,
    MEMBERS,
    NOW,
    PUPPETS,
    Disguise,
    community,
    with_a_taste,
    with_puppets,
)
from tests.recommend.communities import HOUR_S

WHO = ("", *(f"m{number}" for number in range(0, MEMBERS, 100)))
"""Somebody new, for a list for everybody, and members."""


def places(votes: Votes, weights: Weights) -> list[int]:
    """Which place the bait has for each of them, 0 for the first."""
    blend = Blend(taste_half_life_days=90)
    blend.resume(votes, weights)
    ranked = [
        [each.thread for each in blend.recommend(who, NOW, 200)] for who in WHO if not _took_part(votes, who)
    ]
    return [threads.index(BAIT) if BAIT in threads else 200 for threads in ranked]


def _took_part(votes: Votes, who: str) -> bool:
    return votes.has(votes.member(who), votes.thread(BAIT))


BOTH = (Weights(), HACKER_NEWS)


@pytest.mark.parametrize("age_h", [9.0, 20.0, 40.0])
def test_puppets_who_touch_one_persons_threads_lift_none_of_them_into_the_list(age_h: float) -> None:
    votes, beset = community(0, bait_age_h=age_h), with_puppets(community(0, bait_age_h=age_h))
    for weights in BOTH:
        honest, lifted = places(votes, weights), places(beset, weights)
        assert min(honest) >= 10, "without them nobody is shown it"
        assert min(lifted) >= 10
        assert np.mean(honest) - np.mean(lifted) < 5


@pytest.mark.parametrize("age_h", [9.0, 20.0, 40.0])
@pytest.mark.parametrize("others", [1, 2, 4, 6, 10])
@pytest.mark.parametrize("disguise", get_args(Disguise))
def test_puppets_who_came_together_do_not_lift_it_whatever_else_they_touch(
    disguise: Disguise, others: int, age_h: float
) -> None:
    votes = with_puppets(community(0, bait_age_h=age_h), others=others, disguise=disguise)
    for weights in BOTH:
        assert min(places(votes, weights)) >= 10


@pytest.mark.parametrize("others", [1, 2, 4, 6, 10])
def test_puppets_who_do_the_same_do_not_lift_it_whenever_they_came(others: int) -> None:
    votes = with_puppets(community(0, bait_age_h=9.0), others=others, came_days=29)
    for weights in BOTH:
        assert min(places(votes, weights)) >= 10


@pytest.mark.parametrize("disguise", get_args(Disguise))
@pytest.mark.parametrize("seed", [1, 3])
def test_puppets_hardly_move_it_even_where_it_stands_just_below_the_list(
    seed: int, disguise: Disguise
) -> None:
    alone = places(community(seed, bait_age_h=9.0), Weights())
    assert 9 <= min(alone) < 13
    beset = with_puppets(community(seed, bait_age_h=9.0), others=4, disguise=disguise, seed=seed)
    moved = np.array(alone) - np.array(places(beset, Weights()))
    assert moved.max() <= 2
    assert moved.mean() < 1


def test_puppets_who_live_like_members_for_a_month_do_lift_it() -> None:
    """Where it ends; docs/performance.md says so."""
    votes = with_puppets(community(0, bait_age_h=9.0), others=10, disguise="own", came_days=29)
    assert max(places(votes, Weights())) < 10


def test_as_many_members_would_have_lifted_it() -> None:
    votes = community(0)
    for number in range(PUPPETS):
        votes.add(Vote(f"m{number}", BAIT, NOW - 60 * (number + 1)))
    assert max(places(votes, Weights())) < 10


def test_as_many_members_of_one_taste_would_have_lifted_it() -> None:
    assert max(places(with_a_taste(community(0)), Weights())) < 10


def test_puppets_do_not_push_a_thread_out_that_members_lifted() -> None:
    votes = community(0)
    for number in range(PUPPETS):
        votes.add(Vote(f"m{number}", BAIT, NOW - 60 * (number + 1)))
    alone = places(votes, Weights())
    beset = places(with_puppets(votes, others=4), Weights())
    assert np.mean(beset) < np.mean(alone) + 1


def test_a_score_is_the_sum_of_its_parts_where_readers_are_not_independent() -> None:
    votes = with_puppets(community(0, bait_age_h=9.0), others=6)
    blend = Blend(taste_half_life_days=90)
    blend.resume(votes, Weights())
    bait = votes.thread(BAIT)
    shared = [votes.member(f"m{number}") for number in range(MEMBERS)]
    for member in (NOBODY, *shared[::50]):
        told = blend.explain(member, bait, NOW)
        assert sum(part.value for part in told.parts) == pytest.approx(told.score)
        among = votes.candidates(member, NOW)
        if bait in among:
            scores = blend.scores(member, among, NOW)
            assert float(scores[np.flatnonzero(among == bait)[0]]) == pytest.approx(told.score, rel=1e-5)
        for part in told.parts:
            if part.cited:
                assert sum(each.value for each in part.cited) == pytest.approx(part.value)


def test_who_is_independent_rests_on_the_past_alone() -> None:
    at = NOW - 20 * HOUR_S
    votes = with_puppets(community(0, bait_age_h=40.0), others=4, came_days=29)
    members, threads, times = votes.every()
    then = votes.copy()
    ids = {votes.member(name): name for name in (MASTER, *_everybody())}
    for place in np.flatnonzero(times >= at).tolist():
        then.drop(ids[int(members[place])], votes.thread_id(int(threads[place])))
    bait = np.array([votes.thread(BAIT)])
    now_known, then_known = (dependent(known, bait, at, np.array([50.0])) for known in (votes, then))
    assert len(now_known.lost)
    assert now_known.members.tolist() == then_known.members.tolist()
    assert now_known.lost == pytest.approx(then_known.lost)


def _everybody() -> list[str]:
    return [*(f"m{number}" for number in range(MEMBERS)), *(f"puppet{number}" for number in range(PUPPETS))]


def test_a_voice_grows_with_the_people_somebody_met_up_to_what_is_usual() -> None:
    threads = [Thread(f"{author}{n}", 0.0, author) for author in "abcde" for n in range(3)]
    votes = Votes(threads)
    circles = {"one": "aaa", "two": "ab", "three": "abc", "more": "abcd", "all": "abcde"}
    for member, authors in circles.items():
        for n, author in enumerate(authors):
            votes.add(Vote(member, f"{author}{n % 3}", 10.0 + n))
    voices = signals.voices(votes, 100.0)
    heard = [float(voices[votes.member(member)]) for member in circles]
    assert heard == sorted(heard)
    assert heard[0] < 0.01
    assert 0.4 < heard[1] < 0.6
    assert heard[2:] == [1.0, 1.0, 1.0]
    early = signals.voices(votes, 11.5)
    assert early[votes.member("all")] == 1.0, "by then nobody had met more"


def test_where_one_person_opens_every_thread_all_voices_are_whole() -> None:
    votes = Votes([Thread(f"news{n}", 0.0, "editor") for n in range(3)])
    for member in range(5):
        votes.add(Vote(f"m{member}", "news1", 5.0))
    voices = signals.voices(votes, 10.0)
    assert {float(voices[votes.member(f"m{member}")]) for member in range(5)} == {1.0}


def test_what_a_member_knows_of_whom_follows_every_change() -> None:
    """As if what was taken back had never been there, whoever is known or forgotten meanwhile."""
    votes = Votes([Thread("a1", 0.0, "ann"), Thread("a2", 1.0, "ann"), Thread("b1", 2.0, "ben")])
    votes.add(Vote("eve", "a2", 20.0))
    votes.add(Vote("eve", "a1", 10.0))
    votes.add(Vote("eve", "b1", 30.0))
    votes.add(Vote("eve", "x", 40.0))

    def met(at: float = 100.0) -> int:
        return int(votes.met(np.array([votes.member("eve")]), at)[0])

    assert [met(at) for at in (10.0, 10.5, 30.5, 40.5)] == [0, 1, 2, 3]
    votes.drop("eve", "a1")
    assert [met(at) for at in (15.0, 20.5)] == [0, 1]
    votes.drop("eve", "a2")
    assert met() == 2
    votes.open(Thread("x", 40.0, "ben"))
    assert met() == 1, "it was Ben's as well"
    votes.forget("ben")
    assert met() == 2, "nobody knows that any more"
    votes.close("b1")
    assert met() == 1
    votes.forget("eve")
    assert votes.member("eve") == NOBODY
