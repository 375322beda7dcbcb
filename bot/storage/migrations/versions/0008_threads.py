"""Threads worth reading, and who touched them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add `threads` and `interactions`."""
    op.create_table(
        "threads",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("community", sa.Text, nullable=False),
        sa.Column("channel_key", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("first_message", sa.Text),
        sa.Column("title", sa.LargeBinary),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("in_channel", sa.Boolean, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.UniqueConstraint("channel_key", "thread", name="uq_threads_channel_key_thread"),
    )
    op.create_index("ix_threads_author", "threads", ["author"])
    op.create_index("ix_threads_opened_at", "threads", ["opened_at"])
    op.create_index("ix_threads_community", "threads", ["community", "seq"])
    op.create_index("ix_threads_first_message", "threads", ["channel_key", "first_message"])
    op.create_table(
        "interactions",
        sa.Column("channel_key", sa.Text, primary_key=True),
        sa.Column("thread", sa.Text, primary_key=True),
        sa.Column("member", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("emoji", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_interactions_member", "interactions", ["member"])
    op.create_index("ix_interactions_at", "interactions", ["at"])
    op.create_index("ix_interactions_message", "interactions", ["channel_key", "message_id"])
