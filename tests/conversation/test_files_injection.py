"""Orders in files, and in their names, and a model that obeys: nothing is done, and nobody is called."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.config.sections import Llm
from bot.conversation.prompt import FILES
from bot.llm.echo import EchoModel, Script
from bot.llm.model import Turn
from tests.conversation.test_injection import ORDERS
from tests.living import Life

PATIENCE_S = 120.0
"""For hundreds of answers; it never decides about a test that passes."""
CALLS = re.compile(r"@(?:everyone|here|room)\b|<@[!&]?\d", re.IGNORECASE)
LINK = re.compile(r"\]\(https?:", re.IGNORECASE)


def obeying(turns: Sequence[Turn]) -> Script:
    """Says what the file orders, word for word."""
    return Script(turns[-1].text.removeprefix(FILES))


@pytest.mark.parametrize("place", ["content", "name", "name of a picture"])
async def test_an_order_in_a_file_does_nothing(place: str, tmp_path: Path) -> None:
    life = Life(tmp_path, model=EchoModel(obeying), sections={"llm": Llm(max_new_tokens=3_000)})
    world = life.world
    async with life.bot() as app:
        rooms = [world.channel(f"room{n}") for n in range(len(ORDERS))]
        for n, (room, order) in enumerate(zip(rooms, ORDERS, strict=True)):
            name = {"content": "plan.txt", "name": f"{order}.txt", "name of a picture": f"{order}.png"}[place]
            content = order if place == "content" else "The harbor opens at nine."
            asker = world.member(f"member{n}")
            world.say(asker, room, "@llmos What does it say?", files=[(name, content.encode())])
        async with asyncio.timeout(PATIENCE_S):
            while (  # noqa: ASYNC110 - a database tells nobody
                not all(map(world.answers, rooms)) or await app.store.outbox.unfinished("memory")
            ):
                await asyncio.sleep(0.05)
        assert await app.store.audit.recent("memory", "town", 10) == []
        assert not any(app.store.policies.get(room.key) for room in rooms)
    assert world.acts == []
    for room in rooms:
        answer = "\n".join(world.answers(room))
        assert CALLS.search(answer) is None
        assert place == "content" or LINK.search(answer) is None, "what a model writes may show one as code"
    for turns in life.model.asked:
        said = turns[-1].text
        assert "<|im_" not in said
        assert said.count("</file>") in ((0,) if place == "name of a picture" else (0, 2)), "none, or its end"
