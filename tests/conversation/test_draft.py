"""What is shown of an answer does not depend on the pieces it comes in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.draft import MAX_CHARS_PER_TOKEN, Draft, goes_round
from bot.llm.echo import EchoModel
from bot.llm.model import Capabilities, Limits, Turn

BASE = Capabilities(chat=False)


def draft(*, base: bool = False, max_new_tokens: int = 1000) -> Draft:
    begun = Draft()
    model = EchoModel(capabilities=BASE if base else Capabilities())
    begun.expect(model, Limits(max_new_tokens=max_new_tokens), 50)
    return begun


def written(text: str, sizes: list[int]) -> str:
    some, at, said = draft(), 0, ""
    while at < len(text):
        for size in sizes:
            said += some.feed(text[at : at + size])
            at += size
    return said + some.finish()


@given(
    st.lists(st.sampled_from([*"ab \n\u200b`", "\n<message from=", "<message", "```"]), max_size=40),
    st.lists(st.integers(1, 9), min_size=1, max_size=30),
)
def test_pieces_do_not_change_what_is_shown(parts: list[str], sizes: list[int]) -> None:
    text = "".join(parts)
    assert written(text, sizes) == written(text, [len(text) + 1])


@given(st.text(" \n\ta", max_size=30), st.lists(st.integers(1, 4), min_size=1, max_size=30))
def test_no_answer_begins_or_ends_with_blanks(text: str, sizes: list[int]) -> None:
    assert written(text, sizes) == text.strip()


def test_nothing_is_shown_until_there_is_something_to_see() -> None:
    some = draft()
    assert [some.feed(piece) for piece in ("\n", " ", "\u200b", "A", " ", "b")] == [
        "",
        "",
        "",
        "\u200bA",
        "",
        " b",
    ]
    assert some.visible


def test_a_base_model_is_asked_to_stop_where_the_next_turn_begins() -> None:
    limits = Draft().expect(EchoModel(capabilities=BASE), Limits(10, 0.5), 50)
    assert "\nUser:" in limits.stop
    assert (limits.max_new_tokens, limits.temperature) == (10, 0.5)


def test_a_chat_model_may_write_a_dialogue() -> None:
    text = "Here is one:\nUser: Hi!\nAssistant: Hello!"
    assert written(text, [3]) == text


def test_a_stop_string_may_come_first() -> None:
    some = draft(base=True)
    assert some.feed("User: what?") == ""
    assert some.ended
    assert some.finish() == ""
    assert not some.visible


def test_more_characters_than_tokens_can_have_are_not_read() -> None:
    some = draft(max_new_tokens=2)
    assert len(some.feed("x" * 1000)) == 2 * MAX_CHARS_PER_TOKEN
    assert some.ended
    assert some.too_long


def test_an_answer_without_an_end_at_its_limit_is_too_long() -> None:
    for end, too_long in (("and", True), ("end.", False), ("吗？", False), ("`code`", False)):
        some = draft(max_new_tokens=10)
        for piece in [*["word "] * 9, end]:
            some.feed(piece)
        some.finish()
        assert some.too_long is too_long


def test_what_was_never_asked_costs_nothing() -> None:
    assert draft().cost(EchoModel()) is None
    assert Draft().cost(EchoModel()) is None


def test_an_answer_costs_what_was_read_and_written() -> None:
    some, model = draft(), EchoModel()
    some.feed("twelve chars")
    assert some.cost(model) == 50 + model.count_tokens([Turn("assistant", "twelve chars")])


@pytest.mark.parametrize(
    "round_", ["献献献献！\n\n", "a", "I am sorry, but I do not know what you mean by that. "]
)
def test_a_model_that_goes_round_in_circles_is_ended(round_: str) -> None:
    some, fed = draft(max_new_tokens=4096), 0
    while not some.ended and fed < 2000:
        some.feed(round_)
        fed += 1
    assert some.too_long
    assert fed * len(round_) < 1000


@pytest.mark.parametrize(
    "round_",
    [
        "I am sorry, but I do not know what you mean by that. ",
        "The user asked for a response to their question.\n\nThey asked for a response.\n\n",
        "They lost to Germany. They lost to Russia. They lost to China. They lost to India. ",
    ],
)
def test_sentences_said_three_times_running_are_enough(round_: str) -> None:
    assert not goes_round(f"Well. {2 * round_}".strip())
    assert goes_round(f"Well. {3 * round_}")
    assert not goes_round(f"Well. {3 * round_}But then it goes on.")


def test_long_lists_and_tables_do_not_go_round() -> None:
    steps = "".join(f"{n}. Turn the screw number {n} to the left.\n" for n in range(100))
    table = "| name | value |\n| --- | --- |\n" + "".join(f"| key{n} | {n * n} |\n" for n in range(60))
    assert not goes_round(steps)
    assert not goes_round(table)
    assert not goes_round("| same value here | 1 |\n" + "| --- | ---------------- | --- |\n" * 4)
    assert not goes_round("la la la la " * 12), "a song"
