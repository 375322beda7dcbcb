"""The whole bot on Discord, as members see it."""

import asyncio

import pytest

from bot.core.events import MessageRef
from bot.llm.echo import EchoModel, Script
from tests.adapters.discord.house import House
from tests.labs.discord.people import Shown

MENTION_ALL = "Look, @everyone and @here and <@{ben}> and <@&{role}>!"


async def test_a_question_is_answered_to_its_asker_and_tells_nobody_else(house: House) -> None:
    ben, role = house.person("ben"), house.server.moderators
    house.model = EchoModel(Script(MENTION_ALL.format(ben=ben.id, role=role["id"])))
    async with house.living():
        question = house.anna.ask(house.general, "What is the capital of France?")
        (answer,) = await house.answers(house.general, 1)
        assert answer.reply_to == question
        assert answer.mentions == (house.anna.id,)
        (stored,) = house.lab.bot_messages(house.general)
        assert stored["mention_everyone"] is False
        assert stored["mention_roles"] == []


async def test_commands_are_suggested_as_they_are_typed_on_discord(house: House) -> None:
    house.message_content = True
    async with house.living():
        house.anna.say(house.general, "!llmos help stop")
        (answer,) = await house.answers(house.general, 1)
    assert "`/stop" in answer.text
    assert "!llmos" not in answer.text


async def test_what_is_not_said_to_the_bot_is_not_answered(house: House) -> None:
    house.message_content = True
    async with house.living():
        house.person("ben").say(house.general, "nobody in particular")
        house.person("ben").say(house.general, "@everyone hear me")
        house.anna.ask(house.general, "the bot")
        await house.stands(house.general, "the bot")


async def test_a_private_conversation_needs_no_mention(house: House) -> None:
    async with house.living():
        question = house.anna.whisper("hello there")
        (answer,) = await house.whispered(house.anna, "hello there")
    assert answer.reply_to == question


async def test_a_mention_in_a_thread_is_answered_in_that_thread(house: House) -> None:
    async with house.living():
        root = house.anna.say(house.general, "Let us talk about boats")
        thread = house.anna.open_thread(house.general, "boats", on=root)
        question = house.anna.ask(thread, "What is a boat?")
        (answer,) = await house.stands(thread, "What is a boat?")
    assert answer.reply_to == question
    assert house.said(house.general) == []


async def test_a_forum_post_that_mentions_the_bot_is_answered_there(house: House) -> None:
    forum = house.server.forum("questions")
    async with house.living():
        text = f"<@{house.us}> why is the sky blue?"
        thread = await house.anna.post(forum, "Sky", text, starter_delay_s=0.2)
        await house.stands(thread, "why is the sky blue?")


async def test_a_forum_post_without_its_first_message_yet_takes_commands_and_then_questions(
    house: House,
) -> None:
    forum = house.server.forum("questions")
    async with house.living(), asyncio.TaskGroup() as tasks:
        text = f"<@{house.us}> why is the sky blue?"
        posting = tasks.create_task(house.anna.post(forum, "Sky", text, starter_delay_s=1.0))
        (thread,) = await house.lab.until(lambda: house.server.threads(forum))
        house.anna.slash(thread, "ask", question="is this a post?")
        await house.stands(thread, "is this a post?")
        assert thread["id"] in house.lab.starterless, "all of that before its first message"
        await posting
        await house.stands(thread, "is this a post?", "why is the sky blue?")


async def test_the_role_that_came_with_the_bot_is_the_bot(house: House) -> None:
    house.message_content = True
    role = house.lab.bot_role(house.server.guild)
    role["tags"] = {"bot_id": house.us}
    async with house.living():
        house.person("ben").say(house.general, f"<@&{house.server.moderators['id']}> help")
        house.anna.say(house.general, f"<@&{role['id']}> what is a boat?")
        await house.stands(house.general, "what is a boat?")


async def test_a_role_of_the_bot_is_known_as_soon_as_it_appears_changes_or_goes(house: House) -> None:
    house.message_content = True
    other = house.lab.create_user("other-bot", bot=True)
    async with house.living() as app:
        role = house.lab.create_role(house.server.guild, "appeared", bot=house.us)
        house.lab.create_role(house.server.guild, "not ours", bot=other)
        house.anna.say(house.general, f"<@&{role['id']}> one")
        await house.stands(house.general, "one")
        house.lab.tag_bot(house.server.guild, role, other)
        two = house.person("ben").say(house.general, f"<@&{role['id']}> two")
        house.lab.tag_bot(house.server.guild, role, house.us)
        house.anna.say(house.general, f"<@&{role['id']}> three")
        await house.stands(house.general, "one", "three")
        house.lab.delete_role(house.server.guild, role)
        four = house.person("ben").say(house.general, f"<@&{role['id']}> four")
        await house.quiet(house.general)
        place = house.place(house.general)
        for unaddressed in (two, four):
            assert await app.store.messages.outcome(MessageRef(place, unaddressed)) == "ignored:not-addressed"
    assert house.said(house.general) == ["one", "three", "are you there"]


async def test_a_reply_that_pings_the_bot_is_said_to_it(house: House) -> None:
    async with house.living():
        house.anna.ask(house.general, "first")
        (answer,) = await house.stands(house.general, "first")
        house.anna.say(house.general, "and second", reply_to=answer.id)
        await house.stands(house.general, "first", "and second")


@pytest.mark.parametrize("message_content", [False, True])
@pytest.mark.drives("config:discord.message_content")
async def test_what_the_bot_hears_depends_on_the_intent_and_answers_do_not(
    house: House, message_content: bool
) -> None:
    house.message_content = message_content
    async with house.living() as app:
        said = house.person("ben").say(house.general, "not for the bot")
        house.anna.ask(house.general, "for the bot")
        house.anna.whisper("in private")
        await house.stands(house.general, "for the bot")
        await house.whispered(house.anna, "in private")
        heard = await app.store.messages.get(MessageRef(house.place(house.general), said))
    assert heard is not None
    assert heard.text == ("not for the bot" if message_content else "")


async def test_webhooks_and_bots_are_not_answered(house: House) -> None:
    house.message_content = True
    other = house.lab.create_user("other-bot", bot=True)
    house.lab.add_member(house.server.guild, other, roles=[house.server.admins])
    async with house.living():
        house.lab.send_webhook(house.general, "Captain", f"<@{house.us}> from a webhook")
        house.lab.send(other, house.general, f"<@{house.us}> from a bot")
        house.lab.send(other, house.general, "!llmos channel set answer all")
        house.anna.ask(house.general, "from a person")
        await house.stands(house.general, "from a person")


async def test_a_streamed_answer_grows_within_the_budget_and_ends_complete(house: House) -> None:
    words = " ".join(f"word{number}" for number in range(60))
    house.model = EchoModel(Script(words, delay_s=0.1))
    async with house.living():
        house.anna.ask(house.general, "talk")
        seen: set[str] = set()

        def complete(shown: list[Shown]) -> bool:
            seen.update(each.text for each in shown)
            return [each.text for each in shown] == [words]

        (answer,) = await house.server.until(house.general, complete, house.us)
    assert all(words.startswith(text) for text in seen - {"…"})
    assert len(seen) > 3, "it grew"
    assert 3 <= answer.edits <= 8, "six seconds of writing, an edit a second"
    assert not house.lab.rate_limited


async def test_a_long_answer_is_split_and_only_its_first_message_tells_the_asker(house: House) -> None:
    text = "\n".join(f"The_sentence_that_has_number_{n} is_here." for n in range(100))
    house.model = EchoModel(Script(text))
    async with house.living():
        question = house.anna.ask(house.general, "talk")
        shown = await house.server.until(
            house.general,
            lambda shown: "".join(each.text for each in shown).replace("\n", "") == text.replace("\n", ""),
            house.us,
        )
    assert len(shown) == 3
    assert all(len(each.text) <= 2000 for each in shown)
    assert [each.reply_to for each in shown] == [question, None, None]
    assert [each.mentions for each in shown] == [(house.anna.id,), (), ()]


async def test_deleting_a_question_stops_its_answer_and_takes_it_back(house: House) -> None:
    house.model = EchoModel(Script(text="word ", delay_s=0.05, forever=True))
    async with house.living():
        question = house.anna.ask(house.general, "talk for ever")
        await house.answers(house.general, 1)
        house.anna.delete(question)
        await house.stands(house.general)
        async with asyncio.timeout(10):
            while house.model.running:  # noqa: ASYNC110 - a model tells nobody
                await asyncio.sleep(0.01)
    assert house.model.cut_off == 1


async def test_questions_deleted_in_bulk_take_their_answers_with_them(house: House) -> None:
    house.model = EchoModel(Script(text="word ", delay_s=0.05, forever=True))
    async with house.living():
        questions = [house.person(name).ask(house.general, "talk") for name in ("anna", "ben")]
        await house.answers(house.general, 2)
        house.lab.delete_many(house.general, questions)
        await house.stands(house.general)


async def test_a_moderator_who_deletes_a_growing_answer_stops_it(house: House) -> None:
    house.model = EchoModel(Script(text="word ", delay_s=0.05, forever=True))
    async with house.living():
        house.anna.ask(house.general, "talk for ever")
        (answer,) = await house.answers(house.general, 1)
        house.person("mod", "moderator").delete(answer.id)
        async with asyncio.timeout(10):
            while house.model.running:  # noqa: ASYNC110 - a model tells nobody
                await asyncio.sleep(0.01)
    assert house.said(house.general) == []
    assert house.model.cut_off == 1


async def test_an_edit_disturbs_no_answer_and_is_remembered(house: House) -> None:
    house.model = EchoModel(lambda turns: Script(f"about {turns[-1].text} " * 20, delay_s=0.02))
    async with house.living() as app:
        question = house.anna.ask(house.general, "boats")
        await house.answers(house.general, 1)
        house.anna.edit(question, f"<@{house.us}> ships")
        await house.stands(house.general, ("about boats " * 20).strip())
        stored = await app.store.messages.get(MessageRef(house.place(house.general), question))
    assert stored is not None
    assert "ships" in stored.text


async def test_the_preview_of_a_link_is_no_edit(house: House) -> None:
    async with house.living():
        question = house.anna.ask(house.general, "https://example.org/ what is this?")
        (answer,) = await house.answers(house.general, 1)
        house.lab.unfurl(house.lab.message(question), {"title": "Example"})
        await house.quiet(house.general)
    assert len(house.model.asked) == 2
    assert house.said(house.general)[0] == answer.text


@pytest.mark.parametrize("fault", ["lost", "502"])
async def test_an_answer_posted_although_discord_did_not_say_so_stands_once(house: House, fault: str) -> None:
    async with house.living():
        if fault == "lost":
            house.lab.fault("POST .*/messages$", drop=True, executed=True)
        else:
            house.lab.fault("POST .*/messages$", status=502, executed=True)
        house.anna.ask(house.general, "once")
        await house.server.until(house.general, lambda _shown: len(house.lab.calls("POST .*/messages$")) == 2)
        await house.quiet(house.general)
    assert house.said(house.general) == ["once", "are you there"]


async def test_the_answer_of_a_question_in_a_channel_that_vanishes_troubles_nobody(house: House) -> None:
    doomed = house.server.channel("doomed")
    house.model = EchoModel(Script(text="word ", delay_s=0.05, forever=True))
    async with house.living():
        house.anna.ask(doomed, "talk")
        await house.answers(doomed, 1)
        house.lab.delete_channel(doomed)
        async with asyncio.timeout(15):
            while house.model.running:  # noqa: ASYNC110 - a model tells nobody
                await asyncio.sleep(0.01)


async def test_a_reply_with_a_mention_brings_what_it_replies_to_without_any_intent(house: House) -> None:
    house.model = EchoModel(Script("Energy is mass."))
    async with house.living():
        said = house.person("ben").say(house.general, "E is m c squared.")
        house.anna.ask(house.general, "explain this", reply_to=said)
        await house.stands(house.general, "Energy is mass.")
    assert house.model.asked[0][-1].text == (
        '<message from="Member A">\nE is m c squared.\n</message>\nMember B asks:\nexplain this'
    )


async def test_who_opted_out_is_not_quoted_by_others(house: House) -> None:
    ben = house.person("ben")
    async with house.living() as app:
        await app.store.privacy.opt_out(("discord", ben.id))
        said = ben.say(house.general, "E is m c squared.")
        house.anna.ask(house.general, "explain this", reply_to=said)
        await house.stands(house.general, "explain this")
    assert "squared" not in str(house.model.asked)
