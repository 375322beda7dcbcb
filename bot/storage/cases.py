"""Cases: what rules found in messages, the evidence, and what moderators made of it."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, func, insert, select, update
from sqlalchemy import Row as SqlRow

from bot.core.actions import Severity
from bot.core.errors import ValueUnreadable
from bot.core.events import Author, Channel, Identity, MessageRef
from bot.storage.audit import AuditEntry, audit_row
from bot.storage.clock import Clock
from bot.storage.envelope import disclose, enclose
from bot.storage.reader import Reader
from bot.storage.schema import audit, cases
from bot.storage.seal import Seal
from bot.storage.writer import Row, Writer

State = Literal["open", "kept", "upheld", "false alarm", "done"]
"""open: waits for a moderator. kept: the message may stay, or what was done was taken back. upheld: the rule
was right, or a moderator acted. false alarm: it was wrong. done: nothing had to be decided."""

Deed = Literal["react", "hint", "hide", "delete", "warn", "timeout", "kick", "ban", "purge", "lock", "note"]
"""What can have been done; people read it in their language."""

Span = tuple[int, int, str, str]
"""(start, end, text, why) of a piece of evidence."""


@dataclass(frozen=True, slots=True)
class Case:
    """One message in which a rule found something, or which a moderator acted on.

    Attributes:
        community: "platform/community".
        message: where it happened; its id is "" for a moderator's own action that is about no message.
        author: of the message, or the member it was done to; its id is "" where it was done to a place.
        text: the message; "" when there is none, or when it may not be read any more.
        rule: the rule's name; "" for a moderator's own action.
        version: of the rulebook.
        shadow: nothing was done; this is what would have been.
        did: what was done and still holds, moderators' actions included.
        was: what `did` was before the last decision.
        actor: pseudonym of the moderator who decided, or "".
        call: the call that led to the last decision, by which a repeated one is known.
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
    did: tuple[Deed, ...] = ()
    was: tuple[Deed, ...] = ()
    actor: str = ""
    actor_name: str = ""
    resolved_at: datetime | None = None
    call: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case, without what it is about."""

    rule: str
    state: State
    shadow: bool
    at: datetime
    resolved_at: datetime | None


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

    async def own(self, member: Identity, number: int) -> Case | None:
        """A member's case in any community; those of others are none."""
        found = await self._found(cases.c.author == self._seal.pseudonym(member), cases.c.number == number)
        return found[0] if found else None

    async def about(self, message: MessageRef) -> list[Case]:
        """The cases about a message, newest first."""
        return await self._found(cases.c.channel_key == message.channel.key, cases.c.message_id == message.id)

    async def holding(self, channels: Collection[str], message_ids: Collection[str]) -> frozenset[str]:
        """Which of some messages moderation removed or queued, and no moderator has let stand since.

        Args:
            channels: keys of the places where they stand.
        """
        query = select(cases.c.message_id).where(
            cases.c.channel_key.in_(channels),
            cases.c.message_id.in_(message_ids),
            ~cases.c.shadow,
            cases.c.severity >= int(Severity.QUEUE),
            cases.c.state.not_in(("kept", "false alarm")),
        )
        return frozenset(row[0] for row in await self._reader.rows(query))

    async def waiting(self, community: str, limit: int) -> list[Case]:
        """What waits for a moderator, newest first."""
        return await self._found(cases.c.community == community, cases.c.state == "open", limit=limit)

    async def of(self, community: str, member: Identity, limit: int) -> list[Case]:
        """A member's cases, newest first."""
        who = self._seal.pseudonym(member)
        return await self._found(cases.c.community == community, cases.c.author == who, limit=limit)

    async def anywhere(self, member: Identity, limit: int) -> list[Case]:
        """A member's cases in all communities of a platform, newest first."""
        return await self._found(cases.c.author == self._seal.pseudonym(member), limit=limit)

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

    async def outcomes(self, communities: Collection[str], since: datetime, until: datetime) -> list[Outcome]:
        """What became of the cases of a time, in the order in which they came."""
        columns = (cases.c.rule, cases.c.state, cases.c.shadow, cases.c.at, cases.c.resolved_at)
        query = select(*columns).where(
            cases.c.community.in_(communities), cases.c.at >= since, cases.c.at < until
        )
        return [
            Outcome(rule, state, bool(shadow), at, resolved_at)
            for rule, state, shadow, at, resolved_at in await self._reader.rows(query.order_by(cases.c.at))
        ]

    async def verdicts(self, community: str, rule: str, version: int) -> Counter[str]:
        """How many cases of a rule are in each state, since a version of the rulebook."""
        query = (
            select(cases.c.state, func.count())
            .where(cases.c.community == community, cases.c.rule == rule, cases.c.version >= version)
            .group_by(cases.c.state)
        )
        return Counter({state: count for state, count in await self._reader.rows(query)})

    async def resolve(self, case: Case, decided: Case, entry: AuditEntry) -> bool:
        """Put a decision in the place of a case as it was read, and into the log; durable on return.

        Returns:
            False when somebody else was faster; then nothing is written.
        """
        unchanged = (
            cases.c.number == case.number,
            cases.c.state == case.state,
            cases.c.resolved_at.is_(None)
            if case.resolved_at is None
            else cases.c.resolved_at == case.resolved_at,
        )
        row = self.row(decided)
        values = {name: row[name] for name in ("state", "actor", "resolved_at", "payload")}

        def decide(connection: Connection) -> int:
            changed = connection.execute(update(cases).where(*unchanged).values(**values)).rowcount
            if changed:
                connection.execute(insert(audit).values(**audit_row(entry)))
            return changed

        return bool(await self._writer.call(decide))

    def row(self, case: Case) -> Row:
        """A case for `Writes.case`."""
        place = case.message.channel
        facts = {
            "place": [
                place.platform,
                place.community,
                place.id,
                place.thread,
                place.private,
                place.encrypted,
            ],
            "author": [case.author.platform, case.author.id, case.author.name],
            "score": case.score,
            "did": case.did,
            "was": case.was,
            "by": case.actor_name,
            "call": case.call,
        }
        words = {"text": case.text, "evidence": case.evidence}
        return {
            "number": case.number,
            "community": case.community,
            "channel_key": place.key,
            "message_id": case.message.id,
            "author": self._seal.pseudonym(case.author.identity) if case.author.id else "",
            "rule": case.rule,
            "version": case.version,
            "severity": int(case.severity),
            "shadow": case.shadow,
            "state": case.state,
            "actor": case.actor,
            "at": case.at,
            "resolved_at": case.resolved_at,
            "payload": enclose(self._seal, facts, words, fleeting=place.encrypted),
        }

    async def _found(self, *where: ColumnElement[bool], limit: int = 50) -> list[Case]:
        query = select(cases).where(*where).order_by(cases.c.number.desc()).limit(limit)
        rows = await self._reader.rows(query)
        return [found for found in map(self._opened, rows) if found is not None]

    def _opened(self, row: SqlRow[tuple[object, ...]]) -> Case | None:
        """A case that is not forgotten; in one from an encrypted room the words may be missing."""
        found = row._mapping
        if found["payload"] is None:
            return None
        try:
            payload = disclose(self._seal, found["payload"])
        except ValueUnreadable:
            return None
        platform, community, place, thread, private, encrypted = payload["place"]
        channel = Channel(platform, community, place, thread, private, encrypted)
        return Case(
            number=found["number"],
            community=found["community"],
            message=MessageRef(channel, found["message_id"]),
            author=Author(*payload["author"]),
            text=payload.get("text", ""),
            rule=found["rule"],
            version=found["version"],
            severity=Severity(found["severity"]),
            shadow=bool(found["shadow"]),
            at=found["at"],
            state=found["state"],
            score=payload["score"],
            evidence=tuple((start, end, text, why) for start, end, text, why in payload.get("evidence", ())),
            did=tuple(payload["did"]),
            was=tuple(payload["was"]),
            actor=found["actor"],
            actor_name=payload["by"],
            resolved_at=found["resolved_at"],
            call=payload["call"],
        )
