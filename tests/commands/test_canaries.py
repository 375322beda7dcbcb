"""Canaries in closed places of a whole, living bot: no command shows one to who cannot read it now."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.adapters.memory import World
from bot.app import App, opened
from bot.config.sections import Llm
from bot.core.events import Author, Channel, Message
from bot.core.permissions import Role
from bot.core.specs import CommandSpec
from bot.knowledge.document import Document, Section
from bot.knowledge.index import Index
from bot.llm.echo import EchoModel
from bot.llm.model import Capabilities
from tests.conversation.obeying import Obeying
from tests.living import Announcing, Clock, Life
from tests.messages import EPOCH

LONG = os.environ.get("LLMOS_DRILLS") == "long"
CANARIES = 65 if LONG else 20
"""The secrets of one home differ in nothing but their number: everyday each has four, in drills 13."""
HOMES = ("staff", "mods", "plaza", "elsewhere", "dm")
"""Where a secret stands, one after the other: said there, and the title of a thread there.

`plaza` was open to all, and is closed a moment before anybody asks.
"""
KINDS = ("anna", "ben", "mia")
MOST_OF_A_KIND = 300
PATIENCE_S = 120.0
"""For hundreds of answers; it never decides about a test that passes."""

CANARY = re.compile(r"canary(\d+)x")


@dataclass
class Town:
    """A bot that was told secrets, and the people who ask."""

    life: Life
    app: App
    said: dict[int, Message]
    threads: dict[int, Channel]
    specs: tuple[CommandSpec, ...]

    def place(self, home: str) -> Channel:
        world = self.life.world
        if home == "elsewhere":
            return world.channel("square", community="elsewhere")
        return world.channel(home, private=home == "dm")

    def person(self, kind: str, number: int = 0) -> Author:
        """One of those who may read the same: who asks faster than people do is taken for a machine."""
        return self.life.world.member(f"{kind}{number}", Role.MODERATOR if kind == "mia" else Role.MEMBER)

    def close(self, home: str) -> None:
        """From now on only those may read a place who may."""
        kinds = [kind for kind in KINDS if reads(kind, home)]
        readers = [self.person(kind, number) for kind in kinds for number in range(MOST_OF_A_KIND)]
        self.life.world.close_to_all_but(self.place(home), *readers)

    async def asks(self, kind: str, *lines: str, about: Message | None = None) -> str:
        """People call commands in general; what is answered, when all of them are."""
        world, place = self.life.world, self.place("general")
        reply_to = None if about is None else about.ref.id
        calls = {
            world.say(self.person(kind, number), place, f"!llmos {line}", reply_to=reply_to).ref.id
            for number, line in enumerate(lines)
        }
        async with asyncio.timeout(PATIENCE_S):
            while not calls <= self.answered() or await self.app.store.outbox.unfinished("memory"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        answers = (p for p in world.messages.values() if p.message.reply_to in calls)
        return "\n".join(posted.text for posted in answers)

    def answered(self) -> set[str]:
        """The messages that the bot has answered."""
        posted = self.life.world.messages.values()
        return {p.message.reply_to or "" for p in posted if p.message.author == self.life.world.bot}


def reads(kind: str, home: str) -> bool:
    """Whether somebody may read a place once the plaza is closed."""
    return kind in {"staff": ("ben", "mia"), "mods": ("mia",), "plaza": ("mia",), "dm": ("mia",)}.get(
        home, ()
    )


def home_of(number: int) -> str:
    return HOMES[number % len(HOMES)]


def shown(town: Town) -> dict[int, set[str]]:
    """By canary, who was shown it: one alone, or everybody, as it is asked where everybody reads."""
    found: dict[int, set[str]] = {}
    for posted in town.life.world.messages.values():
        if posted.message.author != town.life.world.bot:
            continue
        for number in map(int, CANARY.findall("\n".join(posted.texts))):
            alone = (posted.private_to or "").rstrip("0123456789")
            found.setdefault(number, set()).update({alone} if alone else KINDS)
    return found


def leaks(town: Town) -> list[tuple[int, str]]:
    return [
        (number, kind)
        for number, kinds in shown(town).items()
        for kind in kinds
        if number < CANARIES and not reads(kind, home_of(number))
    ]


class Offered(Announcing):
    """Keeps the commands that it was told, as a platform with a menu of them does."""

    specs: tuple[CommandSpec, ...] = ()

    async def offer(self, commands: tuple[CommandSpec, ...]) -> None:
        self.specs = commands


@asynccontextmanager
async def town(folder: Path, model: EchoModel) -> AsyncIterator[Town]:
    """A town whose secrets are said, titles of threads, archived, written down, and liked."""
    clock = Clock()
    world = World(now=clock)
    life = Life(folder, world=world, model=model, clock=clock, sections={"llm": Llm(max_new_tokens=3_000)})
    adapter = Offered(life.world)
    made = opened(life.config, [adapter], models={model.name: model}, now=life.clock)
    async with made as app, life.living(app, adapter):
        here = Town(life, app, {}, {}, adapter.specs)
        for community in ("memory/town", "memory/elsewhere"):
            await app.store.policies.set(community, "archive", "yes")
        here.close("staff")
        here.close("mods")
        await tell_secrets(here)
        here.close("plaza")
        yield here


async def tell_secrets(here: Town) -> None:
    world, store, mia = here.life.world, here.app.store, here.person("mia")
    for number in range(CANARIES):
        place = here.place(home_of(number))
        text = f"We decided that the code of falcon{number} is canary{number}x, in case somebody asks."
        here.said[number] = world.say(mia, place, text, addressed="" if place.private else None)
        if not place.private:
            thread = world.open_thread(mia, place, f"About falcon{number} and canary{number}x").channel
            here.threads[number] = thread
            first = world.say(mia, thread, f"Let us talk about canary{number}x here.")
            world.react(here.person("ben"), first.ref, "👍")
    index = Index(store.passages, store.privacy, None)
    for community, number in (("memory/elsewhere", 3), ("memory/elsewhere", 8), ("memory/town", 1000)):
        title = f"canary{number}x"
        await index.add(community, [Document(title, title, (Section(f"About falcon{number}", EPOCH),))])
    async with asyncio.timeout(PATIENCE_S):
        while not here.threads.keys() <= await found(here):  # noqa: ASYNC110 - an index tells nobody
            await asyncio.sleep(0.05)


async def found(here: Town) -> set[int]:
    """The secrets that who reads everything can find by now."""
    every = {each.key for each in here.life.world.channels.values()}
    passages = here.app.store.passages
    return {
        int(number)
        for community in ("memory/town", "memory/elsewhere")
        for each in await passages.newest(community, every, 10_000)
        for number in CANARY.findall(each.text)
    }


def questions(here: Town) -> Sequence[str]:
    """What is asked in general about all secrets, by everybody."""
    lines: list[str] = ["catchup", "recommend 20", "knowledge list", "search canary", "summarize 24h"]
    lines += ["topic list", "topic show talks", "search canary topic:talks", "topic suggest"]
    for number, said in here.said.items():
        place, thread = said.ref.channel, here.threads.get(number)
        lines += [
            f"why memory://{place.key}/{said.ref.id}",
            f"summarize 24h memory://{place.key}/{said.ref.id}",
        ]
        lines += [f"summarize 24h {place.id}"] if number < len(HOMES) else []
        lines += [f"summarize {thread.thread}"] if thread is not None else []
    return lines


@pytest.mark.drill
@pytest.mark.parametrize("model", [Obeying(), EchoModel(capabilities=Capabilities(can_answer=False))])
async def test_no_command_shows_what_its_caller_cannot_read_now(model: EchoModel, tmp_path: Path) -> None:
    async with town(tmp_path, model) as here:
        asked = questions(here)
        assert "is a topic now" in await here.asks("mia", "topic add talks Let us talk; We decided the code")
        for name in KINDS:
            await here.asks(name, *asked)
            await asyncio.gather(
                *(here.asks(name, "translate German", about=here.said[n]) for n in range(len(HOMES))),
                *(here.asks(name, "ask What does it say?", about=here.said[n]) for n in range(len(HOMES))),
            )
        assert len(asked) * 3 >= (500 if LONG else 150)
        await here.asks("mia", "digest add here every monday 9:00 Europe/Berlin")
        assert "posted" in await here.asks("mia", "digest now 1")
        assert re.search(r"canary\d+x", await here.asks("mia", "topic show talks")), (
            "who may read it is shown"
        )
        assert leaks(here) == []
        told = shown(here)
        assert {home_of(n) for n, names in told.items() if "mia" in names} >= {"staff", "mods", "plaza"}
        assert {home_of(n) for n, names in told.items() if "ben" in names} == {"staff"}
        assert not any("anna" in names for n, names in told.items() if n < CANARIES)
        assert 1000 in told, "what was written down for this community is listed"


@pytest.mark.drill
async def test_what_is_suggested_while_one_types_can_be_read_by_who_types(tmp_path: Path) -> None:
    async with town(tmp_path, EchoModel()) as here:
        suggesting = [(spec.name, each) for spec in here.specs for each in spec.parameters if each.complete]
        assert {name for name, _each in suggesting} >= {"summarize", "knowledge remove", "rules show"}
        seen: dict[str, set[int]] = {"anna": set(), "ben": set(), "mia": set()}
        for name, numbers in seen.items():
            for _command, parameter in suggesting:
                assert parameter.complete is not None
                for typed in ("", "canary", "About", *(f"falcon{number}" for number in range(20))):
                    found = await parameter.complete(typed, here.person(name), here.place("general"))
                    numbers |= {int(number) for each in found for number in CANARY.findall(each)}
        homes = {name: {home_of(n) for n in numbers if n < CANARIES} for name, numbers in seen.items()}
        assert homes == {"anna": set(), "ben": {"staff"}, "mia": {"staff", "mods", "plaza"}}
        assert [name for name, numbers in seen.items() if 1000 in numbers] == ["mia"], "a moderators' command"
