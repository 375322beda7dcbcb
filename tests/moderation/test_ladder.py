"""From verdicts to actions: strikes fade, steps climb, and runaway rules are stopped."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.actions import Alert, Ban, Delete, Hide, Kick, React, Reply, Severity, Timeout
from bot.core.permissions import Role
from bot.moderation.brake import Brake
from bot.moderation.examined import Standing
from bot.moderation.judge import verdict_of
from bot.moderation.ladder import actions_on, consequence, hint, is_exempt, strikes
from bot.moderation.rule import Evidence, Finding, Verdict
from bot.moderation.rulebook import rule_from
from bot.storage.strikes import Strike
from tests.messages import ALICE, EPOCH, ROBOT, message

DAYS = st.floats(0, 1000)


def test_a_strike_counts_half_after_each_half_life() -> None:
    kept = [Strike(EPOCH)]
    values = [strikes(kept, EPOCH + timedelta(days=days), half_life_days=10) for days in (0, 10, 20, 100)]
    assert values == pytest.approx([1, 0.5, 0.25, 1 / 1024])
    assert strikes([], EPOCH) == 0
    assert strikes([Strike(EPOCH, 2.0), Strike(EPOCH)], EPOCH) == 3


@given(st.lists(DAYS, max_size=10), DAYS, DAYS)
def test_without_new_strikes_nobody_stands_higher_later(ages: list[float], one: float, two: float) -> None:
    kept = [Strike(EPOCH - timedelta(days=age)) for age in ages]
    sooner, later = sorted((EPOCH + timedelta(days=one), EPOCH + timedelta(days=two)))
    assert strikes(kept, later) <= strikes(kept, sooner) <= len(ages)


def test_the_highest_step_reached_decides_and_never_weakens_the_rule() -> None:
    rule = rule_from(
        "words",
        "insults",
        {
            "words": ["idiot"],
            "action": "hide",
            "timeout_minutes": 5,
            "escalation": [
                {"strikes": 1, "action": "hint"},
                {"strikes": 2, "action": "timeout"},
                {"strikes": 4, "action": "timeout", "minutes": 60},
                {"strikes": 8, "action": "ban"},
            ],
        },
    )
    found = [(each.severity, each.timeout_s) for each in (consequence(rule, n) for n in (0, 1, 2.5, 4, 99))]
    assert found == [
        (Severity.HIDE, 300),
        (Severity.HIDE, 300),
        (Severity.TIMEOUT, 300),
        (Severity.TIMEOUT, 3600),
        (Severity.BAN, 300),
    ]
    assert verdict_of(rule, Finding(1.0), 2).severity is Severity.TIMEOUT


@pytest.mark.parametrize(
    ("severity", "kinds"),
    [
        (Severity.NONE, []),
        (Severity.LOG, []),
        (Severity.REACT, [React]),
        (Severity.HINT, [Reply]),
        (Severity.QUEUE, [Alert]),
        (Severity.HIDE, [Hide, Alert]),
        (Severity.DELETE, [Delete]),
        (Severity.TIMEOUT, [Delete, Timeout]),
        (Severity.KICK, [Delete, Kick]),
        (Severity.BAN, [Delete, Ban]),
    ],
)
def test_each_severity_is_these_actions(severity: Severity, kinds: list[type]) -> None:
    verdict = Verdict("rule", 0.9, severity, (Evidence(0, 3, "bad", "it is bad"),), timeout_s=90)
    actions = actions_on(message("bad words"), verdict)
    assert [type(action) for action in actions] == kinds
    told = "".join(action.text for action in actions if isinstance(action, Alert | Reply))
    assert "bad words" not in told
    assert all(action.duration_s == 90 for action in actions if isinstance(action, Timeout))


def test_a_hint_says_why_or_what_moderators_wrote() -> None:
    evidence = (Evidence(0, 1, "x", "it shouts"), Evidence(2, 3, "y", "it shouts"))
    assert "it shouts." in hint(Verdict("caps", 1, Severity.HINT, evidence))
    assert hint(Verdict("caps", 1, Severity.HINT, evidence, hint="Softly, please.")) == "Softly, please."
    private = verdict_of(rule_from("personal_data", "private", {}), Finding(1.0))
    actions = actions_on(message("x"), private)
    assert [type(action) for action in actions] == [Alert, Reply]


def test_bots_and_who_moderates_are_exempt() -> None:
    assert is_exempt(ROBOT, Standing())
    assert is_exempt(ALICE, Standing(Role.MODERATOR))
    assert is_exempt(ALICE, Standing(Role.ADMIN))
    assert not is_exempt(ALICE, Standing())


def test_a_rule_that_acts_too_often_is_stopped_until_somebody_looks() -> None:
    now = EPOCH
    brake = Brake(lambda: now, per_minute=5)
    assert [brake.allows("home", "all") for _n in range(7)] == [True] * 5 + [False] * 2
    assert brake.stopped("home") == ("all",)
    assert brake.allows("away", "all")
    assert brake.allows("home", "other")
    now += timedelta(hours=1)
    assert not brake.allows("home", "all")
    brake.release("home", "all")
    assert brake.allows("home", "all")
    assert all(brake.allows("home", "flood", bursts=True) for _n in range(50))


def test_a_rule_that_acts_now_and_then_is_never_stopped() -> None:
    now = EPOCH
    brake = Brake(lambda: now, per_minute=5)
    for _n in range(100):
        now += timedelta(seconds=13)
        assert brake.allows("home", "all")
