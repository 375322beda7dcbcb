"""What a touch says, and when a member's touches of a thread amount to a vote."""

import pytest

from bot.recommend.emoji import Weights, plain

HALF = "😂"


@pytest.mark.parametrize(
    ("emoji", "sign"),
    [
        ("👍", "👍"),
        ("👍🏿", "👍"),
        ("❤️", "❤"),
        ("party:123456", "party"),
        ("+1", "+1"),
        ("🏽", "🏽"),
        (":", ":"),
    ],
)
def test_skin_and_numbers_change_nothing(emoji: str, sign: str) -> None:
    assert plain(emoji) == sign


def test_a_vote_is_as_old_as_the_first_touch() -> None:
    assert Weights().cast([("reply", "", 50.0), ("reaction", "👍", 20.0), ("reply", "", 90.0)]) == 20.0


@pytest.mark.parametrize(
    ("emoji", "is_vote"),
    [
        (["👍"], True),
        ([HALF], False),
        ([HALF, "👀"], True),
        ([HALF, HALF], False),
        (["👍", "🤡"], False),
        ([], False),
    ],
)
def test_half_votes_add_up_and_mockery_takes_one_back(emoji: list[str], is_vote: bool) -> None:
    cast = Weights().cast([("reaction", each, 1.0) for each in emoji])
    assert (cast is not None) == is_vote


def test_what_a_community_set_outweighs_the_defaults() -> None:
    own = Weights({"😂": 1.0, "👍": 0.0, "party": 0.5})
    assert (own.of("reaction", "😂"), own.of("reaction", "👍🏽"), own.of("reaction", "party:77")) == (
        1.0,
        0.0,
        0.5,
    )
    assert own.of("reaction", "🎉") == 1.0
    assert own.of("reply", "") == 1.0
