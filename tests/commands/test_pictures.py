"""`mod picture`: a moderator shows a picture, and the community's rules know it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot.core.errors import Gone
from bot.core.events import Attachment, Author, MessageRef
from bot.moderation.looking import Looking
from bot.moderation.rulebook import read, write
from bot.moderation.rules.images import MOST_KNOWN, Images, Known
from bot.storage.rulebooks import Rulebook
from tests.commands.house import ALICE, CHANNEL, MODERATOR, House
from tests.commands.test_rules import replied
from tests.pictures import copy, file_of, picture

GIFT = Attachment("1", "gift.png", "image/png", 1000, "gift")
AGAIN = Attachment("2", "again.jpg", "image/jpeg", 1000, "again")
BOAT = Attachment("3", "boat.png", "image/png", 1000, "boat")
NOTES = Attachment("4", "notes.txt", "text/plain", 10, "notes")
BROKEN = Attachment("5", "broken.png", "image/png", 10, "broken")


@dataclass
class Shelf:
    """Files by address, and those of messages."""

    content: dict[str, bytes] = field(
        default_factory=lambda: {
            "gift": file_of(picture(7)),
            "again": file_of(copy(picture(7)), "JPEG"),
            "boat": file_of(picture(8)),
            "broken": b"\x89PNG",
        }
    )
    on: dict[str, tuple[Attachment, ...]] = field(default_factory=dict)

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        if ref.id not in self.on:
            raise Gone("no such message")
        return self.on[ref.id]

    async def fetch(self, platform: str, attachment: Attachment, most_bytes: int) -> bytes:
        return self.content[attachment.url]


@pytest.fixture
async def home(house: House) -> House:
    """A community whose rules were set up, with files."""
    shelf = Shelf(on={"7": (NOTES, GIFT), "8": (BOAT,), "9": ()})
    looking = Looking(files=shelf, review=house.services.review, late=house.services.looking._late)
    house.services = replace(house.services, files=shelf, looking=looking)
    await house.store.rulebooks.save(Rulebook(CHANNEL.community_key, rules=write(())), actor="x")
    return house


async def told(
    home: House, text: str, *files: Attachment, target: str | None = None, by: Author = MODERATOR
) -> str:
    """What the answer to a command says."""
    context = replace(home.context(by, target=target), files=files)
    return replied(await home.services.commands.run_line(context, text))


def rules(home: House) -> Sequence[Images]:
    found = read(home.store.rulebooks.of(CHANNEL.community_key).rules)
    return [rule for rule in found if isinstance(rule, Images)]


def known(home: House) -> list[str]:
    return [each.name for rule in rules(home) for each in rule.known]


async def test_a_picture_is_shown_once_and_its_rule_begins_in_shadow(home: House) -> None:
    answer = await told(home, "mod picture add free-nitro", GIFT)
    assert "I recognize `free-nitro` from now on" in answer
    assert "the rule `pictures` only watches" in answer
    (rule,) = rules(home)
    assert (rule.name, rule.action.name) == ("pictures", "QUEUE")
    assert rule.known[0].added == home.clock().date()
    assert "pictures" not in home.store.rulebooks.of(CHANNEL.community_key).enforced
    assert ("rules picture", "version 2 add free-nitro to pictures") in await home.audited()


async def test_a_message_that_is_replied_to_is_enough_and_a_name_is_found(home: House) -> None:
    assert "I recognize `picture-" in await told(home, "mod picture", target="7")
    assert "I recognize `scam` from now on" in await told(home, "mod picture add scam", target="8")


async def test_a_picture_like_a_known_one_is_not_added_again(home: House) -> None:
    await told(home, "mod picture add free-nitro", GIFT)
    version = home.store.rulebooks.of(CHANNEL.community_key).version
    assert "I know it already, as `free-nitro`" in await told(home, "mod picture add other", AGAIN)
    assert home.store.rulebooks.of(CHANNEL.community_key).version == version


async def test_several_pictures_at_once_get_a_name_each(home: House) -> None:
    answer = await told(home, "mod picture add scam", GIFT, BOAT, AGAIN)
    assert "`scam`, `scam-2`" in answer
    assert known(home) == ["scam", "scam-2"]


async def test_a_rule_that_acts_goes_on_acting_with_the_new_picture(home: House) -> None:
    await told(home, "mod picture add scam", GIFT)
    await told(home, "rules mode enforce pictures yes")
    assert "this follows: " in await told(home, "mod picture add boat", BOAT)
    assert "pictures" in home.store.rulebooks.of(CHANNEL.community_key).enforced


async def test_what_is_known_is_listed_and_removed_and_comes_back_with_undo(home: House) -> None:
    assert "I know no pictures yet" in await told(home, "mod picture")
    await told(home, "mod picture add scam", GIFT)
    await told(home, "mod picture add boat", BOAT)
    listed = await told(home, "mod picture list")
    assert "`pictures`" in listed
    assert f"• `scam`, added on {home.clock().date()}" in listed
    assert "Did you mean `scam`?" in await told(home, "mod picture remove scan")
    assert "Which one?" in await told(home, "mod picture remove")
    assert "I know no picture “zebra”. `/mod picture list`" in await told(home, "mod picture remove zebra")
    assert "I have forgotten `scam`" in await told(home, "mod picture remove scam")
    assert known(home) == ["boat"]
    await told(home, "rules undo")
    assert known(home) == ["scam", "boat"]


@pytest.mark.parametrize(
    ("text", "files", "target", "part"),
    [
        ("mod picture add scam", (), None, "Which picture?"),
        ("mod picture add scam", (NOTES,), None, "Which picture?"),
        ("mod picture add scam", (), "9", "Which picture?"),
        ("mod picture add scam", (), "gone", "Which picture?"),
        (
            "mod picture add scam",
            (GIFT, BROKEN),
            None,
            "I cannot use “broken.png”, so nothing changed. It is no",
        ),
        ('mod picture add "no name!"', (GIFT,), None, "is no name for a picture"),
        ("mod picture add a-name-that-is-far-too-long", (GIFT,), None, "is no name for a picture"),
    ],
)
async def test_without_a_picture_or_a_name_nothing_changes(
    home: House, text: str, files: tuple[Attachment, ...], target: str | None, part: str
) -> None:
    assert part in await told(home, text, *files, target=target)
    assert not rules(home)


async def test_a_rule_that_is_full_takes_no_more_and_can_still_be_exported(home: House) -> None:
    full = Images(
        name="pictures",
        known=tuple(
            Known(hash=f"{n:02x}" * 32, name=f"a-picture-like-no{n:03}", added=home.clock().date())
            for n in range(MOST_KNOWN)
        ),
    )
    book = home.store.rulebooks.of(CHANNEL.community_key)
    await home.store.rulebooks.save(replace(book, rules=write((full,))), actor="x")
    assert "at most 200 pictures, so I added nothing" in await told(home, "mod picture add scam", GIFT)
    assert "a-picture-like-no199" in await told(home, "rules export")


async def test_hashes_travel_with_the_rules_and_a_name_that_is_taken_gets_another(home: House) -> None:
    await told(home, "mod picture add scam", GIFT)
    exported = await told(home, "rules export pictures")
    await told(home, "rules remove pictures")
    assert not rules(home)
    assert "New: `pictures`" in await told(home, f"rules import {exported}")
    assert "I know it already, as `scam`" in await told(home, "mod picture add again", AGAIN)
    await told(home, "rules remove pictures")
    await told(home, "rules add words pictures words=fool")
    assert "the rule `pictures-2` only watches" in await told(home, "mod picture add scam", GIFT)


async def test_rules_test_looks_at_the_pictures_of_a_message(home: House) -> None:
    await told(home, "mod picture add scam", GIFT)
    answer = await told(home, "rules test", target="7")
    assert "• `pictures`: " in answer
    assert "a picture like “scam”" in answer
    assert "finds nothing" in await told(home, "rules test", target="8")
    assert "No picture was looked at" in await told(home, "rules test hello")


async def test_it_is_said_that_the_past_is_not_looked_at(home: House) -> None:
    answer = await told(home, "rules add images memes distance=40")
    assert "Pictures of the past are not fetched again, so `memes`" in answer


async def test_members_show_no_pictures(home: House) -> None:
    assert "for moderators" in await told(home, "mod picture add scam", GIFT, by=ALICE)


async def test_names_complete_for_moderators_and_nobody_else(home: House) -> None:
    offered = home.services.commands.find(["mod", "picture"]).offered(home.services)
    complete = next(each.complete for each in offered.parameters if each.name == "name")
    assert complete is not None
    await told(home, "mod picture add scam", GIFT)
    assert await complete("sc", MODERATOR, CHANNEL) == ["scam"]
    assert await complete("sc", ALICE, CHANNEL) == ()


async def test_before_rules_setup_it_says_what_to_do(house: House) -> None:
    assert "`/rules setup`" in await house.told("mod picture list", MODERATOR)
