"""Digests, their slots, and what was shown."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add `digests`, `slots` and `shown`."""
    op.create_table(
        "digests",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("community", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("cron", sa.Text, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("quiet", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("call", sa.Text, nullable=False, unique=True),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("fate", sa.Text),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("trouble", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_digests_community", "digests", ["community"])
    op.create_index("ix_digests_actor", "digests", ["actor"])
    op.create_table(
        "slots",
        sa.Column("digest", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("slot", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("fate", sa.Text, nullable=False),
        sa.Column("post", sa.Text),
    )
    op.create_index("ix_slots_at", "slots", ["at"])
    op.create_index("ix_slots_post", "slots", ["post"])
    op.create_table(
        "shown",
        sa.Column("channel_key", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("thread", sa.Text, primary_key=True),
        sa.Column("digest", sa.BigInteger, nullable=False),
        sa.Column("post", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_shown_digest", "shown", ["digest"])
    op.create_index("ix_shown_post", "shown", ["post"])
    op.create_index("ix_shown_at", "shown", ["at"])
