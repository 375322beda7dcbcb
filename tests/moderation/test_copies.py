"""Texts said again, nearly: raids are found by their fifth message, and ordinary talk is no raid."""

import random
import string

import pytest

from bot.moderation.copies import Copies, Group
from bot.moderation.kinds import kinds
from bot.moderation.normalize import normalize
from bot.moderation.past import Past
from bot.moderation.rule import Rule
from bot.moderation.ruleset import Ruleset
from bot.sample.community import load
from tests.messages import EPOCH, message
from tests.moderation.crowd import CHANNELS, Crowd

OFFERS = (
    "Free nitro for the first hundred people, claim it at my page now",
    "I made 3000 dollars last week, write me to learn how it works",
    "Everybody leave this server and join the real one, the owner is a thief",
    "限时福利：加我微信领取一千元红包，名额有限，先到先得，快来联系我吧，错过就没有了，赶快行动起来",
    "Airdrop is live! Connect your wallet on the site and get two hundred tokens for free, tonight only.",
)


def edited(text: str, chance: random.Random, times: int = 3) -> str:
    """A text with small random changes: a sign exchanged, put in, left out, or two neighbors swapped."""
    signs = list(text)
    for _time in range(times):
        at = chance.randrange(len(signs) - 1)
        match chance.randrange(4):
            case 0:
                signs[at] = chance.choice(string.ascii_letters + string.digits)
            case 1:
                signs.insert(at, chance.choice(string.ascii_letters + " .!"))
            case 2:
                del signs[at]
            case _:
                signs[at], signs[at + 1] = signs[at + 1], signs[at]
    return "".join(signs)


def duplicates(**settings: object) -> Rule:
    return kinds()["duplicates"].model_validate({"name": "copies", **settings})


@pytest.mark.parametrize("offer", OFFERS)
def test_a_raid_of_fifty_accounts_with_one_edited_text_is_caught_by_its_fifth_message(offer: str) -> None:
    chance = random.Random(11)
    caught = 0
    for _raid in range(20):
        crowd = Crowd(duplicates())
        found = [crowd.says(edited(offer, chance), f"raider{n}", n % CHANNELS) for n in range(50)]
        caught += any(found[:5])
        assert sum(found) >= 40
    assert caught >= 19


def test_ten_thousand_ordinary_messages_are_no_raid() -> None:
    chance = random.Random(5)
    crowd = Crowd(duplicates())
    texts = ordinary(chance, 10_000)
    assert sum(crowd.says(text, f"m{n % 300}", n % CHANNELS) for n, text in enumerate(texts)) == 0


def ordinary(chance: random.Random, count: int) -> list[str]:
    """What the sample community said, its sentences mixed so that they differ, in English and Chinese."""
    said = [each.text for each in load().messages.values()]
    pieces = [
        piece.strip() for text in said for piece in text.replace("。", ". ").split(". ") if len(piece) > 8
    ]
    greetings = ["good morning", "thanks!", "lol", "happy birthday Anna!", "谢谢", "same here", "+1"]
    texts = []
    for _n in range(count):
        if chance.random() < 0.2:
            texts.append(chance.choice(greetings))
        else:
            texts.append(". ".join(chance.sample(pieces, chance.randint(1, 3))))
    return texts


def test_one_member_in_three_channels_is_a_pest_and_edits_are_none() -> None:
    crowd = Crowd(duplicates())
    assert [crowd.says(OFFERS[0], "pest", n) for n in range(3)] == [False, False, True]
    calm = Crowd(duplicates())
    calm.says(OFFERS[0], "anna", 0)
    assert not any(calm.says(OFFERS[0], "anna", 0, is_edit=True) for _n in range(20))


def test_a_text_is_forgotten_with_its_author_and_with_time() -> None:
    copies = Copies(600.0)
    for n in range(3):
        copies.add(OFFERS[0], ("memory", f"m{n}"), "c", float(n))
    copies.forget(("memory", "m1"))
    group = copies.add(OFFERS[0], ("memory", "m9"), "c", 9.0)
    assert [said.author[1] for said in group.said] == ["m0", "m2", "m9"]
    for n in (0, 2, 9):
        copies.forget(("memory", f"m{n}"))
    assert (len(copies), copies.pieces) == (0, 0)
    crowd = Crowd(duplicates(seconds=60))
    assert not any(crowd.says(OFFERS[0], f"m{n}", 0, after_s=40) for n in range(20))


def test_a_chain_of_neighbors_is_no_group() -> None:
    copies = Copies(600.0)
    text = "the quick brown fox jumps over the lazy dog again"
    groups: list[Group] = []
    for n in range(12):
        text = text[: 4 * n] + "xyzw" + text[4 * n + 4 :]
        groups.append(copies.add(normalize(text).plain, ("memory", f"m{n}"), "c", float(n)))
    assert groups[0] is not groups[-1]


def test_the_same_message_is_counted_once_however_many_rules_ask() -> None:
    rules = Ruleset((duplicates(), duplicates(name="others")))
    past = Past(now=lambda: EPOCH)
    seen = rules.examine(message(OFFERS[0]))
    for rule in rules.concerned(seen):
        rule.check(seen, past)
    assert len(past.copies_of(seen).said) == 1


def test_who_said_a_text_is_not_known_for_longer_than_it_counts() -> None:
    copies = Copies(kept_s=60.0)
    for at_s, who in ((0.0, "ann"), (30.0, "ben"), (61.0, "ben")):
        group = copies.add(OFFERS[0], ("memory", who), "c", at_s)
    assert [(said.author[1], said.at_s) for said in group.said] == [("ben", 30.0), ("ben", 61.0)]
    copies.forget(("memory", "ben"))
    assert len(copies) == 0
