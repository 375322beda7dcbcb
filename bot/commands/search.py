"""`search`: what the community has written, as far as the caller may read it now."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

from bot.commands.command import Context, Doc, command
from bot.commands.conversion import nearest, shown
from bot.commands.duration import seconds
from bot.commands.member import MEMBER, meant
from bot.commands.rules.places import channel_named
from bot.commands.topic import sorting_of, topic_named
from bot.conversation.audience import quotable, readable
from bot.conversation.sourced import entry, one_line
from bot.core.actions import Action
from bot.core.errors import UserError
from bot.core.events import Channel
from bot.core.text import N_, _, ngettext
from bot.knowledge.chunking import sentences
from bot.knowledge.search import Hit, Query, Search, coverage
from bot.storage.passages import ALL, FILE, Bounds, Passage

MOST_SHOWN = 10
_CANDIDATES = 100
_SHOWN_CHARS = 160

_FILTER = re.compile(r"(?<!\S)(?P<name>[a-z]{2,8})[:：](?P<value>[^\s:：/][^\s]*)", re.IGNORECASE)
_FILTERS = ("in", "from", "before", "after", "has", "topic")
_LINK = re.compile(r"https?://\S")
_FILE = re.compile(r"https?://\S+\.(?!com|org|net|html?|php)[a-z][a-z0-9]{1,4}(?=[\s?)\]>]|$)", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")


def _has_link(passage: Passage) -> bool:
    return _LINK.search(passage.text) is not None


def _has_file(passage: Passage) -> bool:
    """A link to a file, or it is one that a member sent or an operator added."""
    added = passage.channel == "" and bool(passage.link) and not _LINK.match(passage.link)
    return added or passage.document.startswith(FILE) or _FILE.search(passage.text) is not None


_HAS: Mapping[str, Callable[[Passage], bool]] = {"link": _has_link, "file": _has_file}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for.

    Attributes:
        channel: the only one that counts; None for all.
        topic: name of the only topic that counts; None for all.
    """

    words: str
    channel: Channel | None = None
    bounds: Bounds = ALL
    has: tuple[str, ...] = ()
    topic: str | None = None


@command(
    "search",
    private=True,
    slow=True,
    examples=(
        N_("search backup restore"),
        N_("search certificate after:2026-01-31 has:link"),
        N_("search snapshot topic:backup"),
    ),
)
async def search(
    context: Context,
    words: Annotated[
        str, Doc("Words; in:#channel from:@member before:2026-02-01 after:30d has:link topic:NAME")
    ],
) -> tuple[Action, ...]:
    """Search what the community has written, as far as you may read it."""
    found_by = context.services.search
    if found_by is None:
        raise UserError(_("There is nothing to search here: knowledge needs a SQLite database."))
    wanted = await read(context, words)
    place = wanted.channel or context.channel
    channels = await readable(context.services.directory, context.caller, context.channel)
    if wanted.channel is not None:
        channels = frozenset({wanted.channel.key, wanted.channel.parent.key})
    if wanted.topic is not None:
        topic = await topic_named(context, wanted.topic, place.community_key)
        documents = await sorting_of(context).documents(place.community_key, topic.key)
        wanted = replace(wanted, bounds=replace(wanted.bounds, documents=documents))
    found, query = await _found(found_by, wanted, place.community_key, context.services.now(), channels)
    if not found:
        return (context.reply(_("I found nothing that you may read and that fits."), private=True),)
    everybodys = await quotable(context.services.directory, context.caller, context.channel)
    personal = any(passage.channel not in everybodys for passage in found)
    return (context.reply("\n".join(_page(found, query)), private=True, personal=personal),)


async def read(context: Context, words: str) -> Wanted:
    """Take the filters out of what was typed.

    Raises:
        UserError: a filter cannot be understood.
    """
    wanted = Wanted(" ".join(_FILTER.sub(_unless_known, words).split()))
    for found in _FILTER.finditer(words):
        name, value = found["name"].lower(), found["value"]
        if name in _FILTERS:
            wanted = await _narrowed(context, wanted, name, value)
    if wanted == Wanted(""):
        raise UserError(_("Search for what? Write some words."))
    return wanted


def _unless_known(found: re.Match[str]) -> str:
    return "" if found["name"].lower() in _FILTERS else found[0]


async def _narrowed(context: Context, wanted: Wanted, name: str, value: str) -> Wanted:
    match name:
        case "in":
            return replace(wanted, channel=await channel_named(context, value))
        case "from":
            member = value if re.fullmatch(MEMBER.pattern, value) else f"@{value}"
            author = await meant(context, member)
            pseudonym = context.services.store.seal.pseudonym(author.identity)
            return replace(wanted, bounds=replace(wanted.bounds, author=pseudonym))
        case "before":
            return replace(wanted, bounds=replace(wanted.bounds, before=_moment(context, value)))
        case "after":
            return replace(wanted, bounds=replace(wanted.bounds, since=_moment(context, value)))
        case "topic":
            return replace(wanted, topic=value)
        case _:
            return replace(wanted, has=(*wanted.has, _kind(value)))


def _kind(value: str) -> str:
    folded = value.casefold()
    kind = folded if folded in _HAS else nearest(folded, _HAS)
    if kind is None:
        raise UserError(_("`has:` takes `link` or `file`, not “{value}”.", value=shown(value)))
    return kind


def _moment(context: Context, value: str) -> datetime:
    """The beginning of a day, a month or a year; or so long ago."""
    date = _DATE.fullmatch(value)
    if date is not None:
        year, month, day = (int(part) if part else 1 for part in date.groups())
        try:
            return datetime(year, month, day, tzinfo=UTC)
        except ValueError:
            pass  # there is no such day
    else:
        ago = seconds(value)
        if ago is not None:
            return context.services.now() - timedelta(seconds=ago[0])
    raise UserError(
        _(
            "I do not understand the time “{value}”. Write a day such as 2026-01-31, or how long ago, such "
            "as 7d.",
            value=shown(value),
        )
    )


async def _found(
    search: Search, wanted: Wanted, community: str, now: datetime, channels: Collection[str]
) -> tuple[Sequence[Passage], Query | None]:
    """Passages, one of a document, best first; without words the newest."""
    query = await search.query(wanted.words, community, channels) if wanted.words else None
    bounds = [wanted.bounds]
    if "file" in wanted.has:  # many messages may be newer, or better, than the first file
        bounds.insert(0, replace(wanted.bounds, files=True))
    found: dict[str, Passage] = {}
    for each in bounds:
        passages: Sequence[Passage]
        if query is not None:
            findings = await search.find(query, community, now, channels, each)
            passages = [each.passage for each in findings if _fits(each.hits[0])]
        else:
            passages = await search.index.passages.newest(community, channels, _CANDIDATES, each)
        for passage in passages:
            found.setdefault(passage.document, passage)
    fitting = [each for each in found.values() if all(_HAS[kind](each) for kind in wanted.has)]
    return fitting[:MOST_SHOWN], query


def _fits(hit: Hit) -> bool:
    """It has a word in common, or is among the first by its meaning."""
    _by_words, by_meaning = hit.agreed
    return hit.coverage > 0 or hit.related > 0 or by_meaning


def _page(found: Sequence[Passage], query: Query | None) -> Sequence[str]:
    lines = [ngettext("I found {n} place:", "I found {n} places, the best first:", len(found))]
    for number, passage in enumerate(found, start=1):
        lines.append(entry(number, passage.title, passage.link).line)
        if passage.text != passage.title:  # a file that is known by its name only
            lines.append(f"> {one_line(_best(passage, query), _SHOWN_CHARS)}")
    return lines


def _best(passage: Passage, query: Query | None) -> str:
    """The sentence with most of the words."""
    told = sentences(passage.text)
    if query is None or not told:
        return passage.text
    return max(told, key=lambda sentence: coverage(query, sentence))
