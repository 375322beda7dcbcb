"""The question that an action is about, and whether it went."""

from bot.conversation.subject import NUMBER, Gone, subject
from bot.core.actions import Alert, Post, Reply
from bot.core.controls import Control
from bot.core.events import Author, Channel, MessageRef

PLACE = Channel("memory", "home", "general")
SOLVED, OTHER = ("knowledge", "solved"), ("stop",)


def post(command: tuple[str, ...], number: object = 7) -> Post:
    return Post(PLACE, "text", controls=(Control("✅", "Yes", command, {NUMBER: number}),))  # type: ignore[dict-item]


def test_the_number_stands_in_what_can_be_pressed() -> None:
    reply = Reply(
        MessageRef(PLACE, "1"), Author("memory", "bob", "Bob"), "text", controls=post(SOLVED).controls
    )
    assert subject(post(SOLVED), (SOLVED,)) == 7
    assert subject(reply, (OTHER, SOLVED)) == 7
    assert subject(post(OTHER), (SOLVED,)) is None
    assert subject(post(SOLVED, "seven"), (SOLVED,)) is None
    assert subject(Alert(PLACE, "text"), (SOLVED,)) is None


def test_what_is_about_a_question_that_went_is_known() -> None:
    gone = Gone((SOLVED,))
    assert not gone.holds(post(SOLVED))
    gone.add(7)
    assert 7 in gone
    assert gone.holds(post(SOLVED))
    assert not gone.holds(post(OTHER)), "about nothing that has a number"


def test_only_the_last_ones_are_remembered() -> None:
    gone = Gone((SOLVED,))
    for number in range(10_001):
        gone.add(number)
    assert 0 not in gone
    assert 1 in gone
    assert 10_000 in gone
