"""`translate` finds the language and the words that are meant, and hands them to the conversation."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.commands.command import Context
from bot.core.actions import Reply
from bot.core.errors import PlatformError
from bot.core.events import Attachment, Author, MessageRef, Quote
from bot.core.text import set_locale
from bot.storage.messages import SaidMessage
from bot.storage.settlement import Settlement
from tests.commands.house import ALICE, BOB, CHANNEL, THREAD, House, growing
from tests.messages import EPOCH

HARBOR = "The harbor opens at nine."
QUOTE = Quote(BOB, "Der Hafen öffnet um neun Uhr morgens.", EPOCH)


async def asked(house: House, context: Context, line: str) -> tuple[str, str]:
    """The language and the words that reach the conversation."""
    outcome = await house.services.commands.run_line(context, line)
    chunks, words = [chunk async for chunk in growing(outcome)], house.conversation.questions[-1].text
    assert len(chunks) == len(words.split())
    return house.conversation.languages[-1].name, words


async def refused(house: House, context: Context, line: str) -> str:
    outcome = await house.services.commands.run_line(context, line)
    assert isinstance(outcome, tuple)
    (reply,) = outcome
    assert isinstance(reply, Reply)
    assert reply.private
    return reply.text


@pytest.mark.parametrize(
    ("line", "language", "words"),
    [
        (f"translate German {HARBOR}", "German", HARBOR),
        (f"translate 德语 {HARBOR}", "German", HARBOR),
        (f"translate de {HARBOR}", "German", HARBOR),
        (f"translate Simplified Chinese {HARBOR}", "Simplified Chinese", HARBOR),
        (f'translate "Brazilian Portuguese" {HARBOR}', "Brazilian Portuguese", HARBOR),
        ("translate pt-BR one\n  two", "Brazilian Portuguese", "one\n  two"),
    ],
)
async def test_the_language_comes_first_and_the_rest_is_the_text(
    house: House, line: str, language: str, words: str
) -> None:
    assert await asked(house, house.context(target="5"), line) == (language, words)


async def test_a_reply_translates_what_it_replies_to(house: House) -> None:
    await house.heard("Der Hafen öffnet.", "ignored:not-addressed", id="5", author=BOB)
    assert await asked(house, house.context(target="5"), "translate en") == ("English", "Der Hafen öffnet.")
    thread = house.context(channel=THREAD, target="5")
    assert await asked(house, thread, "translate en") == ("English", "Der Hafen öffnet.")


async def test_without_a_language_it_is_that_of_the_callers_client(house: House) -> None:
    said = replace(house.context(target="5"), quoted=QUOTE)
    assert (await asked(house, replace(said, client_locale="fr"), "translate"))[0] == "French"
    assert (await asked(house, replace(said, client_locale="zh-TW"), "translate"))[0].startswith("Chinese")
    assert (await asked(house, said, "translate"))[0] == "English"


async def test_what_is_in_the_language_already_is_not_translated_unless_somebody_insists(
    house: House,
) -> None:
    said = replace(house.context(target="5"), quoted=QUOTE, client_locale="de")
    assert "in your language already" in await refused(house, said, "translate")
    assert await asked(house, said, "translate German") == ("German", QUOTE.text)


async def test_what_came_along_counts_where_nothing_is_kept(house: House) -> None:
    said = replace(house.context(target="5"), quoted=QUOTE)
    assert await asked(house, said, "translate en") == ("English", QUOTE.text)
    await house.heard("", "ignored:not-addressed", id="5", author=BOB)
    assert await asked(house, said, "translate en") == ("English", QUOTE.text)
    await house.heard("Kept words.", "ignored:not-addressed", id="6", author=BOB)
    kept = replace(house.context(target="6"), quoted=QUOTE)
    assert await asked(house, kept, "translate de") == ("German", "Kept words.")


async def test_an_answer_of_ours_is_translated_without_our_remarks(house: House) -> None:
    context = house.context(target="a1")
    assert context.target is not None
    text = "Der Hafen öffnet.\n\n(stopped)"
    said = SaidMessage(context.target, text, "1", house.clock(), ALICE.identity)
    await house.store.settle(Settlement(said=(said,)))
    assert await asked(house, context, "translate en") == ("English", "Der Hafen öffnet.")


async def test_who_opted_out_or_was_moderated_is_not_translated(house: House) -> None:
    await house.heard("Ihr Narren.", "moderated:insults", id="5", author=BOB)
    moderated = replace(house.context(target="5"), quoted=QUOTE)
    assert "I do not have the words" in await refused(house, moderated, "translate en")
    await house.store.privacy.opt_out(BOB.identity)
    opted_out = replace(house.context(target="6"), quoted=QUOTE)
    assert "I do not have the words" in await refused(house, opted_out, "translate en")
    other = replace(opted_out, quoted=replace(QUOTE, author=Author("memory", "carl", "Carl")))
    assert (await asked(house, other, "translate en"))[1] == QUOTE.text


class Files:
    """The files of every message; without any it does not tell."""

    def __init__(self, *files: Attachment) -> None:
        self.files = files

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        if not self.files:
            raise PlatformError("down")
        return self.files

    async def fetch(self, platform: str, attachment: Attachment, most_bytes: int) -> bytes:
        raise PlatformError("nobody reads it here")


PLAN = Attachment("f1", "plan.md", "text/markdown", 5, "https://files.example/1")


def having(house: House, *files: Attachment) -> None:
    house.services = replace(house.services, files=Files(*files))


async def test_a_file_of_the_call_or_of_the_message_goes_along(house: House) -> None:
    having(house, PLAN)
    called = replace(house.context(), files=(PLAN,))
    assert await asked(house, called, "translate German") == ("German", "")
    assert house.conversation.questions[-1].attachments == (PLAN,)
    await house.heard("", "ignored:not-addressed", id="5", author=BOB)
    assert await asked(house, house.context(target="5"), "translate German") == ("German", "")
    assert house.conversation.questions[-1].attachments == (PLAN,)
    await asked(house, house.context(target="5"), f"translate German {HARBOR}")
    assert not house.conversation.questions[-1].attachments


async def test_files_of_who_was_moderated_or_opted_out_do_not(house: House) -> None:
    having(house, PLAN)
    await house.heard("Ihr Narren.", "moderated:insults", id="5", author=BOB)
    assert "I do not have the words" in await refused(house, house.context(target="5"), "translate en")
    await house.store.privacy.opt_out(BOB.identity)
    opted_out = replace(house.context(target="6"), quoted=QUOTE)
    assert "I do not have the words" in await refused(house, opted_out, "translate en")


async def test_words_are_translated_although_the_platform_does_not_tell_of_files(house: House) -> None:
    having(house)
    await house.heard("Der Hafen öffnet.", "ignored:not-addressed", id="5", author=BOB)
    assert await asked(house, house.context(target="5"), "translate en") == ("English", "Der Hafen öffnet.")
    await house.heard("", "ignored:not-addressed", id="6", author=BOB)
    assert "could not look at that message" in await refused(house, house.context(target="6"), "translate en")


async def test_a_wrong_call_says_what_would_be_right(house: House) -> None:
    nothing = await refused(house, house.context(), "translate German")
    assert nothing == "Translate what? Write the text behind the language, or reply to a message."
    unknown = await refused(house, house.context(), "translate Germn hello")
    assert unknown == (
        "I know no language called “Germn”. Write it in English, in Chinese, or as a tag such as `de`. "
        "Did you mean `German`?"
    )
    strange = await refused(house, house.context(), "translate Xyzzy hello")
    assert "Did you mean" not in strange
    assert house.conversation.questions == []


async def test_a_chinese_caller_reads_chinese(house: House) -> None:
    context = replace(house.context(channel=CHANNEL), locale="zh-CN")
    assert "语言" in await refused(house, context, "translate 火星语 hello")
    set_locale("en")
