"""`digest weights`: moderators say what a reaction is worth, and recommendations follow."""

import pytest

from bot.commands.command import Commands
from bot.recommend.emoji import Weights, own_weights
from tests.commands.house import ALICE, BOB, CHANNEL, MODERATOR, House
from tests.commands.test_recommend import opened


async def test_without_an_emoji_it_shows_what_holds(house: House) -> None:
    text = await house.told("digest weights", MODERATOR)
    assert "🤡" in text.splitlines()[-1]
    assert "takes a vote back" in text
    assert "is half a vote" in text


@pytest.mark.parametrize(
    ("line", "sign", "weight", "told"),
    [
        ("digest weights 😂 none", "😂", 0.0, "😂 counts nothing"),
        ("digest weights 👍🏽 half", "👍", 0.5, "👍 is half a vote"),
        ("digest weights <:duck:1234567890> against", "duck", -1.0, "duck takes a vote back"),
        ("digest weights :duck: full", "duck", 1.0, "duck is a vote"),
    ],
)
async def test_an_emoji_gets_another_weight(
    house: House, line: str, sign: str, weight: float, told: str
) -> None:
    assert await house.told(line, MODERATOR) == told
    own = own_weights(house.store.policies, CHANNEL.community_key)
    assert own == {sign: weight}
    assert Weights(own).of("reaction", sign) == weight
    assert ("digest weights", f"{sign} {line.split()[-1]}") in await house.audited()


async def test_default_takes_it_back(house: House) -> None:
    await house.told("digest weights 🤡 full", MODERATOR)
    assert await house.told("digest weights 🤡", MODERATOR) == "🤡 is a vote"
    assert await house.told("digest weights 🤡 default", MODERATOR) == "🤡 takes a vote back"
    assert own_weights(house.store.policies, CHANNEL.community_key) == {}


async def test_recommendations_follow_at_once(house: House) -> None:
    await opened(house, "1", "Bees", BOB)
    assert "1 person reacted" in await house.told("recommend")
    await house.told("digest weights 👍 none", MODERATOR)
    assert "reacted" not in await house.told("recommend")
    await house.told("digest weights 👍 default", MODERATOR)
    assert "1 person reacted" in await house.told("recommend")


async def test_members_and_nonsense_change_nothing(house: House) -> None:
    assert "is for moderators" in await house.told("digest weights 👍 none", ALICE)
    assert "no emoji" in await house.told(f"digest weights {'x' * 40} none", MODERATOR)
    assert "full" in await house.told("digest weights 👍 twice", MODERATOR)
    assert own_weights(house.store.policies, CHANNEL.community_key) == {}


def test_it_is_called_as_its_examples_say() -> None:
    assert Commands.discover().find(("digest", "weights")).spec.path == ("digest", "weights")
