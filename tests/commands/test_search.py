"""`search` finds what was written, and nothing that the caller may not read."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.actions import Reply
from bot.core.errors import PlatformError
from bot.core.events import Author, Channel
from bot.knowledge.document import Document
from bot.knowledge.index import Index
from bot.storage.passages import FILE
from tests.commands.house import ALICE, BOB, CHANNEL, House, Platform
from tests.knowledge.conftest import document
from tests.messages import EPOCH

HOME = CHANNEL.community_key
SECRET = Channel(CHANNEL.platform, CHANNEL.community, "moderators")
HARBOR = document("harbor", "The harbor opens at nine.\nBring a rope.", title="Harbor")
NOTHING = "I found nothing that you may read and that fits."


class Town(Platform):
    """Where ALICE reads one channel and BOB two."""

    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]:
        if self.broken:
            raise PlatformError("the platform is down")
        if community != CHANNEL.community:
            return ()
        return (CHANNEL, SECRET) if author == BOB else (CHANNEL,)


@pytest.fixture
def town(house: House) -> House:
    platform = Town()
    return replace(house, platform=platform, services=replace(house.services, directory=platform))


@pytest.fixture
def index(town: House) -> Index:
    assert town.services.search is not None
    return town.services.search.index


def said(id: str, text: str, channel: Channel = CHANNEL, author: str = "", days: float = 0) -> Document:
    """What somebody wrote in a channel, so many days before the epoch of the tests."""
    made = document(id, text, channel=channel.key, author=author)
    section = replace(made.sections[0], at=EPOCH - timedelta(days=days))
    return replace(made, sections=(section,))


async def test_what_was_found_is_named_linked_and_quoted(town: House, index: Index) -> None:
    await index.add(HOME, [HARBOR, document("tea", "Tea is hot water.", title="Tea")])
    assert await town.told("search when does the harbor open") == (
        "I found 1 place:\n[1] Harbor https://example.org/harbor\n> The harbor opens at nine."
    )
    assert await town.told("search bicycles") == NOTHING


async def test_the_answer_is_for_the_caller_alone(town: House, index: Index) -> None:
    await index.add(HOME, [HARBOR, said("plan", "The harbor is sold in May.", SECRET)])
    (reply,) = await town.do("search harbor")
    assert isinstance(reply, Reply)
    assert (reply.private, reply.personal) == (True, False)
    (reply,) = await town.do("search harbor", BOB)
    assert isinstance(reply, Reply)
    assert "sold in May" in reply.text
    assert reply.personal, "others here may not read all of it"


async def test_nothing_is_found_that_the_caller_may_not_read(town: House, index: Index) -> None:
    await index.add(HOME, [said("plan", "The harbor is sold in May.", SECRET)])
    await index.add("memory/elsewhere", [document("other", "Another harbor is sold in June.")])
    for line in ("search harbor", "search sold", "search after:2000-01-01", "search has:link after:9999d"):
        assert await town.told(line) == NOTHING
    assert "you and I can read" in await town.told("search in:moderators harbor")
    assert "May" in await town.told("search in:moderators harbor", BOB)


async def test_a_platform_that_does_not_tell_leaves_documents(town: House, index: Index) -> None:
    await index.add(HOME, [HARBOR, said("talk", "The harbor is nice.")])
    town.platform.broken = True
    assert await town.told("search harbor") == (
        "I found 1 place:\n[1] Harbor https://example.org/harbor\n> The harbor opens at nine."
    )


async def test_filters_narrow_it_down(town: House, index: Index) -> None:
    bob = town.store.seal.pseudonym(BOB.identity)
    await index.add(
        HOME,
        [
            said("old", "Boats: see https://boats.example/list", days=40),
            said("new", "Boats are fun", days=1),
            said("bobs", "Boats sink. https://boats.example/manual.pdf", author=bob, days=5),
            document("file", "Boats float."),
        ],
    )
    marks = {"/old": "see", "/new": "fun", "/bobs": "sink", "/file": "float"}

    async def found(line: str) -> set[str]:
        told = await town.told(f"search {line}")
        return {mark for link, mark in marks.items() if f"example.org{link}\n" in told}

    assert await found("boats") == {"see", "fun", "sink", "float"}
    assert await found("boats in:general") == {"see", "fun", "sink"}
    assert await found(f"boats from:@{BOB.id}") == await found(f"from:{BOB.id} boats") == {"sink"}
    assert await found("boats before:30d") == {"see"}
    assert await found("in:general boats after:30d") == {"fun", "sink"}
    assert await found(f"boats before:{EPOCH - timedelta(days=3):%Y-%m-%d}") == {"see", "sink"}
    assert await found("boats has:link") == {"see", "sink"}
    assert await found("boats has:file") == {"sink"}
    assert await found("boats has:link before：30d") == {"see"}
    assert await found(f"from:@{BOB.id}") == {"sink"}, "filters alone find the newest"
    assert await found("in:general after:30d has:link") == {"sink"}


async def test_files_of_members_are_found_however_much_was_said_since(town: House, index: Index) -> None:
    plan = replace(said("plan", "Boats are painted in May.", days=90), title="plan.md")
    picture = replace(said("picture", "boats.png", days=80), title="boats.png")
    talk = [said(f"talk{n}", f"Boats are fun, {n} times.", days=1) for n in range(120)]
    await index.add(HOME, [replace(each, id=f"{FILE}{each.id}") for each in (plan, picture)] + talk)
    told = await town.told("search has:file")
    assert "[1] boats.png https://example.org/picture\n[2] plan.md https://example.org/plan\n> Boats" in told
    assert (await town.told("search boats painted has:file")).splitlines()[1:] == [
        "[1] plan.md https://example.org/plan",
        "> Boats are painted in May.",
        "[2] boats.png https://example.org/picture",
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("search in:nowhere boats", "I know no channel “nowhere”"),
        ("search boats has:horns", "`has:` takes `link` or `file`, not “horns”."),
        ("search boats after:soon", "I do not understand the time “soon”."),
        ("search boats before:2026-02-31", "I do not understand the time “2026-02-31”."),
    ],
)
async def test_a_filter_that_cannot_be_understood_is_told(town: House, line: str, told: str) -> None:
    assert told in await town.told(line)


async def test_other_words_with_a_colon_are_words(town: House, index: Index) -> None:
    await index.add(HOME, [document("net", "Set http: and note:this to port 80.", title="Net")])
    assert "Net" in await town.told("search note:this https://x.example")


async def test_what_is_shown_of_a_passage_calls_nobody_and_stays_in_its_line(
    town: House, index: Index
) -> None:
    text = "Boats @everyone <@123> [x](https://evil.example)"
    await index.add(HOME, [document("bad", text, title="a\n[9] b")])
    told = await town.told("search boats")
    assert told.count("\n") == 2
    assert "@everyone" not in told
    assert "<@123>" not in told
    assert "](https" not in told


async def test_who_was_forgotten_is_not_found(town: House, index: Index) -> None:
    author = town.store.seal.pseudonym(ALICE.identity)
    await index.add(HOME, [said("mine", "My boats", author=author)])
    assert "boats" in await town.told("search boats")
    town.clock.later(days=1)
    await town.store.privacy.forget(ALICE.identity)
    assert await town.told("search boats") == NOTHING


async def test_without_knowledge_it_is_said(town: House) -> None:
    bare = replace(town, services=replace(town.services, search=None))
    assert "nothing to search here" in await bare.told("search boats")
