"""`knowledge add ADDRESS`: a page of the web is fetched and read, and members are answered from it."""

from dataclasses import replace
from urllib.parse import urlsplit

from bot.commands.command import Context
from bot.commands.conversion import shown
from bot.conversation.output import clean
from bot.core.errors import Unreachable, Unreadable, UserError
from bot.core.permissions import Role
from bot.core.text import _, ngettext
from bot.knowledge.index import Index
from bot.knowledge.web import read_page


async def add_page(context: Context, index: Index, address: str, title: str) -> str:
    """Fetch a page and put it in, in place of what was fetched from there before; says so.

    Args:
        title: "" for the page's own.

    Raises:
        UserError: it cannot be fetched or read, or the caller may not do this any more.
    """
    services, community = context.services, context.channel.community_key
    if services.fetcher is None:
        raise UserError(_("I fetch nothing here. Write here what it says."))
    try:
        document, left_out = await read_page(services.fetcher, address, services.now())
    except (Unreachable, Unreadable) as error:
        raise UserError(_("I added nothing from there. {why}", why=error)) from error
    if await context.role() < Role.MODERATOR:  # fetching takes its time
        raise UserError(_("You are no moderator here any more, so I added nothing."))
    if title:
        document = replace(document, title=title)
    known = {each.document for each in await services.store.passages.documents(community)}
    passages = await index.add(community, [document], with_vectors=False)
    replaced = document.id in known
    detail = f"{passages} passages from {urlsplit(document.id).hostname}{', replaced' if replaced else ''}"
    await context.audit("knowledge add", detail)
    name = called(document.title)
    told = [
        _("“{title}” is replaced.", title=name) if replaced else _("“{title}” is added.", title=name),
        ngettext(
            "It is {n} passage, and answers show its address.",
            "It is {n} passages, and answers show its address.",
            passages,
        ),
        left_out,
        _(
            "Everybody in this community can be answered from it. I do not look whether the page changes: "
            "add it again then. `{prefix}knowledge remove {address}` takes it back.",
            prefix=context.prefix,
            address=document.id,
        ),
    ]
    return " ".join(filter(None, told))


def called(title: str) -> str:
    """The title that a stranger gave to a page, so that it calls nobody and hides no link."""
    return clean(shown(title))
