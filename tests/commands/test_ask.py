"""`ask` hands a question to the conversation and streams what it says."""

from dataclasses import replace

from bot.conversation.running import Handle
from bot.core.events import Attachment, Author, MessageRef
from tests.commands.house import ALICE, BOB, CHANNEL, MODERATOR, THREAD, House, growing


async def test_the_answer_streams_and_counts_as_running_until_it_ends(house: House) -> None:
    outcome = await house.services.commands.run_line(house.context(BOB), "ask what is   a VLAN?")
    running, seen = house.services.running, []
    async for chunk in growing(outcome):
        seen.append(chunk)
        assert len(running) == 1
    assert seen == ["what ", "is ", "a ", "VLAN? "]
    assert len(running) == 0


async def test_the_question_is_what_was_typed_by_whom_and_where(house: House) -> None:
    context = replace(house.context(BOB, target="77"), locale="zh-CN")
    outcome = await house.services.commands.run_line(context, "ask 为什么？ <b>")
    assert [chunk async for chunk in growing(outcome)]
    (question,) = house.conversation.questions
    assert (question.text, question.addressed) == ("为什么？ <b>", "为什么？ <b>")
    assert (question.ref, question.author, question.at) == (context.to, BOB, context.at)
    assert (question.reply_to, question.locale) == ("77", "zh-CN")


async def test_files_of_the_call_come_with_the_question(house: House) -> None:
    file = Attachment("1", "plan.md", "text/markdown", 4, "https://files.example/1")
    context = replace(house.context(BOB), files=(file,))
    outcome = await house.services.commands.run_line(context, "ask what does it say?")
    assert [chunk async for chunk in growing(outcome)]
    (question,) = house.conversation.questions
    assert question.attachments == (file,)


async def test_the_channels_own_settings_hold_for_it(house: House) -> None:
    await house.do("channel set persona a patient teacher", MODERATOR)
    outcome = await house.services.commands.run_line(house.context(channel=THREAD), "ask why")
    assert [chunk async for chunk in growing(outcome)]
    assert house.conversation.policies[0].persona == "a patient teacher"


async def test_who_performs_the_call_may_hold_the_handle(house: House) -> None:
    begun: list[Handle] = []

    def begin(ref: MessageRef, author: Author) -> Handle:
        begun.append(house.services.running.begin(ref, author.identity))
        return begun[-1]

    context = replace(house.context(), begin=begin)
    outcome = await house.services.commands.run_line(context, "ask why")
    assert [chunk async for chunk in growing(outcome)] == ["why "]
    assert [(each.question, each.asker) for each in begun] == [(context.to, ALICE.identity)]
    assert len(house.services.running) == 1, "the handle stays open until its holder finishes it"
    begun[0].finish()


async def test_a_question_without_words_is_told_what_is_missing(house: House) -> None:
    told = await house.told("ask ", channel=CHANNEL)
    assert told == (
        "`question` is missing: What you want to know, in your own words.\nUsage: `/ask QUESTION`"
    )
    assert house.conversation.questions == []
