"""Thresholds follow verdicts by their counts: bounded, undone like any change, and blind to what was said."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.actions import Post, Severity
from bot.core.events import Author, Channel, MessageRef
from bot.core.permissions import Role
from bot.moderation.adapting import STEP, adapted, is_proof, unproven
from bot.moderation.desk import Desk
from bot.moderation.normalize import Normalized
from bot.moderation.record import Record
from bot.moderation.review import Review
from bot.moderation.rule import Step
from bot.moderation.rulebook import read, rule_from
from bot.moderation.ruleset import Ruleset
from bot.moderation.scored import HIGHEST, MOST_RAISED, ScoreRule
from bot.moderation.trial import Trial
from bot.storage.cases import Case, State
from bot.storage.rulebooks import Rulebook
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.commands.house import Platform
from tests.living import Clock
from tests.messages import message
from tests.moderation.test_judge import Counting

TOWN = "discord/1"
GENERAL, LOG = Channel("discord", "1", "2"), Channel("discord", "1", "9")
MIA, BEN = Author("discord", "5", "Mia"), Author("discord", "6", "Ben")
CANARY = "canary-71c3"
RULES = """
[[rule]]
kind = "toxicity"
name = "abuse"

[[rule]]
kind = "words"
name = "rude"
words = ["fool"]
"""


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def scored(**settings: object) -> ScoreRule:
    rule = rule_from("toxicity", "abuse", settings)
    assert isinstance(rule, ScoreRule)
    return rule


# The step


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0, MOST_RAISED), st.floats(0.5, 1))
def test_a_threshold_moves_a_step_at_most_and_never_below_what_was_chosen(
    right: int, wrong: int, raised: float, chosen: float
) -> None:
    before = scored(raised=raised, threshold=chosen)
    after = adapted(before, Record(right + wrong, right, wrong))
    assert 0 <= after.raised <= MOST_RAISED
    assert abs(after.raised - before.raised) <= STEP + 1e-4
    assert chosen <= after.demands(chosen) <= max(chosen, HIGHEST)
    assert scored(**after.model_dump(exclude={"name"})) == after


@pytest.mark.parametrize(
    ("right", "wrong", "before", "after"),
    [
        (0, 9, 0.0, 0.0),
        (7, 3, 0.0, 0.02),
        (8, 2, 0.0, 0.0),
        (0, 10, 0.1, 0.1),
        (19, 1, 0.04, 0.02),
        (19, 1, 0.0, 0.0),
        (18, 0, 0.04, 0.04),
        (18, 2, 0.04, 0.04),
        (0, 0, 0.04, 0.04),
    ],
)
def test_it_takes_enough_verdicts_of_one_kind(right: int, wrong: int, before: float, after: float) -> None:
    found = Record(right + wrong, right, wrong)
    assert adapted(scored(raised=before), found).raised == pytest.approx(after)
    off = scored(raised=before, adapts=False)
    assert adapted(off, found) == off


def test_a_raised_threshold_asks_for_surer_findings() -> None:
    class Sure(Counting):
        sure = 0.93

        def score(self, messages: Sequence[Normalized]) -> Sequence[Mapping[str, float]]:
            return [{"toxicity": self.sure}] * len(messages)

    def finds(rule: ScoreRule, sure: float) -> bool:
        scorer = Sure()
        scorer.sure = sure
        return bool(Trial(Ruleset((rule,)), scorer).look(message("bad")))

    assert finds(scored(), 0.91)
    assert not finds(scored(raised=0.02), 0.91)
    assert finds(scored(raised=0.02), 0.93)
    assert finds(scored(raised=0.1), 0.995)


def test_fifty_verdicts_of_which_ninety_five_of_a_hundred_are_right_prove_a_score() -> None:
    assert is_proof(Record(50, 48, 2))
    assert not is_proof(Record(50, 47, 3))
    assert not is_proof(Record(49, 49, 0))
    assert not is_proof(Record())


def test_what_is_no_longer_proven_queues_again_also_on_every_step() -> None:
    steps = (Step(strikes=1, action=Severity.HINT), Step(strikes=2, action=Severity.BAN))
    proven = scored(proven=True, action="hide", escalation=steps)
    assert unproven(proven, Record(50, 48, 2)) == proven
    assert unproven(proven, Record(49, 0, 49)) == proven, "too few to say"
    mild = unproven(proven, Record(60, 50, 10))
    assert (mild.proven, mild.action) == (False, Severity.QUEUE)
    assert [step.action for step in mild.escalation] == [Severity.HINT, Severity.QUEUE]
    assert scored(**mild.model_dump(mode="json", exclude={"name"})) == mild


# Verdicts of moderators


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{tmp_path}/bot.db", tmp_path / "key")
    await store.rulebooks.save(Rulebook(TOWN, rules=RULES, log=LOG, enforced=frozenset({"abuse"})), "mia")
    yield store
    await store.close()


@pytest.fixture
def desk(store: Store) -> Desk:
    platform, clock = Platform({MIA.id: Role.MODERATOR}), Clock()
    return Desk(store, Review(store, platform, clock, lambda channel: "standard"), clock)


async def case(store: Store, rule: str = "abuse", state: State = "open", n: int = 0) -> Case:
    book = store.rulebooks.of(TOWN)
    number = store.cases.next_number()
    made = Case(
        number, TOWN, MessageRef(GENERAL, f"m{number}"), BEN, f"{CANARY} {n}", rule, book.version,
        Severity.QUEUE, False, Clock()(), state, 0.95, ((0, 11, CANARY, "probably abusive"),),
    )  # fmt: skip
    await store.settle(Settlement(cases=(made,)))
    return made


def abuse(store: Store) -> ScoreRule:
    rule = read(store.rulebooks.of(TOWN).rules)[0]
    assert isinstance(rule, ScoreRule)
    return rule


async def test_ten_false_alarms_raise_it_once_and_moderators_read_why(store: Store, desk: Desk) -> None:
    told: list[str] = []
    for n in range(10):
        decided = await desk.decide(await case(store, n=n), "false-alarm", MIA, f"call{n}")
        told += [each.text for each in decided.actions if isinstance(each, Post) and each.channel == LOG]
        assert abuse(store).raised == (STEP if n == 9 else 0)
    (said,) = told
    assert "0 of 10 were right" in said
    assert "`rules undo` takes that back" in said
    assert store.rulebooks.of(TOWN).enforced == {"abuse"}
    (entry, *_others) = [each for each in await store.audit.recent("discord", "1", 20) if each.actor == "bot"]
    assert (entry.verb, entry.detail) == ("rules adapt", "version 2 abuse raised=0.02 0/10")


async def test_a_verdict_counts_once_and_later_ones_bring_it_back(store: Store, desk: Desk) -> None:
    for n in range(19):
        await desk.decide(await case(store), "false-alarm", MIA, f"a{n}")
    assert abuse(store).raised == STEP, "nine verdicts since then are too few"
    await desk.decide(await case(store), "false-alarm", MIA, "one more")
    assert abuse(store).raised == 2 * STEP
    for n in range(20):
        await desk.decide(await case(store), "right", MIA, f"b{n}")
    assert abuse(store).raised == STEP
    repeated = await store.cases.get(TOWN, 1)
    assert repeated is not None
    version = store.rulebooks.of(TOWN).version
    await desk.decide(repeated, "false-alarm", MIA, "a0")
    assert store.rulebooks.of(TOWN).version == version


async def test_an_appeal_that_was_right_is_a_verdict_too(store: Store, desk: Desk) -> None:
    for n in range(9):
        await desk.decide(await case(store), "false-alarm", MIA, f"a{n}")
    await desk.overturn(await case(store, state="upheld"), MIA, "appeal")
    assert abuse(store).raised == STEP


async def test_verdicts_of_other_rules_and_messages_that_may_stay_change_nothing(
    store: Store, desk: Desk
) -> None:
    for n in range(15):
        await desk.decide(await case(store, "rude"), "false-alarm", MIA, f"a{n}")
        await desk.decide(await case(store), "approve", MIA, f"b{n}")
    assert store.rulebooks.of(TOWN).version == 1


async def test_a_score_that_lost_its_proof_only_queues_again(store: Store, desk: Desk) -> None:
    proven = RULES.replace('name = "abuse"', 'name = "abuse"\nproven = true\naction = "hide"\nadapts = false')
    await store.rulebooks.save(Rulebook(TOWN, 1, proven, LOG, frozenset({"abuse"})), "mia")
    for _n in range(48):
        await case(store, state="upheld")
    await desk.decide(await case(store), "false-alarm", MIA, "1")
    await desk.decide(await case(store), "false-alarm", MIA, "2")
    assert abuse(store).proven
    decided = await desk.decide(await case(store), "false-alarm", MIA, "3")
    assert (abuse(store).proven, abuse(store).action, abuse(store).raised) == (False, Severity.QUEUE, 0)
    assert any("only queues again" in each.text for each in decided.actions if isinstance(each, Post))


async def test_no_word_of_a_message_is_learned(store: Store, desk: Desk, tmp_path: Path) -> None:
    for n in range(20):
        await desk.decide(await case(store, n=n), "false-alarm", MIA, f"call{n}")
    assert abuse(store).raised == 2 * STEP
    written = [book.rules for book in await store.rulebooks.history(TOWN, 50)]
    written += [entry.detail for entry in await store.audit.recent("discord", "1", 100)]
    assert not any("canary" in each for each in written)
    await store.close()
    for file in files(tmp_path):
        assert b"canary" not in file.read_bytes(), file
