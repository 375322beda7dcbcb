"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all tables."""
    seq = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    pending = sa.text("payload IS NOT NULL")
    op.create_table(
        "meta",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )
    op.create_table(
        "cursors",
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("platform", "scope", name="pk_cursors"),
    )
    op.create_table(
        "inbox",
        sa.Column("seq", seq, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("taken_at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary),
        sa.PrimaryKeyConstraint("seq", name="pk_inbox"),
        sa.UniqueConstraint("key", name="uq_inbox_key"),
    )
    op.create_index("ix_inbox_taken_at", "inbox", ["taken_at"])
    op.create_index(
        "ix_inbox_pending", "inbox", ["platform", "seq"], sqlite_where=pending, postgresql_where=pending
    )
    op.create_table(
        "outbox",
        sa.Column("seq", seq, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("channel_key", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("answer", sa.Boolean, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("receipt", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
        sa.UniqueConstraint("key", name="uq_outbox_key"),
    )
    op.create_index("ix_outbox_opened_at", "outbox", ["opened_at"])
    op.create_index("ix_outbox_question", "outbox", ["channel_key", "message_id"])
    op.create_index(
        "ix_outbox_unfinished", "outbox", ["platform", "seq"], sqlite_where=pending, postgresql_where=pending
    )
    op.create_table(
        "messages",
        sa.Column("seq", seq, autoincrement=True, nullable=False),
        sa.Column("channel_key", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("ours", sa.Boolean, nullable=False),
        sa.Column("addressed", sa.Boolean, nullable=False),
        sa.Column("reply_to", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_messages"),
        sa.UniqueConstraint("channel_key", "message_id", name="uq_messages_channel_key_message_id"),
    )
    op.create_index("ix_messages_at", "messages", ["at"])
    op.create_index("ix_messages_place", "messages", ["channel_key", "at"])
    op.create_index("ix_messages_author", "messages", ["author"])
    op.create_table(
        "policies",
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name="pk_policies"),
    )
    op.create_table(
        "usage",
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope", "day", name="pk_usage"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", seq, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("community", sa.Text, nullable=False),
        sa.Column("channel_key", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("verb", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_actor", "audit", ["actor"])
    op.create_index("ix_audit_subject", "audit", ["subject"])
    op.create_index("ix_audit_community", "audit", ["platform", "community", "seq"])
    op.create_table(
        "optouts",
        sa.Column("pseudonym", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", name="pk_optouts"),
    )
