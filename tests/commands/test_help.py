"""`help` shows a member what they may do, as they would type it, and nothing else."""

from dataclasses import replace

from bot.core.actions import Reply
from bot.core.permissions import Role
from tests.commands.house import ALICE, MODERATOR, House

MEMBERS = {
    "ask",
    "help",
    "stop",
    "why",
    "report",
    "privacy show",
    "privacy export",
    "privacy forget",
    "privacy optout",
    "privacy optin",
    "admin status",
}
MODERATORS = {"channel show", "channel set", "admin model", "admin quota"}


def named(text: str) -> set[str]:
    """The commands that an overview lists."""
    lines = [line.removeprefix("• `/") for line in text.splitlines() if line.startswith("• ")]
    return {
        name
        for name in MEMBERS | MODERATORS
        for line in lines
        if f"{line} ".startswith((f"{name} ", f"{name}`"))
    }


async def test_a_member_sees_exactly_what_a_member_may_use(house: House) -> None:
    text = await house.told("help")
    assert named(text) == MEMBERS
    assert "channel" not in text


async def test_a_moderator_sees_all_of_it(house: House) -> None:
    assert named(await house.told("help", MODERATOR)) == MEMBERS | MODERATORS


async def test_the_overview_is_grouped_under_headings(house: House) -> None:
    lines = (await house.told("help", MODERATOR)).splitlines()
    headings = [line for line in lines if line and not line.startswith(("•", "`"))]
    assert headings == [
        "Mention me and ask, or use one of these commands:",
        "About me:",
        "How I behave in a channel:",
        "Threads worth reading, on time:",
        "Helping others:",
        "What I answer from:",
        "What moderators decide and do:",
        "What I keep about you:",
        "What I look for, and what I do about it:",
        "What threads are about:",
    ]
    about_you = lines.index("What I keep about you:")
    assert lines[about_you + 1].startswith("• `/privacy export`: ")


async def test_a_page_explains_each_argument_and_gives_an_example(house: House) -> None:
    assert await house.told("help privacy forget") == (
        "Erase everything that is stored about me.\n"
        "Usage: `/privacy forget [yes]`\n"
        "• `confirm`: Say yes to erase; there is no way back. (one of `yes`; optional)\n"
        "For example:\n"
        "`/privacy forget yes`"
    )
    page = await house.told("help channel set", MODERATOR)
    assert (
        "Usage: `/channel set answer|persona|model|moderation|archive|duplicates|unanswered|patience|"
        "learning|introductions VALUE "
        "[where=here|channel|community]`" in page
    )
    assert "one of `here`, `channel`, `community`; otherwise `here`" in page
    assert "For moderators." in page
    quota = await house.told("help admin quota", MODERATOR)
    assert "• `requests`: Questions in a day. (from 0 to 1000000000; optional)" in quota


async def test_a_group_lists_its_commands_with_their_arguments(house: House) -> None:
    text = await house.told("help privacy")
    assert len(text.splitlines()) == 5
    assert "• `/privacy forget [yes]`: Erase everything that is stored about me." in text
    assert await house.told("help admin") == (
        "• `/admin status`: Show how I am doing, and how many questions you have left today."
    )


async def test_what_a_member_may_not_use_is_not_explained_to_them(house: House) -> None:
    for topic in ("channel set", "channel", "admin quota"):
        text = await house.told(f"help {topic}")
        assert "is for moderators" in text
        assert "Usage" not in text


async def test_everything_is_shown_with_the_callers_own_prefix(house: House) -> None:
    for prefix in ("!llmos ", "/", "!bot "):
        for line in ("help", "help ask", "help privacy", f"help {prefix}ask", "ask"):
            (reply,) = await in_house(house, prefix, line)
            assert f"`{prefix}ask QUESTION`" in reply.text or f"`{prefix}privacy show`" in reply.text
            assert reply.private


async def in_house(house: House, prefix: str, line: str) -> list[Reply]:
    outcome = await house.services.commands.run_line(replace(house.context(), prefix=prefix), line)
    assert isinstance(outcome, tuple)
    return [each for each in outcome if isinstance(each, Reply)]


async def test_an_unknown_topic_gets_the_nearest_one(house: House) -> None:
    assert await house.told("help privcay") == "There is no command `privcay`. Did you mean `/privacy`?"
    assert await house.told("help privacy shwo") == "`privacy` has no `shwo`. Did you mean `/privacy show`?"
    assert "`/help` lists all" in await house.told("help zzzzzz")


async def test_help_works_when_the_platform_does_not_tell_rights(house: House) -> None:
    house.platform.broken = True
    assert named(await house.told("help", MODERATOR)) == MEMBERS


async def test_an_administrator_sees_what_a_moderator_sees(house: House) -> None:
    house.platform.roles[ALICE.id] = Role.ADMIN
    assert named(await house.told("help")) == MEMBERS | MODERATORS
