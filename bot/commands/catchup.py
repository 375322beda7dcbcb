"""`catchup`: what was said while the caller was away, in the channels that they may read."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from bot.commands.command import Context, Whispered, command
from bot.commands.past import Past, line, no_words, readable_place, reading, telling
from bot.commands.rules.book import readable
from bot.commands.since import spoken_moment
from bot.conversation.running import Handle, Stopped
from bot.core.actions import Chunk, Status
from bot.core.events import Channel
from bot.core.text import N_, _, ngettext

MOST_CHANNELS = 15
MOST_MESSAGES = 500
"""Of one channel: the first ones, since those were missed first."""

MOST_LINES, MOST_OF_A_CHANNEL = 12, 4
A_DAY, A_WEEK = timedelta(hours=24), timedelta(days=7)


@command("catchup", private=True, slow=True, examples=(N_("catchup"),))
async def catchup(context: Context) -> Whispered:
    """Tell what I missed since I last spoke, wherever I may read here."""
    since = await _last_spoke(context)
    places, left_out = await _places(context)
    pasts = [Past(context, place, since, MOST_MESSAGES) for place in places]
    chunks = context.stream(lambda handle: _missed(context, pasts, since, left_out, handle))
    return Whispered(chunks, judged=False)


async def _last_spoke(context: Context) -> datetime:
    """When the caller last said something, at most a week ago; a day ago if that is not known."""
    services = context.services
    now, community = services.now(), context.channel.community_key
    known = await services.store.messages.last_said(context.caller.identity, community, context.to)
    return now - A_DAY if known is None else max(known, now - A_WEEK)


async def _places(context: Context) -> tuple[Sequence[Channel], int]:
    """Where to look, this place first, and how many places are too many."""
    found = {place.key: place for place in await readable(context)}
    if await readable_place(context, context.channel):
        found = {context.channel.key: context.channel} | found
    places = list(found.values())
    return places[:MOST_CHANNELS], len(places[MOST_CHANNELS:])


async def _missed(
    context: Context, pasts: Sequence[Past], since: datetime, left_out: int, handle: Handle
) -> AsyncIterator[Chunk]:
    handle.keeps, handle.outcome = False, "command"
    yield Status(reading(0))
    try:
        for past in pasts:
            async for _read in past.take(handle):
                yield Status(reading(sum(each.read for each in pasts)))
    except Stopped:
        yield _("You stopped me while I was reading, so I say nothing about half of it.")
        return
    since = max([since, *(past.spoke_at for past in pasts if past.spoke_at is not None)])
    missed = {past.place.key: [each for each in past.said if each.at > since] for past in pasts}
    busy = [past for past in pasts if missed[past.place.key]]
    most = max(1, min(MOST_OF_A_CHANNEL, MOST_LINES // max(1, len(busy))))
    chosen = [
        (message, past.names) for past in busy for message in await telling(missed[past.place.key], most)
    ]
    chosen.sort(key=lambda each: each[0].at)
    lines = [await line(context, message, names) for message, names in chosen]
    count = sum(map(len, missed.values()))
    wordless = sum(past.wordless for past in pasts)
    heading = _heading(since, count, len(busy))
    if not lines:
        heading = no_words(wordless) if wordless else _nothing(since)
    yield "\n".join((heading, *lines, *_left_out(pasts, left_out)))


def _heading(since: datetime, count: int, places: int) -> str:
    return ngettext(
        "Since {since} you missed {n} message (channels: {places}):",
        "Since {since} you missed {n} messages (channels: {places}):",
        count,
        since=spoken_moment(since),
        places=places,
    )


def _nothing(since: datetime) -> str:
    return _(
        "You missed nothing since {since}: members have said nothing where you and I can read.",
        since=spoken_moment(since),
    )


def _left_out(pasts: Sequence[Past], left_out: int) -> list[str]:
    """What was not read, so that nobody thinks there was nothing."""
    cut, failed = sum(past.cut for past in pasts), sum(past.failed for past in pasts)
    notes = []
    if left_out:
        notes.append(
            ngettext(
                "I did not look into {n} more channel.", "I did not look into {n} more channels.", left_out
            )
        )
    if cut:
        notes.append(
            ngettext(
                "Of {n} channel I read only the first {most} messages of that time.",
                "Of {n} channels I read only the first {most} messages of that time each.",
                cut,
                most=MOST_MESSAGES,
            )
        )
    if failed:
        notes.append(
            ngettext(
                "The history of {n} channel I was not given (to the end).",
                "The histories of {n} channels I was not given (to the end).",
                failed,
            )
        )
    return notes
