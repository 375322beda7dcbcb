"""Every text people read is found, translated, and compiled."""

import ast
import re
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo

from bot.commands.command import Command, Commands
from bot.core.specs import CommandSpec
from bot.core.text import LOCALES, _, ngettext, set_locale
from bot.locale.messages import FOLDERS, SOURCE, collect, forms, path_of, read, summaries, untranslated

PLACEHOLDER = re.compile(r"\{[^{}]*\}")
CODE = re.compile(r"`([^`]+)`")
CHINESE = re.compile(r"[\u3400-\u9fff]")


@pytest.fixture(scope="module")
def texts() -> set[tuple[str, ...]]:
    return {forms(text.id) for text in collect() if text.id}


@pytest.fixture(params=FOLDERS)
def folder(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def chinese() -> Iterator[None]:
    set_locale("zh-CN")
    yield
    set_locale("en")


def translations(catalogue: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
    return {forms(text.id): forms(text.string) for text in catalogue if text.id}


def commands() -> tuple[Command, ...]:
    return Commands.discover().all


def words_of(spec: CommandSpec) -> list[str]:
    menu = [spec.menu] if spec.menu is not None else []
    return [spec.summary, *menu, *(parameter.description for parameter in spec.parameters)]


def test_there_is_a_catalogue_for_every_locale() -> None:
    assert tuple(name.replace("_", "-") for name in FOLDERS) == LOCALES


def test_no_text_stands_inside_another_string_where_it_is_not_collected() -> None:
    """Nothing looks into f-strings: a text in one would stay English for ever."""
    for file in SOURCE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for outer in ast.walk(tree):
            if isinstance(outer, ast.JoinedStr):
                hidden = [
                    each.args[0].value
                    for each in ast.walk(outer)
                    if isinstance(each, ast.Call)
                    and isinstance(each.func, ast.Name)
                    and each.func.id in ("_", "N_", "ngettext")
                    and each.args
                    and isinstance(each.args[0], ast.Constant)
                ]
                assert not hidden, f"{file.name}:{outer.lineno}"


def test_a_catalogue_has_every_text_of_the_source_and_no_other(
    folder: str, texts: set[tuple[str, ...]]
) -> None:
    written = set(translations(read(folder)))
    assert texts - written == set(), "run `make messages` and translate these"
    assert written - texts == set(), "run `make messages`; these are used no more"
    assert len(written) > 300


def test_every_text_is_translated_and_none_only_guessed(folder: str) -> None:
    catalogue = read(folder)
    assert untranslated(catalogue) == []
    assert [text.id for text in catalogue if text.id and text.fuzzy] == []


def test_english_is_the_source_itself() -> None:
    assert all(text == translation for text, translation in translations(read("en")).items())


def test_chinese_is_chinese() -> None:
    typed = {example for command in commands() for example in command.examples} | {"{title}:"}
    english = [
        text[0]
        for text, translation in translations(read("zh_CN")).items()
        if not all(map(CHINESE.search, translation)) and text[0] not in typed
    ]
    assert english == []


def test_a_translation_fills_in_what_its_text_fills_in(folder: str) -> None:
    for text, translation in translations(read(folder)).items():
        wanted = set(PLACEHOLDER.findall(text[-1]))
        for form in translation:
            assert set(PLACEHOLDER.findall(form)) == wanted or form == text[0], form


def test_commands_and_keys_in_a_text_stay_what_must_be_typed() -> None:
    for text, translation in translations(read("zh_CN")).items():
        for form in translation:
            assert sorted(CODE.findall(form)) == sorted(CODE.findall(text[-1])), form


def test_the_notes_that_history_leaves_out_keep_their_form() -> None:
    for text, translation in translations(read("zh_CN")).items():
        if text[0].startswith("(") and text[0].endswith(")"):
            assert (translation[0][0], translation[0][-1]) == ("(", ")")


def test_there_are_as_many_plural_forms_as_a_language_has(folder: str) -> None:
    catalogue = read(folder)
    assert catalogue.num_plurals == {"en": 2, "zh_CN": 1}[folder]
    for text in catalogue:
        if text.id and not isinstance(text.id, str):
            assert len(forms(text.string)) == catalogue.num_plurals, text.id


def test_the_compiled_catalogue_says_what_the_written_one_says(folder: str) -> None:
    with path_of(folder, "mo").open("rb") as file:
        compiled = read_mo(file)
    assert translations(compiled) == translations(read(folder))
    with path_of(folder, "mo").open("rb") as file:
        loaded = GNUTranslations(file)
    for text, translation in translations(read(folder)).items():
        if len(text) == 1:
            assert loaded.gettext(text[0]) == translation[0]
        else:
            said = [loaded.ngettext(text[0], text[1], n) for n in (1, 5)]
            assert said == [translation[0], translation[-1]]


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_all_words_of_a_command_are_chinese_for_a_chinese_member(command: Command, chinese: None) -> None:
    for words in words_of(command.spec):
        assert CHINESE.search(_(words)), words
    for argument in command.arguments:
        if argument.matching is not None:
            assert CHINESE.search(_(argument.matching.expected))
    known = translations(read("zh_CN"))
    assert all((example,) in known for example in command.examples)


def test_an_example_begins_with_its_command_in_every_language(chinese: None) -> None:
    for command in commands():
        assert all(_(example).startswith(command.name) for example in command.examples), command.name


def test_numbers_are_counted_in_chinese_too(chinese: None) -> None:
    assert [ngettext("{n} day", "{n} days", n) for n in (1, 3)] == ["1 天", "3 天"]


def test_the_summary_of_a_command_is_found_and_other_docstrings_are_not() -> None:
    code = b'''
@command("wave", private=True)
async def wave(context):
    """Wave at somebody.

    More that nobody reads in a chat.
    """

@cache
async def other():
    """Not a command."""

@command("silent")
async def silent(context): ...
'''
    assert [found[2] for found in summaries(code)] == ["Wave at somebody."]


def test_no_text_is_put_together_before_it_is_looked_up() -> None:
    """`_(f"...")` and `_("a" + b)` are found in no catalogue."""
    wrong = [
        f"{path.relative_to(SOURCE)}:{call.lineno}"
        for path in SOURCE.rglob("*.py")
        for call in calls_of_gettext(path)
        if call.args and isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
    ]
    assert wrong == []


def calls_of_gettext(path: Path) -> Iterator[ast.Call]:
    names = ("_", "N_", "ngettext", "Doc")
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node
