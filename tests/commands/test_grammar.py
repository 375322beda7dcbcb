"""Typed lines and the calls they become."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.commands.definition import Command
from bot.commands.grammar import QUOTES, next_word, parse
from bot.core.errors import UsageError
from tests.commands.examples import COMMANDS


def called(line: str) -> tuple[str, dict[str, object]]:
    call = parse(line, COMMANDS)
    return call.command.name, dict(call.arguments)


def complaint(line: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse(line, COMMANDS)
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("ask why?", "why?"),
        ("ASK  don't you think so?", "don't you think so?"),
        ("ask 'tis the season", "'tis the season"),
        ("ask it's the dogs' \"last\" one", "it's the dogs' \"last\" one"),
        ('ask what does "VLAN" mean', 'what does "VLAN" mean'),
        ("ask “curly” or ‘single’", "“curly” or ‘single’"),
        ("ask x = 3, y=4, what is x + y?", "x = 3, y=4, what is x + y?"),
        ("ask two\n  lines\tkept ", "two\n  lines\tkept"),
        ("ask C:\\new\\table \\", "C:\\new\\table \\"),
        ("ask question=what is it", "what is it"),
        ('ask question="what is it"', "what is it"),
        ("ask　为什么？", "为什么？"),
    ],
)
def test_the_last_text_is_taken_as_it_stands(line: str, question: str) -> None:
    assert called(line) == ("ask", {"question": question})


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("rules add spam delete", {"name": "spam", "action": "delete"}),
        ("rules add spam DELETE .5", {"name": "spam", "action": "delete", "threshold": 0.5}),
        ("Rules Add 'my rule' ban", {"name": "my rule", "action": "ban"}),
        ("rules add “my rule” ban", {"name": "my rule", "action": "ban"}),
        ("rules add 「规则」 ban", {"name": "规则", "action": "ban"}),
        ('rules add "a \\"b\\" c" ban', {"name": 'a "b" c', "action": "ban"}),
        ("rules add action=log spam", {"name": "spam", "action": "log"}),
        ("rules add ACTION=log name='a b' threshold=1", {"name": "a b", "action": "log", "threshold": 1.0}),
        (
            "rules add spam log note=for the new ones",
            {"name": "spam", "action": "log", "note": "for the new ones"},
        ),
        (
            "rules add spam log it is noise",
            {"name": "spam", "action": "log", "note": "it is noise"},
        ),
        ("rules list", {}),
        ("rules list 7 yes", {"n": 7, "all": True}),
        ("rules list 否", {"all": False}),
        ("rules list all=是 n=3", {"all": True, "n": 3}),
        ("rules list ７ where=ALL", {"n": 7, "where": "all"}),
    ],
)
def test_words_quotes_and_options(line: str, given: dict[str, object]) -> None:
    assert called(line)[1] == given


@pytest.mark.parametrize(
    "line",
    [
        "channel set persona where=community a kind pirate",
        "channel set persona a kind pirate where=community",
        "channel set where=community persona a kind pirate ",
        "channel set persona a kind pirate  where=Community  ",
    ],
)
def test_an_option_with_a_name_only_may_stand_anywhere(line: str) -> None:
    assert called(line)[1] == {"setting": "persona", "value": "a kind pirate", "where": "community"}


def test_a_word_of_another_form_passes_an_optional_argument_by() -> None:
    assert called("flag this is spam")[1] == {"reason": "this is spam"}
    assert called("flag https://x.example/1 this is spam")[1] == {
        "message": "https://x.example/1",
        "reason": "this is spam",
    }


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("aks why", ["no command `aks`", "Did you mean `ask`"]),
        ("zzzzzz", ["no command `zzzzzz`", "`help` lists all"]),
        ("rules", ["`add`, `list`"]),
        ("rules lst", ["`rules` has no `lst`", "`rules list`"]),
        ("rules 12345678", ["`add`, `list`"]),
        ("", ["Which command?"]),
        (" \n", ["Which command?"]),
        ("ask", ["`question` is missing: What you want to know.", "Usage: `ask QUESTION`"]),
        ("rules add spam", ["`action` is missing", "`log`, `delete`, `ban`", "Usage: `rules add NAME"]),
        ("rules add spam delte", ["`action` cannot be “delte”", "Did you mean `delete`?"]),
        ("rules add spam log threshold=2", ["`threshold` cannot be “2”", "a number from 0 to 1"]),
        ("rules add spam log threshold=nan", ["`threshold` cannot be “nan”"]),
        ("rules list 99", ["`n` cannot be “99”", "a whole number from 1 to 20"]),
        ("rules list 3 maybe", ["`all` cannot be “maybe”", "yes or no"]),
        ("rules list n=99", ["`n` cannot be “99”", "a whole number from 1 to 20"]),
        ("rules list n=", ["`n` cannot be “”"]),
        ("rules list n=" + "9" * 5000, ["`n` cannot be"]),
        ("rules list 3 yes what else", ["“what else”", "Usage: `rules list [n] [all] [where=here|all]`"]),
        ("channel set answer never where=moon", ["`where` cannot be “moon”"]),
    ],
)
def test_errors_name_the_argument_and_what_was_expected(line: str, parts: list[str]) -> None:
    text = complaint(line)
    for part in parts:
        assert part in text


def test_errors_repeat_a_members_words_short_and_harmless() -> None:
    text = complaint("rules add spam " + "`\x00\u202e\ud800" * 1000)
    assert len(text) < 300
    assert not {"\x00", "\u202e", "\ud800"} & set(text)
    text.encode()


lines = st.one_of(
    st.text(max_size=80),
    st.builds(
        lambda start, words: start + " ".join(words),
        st.sampled_from(["ask ", "flag ", "rules add ", "rules list ", "channel set ", "report "]),
        st.lists(
            st.one_of(
                st.text(max_size=8),
                st.sampled_from(
                    ["'", '"', "“", "”", "name=", "where=here", 'value="', "n=1", "answer", "\\", "="]
                ),
            ),
            max_size=6,
        ),
    ),
)


@given(lines)
@example("channel set where= ")
@example("rules add '")
def test_whatever_is_typed_is_a_call_or_a_usage_error(line: str) -> None:
    try:
        call = parse(line, COMMANDS)
    except UsageError:
        pass
    else:
        names = {parameter.name for parameter in call.command.spec.parameters}
        required = {parameter.name for parameter in call.command.spec.parameters if parameter.required}
        assert required <= set(call.arguments) <= names


@given(st.text(min_size=1).map(str.strip).filter(bool))
def test_any_free_text_arrives_unchanged(text: str) -> None:
    if not text.casefold().startswith("question"):
        assert called(f"ask {text}")[1] == {"question": text}


@given(st.text(st.characters(exclude_characters="\\")), st.sampled_from(sorted(QUOTES.items())))
def test_quoting_gives_the_text_back(text: str, quote: tuple[str, str]) -> None:
    opening, closing = quote
    word = next_word(f"{opening}{text.replace(closing, chr(92) + closing)}{closing} rest")
    assert word is not None
    assert word.text == text


@pytest.mark.parametrize("unit", ["a", "' ", '" x', "where=here ", "question= ", "“", '\\" '])
@pytest.mark.parametrize("name", ["ask ", "rules add ", "channel set persona ", ""])
def test_a_megabyte_becomes_a_call_with_all_of_it_or_a_short_complaint(name: str, unit: str) -> None:
    line = name + unit * (1_000_000 // len(unit))
    try:
        values = parse(line, COMMANDS).arguments.values()
    except UsageError as error:
        complaint = str(error)
        assert len(complaint) < 500
    else:
        kept = sum(len(value) for value in values if isinstance(value, str))
        assert kept > 900_000


def test_a_command_keeps_its_usage_line() -> None:
    usages = {command.name: command.usage for command in COMMANDS}
    assert usages["rules add"] == "rules add NAME log|delete|ban [threshold] [note]"
    assert usages["channel set"] == "channel set answer|persona VALUE [where=here|channel|community]"
    assert isinstance(COMMANDS[0], Command)
