"""`why` tells what became of a message; every outcome the code can write has a sentence."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot
from bot.commands.why import GROUPS, SENTENCES, sentence
from bot.core import errors
from bot.core.actions import Reply
from bot.core.errors import ModelError
from bot.core.events import MessageRef
from bot.storage.messages import SaidMessage
from bot.storage.settlement import Settlement
from tests.commands.house import ALICE, BOB, CHANNEL, MODERATOR, THREAD, House
from tests.commands.test_mod import case

WRITERS = {"Ignore", "Refusal", "Decision", "_finished"}
"""Functions that take an outcome."""

OUTCOME = re.compile(r"(?:answered|command|failed|ignored|moderated|opened|refused|stopped):[\w*-]+")


def outcomes(tree: ast.AST) -> Iterator[str]:
    """Every outcome that stands in some code; a part that is computed is a star."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in WRITERS:
                yield from texts(*node.args, *(keyword.value for keyword in node.keywords))
            case ast.Assign(targets=[ast.Name(id="outcome") | ast.Attribute(attr="outcome")], value=value):
                yield from texts(value)
            case ast.keyword(arg="outcome", value=value):
                yield from texts(value)
            case ast.Constant() | ast.JoinedStr():
                yield from filter(OUTCOME.fullmatch, texts(node))


def texts(*values: ast.expr) -> Iterator[str]:
    for value in values:
        match value:
            case ast.Constant(value=str(text)) if text:
                yield text
            case ast.JoinedStr(values=parts):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in parts)
            case ast.BoolOp(values=parts):
                yield from texts(*parts)
            case ast.IfExp(body=one, orelse=other):
                yield from texts(one, other)


def written() -> set[str]:
    root = Path(bot.__file__).parent
    files = [path for path in root.rglob("*.py") if path != root / "commands" / "why.py"]
    return {each for path in files for each in outcomes(ast.parse(path.read_text(encoding="utf-8")))}


def test_the_collector_sees_every_way_to_write_an_outcome() -> None:
    code = """
handle.outcome = "refused:cold" if cold else "refused:hot"
outcome = handle.outcome or "done"
Ignore(f"ignored:{why}")
self._finished(event, "command", attempt)
begin(outcome="opened")
table = {"x": "failed:Table"}
"""
    assert set(outcomes(ast.parse(code))) == {
        "refused:cold",
        "refused:hot",
        "done",
        "ignored:*",
        "command",
        "opened",
        "failed:Table",
    }
    assert {
        "answered",
        "opened",
        "command",
        "ignored:loop",
        "ignored:too-old",
        "failed:*",
        "moderated:*",
    } <= (written())


def test_every_outcome_the_code_can_write_has_a_sentence() -> None:
    open_ended = {each.removesuffix(":*") for each in written() if each.endswith(":*")}
    assert open_ended <= set(GROUPS)
    assert {each for each in written() if "*" not in each} <= set(SENTENCES)


def test_every_way_a_model_can_fail_has_a_sentence_of_its_own() -> None:
    kinds = [
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, ModelError)
    ]
    assert len(kinds) > 4
    assert {f"failed:{kind.__name__}" for kind in kinds} <= set(SENTENCES)


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("moderated:no-adverts", "The rule `no-adverts` found something"),
        ("failed:KeyError", "`KeyError`"),
        ("something new", "It was recorded as `something new`."),
        ("odd:thing", "It was recorded as `odd:thing`."),
    ],
)
def test_an_outcome_without_a_sentence_of_its_own_is_still_told(outcome: str, says: str) -> None:
    assert says in sentence(outcome)


async def test_the_message_replied_to_is_explained(house: House) -> None:
    await house.heard("nice weather", "ignored:not-addressed", id="5", author=BOB)
    (reply,) = await house.do("why", target="5")
    assert isinstance(reply, Reply)
    assert reply.private
    assert reply.text.startswith(f"About https://chat.example/{CHANNEL.key}/5: I stayed silent")


async def test_where_a_platform_has_no_links_a_message_is_named_by_its_words(house: House) -> None:
    house.platform.has_links = False
    await house.heard("what\n is @everyone doing? " + "x" * 100, "answered", id="1")
    said = SaidMessage(MessageRef(CHANNEL, "2"), "Nothing", "1", house.clock(), ALICE.identity)
    await house.store.settle(Settlement(said=(said,)))
    words = "“what is @​everyone doing? " + "x" * 34 + "…”"
    assert await house.told("why", target="1") == f"About {words}: I answered it."
    assert await house.told("why", target="2") == f"I wrote that to answer this message: {words}"


async def test_its_author_knows_a_removed_message_by_its_words_and_appeals_only_what_counts(
    house: House,
) -> None:
    house.platform.has_links = False
    removed = await case(house, did=("hide",))
    told = await house.told("why", BOB, target=removed.message.id)
    assert told.startswith("About “you fool”: ")
    assert "asks for another look" in told
    await house.do("appeal 1 I only quoted him.", BOB)
    await house.do("mod appeals 1 overturn", MODERATOR)
    told = await house.told("why", BOB, target=removed.message.id)
    assert "False alarm, says Mia." in told
    assert "another look" not in told
    assert "fool" not in await house.told("why", ALICE, target=removed.message.id)


async def test_a_link_or_an_id_names_the_message_too(house: House) -> None:
    await house.heard("x", "ignored:bot", id="5", author=BOB)
    link = f"https://chat.example/{CHANNEL.key}/5"
    for given in ("5", link, f"<{link}>", f"{link}?via=here", f"message={link}"):
        assert "its author is a bot" in await house.told(f"why {given}")


async def test_a_link_to_another_place_is_refused(house: House) -> None:
    await house.heard("secret", "answered", id="5", author=BOB, channel=THREAD)
    text = await house.told(f"why https://chat.example/{THREAD.key}/5")
    assert "does not lead to a message in this place" in text


async def test_without_a_message_it_is_the_callers_last_one_here(house: House) -> None:
    await house.heard("older", "ignored:never-here", id="1")
    house.clock.later(seconds=1)
    await house.heard("hello?", "ignored:too-old", id="2")
    await house.heard("theirs", "answered", id="3", author=BOB)
    await house.heard("there", "answered", id="4", channel=THREAD)
    house.clock.later(seconds=1)
    assert "I saw it late" in await house.told("why")


async def test_calls_of_commands_are_passed_over_for_what_was_said(house: House) -> None:
    await house.heard("hello?", "ignored:never-here", id="1")
    house.clock.later(seconds=1)
    await house.heard("!llmos why", "command", id="2")
    house.clock.later(seconds=1)
    assert "moderators turned my answers off" in await house.told("why")


async def test_who_only_ever_called_commands_hears_of_the_last_one(house: House) -> None:
    await house.heard("!llmos stop", "command", id="2")
    house.clock.later(seconds=1)
    assert "It called a command" in await house.told("why")


async def test_the_bots_own_message_leads_to_its_question_and_what_happened(house: House) -> None:
    await house.heard("why is the sky blue?", "stopped", id="1")
    said = SaidMessage(MessageRef(CHANNEL, "2"), "Because", "1", house.clock(), ALICE.identity)
    await house.store.settle(Settlement(said=(said,)))
    text = await house.told("why", target="2")
    assert f"https://chat.example/{CHANNEL.key}/1" in text
    assert "was stopped by the member who asked" in text


async def test_an_answer_in_a_thread_leads_to_its_question_in_the_channel_around_it(house: House) -> None:
    await house.heard("why is the sky blue?", "refused:language", id="1")
    said = SaidMessage(MessageRef(THREAD, "2"), "I cannot say", "1", house.clock(), ALICE.identity)
    await house.store.settle(Settlement(said=(said,)))
    text = await house.told("why", channel=THREAD, target="2")
    assert f"https://chat.example/{CHANNEL.key}/1" in text
    assert "does not know that language" in text


async def test_a_post_of_the_bot_that_answers_nobody_is_said_to_be_its_own(house: House) -> None:
    said = SaidMessage(MessageRef(CHANNEL, "2"), "News", None, house.clock())
    await house.store.settle(Settlement(said=(said,)))
    assert "I wrote that." in await house.told("why", target="2")


async def test_an_answer_being_written_is_said_to_be_so(house: House) -> None:
    handle = house.services.running.begin(MessageRef(CHANNEL, "1"), ALICE.identity)
    handle.wrote(("2",))
    assert await house.told("why", target="2") == "That is an answer of mine, and I am still writing it."


async def test_what_is_not_kept_is_said_to_be_unknown_and_why(house: House) -> None:
    assert "older than 24 hours" in await house.told("why", target="99")
    assert "I know no message of yours here" in await house.told("why")
    await house.do("privacy optout")
    assert "asked me to store nothing" in await house.told("why")


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("sources:1", "My language model answered it from one source"),
        ("sources:3", "answered it from 3 sources"),
        ("quotes:1", "from one source, in its own words"),
        ("quotes:3", "from 3 sources, in their own words"),
        ("not-found", "found none that is good enough"),
    ],
)
async def test_where_an_answer_came_from_is_told(house: House, outcome: str, says: str) -> None:
    await house.heard("when does the harbor open?", outcome, id="1")
    assert says in await house.told("why", target="1")
