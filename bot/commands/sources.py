"""`sources`: what an answer rests on, in the words of who wrote it. Below such answers it is a button."""

from collections.abc import Collection, Sequence
from typing import Annotated

from bot.commands.command import Context, Doc, command
from bot.commands.reference import MESSAGE, referenced
from bot.conversation.audience import quotable, readable
from bot.conversation.sourced import entry, quoted
from bot.core.actions import Action
from bot.core.controls import Control
from bot.core.errors import UserError
from bot.core.text import N_, _
from bot.storage.citations import Citation
from bot.storage.passages import Passage

SOURCES = Control("📖", N_("Show sources"), ("sources",))

MOST_CHARS = 900
"""Of each source."""

_MOST_PASSAGES = 64


@command("sources", private=True, examples=(N_("sources"),))
async def sources(
    context: Context,
    message: Annotated[str | None, MESSAGE, Doc("A link to the answer, or its id; or reply to it.")] = None,
) -> tuple[Action, ...]:
    """Show what an answer of mine rests on, word for word; without a message the last one here."""
    known = context.services.store.citations
    ref = await referenced(context, message) or await known.newest(context.channel)
    if ref is None:
        raise UserError(_("No answer of mine here names sources."))
    citations = await known.of(ref)
    if not citations:
        return (context.reply(_("That message names no sources."), private=True),)
    may_read = await readable(context.services.directory, context.caller, context.channel)
    found = [(each.number, await _cited(context, each, may_read)) for each in citations]
    everybodys = await quotable(context.services.directory, context.caller, context.channel)
    personal = any(passage.channel not in everybodys for _number, passages in found for passage in passages)
    shown = "\n\n".join(_shown(number, passages) for number, passages in found)
    return (context.reply(shown, private=True, personal=personal),)


async def _cited(context: Context, citation: Citation, channels: Collection[str]) -> Sequence[Passage]:
    """The passage that was quoted; nothing where it is gone, or the caller may not read it."""
    community, passages = context.channel.community_key, context.services.store.passages
    if citation.mark:
        found = await passages.marked(citation.document, citation.mark, community, channels)
        return () if found is None else (found,)
    document = await passages.part_of(citation.document, community, channels, _MOST_PASSAGES)
    return [each for each in document if each.at >= citation.said_at] or document


def _shown(number: int, passages: Sequence[Passage]) -> str:
    if not passages:
        return _("[{number}] This is gone or was changed, or you may not read it.", number=number)
    text = "\n\n".join(passage.text for passage in passages)
    cut = text if len(text) <= MOST_CHARS else text[: MOST_CHARS - 2].rstrip() + " …"
    first = passages[0]
    return f"{entry(number, first.title, first.link).line}\n{quoted(cut)}"
