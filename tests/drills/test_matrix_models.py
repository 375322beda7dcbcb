"""A model on its bad days, as members of a Matrix room see it: `llmos run` with a server that misbehaves."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from bot.conversation.sentences import failure
from bot.core.errors import ModelBroken, ModelBusy, ModelEmpty, ModelError, ModelTimeout, ModelUnavailable
from tests.adapters.matrix.house import House
from tests.labs.people import PATIENCE_S, Shown
from tests.llm.misbehaving import Misbehaving, misbehaving

QUESTIONS = 24 if os.environ.get("LLMOS_DRILLS") == "long" else 6

pytestmark = pytest.mark.drill

BEHAVIORS: dict[str, tuple[str, ModelError, bool]] = {
    "EMPTY": ("", ModelEmpty(), False),
    "BLANK": ("", ModelEmpty(), False),
    "BADJSON": ("", ModelBroken(), False),
    "HTML": ("", ModelBroken(), False),
    "CLOSED": ("", ModelUnavailable(), False),
    "FAIL401": ("", ModelUnavailable(), False),
    "FAIL429": ("", ModelBusy("x"), False),
    "CUT": ("one two three", ModelBroken(), True),
    "ERROR_MID": ("It begins well", ModelBroken(), True),
    "STALL": ("", ModelTimeout(), False),
    "STALL_MID": ("This answer stops", ModelTimeout(), True),
}
"""Word in a question: what the member sees of the answer, and which sentence after or instead of it."""


@pytest.fixture
async def server() -> AsyncIterator[Misbehaving]:
    async with misbehaving() as server:
        yield server


def connected(house: House, server: Misbehaving, timeout_s: int) -> None:
    """Let the bot use the server."""
    lines = (
        'engine = "openai"\nmodel = "tiny"',
        f'base_url = "{server.base_url}"',
        f"timeout_s = {timeout_s}\nconcurrency = {len(BEHAVIORS)}",
    )
    house.llm = "\n".join(lines)


async def test_a_stalled_model_call_holds_up_no_other_room(house: House, server: Misbehaving) -> None:
    connected(house, server, timeout_s=120)
    names = [f"member{number}" for number in range(12)]  # somebody who asked too often would be a machine
    quiet, busy = await house.room("anna", "ben", name="quiet"), await house.room("anna", *names, name="busy")
    anna, members = await house.person("anna"), [await house.person(name) for name in names]
    async with house.service():
        await house.lives_in(quiet, busy)
        await house.ask(anna, quiet, "STALL for ever")
        async with asyncio.timeout(PATIENCE_S):
            await server.arrived.wait()
        for number in range(1, QUESTIONS + 1):
            await house.ask(members[number % len(members)], busy, "PING")
            await house.stands(anna, busy, *["PONG"] * number)
        assert server.asked[0].open, "the other call was not stalled all the time"
        assert len(server.asked) == QUESTIONS + 1


async def test_whatever_the_model_does_the_asker_reads_a_sentence(house: House, server: Misbehaving) -> None:
    connected(house, server, timeout_s=3)
    room = await house.room("anna", *(f"asks-{word}" for word in BEHAVIORS))
    anna = await house.person("anna")
    questions: dict[str, str] = {}
    async with house.service():
        await house.lives_in(room)
        for word in BEHAVIORS:
            asker = await house.person(f"asks-{word}")
            questions[word] = await house.ask(asker, room, f"please {word} now")

        def wrong(shown: list[Shown]) -> dict[str, str]:
            answers = {each.reply_to: each.text for each in shown}
            return {
                word: answers.get(questions[word], "")
                for word, (beginning, error, half_way) in BEHAVIORS.items()
                if not answers.get(questions[word], "").startswith(beginning)
                or failure(error, half_way) not in answers.get(questions[word], "")
            }

        shown = await anna.until(room, lambda shown: not wrong(shown), house.bot.user_id)
    assert len(shown) == len(BEHAVIORS)
