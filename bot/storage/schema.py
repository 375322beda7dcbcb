"""The tables. What each holds about a person, and for how long, is declared in `personal.py`.

Bodies and payloads are sealed (`seal.py`); a person is a pseudonym, never a platform's id or a name.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
)
from sqlalchemy import text as sql

from bot.storage.columns import AnyText, Instant

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _seq() -> Column[int]:
    """Order of arrival; SQLite counts up by itself only in a column typed INTEGER."""
    return Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


meta = Table(
    "meta",
    metadata,
    Column("name", AnyText, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
"""`key_check`: a known text sealed with the key file this database belongs to; `journal_obeyed`: how many
entries of the privacy journal were carried out here; `passages_gone`: how many passages were ever removed."""

cursors = Table(
    "cursors",
    metadata,
    Column("platform", AnyText, primary_key=True),
    Column("scope", AnyText, primary_key=True),
    Column("value", AnyText, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    _seq(),
    Column("key", AnyText, nullable=False, unique=True),
    Column("platform", AnyText, nullable=False),
    Column("author", AnyText, nullable=False),
    Column("taken_at", Instant, nullable=False, index=True),
    Column("payload", LargeBinary),
    Index(
        "ix_inbox_pending",
        "platform",
        "seq",
        sqlite_where=sql("payload IS NOT NULL"),
        postgresql_where=sql("payload IS NOT NULL"),
    ),
)
"""Events taken from platforms. `key` is a keyed hash; `payload` goes when it is handled."""

outbox = Table(
    "outbox",
    metadata,
    _seq(),
    Column("key", AnyText, nullable=False, unique=True),
    Column("platform", AnyText, nullable=False),
    Column("channel_key", AnyText, nullable=False),
    Column("message_id", AnyText),
    Column("author", AnyText, nullable=False),
    Column("answer", Boolean, nullable=False),
    Column("opened_at", Instant, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("receipt", AnyText, nullable=False),
    Column("payload", LargeBinary),
    Column("waiting_since", Instant),
    Index(
        "ix_outbox_unfinished",
        "platform",
        "seq",
        sqlite_where=sql("payload IS NOT NULL"),
        postgresql_where=sql("payload IS NOT NULL"),
    ),
    Index("ix_outbox_question", "channel_key", "message_id"),
)
"""What the bot is about to do. `answer` is False for moderation, which a member cannot have forgotten.

`waiting_since`: when a permission for it was first missed; NULL while none is known to be missing.
"""

messages = Table(
    "messages",
    metadata,
    _seq(),
    Column("channel_key", AnyText, nullable=False),
    Column("message_id", AnyText, nullable=False),
    Column("author", AnyText, nullable=False),
    Column("about", AnyText),
    Column("ours", Boolean, nullable=False),
    Column("addressed", Boolean, nullable=False),
    Column("reply_to", AnyText),
    Column("at", Instant, nullable=False),
    Column("body", LargeBinary),
    Column("outcome", AnyText, nullable=False),
    Column("opened_thread", Boolean),
    UniqueConstraint("channel_key", "message_id"),
    Index("ix_messages_place", "channel_key", "at"),
    Index("ix_messages_author", "author"),
    Index("ix_messages_ours_at", "ours", "at"),
    Index(
        "ix_messages_said",
        "ours",  # the same in every row: without it SQLite prefers the index above
        "at",
        sqlite_where=sql("ours = 1 AND body IS NOT NULL"),
        postgresql_where=sql("ours = true AND body IS NOT NULL"),
    ),
    Index(
        "ix_messages_about",
        "about",
        sqlite_where=sql("about IS NOT NULL"),
        postgresql_where=sql("about IS NOT NULL"),
    ),
)
"""Conversation context. `about` is the member whom one of our own messages answers; it goes with the body.
`opened_thread` is true for our messages in a thread that the bot opened."""

policies = Table(
    "policies",
    metadata,
    Column("scope", AnyText, primary_key=True),
    Column("name", AnyText, primary_key=True),
    Column("value", AnyText, nullable=False),
)

usage = Table(
    "usage",
    metadata,
    Column("scope", AnyText, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _seq(),
    Column("at", Instant, nullable=False, index=True),
    Column("platform", AnyText, nullable=False),
    Column("community", AnyText, nullable=False),
    Column("channel_key", AnyText, nullable=False),
    Column("actor", AnyText, nullable=False, index=True),
    Column("verb", AnyText, nullable=False),
    Column("detail", AnyText, nullable=False),
    Column("subject", AnyText, nullable=False, index=True),
    Index("ix_audit_community", "platform", "community", "seq"),
)

controls = Table(
    "controls",
    metadata,
    Column("channel_key", AnyText, primary_key=True),
    Column("message_id", AnyText, primary_key=True),
    Column("value", AnyText, nullable=False),
    Column("at", Instant, nullable=False, index=True),
)
"""What can be pressed below the bot's cards: commands with their arguments."""

citations = Table(
    "citations",
    metadata,
    Column("channel_key", AnyText, primary_key=True),
    Column("message_id", AnyText, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("document", AnyText, nullable=False),
    Column("said_at", Instant, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("mark", AnyText, nullable=False, server_default=""),
)
"""Which documents the bot's answers rest on; `mark` is a keyed hash of the passage that is quoted."""

ratings = Table(
    "ratings",
    metadata,
    Column("channel_key", AnyText, primary_key=True),
    Column("message_id", AnyText, primary_key=True),
    Column("author", AnyText, primary_key=True, index=True),
    Column("helpful", Boolean, nullable=False),
    Column("at", Instant, nullable=False, index=True),
)
"""Who found which answer helpful."""

rulebooks = Table(
    "rulebooks",
    metadata,
    Column("community", AnyText, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("rules", AnyText, nullable=False),
    Column("settings", AnyText, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", AnyText, nullable=False, index=True),
)
"""The rules of a community as TOML and how they are applied as JSON; the newest version counts."""

cases = Table(
    "cases",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("community", AnyText, nullable=False),
    Column("channel_key", AnyText, nullable=False),
    Column("message_id", AnyText, nullable=False),
    Column("author", AnyText, nullable=False, index=True),
    Column("rule", AnyText, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("shadow", Boolean, nullable=False),
    Column("state", AnyText, nullable=False),
    Column("actor", AnyText, nullable=False, index=True),
    Column("at", Instant, nullable=False, index=True),
    Column("resolved_at", Instant),
    Column("payload", LargeBinary),
    Index("ix_cases_queue", "community", "state", "number"),
    Index("ix_cases_message", "channel_key", "message_id"),
)
"""What rules found and what became of it; `payload` is the evidence."""

strikes = Table(
    "strikes",
    metadata,
    _seq(),
    Column("community", AnyText, nullable=False),
    Column("author", AnyText, nullable=False, index=True),
    Column("case_number", BigInteger, nullable=False, index=True),
    Column("weight", Float, nullable=False),
    Column("at", Instant, nullable=False, index=True),
)
"""What counts against members for a while."""

appeals = Table(
    "appeals",
    metadata,
    Column("case_number", BigInteger, primary_key=True, autoincrement=False),
    Column("community", AnyText, nullable=False),
    Column("author", AnyText, nullable=False, index=True),
    Column("state", AnyText, nullable=False),
    Column("actor", AnyText, nullable=False, index=True),
    Column("at", Instant, nullable=False, index=True),
    Column("body", LargeBinary),
    Index("ix_appeals_open", "community", "state", "at"),
)
"""What members say against a case of theirs; one for each."""

passages = Table(
    "passages",
    metadata,
    _seq(),
    Column("community", AnyText, nullable=False),
    Column("channel_key", AnyText, nullable=False),
    Column("document", AnyText, nullable=False),
    Column("author", AnyText, nullable=False, index=True),
    Column("at", Instant, nullable=False, index=True),
    Column("payload", LargeBinary, nullable=False),
    Column("vector", LargeBinary),
    Index("ix_passages_document", "community", "document"),
    sqlite_autoincrement=True,
)
"""Pieces of what the bot answers from. `payload` is title, link and text, `vector` the meaning, both sealed.

On SQLite the index of words stands beside it: `passage_words` (FTS5) holds keyed hashes of the words of each
row in the order of the alphabet, no text; a trigger removes a row's words with the row and counts in `meta`.
"""

FAQ = "faq:"
"""The names of documents that were answers of the bot begin with this; see `faq_name`."""


def faq_name(place: str, question: str, answer: str) -> str:
    """The name of the document that an answer became; by it, it goes with its question or the answer."""
    return f"{FAQ}{place}/{question}/{answer}"


WORDS_INDEX = ("passage_words", "passage_terms")
"""FTS5's tables, which SQLAlchemy does not know; those that SQLite makes for them begin with these names."""

archive = Table(
    "archive",
    metadata,
    Column("place", AnyText, primary_key=True),
    Column("message_id", AnyText, primary_key=True),
    Column("community", AnyText, nullable=False),
    Column("channel_key", AnyText, nullable=False),
    Column("author", AnyText, nullable=False, index=True),
    Column("at", Instant, nullable=False, index=True),
    Column("document", AnyText),
    Column("state", Integer, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),
    Index("ix_archive_document", "community", "document"),
    Index("ix_archive_place_at", "place", "at"),
)
"""Messages of archived channels; `passages` are made of them, and made again when they change.

`place` is the channel or thread, `channel_key` the channel whose readers may see it, `document` the run of
messages it is part of (NULL until that is known), `state` how far `passages` have it, see `archive.py`.
"""

attachments = Table(
    "attachments",
    metadata,
    Column("place", AnyText, primary_key=True),
    Column("message_id", AnyText, primary_key=True),
    Column("file", AnyText, primary_key=True),
    Column("community", AnyText, nullable=False),
    Column("channel_key", AnyText, nullable=False),
    Column("author", AnyText, nullable=False, index=True),
    Column("at", Instant, nullable=False, index=True),
    Column("document", AnyText, nullable=False),
    Column("state", Integer, nullable=False, index=True),
    Column("due", Instant, index=True),
    Column("tries", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("body", LargeBinary),
    Index("ix_attachments_document", "community", "document"),
)
"""Files of messages in `archive`. `file` is a keyed hash, `payload` what the platform says about it.

`body` is its text once that was read, `due` when it is to be read (NULL: it is, or never will be), `state`
how far `passages` have it.
"""

threads = Table(
    "threads",
    metadata,
    _seq(),
    Column("community", AnyText, nullable=False),
    Column("channel_key", AnyText, nullable=False),
    Column("thread", AnyText, nullable=False),
    Column("first_message", AnyText),
    Column("title", LargeBinary),
    Column("author", AnyText, nullable=False, index=True),
    Column("opened_at", Instant, nullable=False, index=True),
    Column("in_channel", Boolean, nullable=False),
    Column("closed", Boolean, nullable=False),
    UniqueConstraint("channel_key", "thread"),
    Index("ix_threads_community", "community", "seq"),
    Index("ix_threads_first_message", "channel_key", "first_message"),
)
"""Threads that may be worth reading: where they are, and a sealed title where they have one."""

interactions = Table(
    "interactions",
    metadata,
    Column("channel_key", AnyText, primary_key=True),
    Column("thread", AnyText, primary_key=True),
    Column("member", AnyText, primary_key=True, index=True),
    Column("kind", AnyText, primary_key=True),
    Column("message_id", AnyText, primary_key=True),
    Column("emoji", AnyText, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Index("ix_interactions_message", "channel_key", "message_id"),
)
"""Who opened, answered or reacted to which thread, a row for each time; no text."""

digests = Table(
    "digests",
    metadata,
    Column(
        "number",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("community", AnyText, nullable=False, index=True),
    Column("channel", AnyText, nullable=False),
    Column("cron", AnyText, nullable=False),
    Column("zone", AnyText, nullable=False),
    Column("n", Integer, nullable=False),
    Column("quiet", AnyText, nullable=False),
    Column("actor", AnyText, nullable=False, index=True),
    Column("call", AnyText, nullable=False, unique=True),
    Column("made_at", Instant, nullable=False),
    Column("fate", AnyText),
    Column("decided_at", Instant),
    Column("trouble", AnyText, nullable=False),
    Column("member", AnyText, nullable=False, server_default="", index=True),
    Column("reader", LargeBinary),
    Column("topic", AnyText, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)
"""Posts that come by themselves. `call` is the call that made it, by which a repeated one is known. `member`
has a pseudonym where it is for one member alone, and `reader` is who that is. `topic` is the only one it is
about, "" for all."""

slots = Table(
    "slots",
    metadata,
    Column("digest", BigInteger, primary_key=True, autoincrement=False),
    Column("slot", AnyText, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("fate", AnyText, nullable=False),
    Column("post", AnyText, index=True),
)
"""What became of the times at which digests were due; `slot` is the local date and time, `post` the key of
what was posted."""

shown = Table(
    "shown",
    metadata,
    Column("channel_key", AnyText, primary_key=True),
    Column("source", AnyText, primary_key=True),
    Column("thread", AnyText, primary_key=True),
    Column("digest", BigInteger, nullable=False, index=True),
    Column("post", AnyText, nullable=False, index=True),
    Column("at", Instant, nullable=False, index=True),
    Column("blend", AnyText, nullable=False, server_default=""),
)
"""Which threads (of the channel `source`) digests showed in which channels: none is shown twice. `blend`
names the weights that chose it."""

topics = Table(
    "topics",
    metadata,
    Column("community", AnyText, primary_key=True),
    Column("topic", AnyText, primary_key=True),
    Column("actor", AnyText, nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
"""What conversations of a community may be about. `payload` is a name and a few examples that moderators
wrote; which conversation has which topic is stored nowhere."""

hints = Table(
    "hints",
    metadata,
    Column(
        "number",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("community", AnyText, nullable=False),
    Column("place", AnyText, nullable=False),
    Column("message_id", AnyText, nullable=False),
    Column("author", AnyText, nullable=False, index=True),
    Column("at", Instant, nullable=False, index=True),
    Column("state", AnyText, nullable=False),
    Column("helped", Boolean),
    Column("call", AnyText, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("place", "message_id"),
    Index("ix_hints_community", "community", "number"),
    sqlite_autoincrement=True,
)
"""Questions that were answered before, one hint for each. `payload` is who asked where, and which document
answers it, sealed; neither the question nor the answer. `call` is the call that decided, as in `digests`."""

unanswered = Table(
    "unanswered",
    metadata,
    Column(
        "number",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("community", AnyText, nullable=False),
    Column("place", AnyText, nullable=False),
    Column("message_id", AnyText, nullable=False),
    Column("author", AnyText, nullable=False, index=True),
    Column("at", Instant, nullable=False, index=True),
    Column("rung", AnyText, nullable=False),
    Column("due", Instant, index=True),
    Column("helper", AnyText, nullable=False, index=True),
    Column("offered_at", Instant),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("place", "message_id"),
    Index("ix_unanswered_community", "community", "rung", "at"),
    sqlite_autoincrement=True,
)
"""Questions that nobody has answered yet; `payload` is who asked where, sealed, without any words.

`rung` is how far it got, `due` when it climbs on, `helper` to whom it was offered, at `offered_at`.
"""

helpers = Table(
    "helpers",
    metadata,
    Column("community", AnyText, primary_key=True),
    Column("member", AnyText, primary_key=True, index=True),
    Column("at", Instant, nullable=False),
    Column("most", Integer, nullable=False),
    Column("asked_at", Instant),
    Column("payload", LargeBinary, nullable=False),
)
"""Members who want to be asked, at most so often a day; `payload` is who they are and where they said so."""

examples = Table(
    "examples",
    metadata,
    Column("place", AnyText, primary_key=True),
    Column("message_id", AnyText, primary_key=True),
    Column("room", AnyText, nullable=False, index=True),
    Column("author", AnyText, nullable=False, index=True),
    Column("score", AnyText, nullable=False),
    Column("label", Boolean, nullable=False),
    Column("removed", Boolean, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("text", LargeBinary, nullable=False),
)
"""Messages of rooms that agreed to it, with what moderators decided: what the classifiers may learn from.
`removed`: moderation took the message away, so that its disappearing is not its author's doing."""

optouts = Table(
    "optouts",
    metadata,
    Column("pseudonym", AnyText, primary_key=True),
    Column("at", Instant, nullable=False),
)

SCHEMA = "0018"
"""The newest revision in `migrations`; a database that has it needs no Alembic to open."""
