"""Cases: what rules found in messages, the evidence, and what moderators made of it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, func, select, update
from sqlalchemy import Row as SqlRow

from bot.core.actions import Severity
from bot.core.errors import ValueEnded, ValueUnreadable
from bot.core.events import Author, Channel, Identity, MessageRef
from bot.storage.clock import Clock
from bot.storage.reader import Reader
from bot.storage.schema import cases
from bot.storage.seal import Seal
from bot.storage.writer import Row, Writer

State = Literal["open", "kept", "upheld", "false alarm", "done"]
"""open: waits for a moderator. kept: the message may stay. upheld: the rule was right. false alarm: it was
wrong. done: somebody was told or nothing had to be decided."""

Span = tuple[int, int, str, str]
"""(start, end, text, why) of a piece of evidence."""


@dataclass(frozen=True, slots=True)
class Case:
    """One message in which a rule found something, or which a moderator acted on.

    Attributes:
        community: "platform/community".
        text: the message; "" when its evidence has expired or was forgotten.
        rule: the rule's name; "" for a moderator's own action.
        version: of the rulebook.
        shadow: nothing was done; this is what would have been.
        did: what was done, in the words of `Severity`, moderators' actions included.
        actor: pseudonym of the moderator who decided, or "".
    """

    number: int
    community: str
    message: MessageRef
    author: Author
    text: str
    rule: str
    version: int
    severity: Severity
    shadow: bool
    at: datetime
    state: State = "open"
    score: float = 1.0
    evidence: tuple[Span, ...] = ()
    did: tuple[str, ...] = ()
    actor: str = ""
    actor_name: str = ""
    resolved_at: datetime | None = None


class Cases:
    """Cases by number. New ones come in through `Store.settle`, together with what follows from them."""

    def __init__(self, reader: Reader, writer: Writer, seal: Seal, now: Clock) -> None:
        """Call `load` before use."""
        self._reader, self._writer, self._seal, self._now = reader, writer, seal, now
        self._last = 0

    async def load(self) -> None:
        """Learn the last number."""
        found = await self._reader.first(select(func.max(cases.c.number)))
        self._last = max(self._last, (found[0] if found is not None else 0) or 0)

    def next_number(self) -> int:
        """A number for a new case; one that is never written down leaves a gap."""
        self._last += 1
        return self._last

    async def get(self, community: str, number: int) -> Case | None:
        """A case of a community; those of others are none."""
        found = await self._found(cases.c.community == community, cases.c.number == number)
        return found[0] if found else None

    async def about(self, message: MessageRef) -> list[Case]:
        """The cases about a message, newest first."""
        return await self._found(cases.c.channel_key == message.channel.key, cases.c.message_id == message.id)

    async def waiting(self, community: str, limit: int) -> list[Case]:
        """What waits for a moderator, newest first."""
        return await self._found(cases.c.community == community, cases.c.state == "open", limit=limit)

    async def of(self, community: str, member: Identity, limit: int) -> list[Case]:
        """A member's cases, newest first."""
        who = self._seal.pseudonym(member)
        return await self._found(cases.c.community == community, cases.c.author == who, limit=limit)

    async def counts(self, community: str, since: datetime) -> Mapping[str, Counter[str]]:
        """By rule, how many cases since a time are in each state."""
        query = (
            select(cases.c.rule, cases.c.state, func.count())
            .where(cases.c.community == community, cases.c.at >= since)
            .group_by(cases.c.rule, cases.c.state)
        )
        counted: dict[str, Counter[str]] = {}
        for rule, state, count in await self._reader.rows(query):
            counted.setdefault(rule, Counter())[state] = count
        return counted

    async def resolve(
        self, case: Case, state: State, did: Sequence[str], by: Author, *, again: bool = False
    ) -> Case | None:
        """Decide a case, if nobody did before; durable on return.

        Args:
            did: what is done now, besides what was.
            again: also when it was decided before.

        Returns:
            The case as it is now; None when somebody else was faster.
        """
        decided = replace(
            case,
            state=state,
            did=(*case.did, *did),
            actor=self._seal.pseudonym(by.identity),
            actor_name=by.name,
            resolved_at=self._now(),
        )
        statement = update(cases).where(cases.c.number == case.number, cases.c.state == case.state)
        if not again:
            statement = statement.where(cases.c.state == "open")
        row = self.row(decided)
        values = {name: row[name] for name in ("state", "actor", "resolved_at", "payload")}

        def decide(connection: Connection) -> int:
            return connection.execute(statement.values(**values)).rowcount

        return decided if await self._writer.call(decide) else None

    def row(self, case: Case) -> Row:
        """A case for `Writes.case`."""
        place = case.message.channel
        payload = {
            "place": [
                place.platform,
                place.community,
                place.id,
                place.thread,
                place.private,
                place.encrypted,
            ],
            "author": [case.author.platform, case.author.id, case.author.name],
            "text": case.text,
            "score": case.score,
            "evidence": case.evidence,
            "did": case.did,
            "by": case.actor_name,
        }
        sealed = self._seal.seal(json.dumps(payload, ensure_ascii=False), fleeting=place.encrypted)
        return {
            "number": case.number,
            "community": case.community,
            "channel_key": place.key,
            "message_id": case.message.id,
            "author": self._seal.pseudonym(case.author.identity),
            "rule": case.rule,
            "version": case.version,
            "severity": int(case.severity),
            "shadow": case.shadow,
            "state": case.state,
            "actor": case.actor,
            "at": case.at,
            "resolved_at": case.resolved_at,
            "payload": sealed,
        }

    async def _found(self, *where: ColumnElement[bool], limit: int = 50) -> list[Case]:
        query = select(cases).where(*where).order_by(cases.c.number.desc()).limit(limit)
        rows = await self._reader.rows(query)
        return [found for found in map(self._opened, rows) if found is not None]

    def _opened(self, row: SqlRow[tuple[object, ...]]) -> Case | None:
        """A case whose evidence can still be read; without it nobody can act on it any more."""
        found = row._mapping
        if found["payload"] is None:
            return None
        try:
            payload = json.loads(self._seal.open(found["payload"]))
        except (ValueEnded, ValueUnreadable):
            return None
        platform, community, place, thread, private, encrypted = payload["place"]
        channel = Channel(platform, community, place, thread, private, encrypted)
        return Case(
            number=found["number"],
            community=found["community"],
            message=MessageRef(channel, found["message_id"]),
            author=Author(*payload["author"]),
            text=payload["text"],
            rule=found["rule"],
            version=found["version"],
            severity=Severity(found["severity"]),
            shadow=bool(found["shadow"]),
            at=found["at"],
            state=found["state"],
            score=payload["score"],
            evidence=tuple((start, end, text, why) for start, end, text, why in payload["evidence"]),
            did=tuple(payload["did"]),
            actor=found["actor"],
            actor_name=payload["by"],
            resolved_at=found["resolved_at"],
        )
