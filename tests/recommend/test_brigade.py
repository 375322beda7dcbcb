"""Fifty puppets cannot lift their master's thread into the ten that a thousand members are shown."""

import numpy as np
import pytest

from bot.recommend import signals
from bot.recommend.learning import HACKER_NEWS
from bot.recommend.models.blend import Blend, Weights
from bot.recommend.votes import NOBODY, Thread, Vote, Votes
from tests.recommend.brigade import BAIT, MEMBERS, NOW, PUPPETS, community, with_puppets

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


@pytest.mark.parametrize("weights", [Weights(), HACKER_NEWS], ids=["shipped", "hn"])
@pytest.mark.parametrize("age_h", [9.0, 20.0, 40.0])
def test_puppets_who_touch_one_persons_threads_lift_none_of_them_into_the_list(
    age_h: float, weights: Weights
) -> None:
    honest = places(community(0, bait_age_h=age_h), weights)
    assert min(honest) >= 10, "without them nobody is shown it"
    lifted = places(with_puppets(community(0, bait_age_h=age_h)), weights)
    assert min(lifted) >= 10
    assert np.mean(honest) - np.mean(lifted) < 5


def test_as_many_members_would_have_lifted_it() -> None:
    votes = community(0)
    for number in range(PUPPETS):
        votes.add(Vote(f"m{number}", BAIT, NOW - 60 * (number + 1)))
    assert max(places(votes, Weights())) < 10


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
