"""Hints that a question was answered before; until moderators want them, there are none."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add `hints`."""
    op.create_table(
        "hints",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("community", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("helped", sa.Boolean),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("place", "message_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_hints_author", "hints", ["author"])
    op.create_index("ix_hints_at", "hints", ["at"])
    op.create_index("ix_hints_community", "hints", ["community", "number"])
