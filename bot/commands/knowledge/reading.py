"""`knowledge add` of a page or a file: read once, and members are answered from it."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from bot.commands.command import Context
from bot.commands.conversion import shown
from bot.conversation.output import clean
from bot.core.errors import Unreachable, Unreadable, UserError
from bot.core.events import Attachment
from bot.core.permissions import Role
from bot.core.text import _, ngettext
from bot.knowledge.document import Document, Section
from bot.knowledge.extracting import USUAL, extract
from bot.knowledge.index import Index
from bot.knowledge.web import read_page


async def add_page(context: Context, index: Index, address: str, title: str) -> str:
    """Fetch a page and put it in, in place of what was fetched from there before; says so.

    Args:
        title: "" for the page's own.

    Raises:
        UserError: it cannot be fetched or read, or the caller may not do this any more.
    """
    services = context.services
    if services.fetcher is None:
        raise UserError(_("I fetch nothing here. Write here what it says."))
    try:
        document, left_out = await read_page(services.fetcher, address, services.now())
    except (Unreachable, Unreadable) as error:
        raise UserError(_("I added nothing from there. {why}", why=error)) from error
    document = replace(document, title=title or document.title)
    told = await _put_in(context, index, document, left_out, f"from {urlsplit(document.id).hostname}")
    again = _("I do not look whether the page changes: add it again then.")
    return f"{told} {again}"


async def add_file(
    context: Context, index: Index, files: Sequence[Attachment], document: str, title: str
) -> str:
    """Read a file and put it in under a name, in place of what was called so before; says so.

    Raises:
        UserError: it cannot be read, there are several, or the caller may not do this any more.
    """
    if len(files) > 1:
        raise UserError(_("I take one file at a time, and these are {n}.", n=len(files)))
    file = files[0]
    content = await context.fetch(file, USUAL.bytes)
    try:
        found = await extract(content, file.name)
    except Unreadable as error:
        told = _("I added nothing of the file {name}. {why}", name=shown(file.name), why=error)
        raise UserError(told) from error
    section = Section(found.text, context.services.now())
    read = Document(document, title, (section,), plain=found.code)
    return await _put_in(context, index, read, found.left_out, "of a file")


def called(title: str) -> str:
    """The title that a stranger gave to a page, so that it calls nobody and hides no link."""
    return clean(shown(title))


async def _put_in(context: Context, index: Index, document: Document, left_out: str, audited: str) -> str:
    community = context.channel.community_key
    if await context.role() < Role.MODERATOR:  # reading takes its time
        raise UserError(_("You are no moderator here any more, so I added nothing."))
    known = {each.document for each in await context.services.store.passages.documents(community)}
    passages = await index.add(community, [document], with_vectors=False)
    replaced, name = document.id in known, called(document.title)
    await context.audit("knowledge add", f"{passages} passages {audited}{', replaced' if replaced else ''}")
    told = [
        _("“{title}” is replaced.", title=name) if replaced else _("“{title}” is added.", title=name),
        ngettext("It is {n} passage.", "It is {n} passages.", passages),
        left_out,
        _(
            "Everybody in this community can be answered from it. `{prefix}knowledge remove {title}` takes "
            "it back.",
            prefix=context.prefix,
            title=document.id,
        ),
    ]
    return " ".join(filter(None, told))
