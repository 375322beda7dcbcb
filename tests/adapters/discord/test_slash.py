"""Every command as Discord offers it: registered, called by members of every role, and answered."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.adapters.discord.registration import fingerprint, payload
from bot.commands.command import Commands
from bot.core.actions import Chunk, Receipt, Reply, StreamedReply
from bot.core.errors import Gone
from bot.core.events import Author, Channel, Invocation, MessageRef
from bot.core.specs import CommandSpec, Kind, Parameter
from bot.core.text import in_locale
from bot.llm.echo import EchoModel, Script
from bot.moderation.rulebook import read
from bot.storage.rulebooks import Rulebook
from tests.adapters.discord.house import House
from tests.knowledge.pdf import pdf, shown
from tests.labs.discord import Interaction
from tests.labs.discord.people import Shown, show
from tests.pictures import copy, file_of, picture

SPECS = Commands.discover().specs
REGISTRATION = "PUT /applications/{application_id}/commands"
RULES = """
[[rule]]
kind = "caps"
name = "caps"

[[rule]]
kind = "words"
name = "spoilers"
words = ["the butler"]
"""
PRIVACY = ("export", "forget", "optin", "optout", "show")


async def answered(house: House, call: Interaction) -> Shown:
    """Wait for the answer to a call."""
    stands = house.lab.messages[call.channel["id"]]
    await house.lab.until(lambda: call.original in stands and stands[call.original]["content"] != "…")
    return next(each for each in show(house.lab, call.channel) if each.id == call.original)


# Registration


async def test_every_command_is_registered_as_the_payload_says(house: House) -> None:
    async with house.living():
        registered = {(each["name"], each["type"]): each for each in house.lab.commands["global"]}
    for wanted in payload(SPECS):
        found = registered.pop((wanted["name"], wanted["type"]))
        assert {
            key: uncompleted(found.get(key)) for key in wanted if key != "default_member_permissions"
        } == {key: wanted[key] for key in wanted if key != "default_member_permissions"}
        seen_by = wanted["default_member_permissions"]
        assert found["default_member_permissions"] == (None if seen_by is None else str(seen_by))
    assert not registered


def uncompleted(part: object) -> object:
    """A part of a command without what is only known where it is offered: that an option is completed."""
    if isinstance(part, list):
        return [uncompleted(each) for each in part]
    if isinstance(part, dict):
        return {key: uncompleted(value) for key, value in part.items() if key != "autocomplete"}
    return part


async def test_commands_are_registered_once_and_again_only_when_they_changed(house: House) -> None:
    house.lab.limits[REGISTRATION] = (100, 1.0)
    for specs, times in ((SPECS, 1), (SPECS, 1), (SPECS[:3], 2), (SPECS[:3], 2), (SPECS, 3)):
        async with house.hearing(*specs) as heard:
            house.anna.slash(house.general, "admin status")
            await house.lab.until(lambda: heard.events)
            await registered(house, times, specs)


async def test_a_damaged_memory_of_registration_registers_again(house: House) -> None:
    house.lab.limits[REGISTRATION] = (100, 1.0)
    async with house.hearing(*SPECS):
        await registered(house, 1, SPECS)
    for times, content in enumerate(("{", "[]", '"x"', '{"1": 2}'), start=2):
        (house.memory / "commands.json").write_text(content, encoding="utf-8")
        async with house.hearing(*SPECS):
            await registered(house, times, SPECS)


@pytest.mark.parametrize("status", [400, 403, 500])
async def test_the_bot_listens_although_discord_does_not_take_its_commands(house: House, status: int) -> None:
    house.lab.commands["global"] = []
    house.lab.fault("PUT /applications", status=status, count=100)
    async with house.living():
        house.anna.ask(house.general, "well")
        await house.stands(house.general, "well")


async def registered(house: House, times: int, specs: Sequence[CommandSpec]) -> None:
    """Wait until these commands were registered, and remembered, by so many calls."""
    file, mark = house.memory / "commands.json", fingerprint(payload(specs))
    async with asyncio.timeout(10):
        while not file.exists() or mark not in file.read_text("utf-8"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert len(house.lab.calls("PUT /applications")) == times


# Calls


async def test_an_answer_is_in_the_language_of_the_caller(house: House) -> None:
    async with house.living():
        english = await answered(house, house.anna.slash(house.general, "privacy show"))
        chinese = await answered(house, house.anna.slash(house.general, "privacy show", locale="zh-CN"))
    assert english.text.isascii() or english.text != chinese.text
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese.text)


async def test_ask_streams_its_answer_into_the_channel(house: House) -> None:
    words = " ".join(f"word{number}" for number in range(30))
    house.model = EchoModel(Script(words, delay_s=0.05))
    async with house.living():
        call = house.anna.slash(house.general, "ask", question="talk")
        await house.stands(house.general, words)
    (answer,) = [each for each in show(house.lab, house.general) if each.id == call.original]
    assert answer.edits >= 1
    assert not answer.ephemeral


async def test_a_model_that_needs_longer_than_the_deadline_answers_the_call(house: House) -> None:
    house.lab.settings.interaction_deadline_s = 1.0
    house.model = EchoModel(Script("at last", delay_s=1.5))
    async with house.living():
        calls = [house.anna.slash(house.general, "ask", question=f"number {n}") for n in range(5)]
        await house.stands(house.general, *["at last"] * len(calls))
    assert all(call.ack_ms is not None and call.ack_ms < 1_000 for call in calls)


async def test_a_long_answer_to_a_command_goes_on_in_further_messages(house: House) -> None:
    text = "\n".join(f"The_sentence_that_has_number_{n} is_here." for n in range(100))
    house.model = EchoModel(Script(text))
    async with house.living():
        house.anna.slash(house.general, "ask", question="talk")
        shown = await house.answers(house.general, 3)
        await house.lab.until(lambda: text.endswith(house.said(house.general)[-1]))
    assert len(shown) == 3
    assert "".join(house.said(house.general)).replace("\n", "") == text.replace("\n", "")


async def test_a_command_works_in_a_private_conversation(house: House) -> None:
    async with house.living():
        answer = await answered(house, house.anna.slash(house.anna.private, "ask", question="why not"))
    assert answer.text == "why not"


async def test_a_command_works_in_a_thread_nobody_told_us_of(house: House) -> None:
    async with house.living():
        thread = house.anna.open_thread(house.general, "boats")
        house.lab.archive(thread)
    async with house.living():
        answer = await answered(house, house.anna.slash(thread, "ask", question="why not"))
    assert answer.text == "why not"


async def test_a_restart_between_acknowledgement_and_answer_still_answers(house: House) -> None:
    house.model = EchoModel(Script(stall=True, text=""))
    async with house.living():
        call = house.anna.slash(house.general, "ask", question="still there?")
        await house.lab.until(lambda: house.model.running)
    assert call.state == "deferred"
    house.model = EchoModel()
    async with house.living():
        (answer,) = await house.stands(house.general, "still there?")
    assert answer.asked_by == house.anna.id


async def test_a_kill_between_acknowledgement_and_answer_still_answers(house: House) -> None:
    async with house.living():
        house.lab.fault("PATCH /webhooks/", drop=True, count=100)
        call = house.anna.slash(house.general, "ask", question="still there?")
        await house.lab.until(lambda: house.lab.calls("PATCH /webhooks/"))
    house.lab.faults.clear()
    async with house.living():
        answer = await answered(house, call)
    assert answer.text == "still there?"
    assert house.said(house.general) == ["still there?"]


async def test_a_call_that_the_core_has_not_stored_is_told_again_after_a_restart(house: House) -> None:
    async with house.hearing(*SPECS) as heard:  # nobody tells it that anything was stored
        call = house.anna.slash(house.general, "ask", question="still there?", locale="zh-CN")
        await house.lab.until(lambda: heard.events)
    async with house.hearing(*SPECS, known=heard.cursors) as again:
        await house.lab.until(lambda: again.events)
    assert again.events == heard.events
    for _start in range(2):
        async with house.living():
            answer = await answered(house, call)
            await house.quiet(house.general)
            assert await kept(house, call) is None
    assert answer.text == "still there?"
    assert [turns[-1].text for turns in house.model.asked].count("still there?") == 1


async def test_a_kill_between_acknowledgement_and_the_core_loses_no_call(house: House) -> None:
    callback = "POST /interactions/.*/callback"
    async with house.service() as process:
        await house.lab.until(lambda: house.lab.identifies and house.lab.commands)
        house.lab.fault(callback, executed=True, status=0, delay_s=2)
        call = house.anna.slash(house.general, "ask", question="still there?")
        await house.lab.until(lambda: call.ack_ms is not None)
        process.kill()
        await process.wait()
    assert await kept(house, call) is not None
    async with house.service():
        answer = await answered(house, call)
    assert answer.text == "still there?"
    assert house.said(house.general) == ["still there?"]


async def test_a_call_whose_member_was_told_that_nobody_answers_is_not_carried_out_later(
    house: House,
) -> None:
    async with house.living():
        house.lab.fault("POST /interactions/.*/callback", drop=True, count=1000)
        call = house.anna.slash(house.general, "ask", question="still there?")
        await house.lab.until(lambda: house.lab.calls("GET /webhooks/.*/messages/@original"))
        await house.quiet(house.general)
        assert await kept(house, call) is None
    house.lab.faults.clear()
    async with house.living():
        await house.stands(house.general, "are you there")


async def test_an_acknowledgement_that_takes_its_time_is_one(house: House) -> None:
    async with house.living():
        house.lab.fault("POST /interactions/.*/callback", executed=True, status=0, delay_s=3.5, count=3)
        answer = await answered(house, house.anna.slash(house.general, "ask", question="well"))
    assert answer.text == "well"


async def kept(house: House, call: Interaction) -> object:
    """What of a call would be told again; asked until it is nothing, or for two seconds."""
    for _try in range(200):
        written = json.loads((house.memory / "interactions.json").read_text("utf-8"))
        found: object = written[call.id]["call"]
        if found is None:
            break
        await asyncio.sleep(0.01)
    return found


@pytest.mark.parametrize(
    "content", ["{", "[]", "7", '{"1": 2}', '{"x": ["a"]}', '{"1": ["a", "b", "c"]}', '{"1": {"call": {}}}']
)
async def test_a_damaged_memory_of_interactions_stops_nothing(house: House, content: str) -> None:
    house.memory.mkdir(parents=True)
    (house.memory / "interactions.json").write_text(content, encoding="utf-8")
    async with house.living():
        answer = await answered(house, house.anna.slash(house.general, "ask", question="well"))
    assert answer.text == "well"


async def test_the_tokens_of_interactions_are_nobody_elses_to_read(house: House) -> None:
    async with house.living():
        await answered(house, house.anna.slash(house.general, "help"))
    file = house.memory / "interactions.json"
    assert file.stat().st_mode & 0o077 == 0
    assert len(json.loads(file.read_text("utf-8"))) == 1


async def test_the_memory_of_interactions_does_not_grow_for_ever(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.discord.interactions.MOST", 3)
    async with house.living():
        calls = [house.anna.slash(house.general, "ask", question=f"number {number}") for number in range(5)]
        for call in calls:
            await answered(house, call)
        house.clock.shift += timedelta(minutes=14.5)
        house.anna.slash(house.general, "ask", question="one more")  # old by the shifted clock, too
        await house.stands(house.general, *(f"number {number}" for number in range(5)), "one more")
    written = json.loads((house.memory / "interactions.json").read_text("utf-8"))
    assert len(written) == 3
    assert {each["token"] for each in written.values()} == {""}


@pytest.mark.parametrize("executed", [False, True])
async def test_an_acknowledgement_that_is_lost_is_made_up_for(house: House, executed: bool) -> None:
    async with house.living():
        house.lab.fault("POST /interactions/.*/callback", drop=True, executed=executed)
        answer = await answered(house, house.anna.slash(house.general, "ask", question="well"))
    assert answer.text == "well"


async def test_a_global_limit_and_waiting_requests_delay_no_acknowledgement(house: House) -> None:
    async with house.living():
        await house.quiet(house.general)
        send = r"POST /channels/\{channel_id\}/messages$"
        house.lab.fault(send, status=429, is_global=True, retry_after_s=6.0)
        house.anna.ask(house.general, "held up")
        await house.lab.until(lambda: house.lab.rate_limited)
        thread = house.anna.open_thread(house.general, "boats")
        for place in (house.general, thread):
            call = house.anna.slash(place, "ask", question="at once")
            answer = await answered(house, call)
            assert answer.text == "at once"
            assert call.ack_ms is not None
            assert call.ack_ms < 2_000
        assert house.said(house.general) == ["are you there", "at once"]
        await house.stands(house.general, "are you there", "at once", "held up")


async def test_what_takes_too_long_for_an_interaction_is_answered_in_the_channel(house: House) -> None:
    house.model = EchoModel(Script(stall=True, text=""))
    async with house.living():
        house.anna.slash(house.general, "ask", question="later")
        await house.lab.until(lambda: house.model.running)
    house.model = EchoModel()
    house.lab.settings.token_life_s = 0.0
    house.clock.shift += timedelta(minutes=14.5)
    async with house.living():
        await house.server.until(house.general, lambda shown: any(each.text == "later" for each in shown))


# Answers that take longer than an interaction lives


def late(house: House) -> None:
    """Let more than fourteen minutes pass, after which Discord takes no answer."""
    house.lab.settings.token_life_s = 0.0
    house.clock.shift += timedelta(minutes=14.5)


@pytest.mark.parametrize("our_clock", [True, False], ids=["by our clock", "only by Discord's"])
async def test_an_answer_that_runs_too_long_goes_on_in_the_channel(house: House, our_clock: bool) -> None:
    text = "\n".join(f"The_sentence_that_has_number_{n} is_here." for n in range(100))
    house.model = EchoModel(Script(text, delay_s=0.01))
    async with house.living():
        call = house.anna.slash(house.general, "ask", question="talk")
        await house.lab.until(lambda: call.original)
        if our_clock:
            late(house)
        else:
            house.lab.settings.token_life_s = 0.0
        shown = await house.server.until(
            house.general,
            lambda shown: "".join(each.text for each in shown).replace("\n", "") == text.replace("\n", ""),
            house.us,
        )
    assert shown[0].id == call.original
    assert [each.asked_by for each in shown] == [house.anna.id, None, None]


async def test_an_answer_found_too_late_is_taken_up_in_the_channel(house: House) -> None:
    async with house.hearing(*SPECS) as heard:
        call = house.anna.slash(house.general, "ask", question="talk")
        (event,) = await house.lab.until(lambda: heard.events)
        assert isinstance(event, Invocation)
        to = MessageRef(event.channel, event.id)
        await heard.adapter.perform(Reply(to, event.author, "before the kill"), "k")
        late(house)
        await heard.adapter.perform(Reply(to, event.author, "after it"), "k", Receipt())
    (answer,) = show(house.lab, house.general)
    assert (answer.id, answer.text) == (call.original, "after it")


@pytest.mark.parametrize("begun", [True, False])
async def test_what_only_its_asker_may_see_is_never_shown_late(house: House, begun: bool) -> None:
    async def chunks() -> AsyncIterator[Chunk]:
        if begun:
            yield "a secret "
            await house.lab.until(lambda: call.original)
        late(house)
        yield "secret"

    async with house.hearing(*SPECS) as heard:
        call = house.anna.slash(house.general, "privacy show")
        (event,) = await house.lab.until(lambda: heard.events)
        assert isinstance(event, Invocation)
        to = MessageRef(event.channel, event.id)
        for action, key in (
            (StreamedReply(to, event.author, chunks()), "stream"),
            (Reply(to, event.author, "secret", private=True), "reply"),
        ):
            with pytest.raises(Gone):
                await heard.adapter.perform(action, key)
    public = [each for each in show(house.lab, house.general) if not each.ephemeral]
    assert [each.mentions for each in public] == [(house.anna.id,)] * len(public) != []
    assert all("Please ask me again" in each.text and "secret" not in each.text for each in public)


async def test_what_only_its_asker_may_see_comes_late_where_nobody_else_reads(house: House) -> None:
    async with house.hearing(*SPECS) as heard:
        house.anna.slash(house.anna.private, "privacy show")
        (event,) = await house.lab.until(lambda: heard.events)
        assert isinstance(event, Invocation)
        late(house)
        to = MessageRef(event.channel, event.id)
        await heard.adapter.perform(Reply(to, event.author, "for you alone", personal=True), "k")
    assert house.said(house.anna.private) == ["for you alone"]


# Further messages


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": True, "executed": True},
        {"status": 502, "executed": True},
        {"status": 503, "executed": True},
        {"status": 502},
        {"status": 429, "retry_after_s": 0.5},
    ],
    ids=str,
)
async def test_whatever_becomes_of_a_further_message_it_stands_once(
    house: House, fault: dict[str, Any]
) -> None:
    text = "\n".join(f"The_sentence_that_has_number_{n} is_here." for n in range(100))
    house.model = EchoModel(lambda turns: Script(text if turns[-1].text == "talk" else "here"))
    async with house.living():
        house.lab.fault(r"POST /webhooks/\{webhook_id\}/\{webhook_token\}$", **fault)
        house.anna.say(house.general, "meanwhile")
        house.anna.slash(house.general, "ask", question="talk")
        await house.lab.until(
            lambda: house.said(house.general) and text.endswith(house.said(house.general)[-1])
        )
        await house.quiet(house.general)
    said = house.said(house.general)
    assert len(said) == 4
    assert "".join(said[:3]).replace("\n", "") == text.replace("\n", "")


# Menus, options, completion


async def test_the_menu_of_a_message_tells_why(house: House) -> None:
    house.message_content = True
    async with house.living():
        said = house.anna.say(house.general, "nothing for the bot")
        await house.quiet(house.general)
        answer = await answered(house, house.anna.menu(said, "Why did the bot do that?"))
    assert answer.ephemeral
    assert "I stayed silent because it was not said to me" in answer.text


async def test_a_picture_is_shown_by_the_menu_of_its_message_and_found_when_it_comes_again(
    house: House,
) -> None:
    house.message_content = True
    mia, here = house.person("mia", "moderator"), house.general
    async with house.living():
        await answered(house, mia.slash(here, "rules setup"))
        said = house.anna.say(here, "look", files=[("gift.png", file_of(picture(7)))])
        answer = await answered(house, mia.menu(said, "Recognize this picture"))
        assert "I recognize `picture-" in answer.text
        house.anna.say(here, "again", files=[("free.jpg", file_of(copy(picture(7)), "JPEG"))])
        await house.lab.until(
            lambda: (
                "a picture like “picture-"
                in json.dumps(house.lab.messages[here["id"]], ensure_ascii=False, default=str)
            )
        )


async def test_menus_have_titles_in_both_languages(house: House) -> None:
    async with house.living():
        menus = [each for each in house.lab.commands["global"] if each["type"] == 3]
    assert {each["name"] for each in menus} == {spec.menu for spec in SPECS if spec.menu}
    for each in menus:
        assert each["name_localizations"]["zh-CN"] == in_locale("zh-CN", each["name"]) != each["name"]


async def test_options_come_with_their_types(house: House) -> None:
    parameters = [Parameter(kind.value, kind, "A value.") for kind in Kind]
    async with house.hearing(CommandSpec(("try",), "Try it.", tuple(parameters))) as heard:
        call = house.anna.slash(house.general, "try", string="7", integer=7, number=2.5, boolean=False)
        await house.lab.until(lambda: heard.events)
    (event,) = heard.events
    assert isinstance(event, Invocation)
    assert event.id == call.id
    assert event.command == ("try",)
    assert event.arguments == {"string": "7", "integer": 7, "number": 2.5, "boolean": False}
    assert event.channel == house.place(house.general)
    assert event.author.id == house.anna.id


async def test_what_is_typed_is_completed(house: House) -> None:
    asked: list[tuple[str, Author, Channel]] = []

    async def complete(typed: str, author: Author, place: Channel) -> Sequence[str]:
        asked.append((typed, author, place))
        return [f"{typed}{n}" for n in range(40)] + ["x" * 101]

    parameters = (Parameter("rule", Kind.STRING, "A rule.", complete=complete),)
    spec = CommandSpec(("rules", "show"), "Show a rule.", parameters)
    async with house.hearing(spec):
        call = house.anna.complete(house.general, "rules show", "rule", "sp")
        choices = await house.lab.until(lambda: call.choices)
    assert [each["name"] for each in cast(list[dict[str, str]], choices)] == [f"sp{n}" for n in range(25)]
    ((typed, author, place),) = asked
    assert (typed, author.id, place) == ("sp", house.anna.id, house.place(house.general))


@pytest.mark.parametrize(
    ("command", "option", "typed", "others", "offered"),
    [
        ("translate", "language", "ger", {}, ["German"]),
        ("translate", "language", "德", {}, ["德语", "德顿语"]),
        ("help", "topic", "priv", {}, ["privacy"] + [f"privacy {n}" for n in PRIVACY]),
        ("channel set", "value", "lar", {"name": "model"}, ["large"]),
        ("channel set", "value", "ne", {"name": "answer"}, ["never"]),
    ],
)
async def test_our_own_commands_complete_what_is_typed(
    house: House, command: str, option: str, typed: str, others: dict[str, str], offered: list[str]
) -> None:
    house.others = (EchoModel(name="large"),)
    async with house.living():
        call = house.person("mia", "moderator").complete(house.general, command, option, typed, **others)
        await house.lab.until(lambda: call.ack_ms is not None)
    assert [each["name"] for each in cast(list[dict[str, str]], call.choices)] == offered


@pytest.mark.parametrize("command", ["show", "set", "remove", "mode", "replay", "export"])
async def test_rules_are_completed_for_who_moderates_and_for_nobody_else(house: House, command: str) -> None:
    async with house.living() as app:
        book = Rulebook(house.place(house.general).community_key, rules=RULES)
        await app.store.rulebooks.save(book, actor="mia")
        mia = house.person("mia", "moderator").complete(house.general, f"rules {command}", "rule", "s")
        typed = {"rule": "s"}
        anna = house.lab.slash(
            house.anna.user, house.general, f"rules {command}", typed, focused="rule", force=True
        )
        await house.lab.until(lambda: mia.ack_ms is not None and anna.ack_ms is not None)
    assert [each["name"] for each in cast(list[dict[str, str]], mia.choices)] == ["spoilers", "caps"]
    assert anna.choices == []


async def test_rules_come_in_a_file_as_an_option_attached_or_replied_to(house: House) -> None:
    house.message_content = True
    mia = house.person("mia", "moderator")
    here, us = house.general, f"<@{house.us}>"

    def named(name: str) -> tuple[str, bytes]:
        return ("rules.toml", f"[[rule]]\nkind = 'caps'\nname = '{name}'\n".encode())

    async with house.living() as app:
        community = house.place(here).community_key
        await app.store.rulebooks.save(Rulebook(community, rules=RULES), actor="mia")
        upload = house.lab.message(mia.say(here, "look", files=[named("first")]))["attachments"][0]
        call = mia.slash(here, "rules import", file=upload)
        assert "New: `first`" in (await answered(house, call)).text
        mia.say(here, f"{us} rules import", files=[named("second")])
        await house.server.until(here, lambda shown: any("New: `second`" in each.text for each in shown))
        below = mia.say(here, "and these?", files=[named("third")])
        mia.ask(here, "rules import", reply_to=below)
        await house.server.until(here, lambda shown: any("New: `third`" in each.text for each in shown))
        broken = house.lab.message(mia.say(here, "look", files=[("rules.toml", b"[[rule]")]))["attachments"][
            0
        ]
        assert "not valid TOML" in (await answered(house, mia.slash(here, "rules import", file=broken))).text
        rules = read(app.store.rulebooks.of(community).rules)
    assert [rule.name for rule in rules] == ["caps", "spoilers", "first", "second", "third"]


async def test_what_is_to_be_known_comes_in_a_file_as_an_option_or_attached(house: House) -> None:
    house.message_content = True
    mia, here = house.person("mia", "moderator"), house.general
    async with house.living():
        files = [("hours.pdf", pdf(shown("The harbor opens at nine.")))]
        upload = house.lab.message(mia.say(here, "look", files=files))["attachments"][0]
        call = mia.slash(here, "knowledge add", title="Hours", file=upload)
        assert "“Hours” is added. It is 1 passage." in (await answered(house, call)).text
        mia.say(here, f"<@{house.us}> knowledge add Rope", files=[("rope.md", b"Rope lies behind the shed.")])
        await house.server.until(here, lambda seen: any("“Rope” is added" in each.text for each in seen))
        house.anna.ask(here, "when does the harbor open?")
        await house.server.until(here, lambda seen: any("opens at nine. [1]" in each.text for each in seen))


async def test_a_completion_that_fails_takes_nothing_else_down(house: House) -> None:
    async def complete(typed: str, author: Author, place: Channel) -> Sequence[str]:
        raise RuntimeError("a plug-in is broken")

    parameters = (Parameter("rule", Kind.STRING, "A rule.", required=False, complete=complete),)
    async with house.hearing(CommandSpec(("rules", "show"), "Show a rule.", parameters)) as heard:
        broken = house.anna.complete(house.general, "rules show", "rule", "sp")
        await house.lab.until(lambda: broken.ack_ms is not None)
        house.anna.slash(house.general, "rules show")
        await house.lab.until(lambda: heard.events)
    assert broken.choices == []
