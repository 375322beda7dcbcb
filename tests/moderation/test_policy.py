"""Judging by policy in a whole bot: later than everything else, seldom, and never more than a question."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.adapters.memory import MemoryAdapter
from bot.app import App
from bot.core.actions import Alert, Severity
from bot.core.errors import UserError
from bot.core.events import Author, Message
from bot.core.permissions import Role
from bot.llm.echo import EchoModel, Script
from bot.llm.model import Capabilities, Turn
from bot.moderation.assessing import MOST_WAITING, Assessing
from bot.moderation.brake import Brake
from bot.moderation.examples import Scripted
from bot.moderation.judge import Judge
from bot.moderation.late import Late
from bot.moderation.review import Review
from bot.moderation.rule import Example, Rule
from bot.moderation.rulebook import rule_from, write
from bot.moderation.ruleset import Ruleset
from bot.moderation.share import Share
from bot.outgoing.keys import named_key
from bot.storage.cases import Case
from bot.storage.outbox import NewOutboxRow
from bot.storage.rulebooks import Rulebook
from tests.journeys.model import by_turns
from tests.living import PATIENCE_S, Life
from tests.messages import message

SALES = rule_from("policy", "sales", {"policy": "Nobody offers goods here.", "sample": 0})
WATCHED = rule_from("words", "watched", {"words": ["tickets", "concert"], "action": "log"})
OFFER, TALK = "I sell two tickets, who wants them?", "Who comes to the concert?"


@dataclass
class Gate:
    """Lets a model say its words when somebody opens it."""

    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, seconds: float) -> None:
        await self.open.wait()


@asynccontextmanager
async def judged(life: Life, *enforced: str, rules: Sequence[Rule] = (SALES, WATCHED)) -> AsyncIterator[App]:
    """A bot in a community with a policy."""
    async with life.bot() as app:
        desk = life.world.channel("moderators")
        book = Rulebook("memory/town", rules=write(rules), log=desk, enforced=frozenset(enforced))
        await app.store.rulebooks.save(book, actor="mia")
        yield app


def asked(life: Life) -> list[str]:
    """What the model was asked to judge."""
    return [turns[-1].text for turns in life.model.asked if turns[-1].text.startswith("<<")]


async def cases(app: App) -> list[Case]:
    return await app.store.cases.waiting("memory/town", 50)


def cards(life: Life) -> list[str]:
    return life.world.answers(life.world.channel("moderators"))


async def answered(life: Life, text: str) -> None:
    """The bot has looked at everything up to now."""
    life.world.say(life.person("someone"), life.room, f"@llmos {text}")
    await life.until(lambda: any(text in answer for answer in life.world.answers(life.room)))


async def happens(holds: Callable[[], bool]) -> None:
    """Wait for what nobody in the world is told of."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.005)


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path, model=EchoModel(by_turns))


async def test_what_breaks_the_policy_is_put_before_moderators_with_its_line(life: Life) -> None:
    async with judged(life, "sales") as app:
        life.world.say(life.person("ben"), life.room, OFFER)
        await life.until(lambda: bool(cards(life)))
        (case,) = await cases(app)
        assert (case.rule, case.severity, case.shadow, case.text) == ("sales", Severity.QUEUE, False, OFFER)
        ((start, end, said, why),) = case.evidence
        assert OFFER[start:end] == said
        assert "Nobody offers goods here." in why
        outcome = await app.store.messages.outcome(life.world.shown(life.room)[0].message.ref)
        assert outcome == "moderated:sales"
    assert [each.text for each in life.world.shown(life.room)] == [OFFER]


async def test_in_shadow_it_only_reports(life: Life) -> None:
    async with judged(life) as app:
        life.world.say(life.person("ben"), life.room, OFFER)
        await life.until(lambda: bool(cards(life)))
        (case,) = await cases(app)
        assert case.shadow


async def test_what_nothing_finds_suspicious_is_not_judged_and_what_is_harmless_has_no_case(
    life: Life,
) -> None:
    async with judged(life, "sales") as app:
        life.world.say(life.person("ben"), life.room, "I sell my old bicycle")
        life.world.say(life.person("ben"), life.room, TALK)
        await happens(lambda: len(asked(life)) == 1)
        await answered(life, "done?")
        assert TALK in asked(life)[0]
        assert await cases(app) == []


async def test_the_author_is_not_named_to_the_model(life: Life) -> None:
    async with judged(life, "sales"):
        life.world.say(life.person("benedict"), life.room, f"{OFFER} write to b@example.org")
        await happens(lambda: bool(asked(life)))
    said = "\n".join(turn.text for turns in life.model.asked for turn in turns)
    assert "benedict" not in said
    assert "example.org" not in said


async def test_a_silent_model_holds_up_nothing(tmp_path: Path) -> None:
    gate = Gate()

    def slow_to_judge(turns: Sequence[Turn]) -> Script:
        script = by_turns(turns)
        return script if script.text is None else Script(script.text, delay_s=1)

    async def sleep(seconds: float) -> None:
        if seconds:
            await gate(seconds)

    life = Life(tmp_path, model=EchoModel(slow_to_judge, sleep=sleep))
    async with judged(life, "sales") as app:
        life.world.say(life.person("ben"), life.room, OFFER)
        await answered(life, "still there?")
        outcome = await app.store.messages.outcome(life.world.shown(life.room)[0].message.ref)
        assert outcome == "noted:watched"
        assert await cases(app) == []
        gate.open.set()
        await life.until(lambda: bool(cards(life)))
        assert [case.rule for case in await cases(app)] == ["sales"]


async def test_a_model_that_is_too_small_is_not_asked_and_no_policy_is_added(tmp_path: Path) -> None:
    life = Life(tmp_path, model=EchoModel(by_turns, capabilities=Capabilities(can_answer=False)))
    async with judged(life, "sales"):
        mia = life.world.member("mia", Role.MODERATOR)
        life.world.say(mia, life.room, '!llmos rules add policy calm policy="Nobody talks about politics."')
        await life.until(lambda: any("too small to judge" in text for text in life.world.answers(life.room)))
        life.world.say(life.person("ben"), life.room, OFFER)
        await answered(life, "done?")
        assert asked(life) == []


async def test_an_opted_out_member_is_judged_and_nothing_more_is_kept_than_of_others(life: Life) -> None:
    async with judged(life, "sales") as app:
        ben = life.person("ben")
        life.world.say(ben, life.room, "!llmos privacy optout")
        await happens(lambda: app.store.privacy.opted_out(ben.identity))
        life.world.say(ben, life.room, OFFER)
        await life.until(lambda: bool(cards(life)))
        (case,) = await cases(app)
        assert case.rule == "sales"
        assert await app.store.messages.outcome(case.message) is None


# Beside the whole bot, with a hand on every part


@dataclass
class Bench:
    """An assessor with a real database, and the rows it began."""

    app: App
    assessing: Assessing
    begun: list[NewOutboxRow]

    async def settled(self) -> None:
        await happens(lambda: self.assessing.waiting == 0)


@asynccontextmanager
async def bench(
    life: Life, model: EchoModel, *, within_s: float = PATIENCE_S, brake: Brake | None = None
) -> AsyncIterator[Bench]:
    async with judged(life, "sales") as app:
        review = Review(app.store, MemoryAdapter(life.world).directory, life.clock, lambda channel: "enforce")
        begun: list[NewOutboxRow] = []
        late = Late(
            store=app.store, review=review, brake=brake or Brake(life.clock), now=life.clock, key=named_key
        )
        late.hand_to(begun.append)
        assessing = Assessing(review=review, late=late, model=model, now=life.clock, within_s=within_s)
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(assessing.keep())
            yield Bench(app, assessing, begun)
            keeping.cancel()


def offer(life: Life, number: int = 1, author: Author | None = None) -> Message:
    return message(OFFER, id=f"offer{number}", channel=life.room, author=author or life.person("ben"))


async def test_no_verdict_in_time_is_a_case_for_moderators(life: Life) -> None:
    async with bench(life, EchoModel(Script("…", stall=True)), within_s=0.05) as at:
        at.assessing.consider(offer(life), (SALES,))
        await at.settled()
        (case,) = await cases(at.app)
        assert (case.rule, case.severity) == ("sales", Severity.QUEUE)
        assert "in time" in case.evidence[0][3]
        assert len(at.begun) == 1


@pytest.mark.parametrize("answer", ["It is fine.", '{"lines": []}', ""])
async def test_an_answer_of_another_form_is_a_case_for_moderators(life: Life, answer: str) -> None:
    async with bench(life, EchoModel(Script(answer))) as at:
        at.assessing.consider(offer(life), (SALES,))
        await at.settled()
        (case,) = await cases(at.app)
        assert "not judged" in case.evidence[0][3]


async def test_nothing_comes_of_a_message_that_is_gone_or_whose_author_is_forgotten(life: Life) -> None:
    gate = Gate()
    async with bench(life, EchoModel(by_turns, sleep=gate)) as at:
        for number in range(3):
            at.assessing.consider(offer(life, number), (SALES,))
        at.assessing.withdraw(offer(life, 0).ref)
        at.assessing.consider(offer(life, 2), ())  # edited, and nothing is wrong with it any more
        at.assessing.forget(life.person("ben").identity)
        at.assessing.consider(offer(life, 3, life.person("eve")), (SALES,))
        gate.open.set()
        await at.settled()
        assert [case.author.id for case in await cases(at.app)] == ["eve"]


async def test_nothing_comes_of_a_rule_that_was_changed_meanwhile(life: Life) -> None:
    async with bench(life, EchoModel(by_turns)) as at:
        other = rule_from("policy", "sales", {"policy": "Nobody offers goods or services here."})
        at.assessing.consider(offer(life), (other,))
        await at.settled()
        assert await cases(at.app) == []


async def test_what_moderators_write_is_left_alone(life: Life) -> None:
    mia = life.world.member("mia", Role.MODERATOR)
    async with bench(life, EchoModel(by_turns)) as at:
        at.assessing.consider(offer(life, author=mia), (SALES,))
        await at.settled()
        assert await cases(at.app) == []


async def test_a_rule_that_finds_everything_is_stopped_and_moderators_are_told_once(life: Life) -> None:
    brake = Brake(life.clock, per_minute=2)
    async with bench(life, EchoModel(by_turns), brake=brake) as at:
        for number in range(5):
            at.assessing.consider(offer(life, number), (SALES,))
        await at.settled()
        assert len(await cases(at.app)) == 2
        assert sum(isinstance(row.action, Alert) for row in at.begun) == 1


async def test_no_more_wait_than_can_be_judged(life: Life) -> None:
    gate = Gate()
    async with bench(life, EchoModel(by_turns, sleep=gate)) as at:
        for number in range(MOST_WAITING + 20):
            at.assessing.consider(offer(life, number), (SALES,))
        assert at.assessing.waiting == MOST_WAITING


def test_a_model_is_asked_about_five_of_a_hundred_messages_at_most() -> None:
    judge = Judge(
        [rule_from("policy", "all", {"policy": "Nobody talks here.", "sample": 0.05})], lot=lambda: 0.0
    )
    doubted = sum(bool(judge.judge(message(f"word {n}", id=str(n))).doubted) for n in range(2_000))
    assert doubted == pytest.approx(100, abs=6)
    share = Share()
    for _message in range(1_000):
        share.heard("memory/calm")
    assert [share.takes("memory/calm") for _time in range(6)] == [True] * 5 + [False]


def test_the_sample_is_as_large_as_it_is_set() -> None:
    rule = rule_from("policy", "some", {"policy": "Nobody talks here.", "sample": 0.02})
    seen = Ruleset((rule,)).examine(message("hello"))
    assert [rule.wants(seen, (), lot) for lot in (0.0, 0.019, 0.02, 0.9)] == [True, True, False, False]
    assert not rule.wants(Ruleset((rule,)).examine(message(" ")), (), 0.0)


def test_what_the_classifiers_half_suspect_is_judged() -> None:
    half = Scripted(Example("hm", scores={"toxicity": 0.6, "spam": 0.0}))
    judge = Judge([SALES], scorer=half, lot=lambda: 0.5)
    assert judge.judge(message("hm")).doubted == (SALES,)
    assert judge.judge(message("hm")).verdicts == ()


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"policy": "x" * 100_000}, "2000"),
        ({"policy": "short"}, "10"),
        ({"policy": "Nobody offers goods here.", "action": "hide"}, "at most queue"),
        ({"policy": "Nobody offers goods here.", "escalation": [{"strikes": 2, "action": "ban"}]}, "queue"),
        ({"policy": "Nobody offers goods here.", "sample": 0.5}, "0.05"),
    ],
)
def test_a_policy_is_short_asks_seldom_and_never_punishes(values: dict[str, object], what: str) -> None:
    with pytest.raises(UserError, match=what):
        rule_from("policy", "calm", values)


async def test_a_policy_of_a_hundred_kilobytes_changes_nothing(life: Life) -> None:
    async with judged(life) as app:
        before = app.store.rulebooks.of("memory/town")
        text = 'rule = [{ kind = "policy", name = "long", policy = "' + "x" * 100_000 + '" }]'
        mia = life.world.member("mia", Role.MODERATOR)
        life.world.say(mia, life.room, f"!llmos rules import {text}")
        await life.until(lambda: any("too long" in answer for answer in life.world.answers(life.room)))
        assert app.store.rulebooks.of("memory/town") == before
