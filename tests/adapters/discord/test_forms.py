"""Forms in the menu of a message: opened at once, filled in whenever, also after a restart or never."""

from datetime import timedelta
from typing import cast

import pytest

from bot.adapters.discord.components import LONGEST_ID, custom_id
from bot.adapters.discord.forms import MOST_OPEN, Forms
from bot.adapters.discord.snowflakes import first_at
from bot.adapters.reading import Json
from bot.core.events import Author, Channel, Invocation, MessageRef, Quote
from bot.core.specs import CommandSpec, Kind, Parameter
from bot.llm.echo import EchoModel, Script
from tests.adapters.discord.house import House
from tests.adapters.discord.test_slash import answered
from tests.conversation.house import Clock
from tests.labs.discord import Interaction
from tests.labs.discord.people import Person

ASK, REPORT = "Ask about this", "Report to the moderators"
SAID = "E is m c squared."
EXPLAINED = f'<message from="Member A">\n{SAID}\n</message>\nMember B asks:\nWhat does it mean?'


async def opened(house: House, who: Person, message: str, menu: str, locale: str = "en-US") -> Interaction:
    """Choose from the menu of a message, and wait for the form."""
    call = who.menu(message, menu, locale=locale)
    await house.lab.until(lambda: call.modal)
    return call


def fields(call: Interaction) -> list[Json]:
    """The labels of a form, each with its input."""
    form = cast(Json, call.modal)
    return cast(list[Json], form["components"])


async def test_a_question_about_a_message_is_answered_with_its_words_and_without_any_intent(
    house: House,
) -> None:
    house.model = EchoModel(Script("Energy is mass."))
    async with house.living():
        said = house.person("ben").say(house.general, SAID)
        form = await opened(house, house.anna, said, ASK)
        sent = house.anna.submit(form, question="What does it mean?")
        answer = await answered(house, sent)
    assert (answer.text, answer.ephemeral, answer.asked_by) == ("Energy is mass.", False, house.anna.id)
    assert house.model.asked[0][-1].text == EXPLAINED
    assert form.ack_ms is not None
    assert form.ack_ms < 2_000
    assert sent.state == "deferred"


async def test_a_form_asks_in_the_words_of_the_parameters(house: House) -> None:
    async with house.living():
        said = house.person("ben").say(house.general, SAID)
        asked = await opened(house, house.anna, said, ASK)
        reported = await opened(house, house.anna, said, REPORT)
    (question,), (reason,) = fields(asked), fields(reported)
    assert cast(Json, asked.modal)["title"] == ASK
    assert question["label"] == "What you want to know, in your own words."
    assert cast(Json, question["component"]) | {"id": 0} == {
        "id": 0,
        "type": 4,
        "style": 2,
        "custom_id": "question",
        "required": True,
        "max_length": 2000,
    }
    assert reason["label"] == "What is wrong with it."
    assert cast(Json, reason["component"])["required"] is False


async def test_a_form_and_its_answer_are_in_the_language_of_who_opened_it(house: House) -> None:
    async with house.living():
        said = house.person("ben").say(house.general, SAID)
        form = await opened(house, house.anna, said, REPORT, locale="zh-CN")
        (field,) = fields(form)
        answer = await answered(house, house.anna.submit(form, locale="zh-CN", reason="很无礼"))
    for words in (cast(Json, form.modal)["title"], field["label"]):
        assert any("\u4e00" <= letter <= "\u9fff" for letter in str(words))
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer.text)


@pytest.mark.drives("config:discord.moderators_channel")
async def test_a_report_carries_the_reason_to_the_moderators_and_stays_private(house: House) -> None:
    staff = house.server.channel("staff")
    house.moderators_channel = str(staff["id"])
    async with house.living():
        said = house.person("ben").say(house.general, "buy my watches")
        form = await opened(house, house.anna, said, REPORT)
        answer = await answered(house, house.anna.submit(form, reason="It is an advertisement."))
        (alert,) = await house.answers(staff, 1)
    assert answer.ephemeral
    assert said in alert.text
    assert "It is an advertisement." in alert.text
    assert alert.mentions == ()


async def test_a_field_left_empty_is_an_argument_left_out(house: House) -> None:
    spec = CommandSpec(
        ("report",),
        "Report.",
        (Parameter("why", Kind.STRING, "Why.", required=False),),
        menu="R",
        form=("why",),
    )
    async with house.hearing(spec) as heard:
        said = house.person("ben").say(house.general, SAID)
        form = await opened(house, house.anna, said, "R")
        sent = house.anna.submit(form, why="")
        (call,) = await house.lab.until(lambda: [e for e in heard.events if isinstance(e, Invocation)])
    assert call.arguments == {}
    assert (call.id, call.command, call.target) == (
        sent.id,
        ("report",),
        MessageRef(house.place(house.general), said),
    )
    assert call.quoted is not None
    assert (call.quoted.author.id, call.quoted.text) == (house.person("ben").id, SAID)


async def test_a_form_filled_in_after_a_restart_is_answered_without_the_words_of_the_message(
    house: House,
) -> None:
    house.model = EchoModel(Script("Energy is mass."))
    said = house.person("ben").say(house.general, SAID)  # before our first start: never heard, so not kept
    async with house.living():
        form = await opened(house, house.anna, said, ASK)
    async with house.living():
        answer = await answered(house, house.anna.submit(form, question="What does it mean?"))
    assert answer.text == "Energy is mass."
    assert house.model.asked[0][-1].text == "What does it mean?"


async def test_a_form_that_nobody_fills_in_holds_nothing_up_and_leaves_nothing(house: House) -> None:
    async with house.living():
        said = house.person("ben").say(house.general, SAID)
        await opened(house, house.anna, said, ASK)
        await opened(house, house.anna, said, REPORT)
        house.anna.ask(house.general, "well")
        await house.stands(house.general, "well")
    assert not (house.memory / "interactions.json").exists()


@pytest.mark.parametrize(
    "strange",
    [
        "",
        "null",
        '["ask",{}]',
        '["ask",{"on":"x"}]',
        '["ask",{"on":7}]',
        '["ban",{"on":"123456789012345678"}]',
        '["rate",{"verdict":"helpful"}]',
        '["why",{"on":"123456789012345678"}]',
    ],
)
async def test_a_form_that_is_not_ours_calls_nothing(house: House, strange: str) -> None:
    async with house.living():
        said = house.person("ben").say(house.general, SAID)
        form = await opened(house, house.anna, said, ASK)
        cast(Json, form.modal)["custom_id"] = strange
        house.anna.submit(form, question="What does it mean?")
        house.anna.ask(house.general, "well")
        await house.stands(house.general, "well")
    assert len(house.model.asked) == 1


async def test_a_slash_command_is_asked_nothing_twice(house: House) -> None:
    async with house.living():
        call = house.anna.slash(house.general, "ask", question="well")
        assert (await answered(house, call)).text == "well"
    assert call.modal is None


async def test_the_menu_translates_into_the_language_of_the_callers_client(house: House) -> None:
    house.model = EchoModel(Script("L'énergie, c'est la masse."))
    async with house.living():
        said = house.person("ben").say(house.general, "Energy is mass, and that is all there is to say.")
        call = house.anna.menu(said, "Translate", locale="fr")
        answer = await answered(house, call)
    assert (answer.text, answer.ephemeral) == ("L'énergie, c'est la masse.", False)
    assert house.model.asked[0][-1].text == (
        "<message>\nEnergy is mass, and that is all there is to say.\n</message>\n"
        "Translate the message above into French."
    )
    assert call.modal is None


# Without Discord

PLACE = Channel("discord", "7", "8")
ANNA = Author("discord", "100", "anna")
LONGEST = CommandSpec(
    ("a" * 32, "b" * 32),
    "Do.",
    (Parameter("words", Kind.STRING, "w" * 100), Parameter("bare", Kind.STRING, "", required=False)),
    menu="Do it",
    form=("words", "bare"),
)


def menu_call(clock: Clock, target: str = "1") -> Invocation:
    quote = Quote(ANNA, f"Words of {target}.", clock())
    ref = MessageRef(PLACE, target)
    return Invocation(first_at(clock()), PLACE, ANNA, LONGEST.path, clock(), target=ref, quoted=quote)


def sent(form: Json, clock: Clock) -> Json:
    return {"id": first_at(clock()), "data": form, "member": {"user": {"id": "100"}}}


def recalled(forms: Forms, form: Json, clock: Clock) -> Quote | None:
    call = forms.filled(sent(form, clock), PLACE, {LONGEST.path: LONGEST})
    assert call is not None
    return call.quoted


def test_the_longest_names_fit_into_a_form() -> None:
    clock = Clock()
    form = Forms(clock).opened(menu_call(clock, str(2**64 - 1)), LONGEST)
    assert form is not None
    assert len(str(form["custom_id"])) <= LONGEST_ID
    first, second = cast(list[Json], form["components"])
    assert (len(str(first["label"])), len(str(first["description"]))) == (45, 100)
    assert (second["label"], "description" in second) == ("bare", False)


def test_what_a_message_says_is_remembered_for_a_quarter_of_an_hour() -> None:
    clock = Clock()
    forms = Forms(clock)
    form = forms.opened(menu_call(clock), LONGEST)
    assert form is not None
    clock.later(minutes=14)
    assert recalled(forms, form, clock) is not None
    clock.later(minutes=1)
    assert recalled(forms, form, clock) is None


def test_of_too_many_forms_the_oldest_lose_their_words() -> None:
    clock = Clock()
    forms = Forms(clock)
    made = [forms.opened(menu_call(clock, str(n)), LONGEST) for n in range(1, MOST_OPEN + 2)]
    found = [recalled(forms, form, clock) for form in made if form is not None]
    assert [quote is None for quote in found] == [True, *[False] * MOST_OPEN]
    assert [quote.text for quote in found[1:] if quote] == [f"Words of {n}." for n in range(2, MOST_OPEN + 2)]


def test_answers_are_read_from_labels_and_from_rows() -> None:
    clock = Clock()
    forms = Forms(clock)
    data: Json = {
        "custom_id": custom_id(LONGEST.path, {"on": "5"}),
        "components": [
            {"type": 1, "components": [{"type": 4, "custom_id": "words", "value": "one"}]},
            {"type": 18, "component": {"type": 4, "custom_id": "bare", "value": "two"}},
            {"type": 18, "component": {"type": 4, "custom_id": "foreign", "value": "three"}},
        ],
    }
    call = forms.filled(sent(data, clock), PLACE, {LONGEST.path: LONGEST})
    assert call is not None
    assert call.arguments == {"words": "one", "bare": "two"}


def test_what_was_opened_long_ago_makes_room() -> None:
    clock = Clock()
    forms = Forms(clock)
    first = forms.opened(menu_call(clock, "1"), LONGEST)
    clock.at += timedelta(hours=1)
    forms.opened(menu_call(clock, "2"), LONGEST)
    clock.at -= timedelta(hours=1)
    assert first is not None
    assert recalled(forms, first, clock) is None
