"""The statements of forgetting and of retention, made from the declarations in `personal.py`."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, tuple_, update
from sqlalchemy.sql.dml import Delete, Update

from bot.storage.dialects import insert_for
from bot.storage.digests import shown_to
from bot.storage.journal import Entry, Wish
from bot.storage.personal import Condition, Declaration, Expiry, Impersonal, personal
from bot.storage.schema import (
    archive,
    attachments,
    digests,
    examples,
    helpers,
    meta,
    optouts,
    passages,
    shown,
    unanswered,
)

SLICE_ROWS = 200
"""A slice of a purge changes at most so many rows, then other writers get in; measured, it takes 2-6 ms."""
SLICE_S = 0.008
"""On a slow machine a slice ends after this long; with its commit it stays below 20 ms."""
_STEP_ROWS = 25
_OBEYED = "journal_obeyed"


def erase(connection: Connection, who: str, until: datetime | None = None) -> int:
    """Erase what is kept about a pseudonym; `until` spares rows that are newer. Returns the rows changed."""
    erased = 0
    for entry in personal():
        if entry.erase == "keep":
            continue
        rows = entry.mine(who)
        if until is not None and entry.at is not None:
            rows &= entry.at <= until
        values = None if isinstance(entry.erase, str) else entry.erase
        statement: Delete | Update = delete(entry.table)
        if values is not None:
            statement = update(entry.table).values(**values)
        erased += connection.execute(statement.where(rows)).rowcount
    return erased


def obey(connection: Connection, entries: Iterable[Entry]) -> int:
    """Do what people asked for. Returns the rows changed."""
    changed = 0
    for entry in entries:
        match entry.wish:
            case Wish.FORGET:
                changed += erase(connection, entry.pseudonym, entry.at)
            case Wish.OPT_OUT:
                opt_out(connection, entry.pseudonym, entry.at)
            case Wish.OPT_IN:
                opt_in(connection, entry.pseudonym)
    return changed


def unobeyed(connection: Connection, entries: Sequence[Entry]) -> Sequence[Entry]:
    """What this database may not have done: it is a backup, or somebody was killed half-way."""
    done = _obeyed(connection)
    return entries[done if done <= len(entries) else 0 :]


def mark_obeyed(connection: Connection, count: int) -> None:
    """Remember that so many entries of the journal are carried out to the last byte."""
    mark = insert_for(connection.dialect.name)(meta).values(name=_OBEYED, value=str(count).encode())
    connection.execute(
        mark.on_conflict_do_update(index_elements=["name"], set_={"value": mark.excluded.value})
    )


def mark_next(connection: Connection, count: int) -> None:
    """The same for one entry, unless another process has not finished the one before it."""
    if _obeyed(connection) == count - 1:
        mark_obeyed(connection, count)


def _obeyed(connection: Connection) -> int:
    found = connection.execute(select(meta.c.value).where(meta.c.name == _OBEYED)).scalar()
    return 0 if found is None else int(found)


def opt_out(connection: Connection, who: str, at: datetime) -> None:
    """Remember that nothing of a person may be kept; nobody finds what they said, and nothing comes."""
    insert = insert_for(connection.dialect.name)(optouts).values(pseudonym=who, at=at)
    connection.execute(insert.on_conflict_do_nothing(index_elements=["pseudonym"]))
    connection.execute(delete(passages).where(passages.c.author == who))
    connection.execute(delete(archive).where(archive.c.author == who))
    connection.execute(delete(attachments).where(attachments.c.author == who))
    connection.execute(delete(examples).where(examples.c.author == who))
    connection.execute(delete(digests).where(digests.c.member == who))
    connection.execute(delete(shown).where(shown_to(who)))
    connection.execute(delete(helpers).where(helpers.c.member == who))
    connection.execute(delete(unanswered).where(unanswered.c.author == who))


def opt_in(connection: Connection, who: str) -> None:
    """Take that back."""
    connection.execute(delete(optouts).where(optouts.c.pseudonym == who))


def purge_slice(
    connection: Connection, entry: Declaration | Impersonal, expiry: Expiry, rows: Condition
) -> tuple[int, bool]:
    """Purge for a few milliseconds; returns (rows changed, whether there may be more)."""
    key = tuple_(*entry.table.primary_key.columns)
    some = select(*entry.table.primary_key.columns).where(rows).limit(_STEP_ROWS)
    statement: Delete | Update = delete(entry.table)
    if expiry.values is not None:
        statement = update(entry.table).values(**expiry.values)
    statement = statement.where(key.in_(some))
    purged, until = 0, time.perf_counter() + SLICE_S
    while purged < SLICE_ROWS and time.perf_counter() < until:
        changed = connection.execute(statement).rowcount
        purged += changed
        if changed < _STEP_ROWS:
            return purged, False
    return purged, True
