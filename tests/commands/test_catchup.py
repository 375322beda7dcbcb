"""`catchup` tells what was said since the caller last spoke, where they may read, and to them alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot.commands import catchup
from bot.commands.command import Context, Whispered
from bot.core.actions import Reply, Status
from bot.core.events import Author, Channel
from tests.commands.house import ALICE, BOB, CHANNEL, THREAD, House, Platform, growing
from tests.commands.test_summarize import CLEO, Failing, say

HELP = Channel("memory", "home", "help")


@dataclass
class Town(Platform):
    """A platform with several channels that everybody may read."""

    channels: list[Channel] = field(default_factory=lambda: [CHANNEL, HELP])

    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]:
        return [] if author.id in self.shut_out else self.channels


@pytest.fixture
def house(house: House) -> House:
    town = Town()
    house.platform = town
    house.services = replace(house.services, directory=town)
    return house


async def caught_up(house: House, context: Context | None = None) -> list[str]:
    """The lines that the caller alone is told."""
    outcome = await house.services.commands.run_line(context or house.context(CLEO), "catchup")
    assert isinstance(outcome, Whispered)
    assert not outcome.judged
    text = "".join([chunk async for chunk in growing(outcome) if not isinstance(chunk, Status)])
    assert len(house.services.running) == 0
    return text.splitlines()


async def test_what_was_said_in_all_channels_stands_in_the_order_of_time(house: House) -> None:
    say(house, ALICE, "When do we meet for the release party?")
    say(house, BOB, "Does anybody know the password of the printer?", HELP)
    say(house, BOB, "We decided: on Friday at seven, in the harbor cafe.")
    assert await caught_up(house) == [
        "Since 2026-01-04 12:03 UTC you missed 3 messages (channels: 2):",
        "• Alice: “When do we meet for the release party?” https://chat.example/memory/home/general/m0",
        "• Bob: “Does anybody know the password of the printer?” https://chat.example/memory/home/help/m1",
        "• Bob: “We decided: on Friday at seven, in the harbor cafe.” "
        "https://chat.example/memory/home/general/m2",
    ]


async def test_only_what_came_after_the_callers_last_word_was_missed(house: House) -> None:
    say(house, ALICE, "When do we meet for the release party?")
    say(house, CLEO, "I would like to come to the party as well.", HELP)
    say(house, CLEO, "/summarize")
    say(house, BOB, "We decided: on Friday at seven, in the harbor cafe.")
    heading, line = await caught_up(house)
    assert heading == "Since 2026-01-05 12:01 UTC you missed 1 message (channels: 1):"
    assert "on Friday at seven" in line


async def test_who_opted_out_is_told_what_they_missed_all_the_same(house: House) -> None:
    await house.store.privacy.opt_out(CLEO.identity)
    say(house, CLEO, "I would like to come to the party as well.")
    assert (await caught_up(house))[0].startswith("You missed nothing since 2026-01-05 12:00 UTC")
    say(house, BOB, "We decided: on Friday at seven, in the harbor cafe.")
    assert "missed 1 message" in (await caught_up(house))[0]


async def test_what_is_kept_tells_of_last_words_before_the_last_day(house: House) -> None:
    await house.heard("I would like to come to the party.", "recorded", id="k1", author=CLEO)
    await house.heard("catchup", "command", id="k2", author=CLEO)
    house.clock.later(hours=1)
    say(house, BOB, "We decided: on Friday at seven, in the harbor cafe.")
    house.clock.later(days=3)
    assert (await caught_up(house))[0].startswith("Since 2026-01-05 12:00 UTC you missed 1 message")
    house.clock.later(days=30)
    assert (await caught_up(house))[0].startswith("You missed nothing since 2026-01-31 13:01 UTC")


async def test_last_words_in_another_community_are_no_last_words_here(house: House) -> None:
    elsewhere = Channel("memory", "home/../x", "general")
    await house.heard("I am over here.", "recorded", id="k1", author=CLEO, channel=elsewhere)
    similar = Channel("memory", "homeland", "general")
    await house.heard("And over here.", "recorded", id="k2", author=CLEO, channel=similar)
    assert await house.store.messages.last_said(CLEO.identity, "memory/homeland", house.context().to)
    assert await house.store.messages.last_said(CLEO.identity, "memory/hom_", house.context().to) is None
    other = replace(house.context(CLEO), channel=Channel("memory", "third", "general"))
    assert await house.store.messages.last_said(CLEO.identity, "memory/third", other.to) is None


async def test_a_thread_counts_where_it_is_asked(house: House) -> None:
    house.platform.open = ((THREAD, "Party"),)
    say(house, BOB, "We decided: on Friday at seven, in the harbor cafe.", THREAD)
    assert "harbor cafe" in (await caught_up(house, house.context(CLEO, THREAD)))[1]
    assert "missed nothing" in (await caught_up(house))[0]


async def test_channels_that_one_may_not_read_are_not_read(house: House) -> None:
    say(house, BOB, "We decided: on Friday at seven, in the harbor cafe.")
    house.platform.shut_out.add(CLEO.id)
    assert await caught_up(house) == [
        "You missed nothing since 2026-01-04 12:01 UTC: members have said nothing where you and I can read."
    ]
    house.platform.broken = True
    outcome = await house.services.commands.run_line(house.context(CLEO), "catchup")
    assert isinstance(outcome, tuple)
    assert isinstance(outcome[0], Reply)
    assert "Try again in a minute" in outcome[0].text


async def test_what_was_left_out_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catchup, "MOST_MESSAGES", 1)
    monkeypatch.setattr(catchup, "MOST_CHANNELS", 1)
    say(house, ALICE, "When do we meet for the release party?")
    say(house, BOB, "We decided: on Friday at seven, in the harbor cafe.")
    heading, _line, *notes = await caught_up(house)
    assert "missed 1 message" in heading
    assert notes == [
        "I did not look into 1 more channel.",
        "Of 1 channel I read only the first 1 messages of that time.",
    ]
    house.services = replace(house.services, directory=Failing(past=house.platform.past, after=0))
    assert (await caught_up(house))[1:] == ["The history of 1 channel I was not given (to the end)."]


async def test_where_no_words_are_shown_that_is_said(house: House) -> None:
    say(house, ALICE, "", HELP)
    assert (await caught_up(house))[0].startswith("Of 1 message there I was shown no words")


async def test_busy_channels_leave_room_for_quiet_ones(house: House) -> None:
    words = ("harbor", "ferry", "bridge", "kernel", "party", "cafe", "market", "train", "island", "storm")
    for n in range(100):
        say(house, BOB, f"The {words[n % 10]} of day {n} and the {words[n // 10]} are {n * 3} miles apart.")
    say(house, ALICE, "Does anybody know the password of the printer?", HELP)
    _heading, *lines = await caught_up(house)
    assert len(lines) <= catchup.MOST_OF_A_CHANNEL + 1
    assert "printer" in lines[-1]
