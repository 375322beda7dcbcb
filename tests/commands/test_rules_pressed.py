"""What stands below a report lets rules act only when a moderator presses it who is one at that moment."""

from pathlib import Path

import pytest

from bot.core.events import Author
from bot.core.permissions import Role
from tests.living import Life

RUDE = "you fool"


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


async def told(life: Life, who: Author, line: str, part: str) -> None:
    """Somebody writes a command, and reads this part of the answer."""
    life.world.say(who, life.room, f"!llmos {line}")
    await life.until(lambda: any(part in text for text in life.world.answers(life.room)))


async def press(life: Life, who: Author) -> None:
    """Somebody presses what stands below the report."""
    report = next(each for each in life.world.shown(life.room) if "press ✅ or write" in each.text)
    life.world.react(who, report.message.ref, "✅")


async def test_a_report_is_confirmed_by_a_reaction_of_a_moderator_only(life: Life) -> None:
    mia, ben = life.world.member("mia", Role.MODERATOR), life.person("ben")
    async with life.bot() as app:
        await told(life, mia, "rules setup", "The rules are set up")
        await told(life, mia, "rules add words rude words=fool action=hide", "`rude` is there")
        await told(life, mia, "rules mode enforce rude", "Let them act")
        await press(life, ben)
        await life.until(lambda: any("is for moderators" in each for each in life.world.answers(life.room)))
        assert app.store.rulebooks.of("memory/town").enforced == frozenset()
        life.world.member("mia", Role.MEMBER)
        await press(life, mia)
        await life.until(
            lambda: sum("is for moderators" in each for each in life.world.answers(life.room)) == 2
        )
        assert app.store.rulebooks.of("memory/town").enforced == frozenset()
        life.world.member("zoe", Role.MODERATOR)
        await press(life, Author("memory", "zoe", "zoe"))
        await life.until(lambda: any("1 rule acts from" in each for each in life.world.answers(life.room)))
        assert app.store.rulebooks.of("memory/town").enforced == {"rude"}
        life.world.say(ben, life.room, RUDE)
        await life.until(lambda: any("I removed a message" in each for each in life.world.answers(life.room)))
    assert RUDE not in [each.text for each in life.world.shown(life.room)]
