"""What Matrix rooms agreed to let the classifiers learn from, out of the bot's database as it is now."""

import asyncio
from pathlib import Path

from bot.cli.database import opened
from bot.moderation.training.rooms import Lesson, Lessons, lessons


def agreed(config: Path | None) -> Lessons:
    """The verdicts of rooms where that is agreed at this moment; nothing of them is written to a file.

    Raises:
        ConfigError: one is from a platform that forbids it.
    """
    return lessons(asyncio.run(_read(config)))


async def _read(config: Path | None) -> list[Lesson]:
    async with opened(config) as store:
        return [
            Lesson(each.room.split("/", 1)[0], each.text, each.score, each.label)
            for each in await store.examples.texts()
            if store.policies.get(each.room).get("learning") == "yes"
        ]
