"""What everybody relies on, of every recommender found."""

import json
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.errors import ConfigError
from bot.recommend.explain import reasons
from bot.recommend.recommender import Recommender, recommender, recommenders
from bot.recommend.rows import Ints
from bot.recommend.votes import NOBODY, Thread, Vote, Votes
from tests.recommend.communities import DAY_S, checkerboard

NAMES = sorted(recommenders())
LIVE = [name for name in NAMES if recommenders()[name].live]
READERS = [name for name in NAMES if recommenders()[name].personal and name != "blend_without_cf"]
"""Those that look at what a member touched."""

PLACES = st.tuples(st.integers(0, 7), st.integers(0, 11), st.integers(1, 400))
HISTORIES = st.lists(PLACES, max_size=40)

HALF = settings(deadline=None, max_examples=settings().max_examples // 2)
"""Every example is tried on eight recommenders, so half as many do."""


def vote(place: tuple[int, int, int]) -> Vote:
    member, thread, hours = place
    return Vote(f"m{member}", f"t{thread}", hours * 3_600.0)


THREADS = [
    Thread(f"t{number}", number * 7_200.0, f"m{number % 5}" if number % 3 else None) for number in range(12)
]
LATER = 500 * 3_600.0


def fitted(name: str, votes: Votes) -> Recommender:
    made = recommender(name)
    made.fit(votes)
    return made


def everything(votes: Votes) -> Ints:
    return np.arange(votes.thread_count)


def asked(
    model: Recommender, votes: Votes, at: float
) -> Iterator[np.ndarray[tuple[int], np.dtype[np.float32]]]:
    """Scores of all threads for everybody, known or not."""
    for member in (*(votes.member(f"m{number}") for number in range(8)), NOBODY):
        yield model.scores(member, everything(votes), at)


def same(one: Recommender, other: Recommender, mine: Votes, theirs: Votes, at: float) -> None:
    """Both recommend the same, whatever numbers members and threads have."""
    for member in [f"m{number}" for number in range(8)]:
        ids = [thread.id for thread in THREADS if mine.thread(thread.id) != NOBODY]
        left = one.scores(mine.member(member), np.array([mine.thread(each) for each in ids]), at)
        right = other.scores(theirs.member(member), np.array([theirs.thread(each) for each in ids]), at)
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_hyperparameters_are_frozen_and_survive_json(name: str) -> None:
    made = recommender(name)
    assert recommender(name, **json.loads(made.model_dump_json())).model_dump() == made.model_dump()
    with pytest.raises(ValueError, match="frozen"):
        made.seed = 3  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="xyzzy"):
        recommender(name, xyzzy=1)


def test_a_name_that_nobody_knows_is_explained() -> None:
    with pytest.raises(ConfigError, match="There are: blend, "):
        recommender("oracle")


@pytest.mark.parametrize("name", READERS)
def test_on_a_checkerboard_everybody_gets_the_thread_of_their_color(name: str) -> None:
    votes = checkerboard()
    model = fitted(name, votes)
    for number in range(10):
        first = model.recommend(f"m{number}", 30 * DAY_S)[0]
        assert first.thread == f"t{number}"


@pytest.mark.parametrize("name", NAMES)
def test_new_members_and_new_threads_work_from_their_first_second(name: str) -> None:
    votes = checkerboard()
    model = fitted(name, votes)
    votes.open(Thread("fresh", 30 * DAY_S, "m1"))
    at = 30 * DAY_S + 1
    assert len(model.recommend("nobody knows me", at, most=20)) == 11
    assert "fresh" in {each.thread for each in model.recommend("m2", at, most=20)}
    assert "fresh" not in {each.thread for each in model.recommend("m1", at, most=20)}, "their own"
    votes.add(Vote("newcomer", "fresh", at))
    assert len(model.recommend("newcomer", at + 1, most=20)) == 10
    model.fit(votes)
    assert len(model.recommend("newcomer", at + 1, most=20)) == 10


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_choose_from_is_no_accident(name: str) -> None:
    votes = checkerboard()
    nothing = np.zeros(0, np.int64)
    assert fitted(name, votes).scores(0, nothing, DAY_S).shape == (0,)
    assert fitted(name, Votes()).recommend("anybody", DAY_S) == []
    assert fitted(name, Votes()).scores(NOBODY, nothing, DAY_S).dtype == np.float32


@pytest.mark.parametrize("name", NAMES)
@HALF
@given(history=HISTORIES)
def test_the_same_votes_give_the_same_scores_finite_and_in_single_precision(
    name: str, history: Sequence[tuple[int, int, int]]
) -> None:
    votes = Votes(THREADS, map(vote, history))
    one, other = fitted(name, votes), fitted(name, Votes(THREADS, map(vote, history)))
    for left, right in zip(asked(one, votes, LATER), asked(other, votes, LATER), strict=True):
        np.testing.assert_array_equal(left, right)
        assert left.dtype == np.float32
        assert np.isfinite(left).all()


@pytest.mark.parametrize("name", NAMES)
@HALF
@given(history=HISTORIES, future=HISTORIES, now=st.integers(0, 400))
def test_what_happens_later_changes_nothing_about_a_moment(
    name: str, history: Sequence[tuple[int, int, int]], future: Sequence[tuple[int, int, int]], now: int
) -> None:
    at = now * 3_600.0
    past = [place for place in history if place[2] < now]
    votes = Votes(THREADS, map(vote, past))
    for number in range(8):
        votes.add(Vote(f"m{number}", "t0", -1.0))  # everybody has a number
    model = fitted(name, votes)
    before = list(asked(model, votes, at))
    for member, thread, hours in future:
        votes.add(vote((member, thread, now + hours)))
    votes.add(Vote("somebody new", "t3", at))
    for left, right in zip(before, asked(model, votes, at), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("name", LIVE)
@HALF
@given(history=HISTORIES, folded=HISTORIES)
def test_a_vote_folded_in_counts_as_if_it_had_been_fitted(
    name: str, history: Sequence[tuple[int, int, int]], folded: Sequence[tuple[int, int, int]]
) -> None:
    votes = Votes(THREADS, map(vote, history))
    model = fitted(name, votes)
    for place in folded:
        votes.add(vote(place))
    whole = Votes(THREADS, map(vote, [*history, *folded]))
    same(model, unlearned(name, whole, model), votes, whole, LATER)
    same(model, unlearned(name, whole, model), votes, whole, 200 * 3_600.0)


@pytest.mark.parametrize("name", LIVE)
@HALF
@given(history=HISTORIES, dropped=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 11)), max_size=10))
def test_a_vote_taken_back_was_never_there(
    name: str, history: Sequence[tuple[int, int, int]], dropped: Sequence[tuple[int, int]]
) -> None:
    votes = Votes(THREADS, map(vote, history))
    model = fitted(name, votes)
    for member, thread in dropped:
        votes.drop(f"m{member}", f"t{thread}")
    left = Votes(THREADS, [vote(place) for place in history if place[:2] not in dropped])
    same(model, unlearned(name, left, model), votes, left, LATER)


@pytest.mark.parametrize("name", LIVE)
@HALF
@given(history=HISTORIES, gone=st.integers(0, 7))
def test_a_member_who_opts_out_and_a_deleted_thread_were_never_there(
    name: str, history: Sequence[tuple[int, int, int]], gone: int
) -> None:
    votes = Votes(THREADS, map(vote, history))
    model = fitted(name, votes)
    votes.forget(f"m{gone}")
    votes.close(f"t{gone}")
    threads = [
        Thread(each.id, each.born, None if each.author == f"m{gone}" else each.author)
        for each in THREADS
        if each.id != f"t{gone}"
    ]
    left = Votes(threads, [vote(place) for place in history if gone not in place[:2]])
    same(model, unlearned(name, left, model), votes, left, LATER)
    assert votes.member(f"m{gone}") == votes.thread(f"t{gone}") == NOBODY


def unlearned(name: str, votes: Votes, like: Recommender) -> Recommender:
    """Another one with these votes, and the weights of the first where weights are learned."""
    from bot.recommend.models.blend import Blend

    made = recommender(name)
    if isinstance(made, Blend) and isinstance(like, Blend):
        made.resume(votes, like.weights)
    else:
        made.fit(votes)
    return made


@pytest.mark.parametrize("name", NAMES)
@HALF
@given(history=HISTORIES, now=st.integers(1, 500))
@example(history=[(0, 0, 1), (0, 1, 2), (1, 1, 1)], now=2)  # alike only by a vote after `now`
def test_contributions_add_up_to_the_score_and_cited_threads_to_their_part(
    name: str, history: Sequence[tuple[int, int, int]], now: int
) -> None:
    votes, at = Votes(THREADS, map(vote, history)), now * 3_600.0
    model = fitted(name, votes)
    for member in (votes.member("m1"), NOBODY):
        for thread in votes.candidates(member, at).tolist():
            told = model.explain(member, thread, at)
            score = model.scores(member, np.array([thread]), at)[0]
            assert told.score == pytest.approx(score, rel=1e-4, abs=1e-5)
            assert told.base + sum(part.value for part in told.parts) == pytest.approx(told.score, abs=1e-6)
            for part in told.parts:
                if part.cited:
                    assert sum(each.value for each in part.cited) == pytest.approx(part.value, abs=1e-6)
                    assert {each.thread for each in part.cited} <= set(votes.history(member, at).tolist())


@pytest.mark.parametrize("name", NAMES)
def test_reasons_are_the_largest_contributions_in_order(name: str) -> None:
    votes = checkerboard()
    model = fitted(name, votes)
    at = DAY_S * 4
    told = reasons(votes, 4, model.explain(4, 4, at), at)
    assert told
    assert sum(reason.share for reason in told) == pytest.approx(1)
    assert [reason.share for reason in told] == sorted((reason.share for reason in told), reverse=True)
    for reason in told:
        match reason.cause:
            case "recency":
                assert reason.age_s == at
            case "reactions":
                assert reason.members == 4
            case "readers":
                assert len(reason.threads) == 3
                assert set(reason.threads) < {"t0", "t2", "t6", "t8"}
