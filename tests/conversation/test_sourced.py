"""The words of others inside the bot's own: short, on their line, leading nowhere else."""

import pytest

from bot.conversation.sourced import one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Short enough", "Short enough"),
        ("Two\nlines of it", "Two lines of it"),
        ("Longer than it may be, by far", "Longer than it may…"),
        ("Here: https://docs.example/manual", "Here: …"),
        ("www.docs.example/manual/first", "…"),
        ("@everyone look", "@\u200beveryone look"),
    ],
)
def test_what_is_cut_leaves_no_half_of_an_address(text: str, shown: str) -> None:
    assert one_line(text, 19) == shown
