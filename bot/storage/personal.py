"""What every table holds about a person: how it is shown, how it is forgotten, how long it is kept.

One place for all of it; a test fails for a table that is not declared here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Column, ColumnElement, Table, and_

from bot.storage import schema
from bot.storage.citations import CITATION_DAYS
from bot.storage.controls import CONTROL_DAYS
from bot.storage.digests import SHOWN_DAYS, SLOT_DAYS, shown_to
from bot.storage.hints import HINT_DAYS
from bot.storage.strikes import STRIKE_DAYS
from bot.storage.threads import FADED_AFTER
from bot.storage.unanswered import UNANSWERED_DAYS

Condition = ColumnElement[bool]

DEDUPE_DAYS = 14
"""How long keys stay known: longer than any gap that is filled from a platform's history."""
OWN_DAYS = 30
"""How long the bot knows that a message was its own, text or not."""
RATING_DAYS = 365
"""Long enough to see whether answers get better."""
USAGE_DAYS = 2
"""Quota counters outlive their day by one, for time zones and late writes."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long things are kept, from the configuration."""

    context_hours: float
    audit_days: float = 365
    evidence_days: float = 30
    archive_days: float = 365
    half_life_days: float = 90


@dataclass(frozen=True, slots=True)
class Expiry:
    """Rows that are too old, and the values they then get (None: the row goes)."""

    rows: Callable[[datetime, Keep], Condition]
    values: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a table holds about a person.

    Attributes:
        mine: the rows about a pseudonym, which export shows.
        erase: "delete" them, give them these values, or keep them for the reason `kept_because`.
        at: when a row came to be, so that an old erasure spares newer rows; None: it spares none.
        expiries: retention.
    """

    table: Table
    mine: Callable[[str], Condition]
    erase: Literal["delete", "keep"] | Mapping[str, object]
    expiries: tuple[Expiry, ...]
    at: Column[datetime] | None = None
    kept_because: str = ""


@dataclass(frozen=True, slots=True)
class Impersonal:
    """A table that holds nothing about a person, and why it may be kept."""

    table: Table
    because: str
    expiries: tuple[Expiry, ...] = ()


def _older(column: Column[datetime], **age: float) -> Expiry:
    return Expiry(lambda now, keep: column < now - timedelta(**age))


def _after_audit(column: Column[datetime]) -> Expiry:
    """Rows that are kept as long as the audit log."""
    return Expiry(lambda now, keep: column < now - timedelta(days=keep.audit_days))


def _faded(column: Column[datetime]) -> Expiry:
    """What is worth nothing any more to recommendations."""
    return Expiry(lambda now, keep: column < now - timedelta(days=FADED_AFTER * keep.half_life_days))


def _emptied(column: Column[bytes | None], at: Column[datetime]) -> Expiry:
    """What somebody wrote, which goes with the evidence while its row stays."""
    return Expiry(
        lambda now, keep: and_(at < now - timedelta(days=keep.evidence_days), column.is_not(None)),
        {column.name: None},
    )


_FORGOTTEN = "forgotten"
_DONE: Mapping[str, object] = {"payload": None, "author": ""}

DECLARATIONS: tuple[Declaration | Impersonal, ...] = (
    Impersonal(schema.meta, "whether the key file fits, and how far the journal was obeyed"),
    Impersonal(schema.cursors, "how far each channel was read"),
    Impersonal(schema.policies, "settings of communities and channels"),
    Impersonal(
        schema.controls,
        "which commands stand below which cards",
        (_older(schema.controls.c.at, days=CONTROL_DAYS),),
    ),
    Impersonal(
        schema.citations,
        "which documents answers rest on",
        (_older(schema.citations.c.at, days=CITATION_DAYS),),
    ),
    Impersonal(
        schema.slots,
        "what became of the times at which digests were due",
        (_older(schema.slots.c.at, days=SLOT_DAYS),),
    ),
    Declaration(
        schema.shown,
        mine=shown_to,
        erase="delete",
        at=schema.shown.c.at,
        expiries=(_older(schema.shown.c.at, days=SHOWN_DAYS),),
    ),
    Declaration(
        schema.digests,
        mine=lambda who: schema.digests.c.member == who,
        erase="delete",
        at=schema.digests.c.made_at,
        expiries=(),
        kept_because="it comes for as long as you want it",
    ),
    Declaration(
        schema.digests,
        mine=lambda who: schema.digests.c.actor == who,
        erase={"actor": _FORGOTTEN},
        at=schema.digests.c.made_at,
        expiries=(
            Expiry(
                lambda now, keep: and_(
                    schema.digests.c.made_at < now - timedelta(days=keep.audit_days),
                    schema.digests.c.actor != _FORGOTTEN,
                ),
                {"actor": _FORGOTTEN},
            ),
        ),
    ),
    Declaration(
        schema.topics,
        mine=lambda who: schema.topics.c.actor == who,
        erase={"actor": _FORGOTTEN},
        at=schema.topics.c.at,
        expiries=(
            Expiry(
                lambda now, keep: and_(
                    schema.topics.c.at < now - timedelta(days=keep.audit_days),
                    schema.topics.c.actor != _FORGOTTEN,
                ),
                {"actor": _FORGOTTEN},
            ),
        ),
    ),
    Declaration(
        schema.rulebooks,
        mine=lambda who: schema.rulebooks.c.actor == who,
        erase={"actor": _FORGOTTEN},
        at=schema.rulebooks.c.at,
        expiries=(
            Expiry(
                lambda now, keep: and_(
                    schema.rulebooks.c.at < now - timedelta(days=keep.audit_days),
                    schema.rulebooks.c.actor != _FORGOTTEN,
                ),
                {"actor": _FORGOTTEN},
            ),
        ),
    ),
    Declaration(
        schema.cases,
        mine=lambda who: schema.cases.c.author == who,
        erase={"author": _FORGOTTEN, "payload": None, "state": "done"},
        at=schema.cases.c.at,
        expiries=(
            _emptied(schema.cases.c.payload, schema.cases.c.at),
            _after_audit(schema.cases.c.at),
        ),
    ),
    Declaration(
        schema.cases,
        mine=lambda who: schema.cases.c.actor == who,
        erase={"actor": _FORGOTTEN},
        at=schema.cases.c.at,
        expiries=(),
        kept_because="it goes with the case",
    ),
    Declaration(
        schema.strikes,
        mine=lambda who: schema.strikes.c.author == who,
        erase="keep",
        expiries=(_older(schema.strikes.c.at, days=STRIKE_DAYS),),
        kept_because="forgetting is no way round a rule; a strike fades by half every thirty days",
    ),
    Declaration(
        schema.appeals,
        mine=lambda who: schema.appeals.c.author == who,
        erase={"author": _FORGOTTEN, "body": None},
        at=schema.appeals.c.at,
        expiries=(
            _emptied(schema.appeals.c.body, schema.appeals.c.at),
            _after_audit(schema.appeals.c.at),
        ),
    ),
    Declaration(
        schema.appeals,
        mine=lambda who: schema.appeals.c.actor == who,
        erase={"actor": _FORGOTTEN},
        at=schema.appeals.c.at,
        expiries=(),
        kept_because="it goes with the appeal",
    ),
    Declaration(
        schema.ratings,
        mine=lambda who: schema.ratings.c.author == who,
        erase="delete",
        at=schema.ratings.c.at,
        expiries=(_older(schema.ratings.c.at, days=RATING_DAYS),),
    ),
    Declaration(
        schema.inbox,
        mine=lambda who: schema.inbox.c.author == who,
        erase=_DONE,
        at=schema.inbox.c.taken_at,
        expiries=(_older(schema.inbox.c.taken_at, days=DEDUPE_DAYS),),
    ),
    Declaration(
        schema.outbox,
        mine=lambda who: and_(schema.outbox.c.author == who, schema.outbox.c.answer),
        erase=_DONE,
        at=schema.outbox.c.opened_at,
        expiries=(_older(schema.outbox.c.opened_at, days=DEDUPE_DAYS),),
    ),
    Declaration(
        schema.outbox,
        mine=lambda who: and_(schema.outbox.c.author == who, ~schema.outbox.c.answer),
        erase="keep",
        expiries=(),
        kept_because="a moderation action under way is deleted when it is done or given up, within a day",
    ),
    Declaration(
        schema.messages,
        mine=lambda who: schema.messages.c.author == who,
        erase="delete",
        at=schema.messages.c.at,
        expiries=(
            Expiry(
                lambda now, keep: and_(
                    schema.messages.c.at < now - timedelta(hours=keep.context_hours), ~schema.messages.c.ours
                )
            ),
        ),
    ),
    Declaration(
        schema.messages,
        mine=lambda who: schema.messages.c.about == who,
        erase={"body": None, "about": None},
        at=schema.messages.c.at,
        expiries=(
            Expiry(
                lambda now, keep: and_(
                    schema.messages.c.at < now - timedelta(hours=keep.context_hours),
                    schema.messages.c.ours,
                    schema.messages.c.body.is_not(None),
                ),
                {"body": None, "about": None},
            ),
            Expiry(
                lambda now, keep: and_(
                    schema.messages.c.at < now - timedelta(days=OWN_DAYS), schema.messages.c.ours
                )
            ),
        ),
    ),
    Declaration(
        schema.passages,
        mine=lambda who: schema.passages.c.author == who,
        erase="delete",
        at=schema.passages.c.at,
        expiries=(
            Expiry(
                lambda now, keep: and_(
                    schema.passages.c.at < now - timedelta(days=keep.archive_days),
                    schema.passages.c.author != "",  # documents of the community itself stay
                )
            ),
        ),
    ),
    Declaration(
        schema.archive,
        mine=lambda who: schema.archive.c.author == who,
        erase="delete",
        at=schema.archive.c.at,
        expiries=(Expiry(lambda now, keep: schema.archive.c.at < now - timedelta(days=keep.archive_days)),),
    ),
    Declaration(
        schema.attachments,
        mine=lambda who: schema.attachments.c.author == who,
        erase="delete",
        at=schema.attachments.c.at,
        expiries=(
            Expiry(lambda now, keep: schema.attachments.c.at < now - timedelta(days=keep.archive_days)),
        ),
    ),
    Declaration(
        schema.threads,
        mine=lambda who: schema.threads.c.author == who,
        erase={"author": "", "title": None},
        at=schema.threads.c.opened_at,
        expiries=(_faded(schema.threads.c.opened_at),),
    ),
    Declaration(
        schema.interactions,
        mine=lambda who: schema.interactions.c.member == who,
        erase="delete",
        at=schema.interactions.c.at,
        expiries=(_faded(schema.interactions.c.at),),
    ),
    Declaration(
        schema.hints,
        mine=lambda who: schema.hints.c.author == who,
        erase="delete",
        at=schema.hints.c.at,
        expiries=(_older(schema.hints.c.at, days=HINT_DAYS),),
    ),
    Declaration(
        schema.unanswered,
        mine=lambda who: schema.unanswered.c.author == who,
        erase="delete",
        at=schema.unanswered.c.at,
        expiries=(_older(schema.unanswered.c.at, days=UNANSWERED_DAYS),),
    ),
    Declaration(
        schema.unanswered,
        mine=lambda who: schema.unanswered.c.helper == who,
        erase={"helper": _FORGOTTEN},
        at=schema.unanswered.c.at,
        expiries=(),
        kept_because="it goes with the question",
    ),
    Declaration(
        schema.helpers,
        mine=lambda who: schema.helpers.c.member == who,
        erase="delete",
        at=schema.helpers.c.at,
        expiries=(),
        kept_because="you are asked for as long as you want it",
    ),
    Declaration(
        schema.examples,
        mine=lambda who: schema.examples.c.author == who,
        erase="delete",
        at=schema.examples.c.at,
        expiries=(Expiry(lambda now, keep: schema.examples.c.at < now - timedelta(days=keep.evidence_days)),),
    ),
    Declaration(
        schema.usage,
        mine=lambda who: schema.usage.c.scope == f"member:{who}",
        erase="delete",
        expiries=(Expiry(lambda now, keep: schema.usage.c.day < (now - timedelta(days=USAGE_DAYS)).date()),),
    ),
    Declaration(
        schema.audit,
        mine=lambda who: schema.audit.c.actor == who,
        erase={"actor": _FORGOTTEN, "detail": ""},
        at=schema.audit.c.at,
        expiries=(_after_audit(schema.audit.c.at),),
    ),
    Declaration(
        schema.audit,
        mine=lambda who: schema.audit.c.subject == who,
        erase={"subject": _FORGOTTEN, "detail": ""},
        at=schema.audit.c.at,
        expiries=(),
    ),
    Declaration(
        schema.optouts,
        mine=lambda who: schema.optouts.c.pseudonym == who,
        erase="keep",
        expiries=(),
        kept_because="it remembers that nothing of you may be kept; optin removes it",
    ),
)


def personal() -> tuple[Declaration, ...]:
    """The tables that hold something about a person."""
    return tuple(entry for entry in DECLARATIONS if isinstance(entry, Declaration))
