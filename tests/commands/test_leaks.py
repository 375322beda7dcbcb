"""Canaries where an asker, or who reads along, cannot read: none is ever shown, or given to a model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from bot.adapters.memory import MemoryAdapter, World
from bot.conversation.knowledge import Known
from bot.core.actions import Reply
from bot.core.events import Author, Channel
from bot.core.permissions import Role
from bot.knowledge.document import Document, Section
from bot.knowledge.index import Index
from bot.knowledge.search import Search
from bot.llm.echo import EchoModel, Script
from bot.llm.model import Capabilities, Turn
from tests.commands.house import House
from tests.conversation.house import Talk, talk

CANARIES = 64
HOMES = ("elsewhere", "staff", "mods", "thread")
"""Where a secret stands, one after the other."""

NOW = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass
class Town:
    """A world with closed places, one secret after the other in each of them, and two ways to ask."""

    world: World
    house: House
    small: Talk
    able: Talk

    @property
    def places(self) -> dict[str, Channel]:
        """Where people talk, and a thread."""
        staff = self.world.channel("staff")
        return {
            "general": self.world.channel("general"),
            "staff": staff,
            "mods": self.world.channel("mods"),
            "thread": self.world.channel("staff", thread="t1"),
            "elsewhere": self.world.channel("square", community="elsewhere"),
        }

    def prompts(self) -> str:
        """All that any model was given."""
        models = (self.small.model, self.able.model)
        asked = [turns for model in models if isinstance(model, EchoModel) for turns in model.asked]
        return "\n".join(turn.text for turns in asked for turn in turns)

    async def asked(self, talk: Talk, who: Author, channel: Channel, text: str) -> str:
        """Both ways to ask: with the command, and with a mention."""
        question = await talk.hear(text, author=who, channel=channel, to_us=True)
        return (await talk.asked(question))[0] + (await talk.answer(question))[0]

    async def searched(self, who: Author, channel: Channel, *lines: str) -> list[Reply]:
        """What `search` answers."""
        found = [await self.house.do(f"search {line}", who, channel) for line in lines]
        return [reply for replies in found for reply in replies if isinstance(reply, Reply)]


def repeating(turns: Sequence[Turn]) -> Script:
    """A model that says everything it was given, as if the first source said so."""
    return Script(" ".join(f"{line} [1]." for line in turns[-1].text.splitlines() if line))


@pytest.fixture
async def town(house: House) -> Town:
    world = World()
    anna, ben, mia = world.member("anna"), world.member("ben"), world.member("mia", Role.MODERATOR)
    world.close_to_all_but(world.channel("staff"), ben, mia)
    world.close_to_all_but(world.channel("mods"), mia)
    directory = MemoryAdapter(world).directory
    search = Search(Index(house.store.passages, house.store.privacy, None))
    known = Known(search, directory, house.clock)
    small = EchoModel(Script("Blah."), capabilities=Capabilities(can_answer=False))
    talks = [
        talk(house.store, house.clock, model, knowledge=known)  # type: ignore[arg-type]
        for model in (small, EchoModel(repeating))
    ]
    services = replace(house.services, directory=directory, search=search)
    town = Town(world, replace(house, services=services), *talks)
    places = town.places
    for number in range(CANARIES):
        place = places[HOMES[number % len(HOMES)]]
        text = f"The code of falcon{number} is canary{number}x, says mia."
        section = Section(text, NOW, f"https://example.org/falcon{number}")
        document = Document(f"falcon{number}", f"About falcon{number}", (section,), place.key)
        await search.index.add(place.community_key, [document])
    harmless = Section("The harbor opens at nine.", NOW, "https://example.org/harbor")
    await search.index.add("memory/town", [Document("harbor", "Harbor", (harmless,))])
    assert anna.id not in world.readers[places["staff"].key]
    return town


def reads(who: str, place: str) -> bool:
    """Whether somebody may read a place."""
    return who in {"staff": "ben mia", "thread": "ben mia", "mods": "mia", "elsewhere": ""}[place].split()


def leaks(told: str, *allowed: str) -> list[int]:
    """The secrets in a text, or their titles, that stand in none of these places."""
    homes = [HOMES[number % len(HOMES)] for number in range(CANARIES)]
    return [
        number
        for number, home in enumerate(homes)
        if home not in allowed and re.search(rf"canary{number}x|About falcon{number}\b", told)
    ]


async def test_five_hundred_questions_show_nothing_that_somebody_there_cannot_read(town: Town) -> None:
    places, asked = town.places, 0
    for number in range(CANARIES):
        home = HOMES[number % len(HOMES)]
        here = [
            ("anna", "general"),
            ("ben", "general"),
            ("mia", "general"),
            ("ben", "staff"),
            ("mia", "mods"),
        ]
        who, where = here[number % len(here)]
        person = town.world.member(who, town.world.roles["town", who])
        for each in (town.small, town.able):
            told = await town.asked(each, person, places[where], f"What is the code of falcon{number}?")
            assert (
                leaks(told, where, *(["staff"] if where == "mods" else [])) == []
            )  # who reads mods reads staff
            asked += 2
        stranger = next(name for name in ("ben", "anna") if not reads(name, home))
        lines = (f"falcon{number} code", f"falcon{number} after:2000-01-01", f"code in:{places[home].id}")
        member = town.world.member(stranger)
        for reply in await town.searched(member, places["general"], *lines, "has:link"):
            assert leaks(reply.text, *(place for place in HOMES if reads(stranger, place))) == []
            asked += 1
    assert asked >= 500
    assert leaks(town.prompts(), "staff", "mods") == []


async def test_who_may_read_a_canary_finds_it(town: Town) -> None:
    """Otherwise the test above would pass on an index that finds nothing."""
    places, mia = town.places, town.world.member("mia", Role.MODERATOR)
    for number, home in enumerate(HOMES):
        if home == "elsewhere":
            continue
        question, canary = f"What is the code of falcon{number}?", f"canary{number}x"
        assert canary in await town.asked(town.small, mia, places[home], question)
        assert canary in await town.asked(town.able, mia, places[home], question)
        if home != "thread":  # from outside, a thread that has readers of its own is not searched
            (reply,) = await town.searched(mia, places["general"], f"falcon{number} code")
            assert canary in reply.text
            assert reply.personal
    stranger = Author("memory", "eve", "eve")
    there = places["elsewhere"]
    assert "canary0x" in await town.asked(town.small, stranger, there, "What is the code of falcon0?")
    assert "canary4x" not in await town.asked(town.small, stranger, there, "What is the code of falcon1?")
