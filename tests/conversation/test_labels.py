"""Nobody's name or id is in what a model reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.labels import Labels, Names
from bot.core.events import Identity


def pseudonym(identity: Identity) -> str:
    return f"p:{identity[0]}:{identity[1]}"


def labels(platform: str = "discord", names: Names | None = None) -> Labels:
    return Labels(platform, pseudonym, names)


def test_letters_are_given_in_the_order_people_appear() -> None:
    some = labels()
    assert [some.of(who) for who in ("x", "y", "x", "z")] == ["Member A", "Member B", "Member A", "Member C"]


def test_letters_go_on_after_z() -> None:
    some = labels()
    assert [some.of(str(n)) for n in range(704)][24:29] == [
        "Member Y",
        "Member Z",
        "Member AA",
        "Member AB",
        "Member AC",
    ]
    assert len({some.of(str(n)) for n in range(704)}) == 704


def test_who_wrote_and_who_is_mentioned_is_the_same_member() -> None:
    some = labels()
    assert some.of("p:discord:123456789012345678") == "Member A"
    assert some.replace("Ask <@123456789012345678> or <@!2>.") == "Ask Member A or Member B."


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("<@&99> look", "a role look"),
        ("see <#12345>", "see a channel"),
        ("<:party:777> <a:dance:888>", ":party: :dance:"),
        ("a@b.example", "a@b.example"),
        ("1 <2 and @ home", "1 <2 and @ home"),
    ],
)
def test_ids_on_discord(text: str, seen: str) -> None:
    assert labels().replace(text) == seen


@pytest.mark.parametrize(
    "text",
    [
        "@zoe:example.org",
        "[Zoe](https://matrix.to/#/@zoe:example.org)",
        "https://matrix.to/#/%40zoe%3Aexample.org",
        "(@zoe:example.org:8448)",
        "@zoe:example.org.",
    ],
)
def test_ids_on_matrix(text: str) -> None:
    seen = labels("matrix").replace(text)
    assert "zoe:" not in seen.lower()
    assert "example.org" not in seen
    assert "Member A" in seen


@given(st.integers(1, 10**19), st.text("ab <>@!", max_size=20), st.text("ab <>@!", max_size=20))
def test_no_mention_survives_among_other_marks(number: int, before: str, after: str) -> None:
    assert f"<@{number}>" not in labels().replace(f"{before}<@{number}>{after}")


@pytest.mark.parametrize(
    ("name", "text", "seen"),
    [
        ("Zaphod Q", "Zaphod Q, are you there? @zaphod q!", "Member A, are you there? Member A!"),
        ("Trillian", "Trillian's ship, trillian seeds", "Member A's ship, trillian seeds"),
        ("will", "I will ask @will and @Will.", "I will ask Member A and Member A."),
        ("x_x", "x_x says x_xx", "Member A says x_xx"),
        ("王小明", "我问王小明。", "我问Member A。"),
        ("A", "A dog and @a", "A dog and Member A"),
        ("(.*)", "all (.*) of all", "all Member A of all"),
    ],
)
def test_names_of_who_takes_part(name: str, text: str, seen: str) -> None:
    names = Names()
    names.meet("p", name)
    some = labels(names=names)
    some.of("p")
    assert some.replace(text) == seen


def test_names_of_others_are_words_like_any() -> None:
    names = Names()
    names.meet("p", "Paris")
    assert labels(names=names).replace("Is Paris big?") == "Is Paris big?"


def test_only_so_many_names_are_remembered_and_the_oldest_go() -> None:
    names = Names(size=2)
    for who in ("a", "b", "a", "c"):
        names.meet(who, who.upper())
    assert [names.of(who) for who in "abc"] == ["A", "", "C"]
