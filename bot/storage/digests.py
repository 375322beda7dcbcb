"""Digests, their slots, and what was shown where; read each time, for two processes may share a database.

A slot is taken by inserting its row. The post, what it shows and the row are one transaction, so whoever
inserts the row posts, and a kill before or after loses or doubles nothing.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, tuple_, update
from sqlalchemy import Row as SqlRow

from bot.core.events import Author, Channel, Identity
from bot.storage.clock import Clock
from bot.storage.dialects import insert_for
from bot.storage.outbox import NewOutboxRow, Outbox
from bot.storage.reader import Reader as Reads
from bot.storage.schema import digests, interactions, shown, slots
from bot.storage.seal import Seal
from bot.storage.threads import ThreadRef
from bot.storage.writer import Row, Writer
from bot.storage.writes import Writes

SLOT_DAYS = 365
"""How long it is known what became of a slot."""
SHOWN_DAYS = 730
"""How long it is known what was shown; threads as old are not recommended to anybody."""

MORE, LESS = "👍", "👎"
"""A member who wants more, or less, like a post votes so on each thread that it showed."""

Fate = Literal["posted", "nothing new", "no channels", "shut"]
"""What became of a slot; shut: no private message reaches the member, and nothing more comes."""

Taking = Literal["taken", "late", "stale"]
"""late: the slot is decided already, or its digest is gone. stale: a thread was shown there meanwhile, so
others have to be chosen. In both cases nothing was written, and nothing may be posted."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a digest is for alone, and the language in which they asked for it."""

    author: Author
    locale: str


@dataclass(frozen=True, slots=True)
class Digest:
    """A post of threads that comes by itself.

    Attributes:
        number: its name for moderators, unique in the bot.
        community: "platform/community".
        channel: where it is posted; where it was asked for, if it is for one member.
        cron: when, five fields; `zone`: an IANA name; `quiet`: "22:00-07:00", or "".
        n: how many threads at most.
        actor: pseudonym of the moderator who made it; "" if it is for one member.
        fate: what became of the last slot that was decided, and `decided_at` when; None before the first.
        trouble: why nothing can be decided now, "" if nothing is in the way.
        member, reader: pseudonym of whom it is for alone, and who that is; "" and None for a channel's.
        topic: key of the only topic it is about; "" for all.
    """

    number: int
    community: str
    channel: Channel
    cron: str
    zone: str
    n: int
    quiet: str
    actor: str
    made_at: datetime
    fate: Fate | None = None
    decided_at: datetime | None = None
    trouble: str = ""
    member: str = ""
    reader: Reader | None = None
    topic: str = ""

    @property
    def place(self) -> str:
        """Where no thread is shown twice: a channel by key, or a member."""
        return _place_of(self.member) if self.member else self.channel.key


@dataclass(frozen=True, slots=True)
class SlotTaken:
    """What becomes true at once when a slot is decided.

    Attributes:
        slot: the slot's name: local date and time, or the name of a call that wanted one now.
        at: its instant.
        threads: what the post shows.
        post: the post, or None if there is none.
        blend: a name of the weights that chose the threads.
    """

    digest: Digest
    slot: str
    at: datetime
    fate: Fate
    threads: tuple[ThreadRef, ...] = ()
    post: NewOutboxRow | None = None
    blend: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """A post of a digest; threads are (channel, id), see `ThreadRef`."""

    digest: Digest
    threads: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a digest's slots, and what members made of its posts.

    Attributes:
        threads: how many it showed.
        members: who took part in threads after these were shown, `touched` of them.
        more, less: how often a member wanted more, or less, like a post.
    """

    slots: Counter[str] = field(default_factory=Counter)
    threads: int = 0
    members: int = 0
    touched: int = 0
    more: int = 0
    less: int = 0


@dataclass(frozen=True, slots=True)
class Effect:
    """What members made of the threads that one blend chose.

    Attributes:
        since: when the first of them was shown.
        threads: how many were shown; `touched`: in how many of these somebody took part afterwards.
        more, less: as of a `Tally`.
    """

    blend: str
    since: datetime
    threads: int
    touched: int
    more: int
    less: int


class Digests:
    """All digests."""

    def __init__(
        self, reader: Reads, writer: Writer, writes: Writes, outgoing: Outbox, seal: Seal, now: Clock
    ) -> None:
        self._reader, self._writer, self._writes, self._seal = reader, writer, writes, seal
        self._outgoing, self._now = outgoing, now

    async def all(self) -> list[Digest]:
        """Every digest, those of channels first, then the oldest."""
        return sorted(await self._found(), key=lambda digest: bool(digest.member))

    async def of(self, community: str) -> list[Digest]:
        """Those of a community's channels, oldest first."""
        return await self._found(digests.c.community == community, digests.c.member == "")

    async def get(self, community: str, number: int) -> Digest | None:
        """A digest of a community's channels; those of others are none."""
        found = await self._found(
            digests.c.community == community, digests.c.number == number, digests.c.member == ""
        )
        return found[0] if found else None

    async def of_member(self, identity: Identity, community: str | None = None) -> list[Digest]:
        """Those that a member alone gets, of one community or all, oldest first."""
        where = [digests.c.member == self._seal.pseudonym(identity)]
        where += [] if community is None else [digests.c.community == community]
        return await self._found(*where)

    async def add(
        self,
        channel: Channel,
        *,
        cron: str,
        zone: str,
        n: int,
        quiet: str,
        actor: str,
        call: str,
        topic: str = "",
    ) -> Digest:
        """Store a new digest; durable on return. The same call makes one digest, however often it comes."""
        row = {
            "community": channel.community_key,
            "channel": _encoded(channel),
            "cron": cron,
            "zone": zone,
            "n": n,
            "quiet": quiet,
            "actor": actor,
            "call": call,
            "made_at": self._now(),
            "trouble": "",
            "topic": topic,
        }
        insert = insert_for(self._reader.dialect)(digests).values(**row)
        await self._writer.call(
            lambda connection: (
                connection.execute(insert.on_conflict_do_nothing(index_elements=["call"])).rowcount
            )
        )
        return (await self._found(digests.c.call == call))[0]

    async def add_own(
        self, channel: Channel, reader: Reader, *, cron: str, zone: str, n: int, quiet: str, call: str
    ) -> Digest:
        """Store a digest for one member, in place of the one they have there; see `add`."""
        member, community = self._seal.pseudonym(reader.author.identity), channel.community_key
        who = [reader.author.platform, reader.author.id, reader.author.name, reader.locale]
        row = {
            "community": community,
            "channel": _encoded(channel),
            "cron": cron,
            "zone": zone,
            "n": n,
            "quiet": quiet,
            "actor": "",
            "call": call,
            "made_at": self._now(),
            "trouble": "",
            "member": member,
            "reader": self._seal.seal(json.dumps(who)),
        }
        insert = insert_for(self._reader.dialect)(digests).values(**row)
        mine = (digests.c.community == community, digests.c.member == member, digests.c.call != call)

        def put(connection: Connection) -> int:
            _end(connection, mine)
            return connection.execute(insert.on_conflict_do_nothing(index_elements=["call"])).rowcount

        await self._writer.call(put)
        return (await self._found(digests.c.call == call))[0]

    async def end_own(self, identity: Identity, community: str | None = None) -> int:
        """End what a member alone gets, of one community or of all; how many there were."""
        mine = [digests.c.member == self._seal.pseudonym(identity)]
        mine += [] if community is None else [digests.c.community == community]
        return await self._writer.call(lambda connection: _end(connection, mine))

    async def shut(self, community: str, identity: Identity) -> Digest | None:
        """Nothing comes to a member any more until they ask anew; the digest that came, if there is one."""
        mine = (digests.c.community == community, digests.c.member == self._seal.pseudonym(identity))
        change = update(digests).where(*mine).values(fate="shut", decided_at=self._now())
        await self._writer.call(lambda connection: connection.execute(change).rowcount)
        found = await self._found(*mine)
        return found[0] if found else None

    async def remove(self, community: str, number: int) -> bool:
        """End a digest; its slots go, what it showed stays known. False if there is none."""
        this = (digests.c.community == community, digests.c.number == number)
        return bool(await self._writer.call(lambda connection: _end(connection, this)))

    async def fate(self, digest: Digest, slot: str) -> Fate | None:
        """What became of a slot; None if it is not decided."""
        query = select(slots.c.fate).where(slots.c.digest == digest.number, slots.c.slot == slot)
        found = await self._reader.first(query)
        return None if found is None else found[0]

    async def take(self, taken: SlotTaken) -> Taking:
        """Decide a slot, once for all processes; durable on return."""
        post = None if taken.post is None else self._outgoing.row(taken.post)
        return await self._writer.call(lambda connection: self._take(connection, taken, post))

    async def note(self, digest: Digest, trouble: str) -> None:
        """Remember why a digest cannot be decided now."""
        change = update(digests).where(digests.c.number == digest.number).values(trouble=trouble)
        await self._writer.call(lambda connection: connection.execute(change).rowcount)

    async def shown_in(self, place: str) -> set[str]:
        """Keys of the threads that any digest showed in a channel, or to a member; see `Digest.place`."""
        query = select(shown.c.source, shown.c.thread).where(shown.c.channel_key == place)
        return {f"{source}/{thread}" for source, thread in await self._reader.rows(query)}

    async def posted(self, community: str, post: str, identity: Identity) -> Posted | None:
        """What is known of a post by its key, if a community's channel or that member got it."""
        query = select(shown.c.digest, shown.c.source, shown.c.thread).where(shown.c.post == post)
        rows = await self._reader.rows(query)
        digest = await self.get(community, rows[0][0]) if rows else None
        if rows and digest is None:
            mine = await self.of_member(identity)
            digest = next((each for each in mine if each.number == rows[0][0]), None)
        return None if digest is None else Posted(digest, tuple((row[1], row[2]) for row in rows))

    async def tally(self, digest: Digest, since: datetime) -> Tally:
        """What became of a digest's slots since a time."""
        fates = (
            select(slots.c.fate, func.count())
            .where(slots.c.digest == digest.number, slots.c.at >= since)
            .group_by(slots.c.fate)
        )
        mine = (shown.c.digest == digest.number, shown.c.at >= since)
        afterwards = shown.join(
            interactions,
            and_(
                interactions.c.channel_key == shown.c.source,
                interactions.c.thread == shown.c.thread,
                interactions.c.at > shown.c.at,
                interactions.c.message_id != shown.c.post,
            ),
        )
        place = shown.c.source + "/" + shown.c.thread
        came = select(interactions.c.member).select_from(afterwards).where(*mine).distinct()
        touched = select(place).select_from(afterwards).where(*mine).distinct()
        said = (
            select(interactions.c.emoji, interactions.c.member, shown.c.post)
            .select_from(shown.join(interactions, interactions.c.message_id == shown.c.post))
            .where(*mine)
            .distinct()
        )
        opinions = Counter(emoji for emoji, _member, _post in await self._reader.rows(said))
        return Tally(
            Counter({fate: count for fate, count in await self._reader.rows(fates)}),
            (await self._reader.rows(select(func.count()).where(*mine)))[0][0],
            len(await self._reader.rows(came)),
            len(await self._reader.rows(touched)),
            opinions[MORE],
            opinions[LESS],
        )

    async def effects(self, community: str, since: datetime) -> list[Effect]:
        """What became of the threads that a community's channels were shown, oldest blend first."""
        mine = (
            digests.c.community == community,
            digests.c.member == "",
            digests.c.number == shown.c.digest,
            shown.c.at >= since,
        )
        told = select(shown.c.blend, func.min(shown.c.at), func.count()).where(*mine).group_by(shown.c.blend)
        place = shown.c.source + "/" + shown.c.thread
        afterwards = (
            select(shown.c.blend, place)
            .where(
                *mine,
                interactions.c.channel_key == shown.c.source,
                interactions.c.thread == shown.c.thread,
                interactions.c.at > shown.c.at,
                interactions.c.message_id != shown.c.post,
            )
            .distinct()
        )
        said = (
            select(shown.c.blend, interactions.c.emoji, interactions.c.member, shown.c.post)
            .where(*mine, interactions.c.message_id == shown.c.post)
            .distinct()
        )
        touched = Counter(blend for blend, _thread in await self._reader.rows(afterwards))
        opinions = Counter((blend, emoji) for blend, emoji, _who, _post in await self._reader.rows(said))
        found = [
            Effect(blend, at, n, touched[blend], opinions[blend, MORE], opinions[blend, LESS])
            for blend, at, n in await self._reader.rows(told)
        ]
        return sorted(found, key=lambda effect: (effect.since, effect.blend))

    def _take(self, connection: Connection, taken: SlotTaken, post: Row | None) -> Taking:
        insert, now = insert_for(self._reader.dialect), self._now()
        number, place = taken.digest.number, taken.digest.place
        here = (slots.c.digest == number, slots.c.slot == taken.slot)
        if (
            not connection.execute(select(digests.c.number).where(digests.c.number == number)).all()
            or connection.execute(select(slots.c.slot).where(*here)).all()
        ):
            return "late"
        seen = tuple_(shown.c.source, shown.c.thread).in_([(each.channel, each.id) for each in taken.threads])
        if connection.execute(select(shown.c.thread).where(shown.c.channel_key == place, seen)).all():
            return "stale"
        key = None if taken.post is None else taken.post.key
        row = {"digest": number, "slot": taken.slot, "at": taken.at, "fate": taken.fate, "post": key}
        mine = insert(slots).values(**row).on_conflict_do_nothing(index_elements=["digest", "slot"])
        if not connection.execute(mine.returning(slots.c.slot)).all():
            return "late"
        decided = {"fate": taken.fate, "decided_at": now, "trouble": ""}
        connection.execute(update(digests).where(digests.c.number == number).values(**decided))
        if post is not None:
            connection.execute(self._writes.open.statement, [post])
        if taken.threads:
            same = {
                "channel_key": place,
                "digest": number,
                "post": key or "",
                "at": now,
                "blend": taken.blend,
            }
            connection.execute(
                insert(shown).on_conflict_do_nothing(index_elements=["channel_key", "source", "thread"]),
                [{**same, "source": each.channel, "thread": each.id} for each in taken.threads],
            )
        return "taken"

    async def _found(self, *where: ColumnElement[bool]) -> list[Digest]:
        rows = await self._reader.rows(select(digests).where(*where).order_by(digests.c.number))
        return [self._digest(row) for row in rows]

    def _digest(self, row: SqlRow[tuple[object, ...]]) -> Digest:
        sealed = row._mapping["reader"]
        return _digest(row, None if sealed is None else _reader(self._seal.open(sealed)))


def _end(connection: Connection, which: Sequence[ColumnElement[bool]]) -> int:
    """Remove digests with their slots; what they showed stays known. How many there were."""
    gone = connection.execute(delete(digests).where(*which).returning(digests.c.number)).scalars().all()
    connection.execute(delete(slots).where(slots.c.digest.in_(gone)))
    return len(gone)


def _place_of(member: str) -> str:
    return f"member:{member}"


def shown_to(member: str) -> ColumnElement[bool]:
    """The rows of `shown` that are about a pseudonym."""
    return shown.c.channel_key == _place_of(member)


def _reader(opened: str) -> Reader:
    platform, id, name, locale = json.loads(opened)
    return Reader(Author(platform, id, name), locale)


def _digest(row: SqlRow[tuple[object, ...]], reader: Reader | None) -> Digest:
    found = row._mapping
    return Digest(
        number=found["number"],
        community=found["community"],
        channel=_decoded(found["channel"]),
        cron=found["cron"],
        zone=found["zone"],
        n=found["n"],
        quiet=found["quiet"],
        actor=found["actor"],
        made_at=found["made_at"],
        fate=found["fate"],
        decided_at=found["decided_at"],
        trouble=found["trouble"],
        member=found["member"],
        reader=reader,
        topic=found["topic"],
    )


def _encoded(place: Channel) -> str:
    fields = (place.platform, place.community, place.id, place.thread, place.private, place.encrypted)
    return json.dumps(fields, ensure_ascii=False)


def _decoded(value: str) -> Channel:
    return Channel(*json.loads(value))
