"""Every journey on a real homeserver, through the whole bot, in rooms of an old and of the newest version."""

import asyncio
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from nio.crypto import encrypt_attachment

from bot.app import App
from tests.adapters.matrix.house import House, housed
from tests.journeys.model import journeys_model
from tests.journeys.script import SCRIPTS, Journey, Later, Pause, Sight, Step, finished
from tests.journeys.test_journeys import typed
from tests.labs.people import PATIENCE_S, Person
from tests.labs.synapse import Synapse
from tests.living import Clock

LONG = os.environ.get("LLMOS_DRILLS") == "long"
VERSIONS = ("10", "11", "12") if LONG else ("12",)
"""Of rooms: a bot in 10 and 12 is in `tests/adapters/matrix` already."""


def kinds(number: int, journey: Journey) -> tuple[bool, ...]:
    """Whether rooms are encrypted.

    All that happens in a plain room happens in an encrypted one, too, and no command knows in which it is:
    everyday, of the journeys that fit encrypted rooms every sixth is played in plain ones as well.
    """
    if not journey.fits_encrypted_rooms:
        return (False,)
    return (False, True) if LONG or number % 6 == 0 else (True,)


PLAYS = [
    pytest.param(journey, encrypted, id=f"{journey.name}-{'encrypted' if encrypted else 'plain'}")
    for number, journey in enumerate(SCRIPTS)
    for encrypted in kinds(number, journey)
]

LEVELS = {"member": 0, "moderator": 50, "admin": 100}
US = "@llmos"


@dataclass
class Stage:
    """Where a journey is played: its rooms, and who is in them."""

    house: House
    version: str
    moderators: str
    clock: Clock
    rooms: dict[str, str] = field(default_factory=dict)
    said: list[tuple[str, str, str]] = field(default_factory=list)
    """Who, the event id, and the text."""

    async def room(self, name: str, journey: Journey) -> str:
        """A room with everybody of the journey and the bot; the keeper made it and says nothing."""
        if name not in self.rooms:
            roles = {line.who: line.role for line in journey.lines if isinstance(line, Step)}
            people = {who: (await self.house.person(who)).id for who in sorted(roles)}
            levels = {people[who]: LEVELS[roles[who]] for who in people}
            made = {"name": name, "version": self.version, "levels": levels}
            room = await self.house.room("keeper", *people, bot_last=True, **made)
            await self.house.lives_in(room)
            self.rooms[name] = room
        return self.rooms[name]

    async def do(self, step: Step, room: str) -> None:
        who = await self.house.person(step.who)
        match step.deed:
            case "says":
                event = await self.say(who, room, step.text, **await self.file(who, step))
            case "replies":
                last = (await who.shown(room))[-1]
                event = await self.say(who, room, step.text, reply_to=last.id)
            case "answers":
                asked, _arrow, answer = step.text.partition(" -> ")
                to = next(event for _name, event, said in reversed(self.said) if asked in said)
                event = await who.say(room, answer, reply_to=to)
            case "deletes":
                await who.redact(room, self.find(step.text, step.who))
                return
            case "edits":
                old, _arrow, new = step.text.partition(" -> ")
                await who.edit(room, self.find(old, step.who), new)
                return
        self.said.append((step.who, event, step.text))

    async def say(self, who: Person, room: str, text: str, **more: object) -> str:
        if text.startswith(US):
            return await self.house.ask(who, room, text.removeprefix(US).strip(), **more)
        return await who.say(room, typed(text), **more)  # type: ignore[arg-type]

    async def file(self, who: Person, step: Step) -> dict[str, object]:
        """What a message with a file has in its content; what is said is its caption."""
        if not step.files:
            return {}
        ((name, content),) = step.files
        told = {"msgtype": "m.file", "filename": name, "info": {"size": len(content)}}
        if not step.text:
            told["body"] = name
        if not self.house.encrypted:
            return {**told, "url": await who.upload(content)}
        sealed, how = encrypt_attachment(content)
        return {**told, "file": {**how, "url": await who.upload(sealed, "application/octet-stream")}}

    def find(self, text: str, who: str) -> str:
        return next(event for name, event, said in reversed(self.said) if name == who and text in said)

    async def read(self, text: str, who: Person, room: str) -> None:
        """In the room, or in one for two."""
        async with asyncio.timeout(PATIENCE_S):
            async for _change in who.changes():
                for place in (room, *await who.accept_invitations()):
                    if any(text in each.text for each in await who.shown(place, self.house.bot.user_id)):
                        return

    async def see(self, sight: Sight, who: Person, room: str) -> None:
        us = self.house.bot.user_id
        match sight.kind:
            case ">":
                await self.read(sight.text, who, room)
            case "!>":
                assert not any(sight.text in each.text for each in await who.shown(room, us))
            case "moderators>":
                keeper = await self.house.person("keeper")
                await keeper.until(
                    self.moderators, lambda shown: any(sight.text in each.text for each in shown), us
                )


@pytest.mark.drill
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("journey", "encrypted"), PLAYS)
async def test_journey(
    journey: Journey, encrypted: bool, version: str, synapse: Synapse, tmp_path: Path
) -> None:
    async with housed(synapse, tmp_path) as house:
        house.encrypted, house.model, clock = encrypted, journeys_model(), Clock()
        house.now = clock
        moderators = await house.room("keeper", "mia", name="moderators", version=version)
        house.extra = f'moderators_room = "{moderators}"'
        await journey.stock(house.config)
        async with journey.staged() as (journey, house.fetcher), house.living() as app:
            await house.lives_in(moderators)
            await play(journey, Stage(house, version, moderators, clock), app)


async def play(journey: Journey, stage: Stage, app: App) -> None:
    """Do what the script says, and look for what it promises."""
    room, who = "", await stage.house.person("keeper")
    for line in journey.lines:
        match line:
            case Step():
                room, who = await stage.room(line.room, journey), await stage.house.person(line.who)
                ids = {name: (await stage.house.person(name)).id for name in sorted(journey.people)}
                await stage.do(replace(line, text=journey.mentioning(line.text, ids)), room)
            case Sight():
                await stage.see(line, who, room)
            case Pause():
                await finished(app.store, "matrix")
            case Later():
                stage.clock.shift += line.by
