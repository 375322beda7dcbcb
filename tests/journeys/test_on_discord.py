"""Every journey on Discord, through the whole bot: commands are chosen from the menu where it has them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot.commands.command import Commands
from bot.core.specs import Kind
from tests.adapters.discord.conftest import house
from tests.adapters.discord.house import House
from tests.journeys.model import journeys_model
from tests.journeys.script import SCRIPTS, Journey, Later, Pause, Sight, Step, finished
from tests.journeys.test_journeys import typed
from tests.labs.discord import Json
from tests.labs.discord.people import Person, Shown, show

__all__ = ["house"]

US = "@llmos"
_LINK = re.compile(r"\[([^\[\]]+)\]\(<([^<>]+)>\)")
"""How a card writes a title that leads somewhere."""

SPECS = {spec.path: spec for spec in Commands.discover().specs}


@dataclass
class Stage:
    """Where a journey is played: its channels, and what was said in them."""

    house: House
    moderators: Json
    channels: dict[str, Json] = field(default_factory=dict)
    said: list[tuple[str, str, str]] = field(default_factory=list)
    """Who, the id of the message, and the text."""

    def channel(self, name: str) -> Json:
        if name not in self.channels:
            general = name == "general"
            self.channels[name] = self.house.general if general else self.house.server.channel(name)
        return self.channels[name]

    def do(self, step: Step, who: Person, channel: Json) -> None:
        match step.deed:
            case "says":
                self.say(step, who, channel)
            case "replies":
                last = show(self.house.lab, channel)[-1].id
                to_us = step.text.startswith(US)
                text = step.text.removeprefix(US).strip() if to_us else typed(step.text)
                reply = (who.ask if to_us else who.say)(channel, text, reply_to=last)
                self.said.append((step.who, reply, step.text))
            case "answers":
                asked, _arrow, answer = step.text.partition(" -> ")
                to = next(id for _name, id, said in reversed(self.said) if asked in said)
                self.said.append((step.who, who.say(channel, answer, reply_to=to), answer))
            case "deletes":
                who.delete(self.find(step))
            case "edits":
                old, _arrow, new = step.text.partition(" -> ")
                who.edit(self.find(Step(step.who, step.role, step.room, "edits", old)), new)

    def say(self, step: Step, who: Person, channel: Json) -> None:
        if step.text.startswith(US):
            question = who.ask(channel, step.text.removeprefix(US).strip(), files=step.files)
            self.said.append((step.who, question, step.text))
        elif not (step.text.startswith("/") and self.chooses(step, who, channel)):
            said = who.say(channel, typed(step.text), files=step.files)
            self.said.append((step.who, said, step.text))

    def chooses(self, step: Step, who: Person, channel: Json) -> bool:
        """Call a command from the menu; False if the menu does not offer that."""
        words = step.text.removeprefix("/").split()
        path = next((tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in SPECS), None)
        if path is None:
            return False
        try:
            given = dict(options(path, words[len(path) :]))
            for name, content in step.files:
                given["file"] = self.house.lab._store_upload(("files[0]", name, content))
            self.house.lab.slash(who.user, channel, " ".join(path), given)
        except (PermissionError, ValueError):
            return False
        return True

    def find(self, step: Step) -> str:
        return next(id for name, id, said in reversed(self.said) if name == step.who and step.text in said)

    async def see(self, sight: Sight, who: Person, channel: Json) -> None:
        """In the channel, shown to everybody or to this person alone, or in the conversation of the two."""

        def seen() -> list[str]:
            here = self.house.server.shown(channel, self.house.us, to=who)
            return texts((*here, *self.house.server.shown(who.private, self.house.us)))

        match sight.kind:
            case ">":
                await self.house.lab.until(lambda: any(sight.text in text for text in seen()))
            case "!>":
                assert not any(sight.text in text for text in seen())
            case "moderators>":
                await self.house.server.until(
                    self.moderators, lambda shown: any(sight.text in text for text in texts(shown))
                )


def texts(shown: Sequence[Shown]) -> list[str]:
    """What messages and the cards in them say."""
    cards = [f"{card['title']}\n{card['description']}" for each in shown for card in each.embeds]
    return [each.text for each in shown] + [_LINK.sub(r"\1 \2", card) for card in cards]


def options(path: tuple[str, ...], words: list[str]) -> Mapping[str, object]:
    """The words behind a command as the values of its options."""
    names = {parameter.name for parameter in SPECS[path].parameters}
    named = [word for word in words if word.partition("=")[0] in names and "=" in word]
    given: dict[str, object] = {name: value for name, _is, value in (word.partition("=") for word in named)}
    words = [word for word in words if word not in named]
    for parameter in SPECS[path].parameters:
        if not words:
            break
        word = " ".join(words) if parameter.greedy else words[0]
        words = [] if parameter.greedy else words[1:]
        given[parameter.name] = int(word) if parameter.kind is Kind.INTEGER else word
    if words:
        raise ValueError("more words than options")
    return given


@pytest.mark.parametrize("journey", SCRIPTS, ids=lambda journey: journey.name)
async def test_journey(journey: Journey, house: House) -> None:
    moderators = house.server.channel("moderators")
    house.moderators_channel, house.message_content = str(moderators["id"]), True
    roles = {line.who: line.role for line in journey.lines if isinstance(line, Step)}
    people = {name: house.person(name, role) for name, role in roles.items()}
    mentions = {name: f"<@{person.id}>" for name, person in people.items()}
    stage, house.model = Stage(house, moderators), journeys_model()
    await journey.stock(house.config)
    async with journey.staged() as (journey, house.fetcher), house.living() as app:
        channel, who = house.general, next(iter(people.values()))
        for line in journey.lines:
            match line:
                case Step():
                    channel, who = stage.channel(line.room), people[line.who]
                    stage.do(replace(line, text=journey.mentioning(line.text, mentions)), who, channel)
                case Sight():
                    await stage.see(line, who, channel)
                case Pause():
                    await finished(app.store, "discord")
                case Later():
                    house.clock.shift += line.by
