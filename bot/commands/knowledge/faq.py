"""`knowledge faq`: answers that members found helpful become entries that questions are answered from."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Literal

from bot.commands.command import Context, Doc, Range, command
from bot.conversation.policy import can_be_archived, channel_policy
from bot.conversation.sourced import one_line
from bot.core.errors import UserError
from bot.core.events import Channel, MessageRef
from bot.core.permissions import Role
from bot.core.text import N_, _
from bot.knowledge.document import FAQ_TITLE, Document, Section
from bot.storage.messages import StoredMessage
from bot.storage.passages import COMMON
from bot.storage.schema import faq_name

LISTED, LOOKED_AT = 10, 100
QUESTION_CHARS, ANSWER_CHARS = 100, 200
_CITED = re.compile(r" ?\[\d{1,2}\]")
_ASKED = re.compile(r"[!/／！]\S*\s+(?:ask\s+)?")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that somebody found helpful and nobody unhelpful."""

    number: int
    ref: MessageRef
    question: StoredMessage
    answer: StoredMessage

    @property
    def title(self) -> str:
        """The question, without the name of a command before it."""
        return one_line(_ASKED.sub("", self.question.text, count=1), QUESTION_CHARS)

    @property
    def text(self) -> str:
        """The answer, without the numbers of its sources."""
        return _CITED.sub("", self.answer.text).strip()


@command(
    "knowledge faq",
    role=Role.MODERATOR,
    private=True,
    examples=(N_("knowledge faq"), N_("knowledge faq 12 yes"), N_("knowledge faq 12 no")),
)
async def faq(
    context: Context,
    number: Annotated[int | None, Range(1, 2**53 - 1), Doc("The number of an answer in the list.")] = None,
    verdict: Annotated[
        Literal["yes", "no"] | None, Doc("yes: questions are answered from it; no: it leaves the list.")
    ] = None,
) -> str:
    """List answers that helped, or make one an entry of the FAQ."""
    if number is None or verdict is None:
        return await _listed(context)
    found = [each async for each in _candidates(context) if each.number == number]
    if not found:
        raise UserError(_("There is no answer {number} in the list of `knowledge faq`.", number=number))
    if verdict == "no":
        return await _drop(context, found[0])
    return await _promote(context, found[0])


async def _listed(context: Context) -> str:
    lines = []
    async for each in _candidates(context):
        link = await context.services.directory.link(each.ref.channel, each.ref.id) or ""
        lines.append(f"• {each.number}: “{each.title}” → {one_line(each.text, ANSWER_CHARS)} {link}".rstrip())
        if len(lines) == LISTED:
            break
    if not lines:
        return _(
            "No answer waits here: those to messages in archived channels do, once somebody found them "
            "helpful and nobody unhelpful, for as long as I keep their text ({hours:g} hours).",
            hours=context.services.context_hours,
        )
    lines.append(
        _(
            "`{prefix}knowledge faq NUMBER yes` makes one an entry that its channel's readers are answered "
            "from; `no` takes it off this list.",
            prefix=context.prefix,
        )
    )
    return "\n".join(lines)


async def _promote(context: Context, found: Candidate) -> str:
    services, place = context.services, found.ref.channel
    index = services.index
    if index is None or not index.passages.supported:
        raise UserError(_("I can keep no knowledge: this bot runs on PostgreSQL, where I cannot search yet."))
    if await _quotes_members(context, found):
        raise UserError(
            _(
                "That answer says what members said in archived channels, where it is found anyway, and "
                "where they can take it back. Write it down in words of your own: `{prefix}knowledge add`.",
                prefix=context.prefix,
            )
        )
    link = await services.directory.link(place, found.ref.id) or ""
    id = faq_name(place.key, found.question.id, found.ref.id)
    section = Section(found.text, found.question.at, link, found.question.author)
    document = Document(id, f"{FAQ_TITLE}{found.title}", (section,), place.parent.key)
    await index.add(place.community_key, [document])
    await context.audit("knowledge faq", f"{found.number} yes")
    return _(
        "“{title}” is an entry of the FAQ now, for who may read its channel. It goes when its question or "
        "the answer is edited or deleted, when who asked is forgotten, or with `{prefix}knowledge remove "
        "{id}`.",
        title=found.title,
        id=id,
        prefix=context.prefix,
    )


async def _quotes_members(context: Context, found: Candidate) -> bool:
    """Whether an answer rests on archived talk, or on what is gone."""
    store = context.services.store
    shelves = (
        *await store.passages.documents(found.ref.channel.community_key),
        *await store.passages.documents(COMMON),
    )
    known = {each.document for each in shelves}
    return any(each.document not in known for each in await store.citations.of(found.ref))


async def _drop(context: Context, found: Candidate) -> str:
    """Off the list, as if the moderator had pressed "Not helpful"."""
    store = context.services.store
    if store.privacy.opted_out(context.caller.identity):
        raise UserError(_("You opted out of being remembered, so I keep no rating of yours either."))
    await store.ratings.rate(found.ref, context.caller.identity, helpful=False)
    await context.audit("knowledge faq", f"{found.number} no")
    return _("“{title}” is off the list.", title=found.title)


async def _candidates(context: Context) -> AsyncIterator[Candidate]:
    """Newest first, of this community and only where talk is archived."""
    store, community = context.services.store, context.channel.community_key
    taken = {each.document for each in await store.passages.documents(community)}
    for number, place, id in await store.ratings.liked(community, LOOKED_AT):
        channel = _channel(context.channel, place)
        if not channel_policy(store.policies, channel).archive or not can_be_archived(channel):
            continue
        answer = await store.messages.get(MessageRef(channel, id))
        if answer is None or answer.reply_to is None:
            continue
        question = await store.messages.get(MessageRef(channel, answer.reply_to))
        if question is None or question.ours or faq_name(place, question.id, id) in taken:
            continue
        yield Candidate(number, MessageRef(channel, id), question, answer)


def _channel(here: Channel, place: str) -> Channel:
    """A place of this community by its key."""
    id, _slash, thread = place.removeprefix(f"{here.community_key}/").partition("/")
    return Channel(here.platform, here.community, id, thread or None)
