"""Every journey on every platform that can play it, through the whole bot."""

from collections.abc import AsyncIterator, Sequence
from io import StringIO
from pathlib import Path

import pytest

from bot.adapters.console import ConsoleAdapter
from bot.adapters.wire import RemoteWorld, WorldServer
from bot.app import App, opened
from bot.core.actions import Alert
from bot.core.events import Channel, Message
from bot.core.permissions import Role
from tests.journeys.model import journeys_model
from tests.journeys.script import SCRIPTS, Journey, Later, Pause, Sight, Step, finished
from tests.living import Life

ROLES = {"member": Role.MEMBER, "moderator": Role.MODERATOR, "admin": Role.ADMIN}


def title(journey: Journey) -> str:
    return journey.name


@pytest.mark.parametrize("journey", SCRIPTS, ids=title)
async def test_journey_in_memory(journey: Journey, tmp_path: Path) -> None:
    life = Life(tmp_path, model=journeys_model())
    await journey.stock(life.config)
    async with journey.staged() as (journey, life.fetcher), life.bot() as app:
        await play(journey, life, app)


@pytest.mark.parametrize("journey", SCRIPTS, ids=title)
async def test_journey_over_a_socket(journey: Journey, tmp_path: Path) -> None:
    life = Life(tmp_path, model=journeys_model())
    await journey.stock(life.config)
    async with journey.staged() as (journey, life.fetcher), WorldServer(life.world) as port:
        life.server = RemoteWorld(port)
        async with life.bot() as app:
            await play(journey, life, app)


@pytest.mark.parametrize("journey", [each for each in SCRIPTS if each.fits_one_person], ids=title)
async def test_journey_at_the_console(journey: Journey, tmp_path: Path) -> None:
    """Lines go in, one answer for each comes out; a sight is looked for in the answers so far."""
    async with journey.staged() as (staged, fetcher):
        await play_at_the_console(staged, Life(tmp_path, fetcher=fetcher))


async def play_at_the_console(journey: Journey, life: Life) -> None:
    """One person types all lines, one after the other."""
    steps = [
        line.text.removeprefix("@llmos").strip() or "/help"
        for line in journey.lines
        if isinstance(line, Step)
    ]

    async def typed_lines() -> AsyncIterator[bytes]:
        for line in steps:
            yield line.encode()

    out = StringIO()
    await journey.stock(life.config)
    adapter = ConsoleAdapter.piped("anna", "general", typed_lines(), out, StringIO())
    models = {"echo": life.model}
    async with opened(life.config, [adapter], models=models, fetcher=life.fetcher) as app:
        await app.run()
    answers = ["", *out.getvalue().split("bot> ")[1:]]
    assert len(answers) == len(steps) + 1
    done = 0
    for line in journey.lines:
        if isinstance(line, Step):
            done += 1
        elif isinstance(line, Sight):
            assert line.text in "".join(answers[: done + 1]), f"{journey.title}: {line.text!r}"


async def play(journey: Journey, life: Life, app: App) -> None:
    """Do what the script says in a world, and look for what it promises."""
    said: list[Message] = []
    room, who = life.room, ""
    for line in journey.lines:
        match line:
            case Step():
                room, who = life.world.channel(line.room), line.who
                do(line, life, room, said)
            case Sight():
                await see(line, life, (room, life.world.channel(who, private=True)), journey)
            case Pause():
                await finished(app.store, room.platform)
            case Later():
                life.clock.shift += line.by


def told(life: Life) -> list[str]:
    """What moderators read: alerts, and cards where the rules were set up."""
    alerts = [act.text for act in life.world.acts if isinstance(act, Alert)]
    return [*alerts, *life.world.answers(life.room)]


def do(step: Step, life: Life, room: Channel, said: list[Message]) -> None:
    who = life.world.member(step.who, ROLES[step.role])
    match step.deed:
        case "says":
            said.append(life.world.say(who, room, typed(step.text), files=step.files))
        case "replies":
            last = life.world.shown(room)[-1].message
            said.append(life.world.say(who, room, typed(step.text), reply_to=last.ref.id))
        case "answers":
            asked, _arrow, answer = step.text.partition(" -> ")
            to = next(message for message in reversed(said) if asked in message.text)
            said.append(life.world.say(who, room, answer, reply_to=to.ref.id))
        case "deletes":
            life.world.delete(find(step.text, who.id, said).ref)
        case "edits":
            old, _arrow, new = step.text.partition(" -> ")
            life.world.edit(find(old, who.id, said), new)


def typed(text: str) -> str:
    """A command as it is typed where commands have a prefix."""
    return f"!llmos {text.removeprefix('/')}" if text.startswith("/") else text


def find(text: str, author: str, said: list[Message]) -> Message:
    return next(message for message in reversed(said) if text in message.text and message.author.id == author)


async def see(sight: Sight, life: Life, places: Sequence[Channel], journey: Journey) -> None:
    """In the room, or in the conversation of the bot and whoever did something last."""

    def seen() -> list[str]:
        return [text for place in places for text in life.world.answers(place)]

    match sight.kind:
        case ">":
            wanted = [sight.text]
            try:
                await life.until(lambda: any(wanted[0] in text for text in seen()))
            except TimeoutError:
                pytest.fail(f"{journey.title}: {sight.text!r} is not among {seen()}")
        case "!>":
            assert not any(sight.text in text for text in seen())
        case "moderators>":
            await life.until(lambda: any(sight.text in text for text in told(life)))
