"""`translate`: a text, or a message, in another language."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from bot.commands.command import Completes, Context, Doc, Services, command
from bot.commands.conversion import nearest, shown
from bot.conversation.policy import channel_policy
from bot.conversation.quoting import may_quote
from bot.conversation.sentences import without_notes
from bot.core.actions import Chunk
from bot.core.errors import UserError
from bot.core.events import Attachment, Author, Channel, Message, MessageRef
from bot.core.text import N_, _
from bot.llm.language import language_of
from bot.llm.language_names import Language, language_named, names_like
from bot.storage.messages import StoredMessage

log = logging.getLogger(__name__)

MOST_MEANT = 30
"""Languages among which a mistyped one is looked for: with all there are, any word would be near to one."""

MOST_SUGGESTED = 25


async def _languages(services: Services, typed: str, caller: Author, channel: Channel) -> Sequence[str]:
    """Languages that can be meant, as many as are ever shown."""
    return await asyncio.to_thread(names_like, typed, MOST_SUGGESTED)


@command(
    "translate",
    slow=True,
    menu=N_("Translate"),
    file=N_("A text, Markdown, code, HTML or PDF file to translate."),
    examples=(N_("translate German"), N_("translate Chinese The harbor opens at nine.")),
)
async def translate(
    context: Context,
    language: Annotated[
        str | None,
        Completes(_languages),
        Doc("Into which language: German, 德语 or de. Without it: into yours."),
    ] = None,
    text: Annotated[str, Doc("What to translate; or attach a file, or reply to a message.")] = "",
) -> AsyncIterator[Chunk]:
    """Translate a text, a file, or the message you reply to."""
    into, text = await asyncio.to_thread(_target, context, language, text.strip())
    words, files = (text, context.files) if text else await _meant(context)
    if language is None and words and language_of(words) == into.code:
        raise UserError(
            _("It seems to be in your language already. Name another one, such as `translate German`.")
        )
    services = context.services
    request = Message(
        ref=context.to,
        author=context.caller,
        text=words,
        at=context.at,
        addressed=words,
        attachments=tuple(files),
        locale=context.locale,
    )
    policy = channel_policy(services.store.policies, context.channel)
    return context.stream(lambda handle: services.conversation.translate(request, handle, policy, into))


def _target(context: Context, language: str | None, text: str) -> tuple[Language, str]:
    """The language that is meant, and the text without the second word of its name."""
    if language is None:
        own = language_named(context.client_locale or "") or language_named(context.locale)
        if own is None:
            raise UserError(_("Into which language? For example: `translate German`."))
        return own, text
    second, *rest = text.split(None, 1) or [""]
    both = language_named(f"{language} {second}") if second else None
    if both is not None:
        return both, "".join(rest)
    found = language_named(language)
    if found is None:
        raise UserError(_unknown(language))
    return found, text


def _unknown(language: str) -> str:
    near = nearest(language, [name.casefold() for name in names_like("", MOST_MEANT)])
    text = _(
        "I know no language called “{name}”. Write it in English, in Chinese, or as a tag such as `de`.",
        name=shown(language),
    )
    return text + (" " + _("Did you mean `{name}`?", name=near.title()) if near else "")


async def _meant(context: Context) -> tuple[str, Sequence[Attachment]]:
    """What came with the call, and what the message says, and brought along, that it is about."""
    ref, quote = context.target, context.quoted
    if ref is None:
        if context.files:
            return "", context.files
        raise UserError(_("Translate what? Write the text behind the language, or reply to a message."))
    stored = await _stored(context, ref)
    hidden = stored is not None and stored.outcome.startswith("moderated:")
    quotable = quote is not None and not hidden and may_quote(context.services.store, ref, quote)
    words = ""
    if stored is not None and not hidden:
        words = (without_notes(stored.text) if stored.ours else stored.text).strip()
    if not words and quote is not None and quotable:
        words = quote.text.strip()
    theirs = quotable if stored is None else not (hidden or stored.ours)
    files = await _files(context, ref, words) if theirs else context.files
    if words or files:
        return words, files
    raise UserError(
        _(
            "I do not have the words of that message: it has none, it is too old, or I may not keep them. "
            "Copy what you want translated behind the language."
        )
    )


async def _files(context: Context, ref: MessageRef, words: str) -> Sequence[Attachment]:
    """What came with the call, else the files of the message; words are translated without them too."""
    try:
        return await context.given_files()
    except UserError:
        if not words:
            raise
        log.info("which files it has is unknown", extra={"channel": ref.channel.key})
        return ()


async def _stored(context: Context, ref: MessageRef) -> StoredMessage | None:
    """The message, in a thread or in the channel around it, where a thread's first message stands."""
    messages = context.services.store.messages
    return await messages.get(ref) or await messages.get(MessageRef(ref.channel.parent, ref.id))
