"""One judgement per message, and the bot's own words under the same rules."""

from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from bot.core.actions import Alert, Chunk, Hide, Severity, Status
from bot.core.events import Channel, Join
from bot.core.permissions import Role
from bot.moderation.brake import Brake
from bot.moderation.classifiers import Classifiers
from bot.moderation.evidence import Evidence
from bot.moderation.examined import Examined, Standing
from bot.moderation.judge import Judge
from bot.moderation.normalize import Normalized
from bot.moderation.past import Past
from bot.moderation.rule import Finding, Rule, Step
from bot.moderation.rulebook import PRESETS, preset, rule_from
from bot.moderation.ruleset import Ruleset
from tests.messages import ALICE, BOB, CHANNEL, EPOCH, ROBOT, message


class Forbid(Rule):
    """A rule against one word."""

    word: str
    score: float = 1.0

    def check(self, seen: Examined, past: Past) -> Finding | None:
        return Finding(self.score) if self.word in seen.message.text else None


def forbid(word: str, action: Severity = Severity.DELETE, score: float = 1.0) -> Forbid:
    return Forbid(name="forbid", word=word, action=action, score=score)


def words(word: str) -> Rule:
    return rule_from("words", word, {"words": [word], "action": "delete"})


class Broken(Rule):
    """A rule with a bug."""

    def check(self, seen: Examined, past: Past) -> Finding | None:
        raise ZeroDivisionError


async def stream(*chunks: Chunk) -> AsyncIterator[Chunk]:
    for chunk in chunks:
        yield chunk


async def watched(judge: Judge, *chunks: Chunk) -> list[Chunk]:
    return [chunk async for chunk in judge.watch(stream(*chunks), message("?"), clock=lambda: 0.0)]


def test_the_strongest_verdict_decides_and_only_its_actions_follow() -> None:
    judgement = Judge([forbid("spam", Severity.REACT), forbid("spam", Severity.HIDE)]).judge(message("spam"))
    assert len(judgement.verdicts) == 2
    assert judgement.strongest is judgement.verdicts[1]
    assert [type(action) for action in judgement.actions] == [Hide, Alert]
    assert not judgement.stands


def test_of_equal_verdicts_the_surer_one_decides() -> None:
    judgement = Judge([forbid("x", score=0.4), forbid("x", score=0.9)]).judge(message("x"))
    assert judgement.strongest is judgement.verdicts[1]


def test_a_mild_verdict_lets_the_message_stand() -> None:
    assert Judge([forbid("x", Severity.HINT)]).judge(message("x")).stands
    assert Judge([forbid("x")]).judge(message("y")).stands


def test_a_broken_rule_does_not_stop_the_others() -> None:
    assert not Judge([Broken(name="broken"), forbid("x")]).judge(message("x")).stands


def test_bots_and_moderators_are_not_judged_and_exempt_roles_not_by_that_rule() -> None:
    standing = Standing()
    judge = Judge([forbid("x")], standing_of=lambda _message: standing)
    assert judge.judge(message("x", author=ROBOT)).stands
    standing = Standing(Role.MODERATOR)
    assert judge.judge(message("x")).stands
    standing = Standing(roles=frozenset({"trusted"}))
    assert not judge.judge(message("x")).stands
    mild = forbid("x").model_copy(update={"exempt_roles": ("trusted",)})
    assert Judge([mild], standing_of=lambda _message: standing).judge(message("x")).stands


def test_a_rule_is_for_its_channels_only_threads_included() -> None:
    thread = Channel("memory", "home", "help", thread="t1")
    only = Judge([forbid("x").model_copy(update={"channels": ("help",)})])
    but = Judge([forbid("x").model_copy(update={"except_channels": ("t1",)})])
    assert only.judge(message("x")).stands
    assert not only.judge(message("x", channel=thread)).stands
    assert not but.judge(message("x")).stands
    assert but.judge(message("x", channel=thread)).stands


def test_strikes_make_the_answer_stronger() -> None:
    steps = (Step(strikes=2, action=Severity.BAN),)
    rule = forbid("x", Severity.HINT).model_copy(update={"escalation": steps})
    for struck, strongest in ((0.0, Severity.HINT), (2.0, Severity.BAN)):
        judge = Judge([rule], strikes_of=lambda _message, struck=struck: struck)  # type: ignore[misc]
        verdict = judge.judge(message("x")).strongest
        assert verdict is not None
        assert verdict.severity is strongest


def test_a_runaway_rule_is_stopped_with_one_alert_and_lets_the_next_one_act() -> None:
    judge = Judge([forbid("", Severity.BAN), words("bad")], now=lambda: EPOCH)
    judge.brake = Brake(lambda: EPOCH, per_minute=3)
    judged = [judge.judge(message(f"fine {n}", id=str(n))) for n in range(8)]
    assert [each.stands for each in judged] == [False] * 3 + [True] * 5
    assert sum(isinstance(action, Alert) for each in judged[3:] for action in each.actions) == 1
    later = judge.judge(message("bad"))
    assert later.strongest is not None
    assert (later.strongest.rule, later.strongest.severity) == ("bad", Severity.DELETE)
    assert {verdict.rule: verdict.severity for verdict in later.verdicts}["forbid"] is Severity.LOG


def test_edits_are_judged_and_count_for_no_flood() -> None:
    flood = rule_from("flood", "flood", {"member_messages": 3})
    judge = Judge([flood, forbid("x")], now=lambda: EPOCH)
    assert not judge.judge(message("x"), is_edit=True).stands
    assert all(judge.judge(message("y"), is_edit=True).stands for _n in range(20))
    assert [judge.judge(message("y", id=str(n))).stands for n in range(3)] == [True, True, False]


def test_communities_have_rules_and_pasts_of_their_own() -> None:
    away = Channel("memory", "away", "general")
    strict = Ruleset([rule_from("flood", "flood", {"member_messages": 2}), forbid("x")])
    judge = Judge(lambda channel: strict if channel.community == "home" else Ruleset(), now=lambda: EPOCH)
    assert judge.judge(message("x", channel=away)).stands
    for n in range(5):
        judge.judge(message("y", channel=away, id=str(n)))
    assert judge.judge(message("y")).stands
    assert not judge.judge(message("y")).stands


def test_who_joined_just_now_is_known_as_new() -> None:
    judge = Judge([rule_from("flood", "flood", {"joins": 2})], now=lambda: EPOCH)
    for author in (ALICE, BOB):
        judge.joined(Join(CHANNEL, author, EPOCH))
    assert not judge.judge(message("hi")).stands
    judge.forget(ALICE.identity)
    assert judge.judge(message("hi", id="2")).stands


class Counting:
    """A scorer that notes how many texts it was given at once."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def score(self, messages: Sequence[Normalized]) -> Sequence[Mapping[str, float]]:
        self.batches.append(len(messages))
        return [{"toxicity": 0.99 if "bad" in each.text else 0.01} for each in messages]

    def evidence(self, message: Normalized, score: str) -> Sequence[Evidence]:
        at = message.original.index("bad")
        return (Evidence(at, at + 3, "bad", score),)

    def threshold(self, message: Normalized, score: str) -> float:
        return 0.9


def test_messages_that_wait_are_scored_at_once_and_each_gets_its_own_score() -> None:
    scorer = Counting()
    judge = Judge([rule_from("toxicity", "toxicity", {})], scorer=scorer)
    waiting = [message("good" if n % 2 else "so bad", id=str(n)) for n in range(10)]
    judge.foresee(waiting)
    assert [judge.judge(each).stands for each in waiting] == [False, True] * 5
    assert scorer.batches == [10]
    verdict = judge.judge(message("a bad one", id="other")).strongest
    assert verdict is not None
    assert [(e.start, e.text) for e in verdict.evidence] == [(2, "bad")]
    assert scorer.batches == [10, 1]


def test_what_waits_elsewhere_is_scored_along_and_not_again() -> None:
    scorer = Counting()
    judge = Judge([rule_from("toxicity", "toxicity", {})], scorer=scorer)
    first, *others = [message("good" if n % 2 else "so bad", id=str(n)) for n in range(6)]
    judge.foresee([first], others)
    for each in others:
        judge.foresee([each], others)
    assert [judge.judge(each).stands for each in (first, *others)] == [False, True] * 3
    assert scorer.batches == [6]


def test_without_rules_about_scores_nobody_is_scored() -> None:
    scorer = Counting()
    judge = Judge([forbid("x")], scorer=scorer)
    judge.foresee([message("y"), message("z", id="2")])
    judge.judge(message("y"))
    assert scorer.batches == []


async def test_the_bots_words_count_for_no_flood_and_whoever_asked() -> None:
    flood = rule_from("flood", "flood", {"member_messages": 2})
    judge = Judge([flood, forbid("secret")], now=lambda: EPOCH, standing_of=lambda _m: Standing(Role.ADMIN))
    assert "I stopped" not in "".join(map(str, await watched(judge, *["One. "] * 9)))
    assert "I stopped" in "".join(map(str, await watched(judge, "The secret.")))


async def test_a_rule_in_shadow_stops_no_word_of_the_bots_and_holds_none_back() -> None:
    judge = Judge([forbid("secret")], acts=lambda channel, rule: False)
    assert await watched(judge, "The ", "secret.") == ["The ", "secret."]


async def test_only_the_rules_that_act_stop_the_bots_words() -> None:
    judge = Judge([words("apple"), words("pear")], acts=lambda channel, rule: rule == "pear")
    assert await watched(judge, "An apple.") == ["An apple."]
    assert "I stopped" in "".join(map(str, await watched(judge, "An apple. ", "A pear.")))


async def test_a_rule_that_the_brake_stopped_stops_no_word_of_the_bots() -> None:
    judge = Judge([words("bad")], now=lambda: EPOCH)
    judge.brake = Brake(lambda: EPOCH, per_minute=1)
    assert "I stopped" in "".join(map(str, await watched(judge, "How bad.")))
    for n in range(2):
        judge.judge(message("bad", id=str(n)))
    assert await watched(judge, "How bad.") == ["How bad."]


async def test_of_the_scores_only_abuse_counts_where_the_bot_speaks() -> None:
    class Certain(Counting):
        def score(self, messages: Sequence[Normalized]) -> Sequence[Mapping[str, float]]:
            return [{"toxicity": 0.99, "spam": 0.99, "quality": 0.99}] * len(messages)

    text = "A bad text: https://example.org."
    for kind in ("spam", "low_effort"):
        rule = rule_from(kind, kind, {"action": "queue"})
        assert not Judge([rule], scorer=Certain()).judge(message(text)).stands
        assert await watched(Judge([rule], scorer=Certain()), text) == [text]
    abuse = Judge([rule_from("toxicity", "toxicity", {})], scorer=Certain())
    assert "I stopped" in "".join(map(str, await watched(abuse, text)))


def test_what_is_said_to_the_bot_is_no_low_effort_question_to_members() -> None:
    class Low(Counting):
        def score(self, messages: Sequence[Normalized]) -> Sequence[Mapping[str, float]]:
            return [{"quality": 0.99}] * len(messages)

    judge = Judge([rule_from("low_effort", "low", {})], scorer=Low())
    assert [each.rule for each in judge.judge(message("a bad one")).verdicts] == ["low"]
    assert judge.judge(message("a bad one", to_us=True)).verdicts == ()


async def test_without_rules_every_chunk_passes_at_once() -> None:
    assert await watched(Judge(), Status("thinking"), "a", "b") == [Status("thinking"), "a", "b"]


async def test_the_bots_words_are_held_until_a_sentence_ends() -> None:
    assert await watched(Judge([forbid("x")]), "One ", "two. ", "three") == ["One two. ", "three"]


async def test_a_forbidden_word_across_chunks_is_never_shown() -> None:
    shown = await watched(Judge([forbid("secret")]), "Fine. ", "The sec", "ret is out. ", "More. ")
    assert shown[0] == "Fine. "
    assert len(shown) == 2
    assert "I stopped here" in str(shown[1])
    assert "sec" not in "".join(map(str, shown))


async def test_a_forbidden_end_is_replaced_too() -> None:
    shown = await watched(Judge([forbid("secret")]), "the secret")
    assert len(shown) == 1
    assert "I stopped here" in str(shown[0])


async def test_long_text_without_a_full_stop_still_flows() -> None:
    assert len(await watched(Judge([forbid("x")]), *["word " * 20] * 10)) > 2


SOURCES = (
    "https://discord.com/channels/157543397918664/157543397918665/15754339791866",
    "https://matrix.to/#/!home:example.org/$event:example.org?via=example.org",
)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", sorted(PRESETS))
async def test_saying_where_something_was_said_is_no_spam(name: str, source: str) -> None:
    judge = Judge(preset(name), scorer=Classifiers())
    told = (
        "Alice asked when the release party takes place.",
        "Bob decided that it is on Friday at seven in the harbor cafe.",
        "Cleo found out that the kernel crash is fixed in version six.",
        "Dan asked where the harbor cafe is, and Bob told him.",
        "Bob asked for help with the printer, whose password is lost.",
    )
    lines = [f"• {each} {source} {source} {source}\n" for each in told]
    assert "".join(map(str, await watched(judge, *lines))) == "".join(lines)


@pytest.mark.parametrize("source", SOURCES)
async def test_what_only_looks_like_it_is_judged(source: str) -> None:
    only = rule_from("links", "only", {"only_allowed": True, "allow": ["example.org"], "action": "delete"})
    judge = Judge([only])
    assert await watched(judge, f"It is here: {source}\n") == [f"It is here: {source}\n"]
    for other in (source.replace("https://", "https://evil."), f"{source.partition('/')[0]}//evil.example/"):
        assert "breaks a rule" in str((await watched(judge, f"It is here: {other}\n"))[-1])
