"""Which message a member means, by reply, link or id; and how one is named to people."""

from urllib.parse import unquote, urlsplit

from bot.commands.command import Context, Matching
from bot.conversation.sourced import one_line
from bot.core.errors import UserError
from bot.core.events import MessageRef
from bot.core.text import N_, _

MESSAGE = Matching(
    r"<?[a-z]{2,16}://[!-~]{3,2000}|\$[!-~]{1,254}|\d{1,20}", N_("a link to a message, or its id")
)
"""Links, also in the <> that keep Discord from showing a preview; event ids, at most 255 bytes
(https://spec.matrix.org/v1.12/appendices/#event-ids); snowflakes of 64 bits, small numbers at the console."""

SNOWFLAKE_DIGITS = 15
"""Real ids have more digits than numbers that people write."""


NAMED_BY_CHARS = 60
"""Enough of a message to know it again."""


async def named(context: Context, ref: MessageRef, text: str = "") -> str:
    """A message as people know it: a link; where the platform has none, its beginning; at last its id.

    Args:
        text: of a message that is not stored any more, for a reader who may know it.
    """
    services = context.services
    link = await services.directory.link(ref.channel, ref.id)
    if link is not None:
        return link
    stored = await services.store.messages.get(ref)
    said = one_line(text if stored is None else stored.text, NAMED_BY_CHARS)
    return f"“{said}”" if said else ref.id


async def referenced(context: Context, message: str | None) -> MessageRef | None:
    """The message meant, which always stands where the command was called: rights never cross places.

    Raises:
        UserError: a link leads elsewhere.
    """
    if message is None:
        return context.target
    if "://" not in message:
        return MessageRef(context.channel, message)
    message = message.strip("<>")
    candidate = unquote(_place(message).rsplit("/", 1)[-1])
    link = await context.services.directory.link(context.channel, candidate)
    if link is None or unquote(_place(link)) != unquote(_place(message)):
        raise UserError(
            _("That link does not lead to a message in this place. Use the command where the message stands.")
        )
    return MessageRef(context.channel, candidate)


async def is_word(context: Context, message: str) -> bool:
    """Whether what looks like an id is just a number in a sentence ("2 people quarrel")."""
    if not message.isdecimal() or len(message) >= SNOWFLAKE_DIGITS:
        return False
    ref = MessageRef(context.channel, message)
    return await context.services.store.messages.outcome(ref) is None


def _place(link: str) -> str:
    """What a link points at, whatever client, host name or query it came with."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    return f"{parts.path}#{parts.fragment.split('?')[0]}".rstrip("/#")
