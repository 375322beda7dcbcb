"""Where messages go."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.events import Attachment, Message
from bot.routing import AnswerMode, Converse, Ignore, Invoke, Situation, is_talk, route
from tests.messages import EPOCH, ROBOT, message

COMMANDS = frozenset({("help",), ("stop",), ("ask",), ("why",), ("channel", "set"), ("privacy", "show")})
FILE = Attachment("1", "plan.md", "text/markdown", 1, "")
USUAL = Situation(answer="mention", prefix="!llmos", commands=COMMANDS)


@pytest.mark.parametrize("to_us", [True, False])
@pytest.mark.parametrize("text", ["hello?", "!llmos help", "/llmos help"])
def test_machines_are_never_answered(text: str, to_us: bool) -> None:
    assert route(message(text, author=ROBOT, to_us=to_us), USUAL) == Ignore("ignored:bot")
    assert route(message(text, notice=True, to_us=to_us), USUAL) == Ignore("ignored:notice")


def test_a_mention_is_answered_and_talk_between_members_is_not() -> None:
    assert route(message(" What is a VLAN? ", to_us=True), USUAL) == Converse("What is a VLAN?")
    assert route(message("What is a VLAN?"), USUAL) == Ignore("ignored:not-addressed")


@pytest.mark.parametrize(
    "situation",
    [
        replace(USUAL, replies_to_us=True),
        replace(USUAL, in_our_thread=True),
        replace(USUAL, answer="all"),
    ],
)
def test_some_talk_needs_no_mention(situation: Situation) -> None:
    assert route(message("and then?"), situation) == Converse("and then?")


@pytest.mark.parametrize("text", ["Does it work with IPv6?", "支持 IPv6 吗？"])
def test_question_mode_answers_questions_only(text: str) -> None:
    asking = replace(USUAL, answer="question")
    assert route(message(text), asking) == Converse(text)
    assert route(message("It works."), asking) == Ignore("ignored:not-addressed")


def test_a_silent_channel_ignores_mentions_and_still_takes_commands() -> None:
    silent = replace(USUAL, answer="never", replies_to_us=True, in_our_thread=True)
    assert route(message("hello", to_us=True), silent) == Ignore("ignored:never-here")
    assert route(message("!llmos channel set answer mention"), silent) == Invoke("channel set answer mention")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("!llmos ask why?", "ask why?"),
        ("!LLMOS\nhelp", "help"),
        ("/llmos help", "help"),
        ("!llmos", "help"),
        ("！llmos 　help", "help"),
        ("／llmos help", "help"),
    ],
)
def test_the_prefix_calls_a_command_with_or_without_a_mention(text: str, line: str) -> None:
    assert route(message(text), USUAL) == Invoke(line)
    assert route(message(text, to_us=True), USUAL) == Invoke(line)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/help", Invoke("help")),
        ("/nonsense", Invoke("nonsense")),
        ("／help", Invoke("help")),
        ("！help", Converse("！help")),
        ("／ 是根目录吗？", Converse("／ 是根目录吗？")),
        ("help", Invoke("help")),
        ("Stop", Invoke("Stop")),
        ("channel set answer never", Invoke("channel set answer never")),
        ("ask what is a VLAN", Invoke("ask what is a VLAN")),
        ("help me with my router", Converse("help me with my router")),
        ("why is the sky blue?", Converse("why is the sky blue?")),
        ("/ is the root directory, right?", Converse("/ is the root directory, right?")),
        ("  ", Invoke("help")),
    ],
)
def test_after_a_mention_only_words_that_name_a_command_are_one(text: str, expected: object) -> None:
    assert route(message(text, to_us=True), USUAL) == expected


def test_what_waited_too_long_is_not_answered() -> None:
    late = replace(USUAL, too_old=True)
    assert route(message("hello?", to_us=True), late) == Ignore("ignored:too-old")
    assert route(message("!llmos help"), late) == Ignore("ignored:too-old")


@given(st.text(), st.booleans(), st.sampled_from(["mention", "question", "all", "never"]), st.booleans())
def test_every_text_has_exactly_one_way(text: str, to_us: bool, answer: AnswerMode, flag: bool) -> None:
    situation = replace(USUAL, answer=answer, replies_to_us=flag, too_old=flag)
    way = route(message(text, to_us=to_us), situation)
    if isinstance(way, Converse):
        assert way.question == text.strip() != ""
    else:
        assert isinstance(way, Ignore | Invoke)


@pytest.mark.parametrize(
    ("said", "situation", "talk"),
    [
        (message("the umbrella is red"), USUAL, True),
        (message("the umbrella is red"), replace(USUAL, answer="all"), True),
        (message("!llmos help", at=EPOCH), replace(USUAL, too_old=True), False),
        (message("！LLMOS help"), USUAL, False),
        (message("/llmos help"), USUAL, False),
        (message("where is it?", to_us=True), USUAL, False),
        (message("and the other?"), replace(USUAL, replies_to_us=True), False),
        (message("and the other?"), replace(USUAL, in_our_thread=True), False),
        (message("beep", author=ROBOT), USUAL, False),
        (message("beep", notice=True), USUAL, False),
        (message(" \n"), USUAL, False),
        (replace(message(""), attachments=(FILE,)), USUAL, True),
        (replace(message("!llmos help"), attachments=(FILE,)), USUAL, False),
    ],
)
def test_talk_is_what_people_say_to_each_other(said: Message, situation: Situation, talk: bool) -> None:
    assert is_talk(said, situation) is talk
