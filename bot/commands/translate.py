"""`translate`: a text, or a message, in another language."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from bot.commands.command import Completes, Context, Doc, Services, command
from bot.commands.conversion import nearest, shown
from bot.conversation.policy import channel_policy
from bot.conversation.quoting import may_quote
from bot.conversation.sentences import without_notes
from bot.core.actions import Chunk
from bot.core.errors import UserError
from bot.core.events import Author, Channel, Message, MessageRef
from bot.core.text import N_, _
from bot.llm.language import language_of
from bot.llm.language_names import Language, language_named, names_like
from bot.storage.messages import StoredMessage

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
    examples=(N_("translate German"), N_("translate Chinese The harbor opens at nine.")),
)
async def translate(
    context: Context,
    language: Annotated[
        str | None,
        Completes(_languages),
        Doc("Into which language: German, 德语 or de. Without it: into yours."),
    ] = None,
    text: Annotated[str, Doc("What to translate; or reply to a message with this command.")] = "",
) -> AsyncIterator[Chunk]:
    """Translate a text, or the message you reply to."""
    into, text = await asyncio.to_thread(_target, context, language, text.strip())
    words = text or await _words(context)
    if language is None and language_of(words) == into.code:
        raise UserError(
            _("It seems to be in your language already. Name another one, such as `translate German`.")
        )
    services = context.services
    request = Message(context.to, context.caller, words, context.at, addressed=words, locale=context.locale)
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


async def _words(context: Context) -> str:
    """What the message says that the command is about."""
    ref, quote = context.target, context.quoted
    if ref is None:
        raise UserError(_("Translate what? Write the text behind the language, or reply to a message."))
    stored = await _stored(context, ref)
    if stored is not None and stored.text.strip() and not stored.outcome.startswith("moderated:"):
        return without_notes(stored.text) if stored.ours else stored.text
    hidden = stored is not None and stored.outcome.startswith("moderated:")
    if quote is not None and not hidden and may_quote(context.services.store, ref, quote):
        return quote.text
    raise UserError(
        _(
            "I do not have the words of that message: it has none, it is too old, or I may not keep them. "
            "Copy what you want translated behind the language."
        )
    )


async def _stored(context: Context, ref: MessageRef) -> StoredMessage | None:
    """The message, in a thread or in the channel around it, where a thread's first message stands."""
    messages = context.services.store.messages
    return await messages.get(ref) or await messages.get(MessageRef(ref.channel.parent, ref.id))
