"""`knowledge add, list, remove`: what moderators write down for their community to be answered from."""

from collections.abc import Sequence
from typing import Annotated

from bot.commands.command import Completes, Context, Doc, Services, command
from bot.commands.conversion import readable, shown, suggested
from bot.commands.knowledge.reading import add_file, add_page, called
from bot.core.errors import Unreachable, UserError
from bot.core.events import Author, Channel
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.knowledge.document import Document, Section
from bot.knowledge.fetching import ADDRESS, parsed
from bot.knowledge.index import Index
from bot.storage.passages import Shelf

TITLE_CHARS = 100
LISTED = 40


async def _ids(services: Services, typed: str, caller: Author, channel: Channel) -> Sequence[str]:
    """The documents of the community."""
    shelves = await services.store.passages.documents(channel.community_key)
    return suggested(typed, [each.document for each in shelves])


@command(
    "knowledge add",
    role=Role.MODERATOR,
    slow=True,
    file=N_("A file that says it: text, Markdown, HTML or PDF."),
    examples=(
        N_('knowledge add "Opening hours" We are open from nine to five, but never on Mondays.'),
        N_("knowledge add https://example.org/handbook"),
    ),
)
async def add(
    context: Context,
    title: Annotated[str, Doc("What it is about, or a question, in quotes; or the address of a page.")],
    text: Annotated[
        str | None, Doc("What is to be answered; or an address, or attach or reply to a file.")
    ] = None,
) -> str:
    """Write something down for this community, or give a page or a file, that I can answer from."""
    index = _index(context)
    named, said = readable(title).strip(), readable(text or "").strip()
    if ADDRESS.fullmatch(named) and not said:
        return await add_page(context, index, named, "")
    if len(named) > TITLE_CHARS:
        raise UserError(_("A title can have at most {most} characters.", most=TITLE_CHARS))
    if said and context.files:
        raise UserError(_("Give me what I shall know in a text or in a file, not in both."))
    files = () if said or not named else await context.given_files()
    if files:
        return await add_file(context, index, files, _id(named), named)
    if not named or not said:
        raise UserError(
            _(
                "I need a title and what I shall know, or the address of a page: "
                '`{prefix}knowledge add "Opening hours" We open at nine.`',
                prefix=context.prefix,
            )
        )
    if ADDRESS.fullmatch(said):
        return await add_page(context, index, said, named)
    community, id = context.channel.community_key, _id(named)
    replaced = id in {each.document for each in await context.services.store.passages.documents(community)}
    await index.add(community, [Document(id, named, (Section(said, context.services.now()),))])
    await context.audit("knowledge add", f"{len(said)} characters{', replaced' if replaced else ''}")
    told = _("“{title}” is replaced.", title=id) if replaced else _("“{title}” is added.", title=id)
    return f"{told} " + _(
        "Everybody in this community can be answered from it. `{prefix}knowledge remove {title}` takes it "
        "back.",
        prefix=context.prefix,
        title=id,
    )


@command("knowledge list", role=Role.MODERATOR, private=True)
async def show(context: Context) -> str:
    """List what was written down, and how much is archived here."""
    services, community = context.services, context.channel.community_key
    shelves = await services.store.passages.documents(community)
    archived = await services.store.archive.count(context.channel)
    lines = [_line(each) for each in shelves[:LISTED]]
    if len(shelves) > LISTED:
        lines.append(_("… and {n} more like these", n=len(shelves) - LISTED))
    if not lines:
        lines.append(
            _("Nothing is written down yet. `{prefix}knowledge add` does it.", prefix=context.prefix)
        )
    lines.append(
        ngettext(
            "{n} message of this channel is archived.", "{n} messages of this channel are archived.", archived
        )
    )
    return "\n".join(lines)


@command("knowledge remove", role=Role.MODERATOR, examples=(N_("knowledge remove Opening hours"),))
async def remove(
    context: Context,
    title: Annotated[str, Completes(_ids), Doc("As `knowledge list` shows it.")],
) -> str:
    """Take back something that was written down; nothing of it is found any more."""
    index, community = _index(context), context.channel.community_key
    id = _named(readable(title).strip().strip('“”"'))
    known = {each.document for each in await context.services.store.passages.documents(community)}
    if id not in known:
        raise UserError(
            _(
                "There is nothing called “{title}”. `{prefix}knowledge list` shows what there is.",
                title=shown(id),
                prefix=context.prefix,
            )
        )
    removed = await index.remove(community, [id])
    await context.audit("knowledge remove", f"{removed} passages")
    return _("“{title}” is removed, and nothing of it is found any more.", title=shown(id))


def _index(context: Context) -> Index:
    index = context.services.index
    if index is None or not index.passages.supported:
        raise UserError(_("I can keep no knowledge: this bot runs on PostgreSQL, where I cannot search yet."))
    return index


def _id(title: str) -> str:
    """A title as the name of its document: on one line."""
    return " ".join(title.replace("`", "ˋ").split())


def _named(typed: str) -> str:
    """The document that is meant: by its title, or by the address it came from, however that is typed."""
    if ADDRESS.fullmatch(typed):
        try:
            return str(parsed(typed))
        except Unreachable:
            pass  # nothing was ever fetched from there, but somebody may have called something so
    return _id(typed)


def _line(shelf: Shelf) -> str:
    if ADDRESS.fullmatch(shelf.document):  # whole, since it is what `knowledge remove` takes
        return f"• {called(shelf.title.partition(' > ')[0])}: {shelf.document}"
    more = f": {shown(shelf.title)}" if shelf.title and shelf.title != shelf.document else ""
    return f"• {shown(shelf.document)}{more}"
