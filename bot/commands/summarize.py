"""`summarize`: what was said in a thread, or in a channel since a time; every line links to its source."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Annotated
from urllib.parse import unquote, urlsplit

from bot.commands.command import Completes, Context, Doc, OwnWords, Services, Whispered, command
from bot.commands.conversion import shown, suggested
from bot.commands.past import Past, find_place, line, no_words, readable_place, reading, telling
from bot.commands.retold import NotRetold, retold, teller
from bot.commands.since import EARLIEST, SINCE, moment, spoken_moment
from bot.conversation import sentences
from bot.conversation.running import Handle, Stopped
from bot.core.actions import Chunk, Status
from bot.core.errors import UserError
from bot.core.events import Author, Channel
from bot.core.text import N_, _, ngettext
from bot.llm.model import Model

MOST_MESSAGES = 2_000
MOST_LINES = 10
A_CHANNELS_DAY = timedelta(hours=24)

_MOST_TITLE = 60
_MARK = " · "
"""Between the title and the id of a suggested thread."""

_MENTION = re.compile(r"<#(\d{1,20})>")
_LONGEST = 2_000


async def _threads(services: Services, typed: str, caller: Author, channel: Channel) -> Sequence[str]:
    """Threads that can be meant, by their titles."""
    found = await services.directory.threads(caller, channel.community)
    titles = [
        f"{' '.join(title.split())[:_MOST_TITLE]}{_MARK}{place.thread}"
        for place, title in found
        if place.thread
    ]
    return suggested(typed, titles)


@command(
    "summarize",
    private=True,
    slow=True,
    examples=(N_("summarize"), N_("summarize 3h"), N_("summarize yesterday #help")),
)
async def summarize(
    context: Context,
    since: Annotated[
        str | None, SINCE, Doc("How far back: 3h, 2d, yesterday, 2026-01-05. Else all of a thread, or a day.")
    ] = None,
    thread: Annotated[
        str, Completes(_threads), Doc("Another thread or channel: a mention, a link or an id; else this one.")
    ] = "",
) -> AsyncIterator[Chunk] | OwnWords | Whispered:
    """Tell in a few lines what was said here, each with a link."""
    now = context.services.now()
    found = (None, thread) if since is None else moment(since, thread, now)
    if found is None or (found[0] is not None and found[0] >= now):
        raise UserError(
            _("“{since}” is no time that has been. Write 3h, yesterday or a date.", since=shown(since or ""))
        )
    from_when, named = found
    place = await _place(context, named.strip())
    if from_when is None:
        from_when = EARLIEST if place.thread is not None else now - A_CHANNELS_DAY
    past = Past(context, place, from_when, MOST_MESSAGES)
    model = teller(context)
    chunks = context.stream(lambda handle: _summary(context, past, model, handle))
    if place.key != context.channel.key:
        return Whispered(chunks, judged=model is not None)
    return OwnWords(chunks) if model is None else chunks


async def _place(context: Context, named: str) -> Channel:
    """What is meant, where the caller may read it now.

    Raises:
        UserError: there is no such place, or not for the caller, which is all that is ever said.
    """
    if not named:
        if not await readable_place(context, context.channel):
            raise UserError(_("You may not read this place, so I do not summarize it for you."))
        return context.channel
    for id in _ids(named):
        found = await find_place(context, id)
        if found is not None:
            return found
    raise UserError(
        _(
            "I know no thread or channel “{name}” that you and I can read here. Mention it, or give its "
            "link.",
            name=shown(named),
        )
    )


def _ids(named: str) -> list[str]:
    """What a mention, a link or a suggestion can mean, the likeliest first."""
    if len(named) > _LONGEST or not named.isprintable():
        return []
    mention = _MENTION.fullmatch(named)
    if mention is not None:
        return [mention[1]]
    if "://" in named:
        try:
            parts = urlsplit(named.strip("<>"))
        except ValueError:
            return []
        path = f"{parts.path}/{parts.fragment.partition('?')[0]}"
        return [unquote(each) for each in path.split("/") if each][:-3:-1]
    return list(dict.fromkeys((named.rpartition(_MARK)[2], named, named.removeprefix("#"))))


async def _summary(context: Context, past: Past, model: Model | None, handle: Handle) -> AsyncIterator[Chunk]:
    """Read, tell how far it is, and say what was said."""
    handle.keeps, handle.outcome = False, "command"
    yield Status(reading(0))
    try:
        async for read in past.take(handle):
            yield Status(reading(read))
    except Stopped:
        yield _("You stopped me while I was reading, so I say nothing about half of it.")
        return
    if not past.said:
        yield _nothing(past)
        return
    async for chunk in _told(context, past, model, handle):
        yield chunk


async def _told(context: Context, past: Past, model: Model | None, handle: Handle) -> AsyncIterator[Chunk]:
    """In the words of a model; in quotes where there is none, or where it does not come to an end."""
    heading, why = _heading(past) + "\n", list[str]()
    if model is not None:
        try:
            async with aclosing(retold(context, past, model, MOST_LINES, handle)) as lines:
                async for chunk in lines:
                    if heading and not isinstance(chunk, Status):
                        yield heading
                        heading = ""
                    yield chunk
        except Stopped:
            yield sentences.note(sentences.stopped())
            return
        except NotRetold as error:
            why = [str(error)]
        else:
            yield "\n".join((_by_a_model(), *_notes(past)))
            return
    yield heading + "\n".join((*why, *await _quotes(context, past), *_notes(past)))


async def _quotes(context: Context, past: Past) -> list[str]:
    return [await line(context, message, past.names) for message in await telling(past.said, MOST_LINES)]


def _by_a_model() -> str:
    return sentences.note(_("in the words of a language model; the links show what was really said"))


def _heading(past: Past) -> str:
    count = len(past.said)
    if past.since == EARLIEST:
        return ngettext(
            "What was said here, from {n} message:", "What was said here, from {n} messages:", count
        )
    return ngettext(
        "What was said since {since}, from {n} message:",
        "What was said since {since}, from {n} messages:",
        count,
        since=spoken_moment(past.since),
    )


def _nothing(past: Past) -> str:
    if past.failed:
        return _("I was not given the history of that place: I may lack the permission. Try again later.")
    if past.wordless:
        return no_words(past.wordless)
    if past.since == EARLIEST:
        return _("Members have said nothing here yet that I could summarize.")
    return _(
        "Members have said nothing there since {since} that I could summarize. Commands, programs and who "
        "asked me to store nothing do not count.",
        since=spoken_moment(past.since),
    )


def _notes(past: Past) -> list[str]:
    notes = []
    if past.cut:
        notes.append(
            _(
                "I read the first {most} messages only; say a later time to read the newer ones.",
                most=MOST_MESSAGES,
            )
        )
    if past.failed:
        notes.append(_("I was not given the history to its end."))
    return notes
