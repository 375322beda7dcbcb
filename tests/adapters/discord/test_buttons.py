"""Buttons below answers and cards: each calls a command with the rights of who pressed it."""

from datetime import timedelta

import pytest

from bot.adapters.discord.components import LONGEST_ID, buttons, custom_id, pressed
from bot.core.actions import Post, Update
from bot.core.controls import Control
from bot.core.errors import Unsupported
from bot.core.events import Invocation, MessageRef
from bot.llm.echo import EchoModel, Script
from tests.adapters.discord.house import House
from tests.adapters.discord.test_slash import answered
from tests.labs.discord.people import Shown, show

SLOW = Script(" ".join(f"word {number}" for number in range(200)), delay_s=0.05)
APPROVE = Control("✅", "Approve", ("mod", "resolve"), {"case": 7, "verdict": "approve"})
BAN = Control("🔨", "Ban", ("mod", "resolve"), {"case": 7, "verdict": "ban"}, grave=True)
RATINGS = ["Helpful", "Not helpful"]


async def ours(house: House, *labels: str) -> Shown:
    """Wait until the bot's last message in #general has exactly these buttons."""

    def found() -> list[Shown]:
        public = [e for e in show(house.lab, house.general) if e.author == house.us and not e.ephemeral]
        return public[-1:] if public and public[-1].buttons == [*labels] else []

    (last,) = await house.lab.until(found)
    return last


async def test_an_answer_is_stopped_by_its_button_and_by_nobody_else(house: House) -> None:
    house.model = EchoModel(SLOW)
    async with house.living():
        house.anna.ask(house.general, "count")
        writing = await ours(house, "Stop")
        not_yours = await answered(house, house.person("ben").click(writing.id, "Stop"))
        stopped = await answered(house, house.anna.click(writing.id, "Stop"))
        answer = await ours(house)
    assert "not writing an answer to you" in not_yours.text
    assert stopped.text == "I stopped; what I had written stays."
    assert not_yours.ephemeral
    assert stopped.ephemeral
    assert "(stopped)" in answer.text


async def test_a_complete_answer_is_rated_by_anybody_and_the_last_opinion_counts(house: House) -> None:
    ben = house.person("ben")
    async with house.living() as app:
        house.anna.ask(house.general, "Is it late?")
        answer = await ours(house, *RATINGS)
        for who, said in ((house.anna, "Helpful"), (ben, "Not helpful"), (ben, "Helpful")):
            thanks = await answered(house, who.click(answer.id, said))
            assert (thanks.text, thanks.ephemeral) == ("Thank you, I have noted that.", True)
        opinion = await app.store.ratings.since(
            f"discord/{house.server.id}", house.clock() - timedelta(hours=1)
        )
    assert (opinion.helpful, opinion.unhelpful) == (2, 0)


async def test_only_the_last_message_of_an_answer_has_buttons(house: House) -> None:
    house.model = EchoModel(Script("\n".join(f"Sentence number {n} is here." for n in range(100))))
    async with house.living():
        house.anna.ask(house.general, "talk")
        await ours(house, *RATINGS)
    assert [each.buttons for each in show(house.lab, house.general) if each.author == house.us] == [
        [],
        RATINGS,
    ]


async def test_buttons_work_after_a_restart(house: House) -> None:
    async with house.living():
        house.anna.ask(house.general, "before")
        answer = await ours(house, *RATINGS)
    async with house.living():
        thanks = await answered(house, house.anna.click(answer.id, "Helpful"))
    assert "noted" in thanks.text


async def test_a_member_in_chinese_reads_chinese_buttons(house: House) -> None:
    async with house.living():
        house.anna.ask(house.general, "今天的天气怎么样？")
        await ours(house, "有帮助", "没帮助")


async def test_a_card_is_an_embed_whose_buttons_call_commands(house: House) -> None:
    async with house.hearing() as heard:
        place = house.place(house.general)
        post = Post(place, "Rude words", "Case 7", (APPROVE, BAN))
        made = await heard.adapter.perform(post, "card")
        assert await heard.adapter.perform(post, "card") == made
        card = await ours(house, "Approve", "Ban")
        house.person("mia", "moderator").click(card.id, "Ban")
        (call,) = await house.lab.until(lambda: [e for e in heard.events if isinstance(e, Invocation)])
        await heard.adapter.perform(Update(MessageRef(place, card.id), "Banned by mia", "Case 7"), "done")
        done = await ours(house)
    assert (card.text, card.embeds[0]["title"], card.embeds[0]["description"]) == ("", "Case 7", "Rude words")
    assert [part["style"] for part in card.components if part["type"] == 2] == [2, 4]
    assert call.command == ("mod", "resolve")
    assert call.arguments == {"case": 7, "verdict": "ban"}
    assert call.target == MessageRef(place, card.id)
    assert call.author.id == house.person("mia").id
    assert (done.embeds[0]["description"], done.buttons) == ("Banned by mia", [])


async def test_a_long_card_is_cut_into_several(house: House) -> None:
    text = "\n".join(f"Line {n} of the case." for n in range(400))
    async with house.adapter() as adapter:
        made = await adapter.perform(Post(house.place(house.general), text, "Case 7", (APPROVE,)), "card")
    shown = [each for each in show(house.lab, house.general) if each.author == house.us]
    assert len(shown) == len(made.message_ids) == 3
    assert "\n".join(each.embeds[0]["description"].strip() for each in shown) == text
    assert [each.buttons for each in shown] == [[], [], ["Approve"]]


def test_what_a_button_calls_survives_the_way_to_discord_and_back() -> None:
    for control in (APPROVE, BAN, Control("⏹️", "Stop", ("stop",)), Control("a", "b", ("x",), {"y": True})):
        found = pressed(custom_id(control.command, dict(control.arguments)))
        assert found is not None
        assert (found.command, found.arguments) == (control.command, dict(control.arguments))


@pytest.mark.parametrize("strange", ["", "null", "[]", "[1, 2]", '["x"]', '{"a": 1}', "not json", '["x", 3]'])
def test_a_button_of_somebody_else_calls_nothing(strange: str) -> None:
    assert pressed(strange) is None


def test_what_discord_cannot_hold_is_refused_before_it_is_sent() -> None:
    with pytest.raises(Unsupported, match="100 characters"):
        custom_id(("mod", "note"), {"text": "x" * LONGEST_ID})
    with pytest.raises(Unsupported, match="25 buttons"):
        buttons([APPROVE] * 26)
