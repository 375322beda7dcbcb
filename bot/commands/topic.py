"""`topic ...`: what threads are about, as moderators name it; found in what was said, if they want."""

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from bot.commands.command import Completes, Context, Doc, OwnWords, Range, Services, command
from bot.commands.conversion import nearest, readable, shown, suggested
from bot.conversation import audience
from bot.conversation.output import clean
from bot.conversation.running import Handle, Stopped
from bot.conversation.sourced import entry, one_line
from bot.core.actions import Action, Chunk, Status
from bot.core.errors import UserError
from bot.core.events import Author, Channel
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.knowledge.clustering import proposed
from bot.knowledge.proposals import Proposal
from bot.storage.passages import Passage
from bot.storage.topics import Topic, key_of

if TYPE_CHECKING:  # numpy is behind it
    from bot.knowledge.topics import Conversation, Sorting

MOST = 50
"""Topics of a community."""
LEAST_EXAMPLES, MOST_EXAMPLES = 2, 20
NAME_CHARS, EXAMPLE_CHARS = 30, 200
SHOWN_THREADS = 10
SHOWN_EXAMPLES = 3
_WORDS_CHARS, _EXAMPLE_CHARS = 120, 80

LOOKED_AT = 5_000
"""Conversations that are clustered: some seconds of one core. The newest ones count."""
PROPOSED = 8
LEAST_CLUSTERED = 8
_READ_AT_ONCE, _TOLD_EVERY = 64, 640

_NAME = re.compile(r"[^\W_][\w +.#&'’-]*")
_BETWEEN = re.compile(r"[;；\n]+")


async def names(services: Services, typed: str, caller: Author, channel: Channel) -> Sequence[str]:
    """The topics of the community."""
    return suggested(typed, [each.name for each in await services.store.topics.of(channel.community_key)])


Name = Annotated[str, Completes(names), Doc("The name of a topic; `topic list` tells all.")]


async def topic_named(context: Context, name: str, community: str) -> Topic:
    """A topic of a community by its name.

    Raises:
        UserError: there is none; it names the nearest.
    """
    found = await context.services.store.topics.get(community, name)
    if found is not None:
        return found
    known = {each.key: each.name for each in await context.services.store.topics.of(community)}
    near = nearest(key_of(name), known)
    said = _("There is no topic “{name}” here.", name=shown(name)) + " "
    if near is not None:
        raise UserError(said + _("Did you mean `{name}`?", name=known[near]))
    raise UserError(said + _("`{prefix}topic list` names all.", prefix=context.prefix))


def sorting_of(context: Context) -> "Sorting":
    """What finds the topic of a thread.

    Raises:
        UserError: nothing does, on this database.
    """
    if context.services.topics is None:
        raise UserError(
            _("Topics need a SQLite database: I find them in archived threads, which I cannot search here.")
        )
    return context.services.topics


@command(
    "topic add",
    role=Role.MODERATOR,
    examples=(
        N_("topic add backup How do I restore a backup?; The nightly snapshot failed"),
        N_('topic add "getting started" Where do I begin?; How do I install it?; First steps'),
    ),
)
async def add(
    context: Context,
    name: Annotated[str, Doc("A short name, several words in quotes.")],
    examples: Annotated[
        str, Doc("What somebody might write about it: 2 to 20 examples, with ; between them.")
    ],
) -> str:
    """Name a topic, with examples by which I recognize threads about it."""
    sorting_of(context)
    name, said = _name(name), _examples(context, examples)
    community = context.channel.community_key
    known = await context.services.store.topics.get(community, name)
    await _put(context, name, said, "topic add", "replaced" if known is not None else "")
    done = (
        _("The topic “{name}” is changed.", name=name)
        if known is not None
        else _("“{name}” is a topic now.", name=name)
    )
    counts = await _counts(context, context.channel)
    return f"{done} {_about(counts.get(key_of(name), 0))} {_how_to_see(context, name)}"


@command("topic remove", role=Role.MODERATOR, examples=(N_("topic remove backup"),))
async def remove(context: Context, name: Name) -> str:
    """Remove a topic; the threads stay as they are."""
    community = context.channel.community_key
    topic = await topic_named(context, _bare(name), community)
    digests = await context.services.store.topics.remove(community, topic.key)
    if digests:
        raise UserError(
            _(
                "“{name}” stays, for digest {numbers} is about it. Remove that first: "
                "`{prefix}digest remove {number}`.",
                name=topic.name,
                numbers=", ".join(map(str, digests)),
                number=digests[0],
                prefix=context.prefix,
            )
        )
    await context.audit("topic remove", topic.name)
    return _("The topic “{name}” is removed.", name=topic.name)


@command("topic list", private=True)
async def list_all(context: Context) -> tuple[Action, ...]:
    """List the topics here, and how many threads about each you may read."""
    found = await context.services.store.topics.of(context.channel.community_key)
    if not found:
        text = _(
            "There are no topics here yet. Moderators name some with `{prefix}topic add`, or let me find "
            "some with `{prefix}topic suggest`.",
            prefix=context.prefix,
        )
        return (context.reply(text, private=True),)
    counts = await _counts(context, context.channel)
    lines = [_line(topic, counts.get(topic.key, 0)) for topic in found]
    lines.append(
        _(
            "`{prefix}topic show NAME` lists the threads; `{prefix}search WORDS topic:NAME` looks among "
            "them.",
            prefix=context.prefix,
        )
    )
    return (context.reply("\n".join(lines), private=True),)


@command("topic show", private=True, slow=True, examples=(N_("topic show backup"),))
async def show(context: Context, name: Name) -> tuple[Action, ...]:
    """Show the newest threads about a topic, as far as you may read them."""
    sorting, community = sorting_of(context), context.channel.community_key
    topic = await topic_named(context, _bare(name), community)
    services = context.services
    channels = await audience.readable(services.directory, context.caller, context.channel)
    found = [each for each in await sorting.of(community, topic.key) if each.channel in channels]
    lines, places = list[str](), set[str]()
    for conversation in found:
        opening = await _opening(context, conversation, channels)
        if opening is not None:
            title = await _title(context, conversation)
            lines.append(entry(len(lines) + 1, title, opening.link).line)
            lines.append(f"> {one_line(opening.text, _WORDS_CHARS)}")
            places.add(opening.channel)
        if len(places) and len(lines) >= 2 * SHOWN_THREADS:
            break
    if not lines:
        text = _("No thread that you may read is about “{name}”.", name=topic.name)
        return (context.reply(text, private=True),)
    head = ngettext(
        "{n} thread that you may read is about “{name}”:",
        "{n} threads that you may read are about “{name}”, the newest first:",
        len(found),
        name=topic.name,
    )
    everybodys = await audience.quotable(services.directory, context.caller, context.channel)
    text = "\n".join([head, *lines])
    return (context.reply(text, private=True, personal=not places <= everybodys),)


@command("topic suggest", role=Role.MODERATOR, slow=True, examples=(N_("topic suggest"),))
async def suggest(context: Context) -> OwnWords:
    """Find topics in archived threads that have none yet; you accept those you want."""
    sorting = sorting_of(context)
    channels = await audience.quotable(context.services.directory, context.caller, context.channel)
    return OwnWords(context.stream(lambda handle: _suggested(context, sorting, channels, handle)))


@command(
    "topic accept",
    role=Role.MODERATOR,
    examples=(N_("topic accept 2"), N_("topic accept 2 backup")),
)
async def accept(
    context: Context,
    number: Annotated[int, Range(1, 2**53 - 1), Doc("The number of a suggestion.")],
    name: Annotated[str | None, Doc("What it is to be called; otherwise by its first words.")] = None,
) -> str:
    """Make a suggestion of `topic suggest` a topic."""
    sorting, community = sorting_of(context), context.channel.community_key
    proposal = sorting.proposals.get(community, number)
    if proposal is None:
        raise UserError(
            _(
                "There is no suggestion {number} now. `{prefix}topic suggest` makes new ones.",
                number=number,
                prefix=context.prefix,
            )
        )
    name = _name(proposal.name[:NAME_CHARS] if name is None else name)
    if await context.services.store.topics.get(community, name) is not None:
        raise UserError(
            _(
                "There is a topic “{name}” already. Call it otherwise: `{prefix}topic accept {number} NAME`.",
                name=name,
                number=number,
                prefix=context.prefix,
            )
        )
    examples = proposal.examples
    await _put(context, name, examples, "topic accept", "")
    counts = await _counts(context, context.channel)
    return " ".join(
        (
            _("“{name}” is a topic now.", name=name),
            _about(counts.get(key_of(name), 0)),
            _(
                "I recognize it by these words: {words}. Sentences are better: `{prefix}topic add` with the "
                "same name puts yours in their place.",
                words=", ".join(proposal.words),
                prefix=context.prefix,
            ),
        )
    )


async def _put(context: Context, name: str, examples: Sequence[str], verb: str, detail: str) -> None:
    store = context.services.store
    kept = await store.topics.put(
        context.channel.community_key,
        name,
        examples,
        actor=store.seal.pseudonym(context.caller.identity),
        most=MOST,
    )
    if not kept:
        raise UserError(
            _("There are {n} topics here already, which is as many as I keep. Remove one first.", n=MOST)
        )
    await context.audit(verb, ", ".join(filter(None, (f"{name} ({len(examples)} examples)", detail))))


def _bare(name: str) -> str:
    """A name without the colon that may stand behind it."""
    return " ".join(readable(name).split()).rstrip(":：").strip()


def _name(typed: str) -> str:
    name = _bare(typed)
    if len(name) > NAME_CHARS or not _NAME.fullmatch(name):
        raise UserError(
            _(
                "“{name}” is no name for a topic: that is at most {most} letters, digits, spaces and "
                "- _ + . # & ', and the first is a letter or digit.",
                name=shown(typed),
                most=NAME_CHARS,
            )
        )
    return name


def _examples(context: Context, typed: str) -> Sequence[str]:
    said = list(
        dict.fromkeys(filter(None, (" ".join(each.split()) for each in _BETWEEN.split(readable(typed)))))
    )
    if not LEAST_EXAMPLES <= len(said) <= MOST_EXAMPLES:
        raise UserError(
            _(
                "I need {least} to {most} different examples with `;` between them, and these are {n}: "
                "`{prefix}topic add NAME EXAMPLE; EXAMPLE`",
                prefix=context.prefix,
                least=LEAST_EXAMPLES,
                most=MOST_EXAMPLES,
                n=len(said),
            )
        )
    if any(len(each) > EXAMPLE_CHARS for each in said):
        raise UserError(_("An example can have at most {most} characters.", most=EXAMPLE_CHARS))
    return said


async def _counts(context: Context, channel: Channel) -> Mapping[str, int]:
    """How many conversations of each topic the caller may read."""
    if context.services.topics is None:
        return {}
    channels = await audience.readable(context.services.directory, context.caller, channel)
    return await context.services.topics.counts(channel.community_key, channels)


def _line(topic: Topic, count: int) -> str:
    examples = "; ".join(one_line(each, _EXAMPLE_CHARS) for each in topic.examples[:SHOWN_EXAMPLES])
    more = "; …" if len(topic.examples) > SHOWN_EXAMPLES else ""
    threads = ngettext("{n} thread", "{n} threads", count)
    return f"• **{topic.name}** ({threads}): {examples}{more}"


def _about(count: int) -> str:
    return ngettext(
        "{n} archived thread that you may read is about it.",
        "{n} archived threads that you may read are about it.",
        count,
    )


def _how_to_see(context: Context, name: str) -> str:
    return _("`{prefix}topic show {name}` lists them.", prefix=context.prefix, name=name)


async def _opening(
    context: Context, conversation: "Conversation", channels: Collection[str]
) -> Passage | None:
    """How a conversation begins; None if it is gone, or may not be read."""
    passages = context.services.store.passages
    found = await passages.part_of(conversation.documents[0], context.channel.community_key, channels, 1)
    return found[0] if found else None


async def _title(context: Context, conversation: "Conversation") -> str:
    if not conversation.is_thread:
        return ""
    id = conversation.place.removeprefix(f"{conversation.channel}/")
    known = await context.services.store.threads.known(conversation.channel, {id})
    return next((each.title for each in known if each.id == id), "")


async def _suggested(
    context: Context, sorting: "Sorting", channels: Collection[str], handle: Handle
) -> AsyncIterator[Chunk]:
    handle.keeps, handle.outcome = False, "command"
    community = context.channel.community_key
    yield Status(_("Reading archived threads. `stop` ends it."))
    try:
        begin = await handle.unless_stopped(sorting.openings(community, channels, LOOKED_AT))
        said = list[tuple[str, str]]()
        while len(said) < len(begin):
            some = begin[len(said) : len(said) + _READ_AT_ONCE]
            said += await handle.unless_stopped(sorting.said(community, some))
            if len(said) % _TOLD_EVERY == 0:
                yield Status(
                    _("Reading archived threads: {n} of {all}. `stop` ends it.", n=len(said), all=len(begin))
                )
        texts, authors = [text for text, _who in said], [who for _text, who in said]
        if len(texts) < LEAST_CLUSTERED:
            yield _too_few(context, len(texts))
            return
        yield Status(_("Comparing {n} threads. `stop` ends it.", n=len(texts)))
        found = await handle.unless_stopped(proposed(texts, authors, sorting.means(begin), PROPOSED))
    except Stopped:
        yield _("You stopped it, so I suggest nothing.")
        return
    if found is None:
        yield _("Comparing them took too long, so I suggest nothing. Try again when I am less busy.")
        return
    await context.audit("topic suggest", f"{len(texts)} threads, {len(found)} suggestions")
    yield _proposed(context, sorting.proposals.put(community, found), len(texts))


def _too_few(context: Context, count: int) -> str:
    return ngettext(
        "{n} archived thread that everybody here may read has no topic, which is too few to find some. "
        "`{prefix}channel set archive yes` archives a channel.",
        "{n} archived threads that everybody here may read have no topic, which is too few to find some. "
        "`{prefix}channel set archive yes` archives a channel.",
        count,
        prefix=context.prefix,
    )


def _proposed(context: Context, found: Mapping[int, Proposal], count: int) -> str:
    if not found:
        return _("I compared {n} threads and found nothing that several of them are about.", n=count)
    lines = [_("I compared {n} threads without a topic. Several of them seem to be about:", n=count)]
    for number, proposal in found.items():
        threads = ngettext("{n} thread", "{n} threads", proposal.size)
        lines.append(
            f"• {number}: **{clean(proposal.name)}** ({threads}): {clean(', '.join(proposal.words))}"
        )
    lines.append(
        _(
            "Nothing is a topic until you say so: `{prefix}topic accept {number} NAME`, or without a name "
            "for the one I found.",
            prefix=context.prefix,
            number=next(iter(found)),
        )
    )
    return "\n".join(lines)
