"""Trying rules on the past: in the order of time over all channels, bounded, and with nothing following."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

import pytest

from bot.core.errors import PlatformError
from bot.core.events import Author, Channel, Message
from bot.moderation.ladder import is_stronger
from bot.moderation.record import Record, record
from bot.moderation.rulebook import rule_from
from bot.moderation.ruleset import Ruleset
from bot.moderation.trial import PER_CHANNEL, Histories, Trial
from tests.messages import EPOCH, message

ONE, TWO = Channel("memory", "home", "one"), Channel("memory", "home", "two")


def said(
    channel: Channel, *seconds: float, text: str = "hello there", author: Author | None = None
) -> list[Message]:
    return [
        message(
            text,
            id=f"{channel.id}{at}",
            channel=channel,
            at=EPOCH + timedelta(seconds=at),
            author=author or Author("memory", "ben", "Ben"),
        )
        for at in seconds
    ]


async def read(histories: Mapping[str, Sequence[Message]], broken: str = "") -> tuple[list[str], Histories]:
    async def history(channel: Channel) -> AsyncIterator[Message]:
        for each in histories[channel.id]:
            yield each
        if channel.id == broken:
            raise PlatformError("gone")

    all_of = Histories(history, (ONE, TWO))
    return [each.ref.id async for each in all_of.messages()], all_of


async def test_messages_of_several_channels_come_in_the_order_of_time() -> None:
    ids, histories = await read({"one": said(ONE, 1, 4, 5), "two": said(TWO, 2, 3, 6)})
    assert ids == ["one1", "two2", "two3", "one4", "one5", "two6"]
    assert (histories.cut, histories.failed) == ([], [])


async def test_a_channel_that_breaks_off_is_named_and_the_others_go_on() -> None:
    ids, histories = await read({"one": said(ONE, 1), "two": said(TWO, 2, 3)}, broken="one")
    assert ids == ["one1", "two2", "two3"]
    assert histories.failed == [ONE]


async def test_no_more_than_so_many_of_a_channel_are_read() -> None:
    ids, histories = await read({"one": said(ONE, *range(PER_CHANNEL + 3)), "two": said(TWO, 1)})
    assert len(ids) == PER_CHANNEL + 1
    assert histories.cut == [ONE]
    assert len((await read({"one": said(ONE, *range(PER_CHANNEL)), "two": ()}))[1].cut) == 0


def test_a_trial_counts_as_the_clock_of_the_messages_goes() -> None:
    flood = rule_from("flood", "flood", {"member_messages": 3, "member_seconds": 10})
    trial = Trial(Ruleset((flood,)))
    found = [bool(trial.look(each)) for each in said(ONE, 0, 1, 2, 60, 61, 62, 600)]
    assert found == [False, False, True, False, False, True, False]
    assert (trial.read, trial.matched["flood"]) == (7, 2)
    assert trial.share("flood") == pytest.approx(2 / 7)


def test_bots_are_left_alone_and_two_trials_know_nothing_of_each_other() -> None:
    rules = Ruleset((rule_from("duplicates", "copies", {"own_copies": 2, "own_shortest": 5}),))
    trial = Trial(rules)
    for each in said(ONE, 1, 2, 3, author=Author("memory", "robot", "Robot", is_bot=True)):
        assert trial.look(each) == ()
    (first,) = said(ONE, 4, text="the very same words again")
    assert trial.look(first) == ()
    assert Trial(rules).look(first) == ()


@pytest.mark.parametrize(
    ("before", "after", "stronger"),
    [
        ({"action": "hide"}, {"action": "delete"}, True),
        ({"action": "delete"}, {"action": "hide"}, False),
        ({"action": "hide"}, {"action": "hide", "share": 0.9}, False),
        ({"action": "hide"}, {"action": "hide", "timeout_minutes": 60}, False),
        ({"action": "timeout"}, {"action": "timeout", "timeout_minutes": 60}, True),
        ({"action": "timeout", "timeout_minutes": 60}, {"action": "timeout"}, False),
        ({"action": "log"}, {"action": "log", "escalation": [{"strikes": 3, "action": "ban"}]}, True),
        (
            {"escalation": [{"strikes": 3, "action": "ban"}]},
            {"escalation": [{"strikes": 2, "action": "ban"}]},
            True,
        ),
        ({"escalation": [{"strikes": 3, "action": "ban"}]}, {}, False),
    ],
)
def test_a_rule_is_stronger_when_anybody_is_treated_harder(
    before: dict[str, object], after: dict[str, object], stronger: bool
) -> None:
    assert is_stronger(rule_from("caps", "x", after), rule_from("caps", "x", before)) is stronger


def test_what_may_stay_and_what_is_open_says_nothing_about_a_rule() -> None:
    found = record({"open": 5, "kept": 4, "upheld": 8, "false alarm": 2, "done": 1})
    assert (found.cases, found.verdicts, found.precision) == (20, 10, 0.8)
    assert not found.is_doubtful
    assert Record(10, 7, 3).is_doubtful
    assert not Record(9, 0, 9).is_doubtful
    assert Record(3).precision is None
