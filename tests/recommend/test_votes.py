"""The memory that recommenders read: right at any moment of the past, nothing left of what was taken out."""

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.recommend.interactions import Interactions
from bot.recommend.rows import Rows
from bot.recommend.votes import NOBODY, Thread, Vote, Votes

STEPS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 50), st.booleans()), max_size=300)


@given(STEPS, st.integers(-1, 60), st.integers(-1, 60))
def test_rows_hold_what_sorted_lists_would(
    steps: list[tuple[int, int, bool]], since: int, before: int
) -> None:
    rows, lists = Rows(), dict[int, list[tuple[float, int]]]()
    for row, other, takes in steps:
        here, time = lists.setdefault(row, []), float(other * 7 % 51)
        if takes and (time, other) in here:
            rows.remove(row, other)
            here.remove((time, other))
        elif (time, other) not in here:
            rows.add(row, other, time)
            here.append((time, other))
    asked, weights = np.array([20, 0, 7, 7, 33]), np.arange(51.0)
    for low, high in ((-np.inf, np.inf), (-np.inf, before), (since, before)):
        expected = [sorted(e for e in lists.get(row, []) if low <= e[0] < high) for row in asked.tolist()]
        gathered = rows.gather(asked, high, low)
        assert gathered.others.tolist() == [other for here in expected for _time, other in here]
        assert gathered.times.tolist() == [time for here in expected for time, _other in here]
        assert gathered.lengths.tolist() == [len(here) for here in expected]
        assert gathered.sums(gathered.times).tolist() == [sum(time for time, _o in here) for here in expected]
    for high in (np.inf, before):
        every = np.random.default_rng(0).permutation(21)
        sums = [sum(o for time, o in lists.get(row, []) if time < high) for row in every.tolist()]
        assert rows.sums(every, weights, high).tolist() == sums
        assert rows.sums(every[:2], weights, high).tolist() == sums[:2]


def test_rows_stay_small_while_lists_grow_and_shrink() -> None:
    rows = Rows()
    for turn in range(50):
        for other in range(200):
            rows.add(other % 7, 1000 * turn + other, 0.0)
        for row in range(7):
            rows.clear(row)
    assert len(rows.of(3)[0]) == 0
    assert rows.room < 20_000


def test_the_first_touch_counts_whenever_it_is_told() -> None:
    votes = Votes(
        [Thread("t", 0.0)], [Vote("ann", "t", 50.0), Vote("ann", "t", 20.0), Vote("ann", "t", 90.0)]
    )
    ann, t = votes.member("ann"), np.array([votes.thread("t")])
    assert votes.touched(t, 20.0).tolist() == [0]
    assert votes.touched(t, 21.0).tolist() == votes.touched(t, 1000.0).tolist() == [1]
    assert votes.history(ann, 21.0).tolist() == t.tolist()


def test_an_opening_is_a_touch_but_no_reaction() -> None:
    votes = Votes([Thread("known", 10.0, "ann"), Thread("unknown", 10.0)])
    for thread in ("known", "unknown"):
        votes.add(Vote("ann", thread, 10.0))
        votes.add(Vote("bob", thread, 20.0))
    both = np.array([votes.thread("known"), votes.thread("unknown")])
    assert votes.touched(both, 30.0).tolist() == [2, 2]
    assert votes.followers(both, 30.0).tolist() == [1, 1]
    assert votes.followers(both, 15.0).tolist() == [0, 0]
    votes.drop("ann", "unknown")
    assert votes.followers(both, 30.0).tolist() == [1, 1]
    assert votes.touched(both, 30.0).tolist() == [2, 1]


def test_candidates_are_what_was_there_and_neither_touched_nor_written() -> None:
    votes = Votes(
        [Thread("own", 0.0, "ann"), Thread("touched", 0.0), Thread("left", 0.0), Thread("later", 9.0)]
    )
    votes.add(Vote("ann", "touched", 5.0))
    ann = votes.member("ann")
    assert [votes.thread_id(each) for each in votes.candidates(ann, 8.0)] == ["left"]
    assert [votes.thread_id(each) for each in votes.candidates(ann, 5.0)] == ["touched", "left"]
    assert len(votes.candidates(NOBODY, 10.0)) == 4
    assert votes.newer(np.array([0.0, -1.0, 9.0]), 9.5).tolist() == [1, 4, 0]
    votes.close("left")
    assert votes.candidates(ann, 8.0).tolist() == []


def test_a_number_is_never_given_twice() -> None:
    votes = Votes([Thread("t", 0.0)], [Vote("ann", "t", 1.0)])
    ann = votes.member("ann")
    votes.forget("ann")
    assert votes.member("ann") == NOBODY
    votes.add(Vote("bob", "t", 2.0))
    assert votes.member("bob") != ann
    assert votes.history(ann, 10.0).tolist() == []


def test_what_is_not_there_can_be_taken_out() -> None:
    votes = Votes([Thread("t", 0.0)])
    votes.drop("ann", "t")
    votes.drop("ann", "nothing")
    votes.forget("ann")
    votes.close("nothing")
    assert votes.candidates(NOBODY, 1.0).tolist() == [0]


def test_columns_fill_it_as_single_votes_do() -> None:
    chance = np.random.default_rng(3)
    times = np.sort(chance.integers(0, 300, 400)).astype(np.float64)
    rows = Interactions(
        tuple(f"m{n}" for n in range(12)),
        tuple(f"t{n}" for n in range(30)),
        chance.integers(0, 12, 400),
        chance.integers(0, 30, 400),
        times,
        np.linspace(0, 200, 30),
        np.where(np.arange(30) % 2, np.arange(30) % 12, NOBODY),
    )
    filled = Votes.of(rows, until=150.0)
    told = Votes(
        Thread(f"t{n}", float(rows.born[n]), f"m{rows.authors[n]}" if rows.authors[n] >= 0 else None)
        for n in range(30)
    )
    for member, thread, at in zip(rows.members, rows.threads, times, strict=True):
        if at < 150:
            told.add(Vote(f"m{member}", f"t{thread}", float(at)))
    for at in (40.0, 100.0, 1000.0):
        assert list(facts(filled, at)) == list(facts(told, at))


def facts(votes: Votes, at: float) -> Iterator[object]:
    """Everything that is known before a moment, by id."""
    for name in sorted(f"t{n}" for n in range(30)):
        thread = np.array([votes.thread(name)])
        yield name, int(votes.touched(thread, at)[0]), int(votes.followers(thread, at)[0])
    for name in sorted(f"m{n}" for n in range(12)):
        member = votes.member(name)
        if member != NOBODY:
            yield name, sorted(votes.thread_id(each) for each in votes.history(member, at).tolist())


class AgainstAList(RuleBasedStateMachine):
    """Votes beside a plain list of what still counts."""

    def __init__(self) -> None:
        super().__init__()
        self.votes, self.told = Votes(), list[Vote]()

    @rule(member=st.integers(0, 5), thread=st.integers(0, 5), at=st.integers(0, 50))
    def adds(self, member: int, thread: int, at: int) -> None:
        self.votes.open(Thread(f"t{thread}", -1.0))
        self.told.append(Vote(f"m{member}", f"t{thread}", float(at)))
        self.votes.add(self.told[-1])

    @rule(member=st.integers(0, 5), thread=st.integers(0, 5))
    def drops(self, member: int, thread: int) -> None:
        self.votes.drop(f"m{member}", f"t{thread}")
        self.told = [v for v in self.told if (v.member, v.thread) != (f"m{member}", f"t{thread}")]

    @rule(member=st.integers(0, 5))
    def forgets(self, member: int) -> None:
        self.votes.forget(f"m{member}")
        self.told = [v for v in self.told if v.member != f"m{member}"]

    @rule(thread=st.integers(0, 5))
    def closes(self, thread: int) -> None:
        self.votes.close(f"t{thread}")
        self.told = [v for v in self.told if v.thread != f"t{thread}"]

    @invariant()
    def agrees(self) -> None:
        first = dict[tuple[str, str], float]()
        for vote in self.told:
            pair = vote.member, vote.thread
            first[pair] = min(first.get(pair, np.inf), vote.at)
        times = self.votes.every()[2]
        assert times.tolist() == sorted(first.values())
        for (member, thread), at in first.items():
            number = self.votes.thread(thread)
            assert number in self.votes.history(self.votes.member(member), at + 1)
            assert number not in self.votes.history(self.votes.member(member), at)


TestVotesAgainstAList = AgainstAList.TestCase
