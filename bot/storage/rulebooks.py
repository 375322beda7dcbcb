"""The rules of communities and how they are applied, every version of them; the newest ones in memory."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, select

from bot.core.events import Channel
from bot.storage.clock import Clock
from bot.storage.dialects import insert_for
from bot.storage.reader import Reader
from bot.storage.schema import rulebooks
from bot.storage.writer import Writer


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The rules of a community as moderators left them.

    Attributes:
        community: "platform/community".
        version: counts up with every change; 0 where nobody set anything up.
        rules: as TOML.
        log: the channel in which the moderators read; None until it is chosen.
        enforced: names of the rules that act; all others only report what they would have done.
        welcome: whether newcomers are told how to ask and what is kept.
        actor: pseudonym of who changed it last.
    """

    community: str
    version: int = 0
    rules: str = ""
    log: Channel | None = None
    enforced: frozenset[str] = frozenset()
    welcome: bool = False
    at: datetime | None = None
    actor: str = ""

    @property
    def is_set_up(self) -> bool:
        """Before a moderator did that, nothing is judged."""
        return self.version > 0


@dataclass(slots=True)
class Rulebooks:
    """The newest rulebook of every community."""

    _reader: Reader
    _writer: Writer
    _now: Clock
    _newest: dict[str, Rulebook] = field(default_factory=dict)

    async def load(self) -> None:
        """Read the newest version of each."""
        columns = rulebooks.c
        query = select(
            columns.community, columns.version, columns.rules, columns.settings, columns.at, columns.actor
        )
        for community, version, rules, settings, at, actor in await self._reader.rows(
            query.order_by(columns.version)
        ):
            self._newest[community] = _decoded(community, version, rules, settings, at, actor)

    def any(self) -> bool:
        """Whether moderators of some community set up rules."""
        return any(book.is_set_up for book in self._newest.values())

    def of(self, community: str) -> Rulebook:
        """The rulebook of a community; an empty one where nobody set anything up."""
        return self._newest.get(community) or Rulebook(community)

    async def history(self, community: str, limit: int) -> list[Rulebook]:
        """The newest versions of a community's rulebook, newest first."""
        columns = rulebooks.c
        query = select(
            columns.community, columns.version, columns.rules, columns.settings, columns.at, columns.actor
        )
        newest = query.where(columns.community == community).order_by(columns.version.desc()).limit(limit)
        return [_decoded(*row) for row in await self._reader.rows(newest)]

    def logs(self) -> list[Channel]:
        """The channels in which moderators read, each once."""
        found = {book.log.parent.key: book.log for book in self._newest.values() if book.log is not None}
        return list(found.values())

    def read_in(self, channel: Channel) -> list[str]:
        """The communities whose moderators read in a channel."""
        return [
            book.community
            for book in self._newest.values()
            if book.log is not None and book.log.parent.key == channel.parent.key
        ]

    async def save(self, changed: Rulebook, actor: str) -> Rulebook:
        """Make this the newest version; durable, and seen by `of`, on return.

        Raises:
            StorageError: it was not saved; somebody may have changed the rules at the same time.
        """
        book = replace(changed, version=changed.version + 1, at=self._now(), actor=actor)
        await self._writer.call(lambda connection: self._store(connection, book))
        self._newest[book.community] = book
        return book

    def _store(self, connection: Connection, book: Rulebook) -> None:
        row = {
            "community": book.community,
            "version": book.version,
            "rules": book.rules,
            "settings": _encoded(book),
            "at": book.at,
            "actor": book.actor,
        }
        connection.execute(insert_for(self._reader.dialect)(rulebooks).values(**row))


def _encoded(book: Rulebook) -> str:
    log = book.log
    return json.dumps(
        {
            "log": None if log is None else [log.platform, log.community, log.id, log.thread, log.encrypted],
            "enforced": sorted(book.enforced),
            "welcome": book.welcome,
        },
        ensure_ascii=False,
    )


def _decoded(
    community: str, version: int, rules: str, settings: str, at: datetime | None, actor: str
) -> Rulebook:
    found = json.loads(settings)
    log = found["log"]
    channel = None if log is None else Channel(log[0], log[1], log[2], log[3], encrypted=log[4])
    return Rulebook(
        community, version, rules, channel, frozenset(found["enforced"]), found["welcome"], at, actor
    )
