"""A database as the bot keeps it, for the commands that look after it."""

import asyncio

from bot.core.events import Author
from bot.storage.store import Store
from tests.cli.operator import Operator
from tests.messages import EPOCH, message
from tests.storage.house import Clock, Place, fill

CONFIG = """
[llm]
engine = "openai"
model = "tiny"
base_url = "http://127.0.0.1:9/v1"
api_key = "env:LLMOS_TEST_KEY_THAT_IS_NOT_SET"
"""
"""A secret that cannot be read here: commands about the database do not need it."""

MEMBER = Author("discord", "80351110224678912", "Ada")


def place(operator: Operator) -> Place:
    """Where the bot keeps its database, its key and its journal."""
    return Place(operator.folder / "data")


def live(operator: Operator) -> None:
    """Write a configuration, and let a member leave something in every table."""
    operator.writes(CONFIG)
    asyncio.run(_live(place(operator)))


async def _live(where: Place) -> None:
    clock = Clock()
    store = await where.open(clock)
    question = message("where is my umbrella?", id="1", author=MEMBER, to_us=True)
    await fill(store, question, "behind the door")
    await store.close()
    assert clock() == EPOCH


def kept(operator: Operator) -> dict[str, int]:
    """What is stored about the member."""
    return asyncio.run(_kept(place(operator)))


async def _kept(where: Place) -> dict[str, int]:
    store: Store = await where.open(Clock())
    found = await store.privacy.show(MEMBER.identity)
    await store.close()
    return found
