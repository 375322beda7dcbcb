"""Which message a member means: the one replied to, or a link or an id that was typed."""

from urllib.parse import unquote, urlsplit

from bot.commands.command import Context, Matching
from bot.core.errors import UserError
from bot.core.events import MessageRef
from bot.core.text import N_, _

MESSAGE = Matching(r"[a-z]+://\S+|\$\S+|[A-Za-z]{0,8}[-_:]?\d{1,20}", N_("a link to a message, or its id"))
"""Links; Matrix event ids ("$..."); ids with digits, as Discord and the console have them."""


async def referenced(context: Context, message: str | None) -> MessageRef | None:
    """The message meant, which always stands where the command was called: rights never cross places.

    Raises:
        UserError: a link leads elsewhere.
    """
    if message is None:
        return context.target
    if "://" not in message:
        return MessageRef(context.channel, message)
    candidate = _place(message).rstrip("/").rsplit("/", 1)[-1]
    link = await context.services.directory.link(context.channel, candidate)
    if link is None or _place(link) != _place(message):
        raise UserError(
            _("That link does not lead to a message in this place. Use the command where the message stands.")
        )
    return MessageRef(context.channel, candidate)


def _place(link: str) -> str:
    """What a link points at, whatever client, host name or query it came with."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    return unquote(parts.path.rstrip("/") + "#" + parts.fragment.split("?")[0])
