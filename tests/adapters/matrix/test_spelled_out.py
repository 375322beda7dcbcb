"""Whom a command mentions is read from the link of the mention, never from the name that it shows."""

from time import perf_counter

import pytest

from bot.adapters.matrix.mentions import spelled_out

BEN = '<a href="https://matrix.to/#/@ben:lab.test">Mia</a>'


@pytest.mark.parametrize(
    ("body", "html", "read"),
    [
        ("!llmos mod warn Mia stop", f"!llmos mod warn {BEN} stop", "!llmos mod warn @ben:lab.test stop"),
        (
            "!llmos mod warn Mia a < b\nplease",
            f"<p>!llmos mod warn {BEN} a &lt; <b>b</b><br/>please</p>",
            "!llmos mod warn @ben:lab.test a < b\nplease",
        ),
        (
            "/mod warn Mia stop",
            "/mod warn <a class='pill' href='https://matrix.to/#/%40ben%3Alab.test?via=x'>Mia</a> stop",
            "/mod warn @ben:lab.test stop",
        ),
        (
            "!llmos mod warn Mia stop",
            f"<mx-reply><blockquote>{BEN} said</blockquote></mx-reply>!llmos mod warn {BEN} stop",
            "!llmos mod warn @ben:lab.test stop",
        ),
        ("Look at Mia", f"Look at {BEN}", "Look at Mia"),
        ("!llmos mod warn Mia stop", "!llmos <b>mod</b> warn Mia stop", "!llmos mod warn Mia stop"),
        ("!llmos mod warn Mia stop", None, "!llmos mod warn Mia stop"),
        ("!a", BEN + "x" * 20_000, "!a"),
    ],
)
def test_a_mention_in_a_command_is_an_id(body: str, html: str | None, read: str) -> None:
    assert spelled_out({"body": body, "formatted_body": html}, body) == read


def test_nothing_that_somebody_writes_takes_long() -> None:
    began = perf_counter()
    for evil in ("<a " * 3_000, '<a href="https://matrix.to/#/@' * 300, "<a" * 5_000, "</mx-reply>" * 900):
        assert spelled_out({"formatted_body": evil + BEN}, "!x")
    assert perf_counter() - began < 2
