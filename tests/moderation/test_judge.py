"""One judgement per message, and the bot's own words under the same rules."""

from collections.abc import AsyncIterator

from bot.core.actions import Alert, Chunk, Hide, Severity, Status
from bot.moderation.examined import Examined
from bot.moderation.judge import Judge
from bot.moderation.past import Past
from bot.moderation.rule import Finding, Rule
from tests.messages import message


class Forbid(Rule):
    """A rule against one word."""

    word: str
    score: float = 1.0

    def check(self, seen: Examined, past: Past) -> Finding | None:
        return Finding(self.score) if self.word in seen.message.text else None


def forbid(word: str, action: Severity = Severity.DELETE, score: float = 1.0) -> Forbid:
    return Forbid(name="forbid", word=word, action=action, score=score)


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
