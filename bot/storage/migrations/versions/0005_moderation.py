"""Rules of communities, cases, strikes and appeals."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add `rulebooks`, `cases`, `strikes` and `appeals`."""
    op.create_table(
        "rulebooks",
        sa.Column("community", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
    )
    op.create_index("ix_rulebooks_actor", "rulebooks", ["actor"])
    op.create_table(
        "cases",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("community", sa.Text, nullable=False),
        sa.Column("channel_key", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("shadow", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("payload", sa.LargeBinary),
    )
    op.create_index("ix_cases_queue", "cases", ["community", "state", "number"])
    op.create_index("ix_cases_message", "cases", ["channel_key", "message_id"])
    for column in ("author", "actor", "at"):
        op.create_index(f"ix_cases_{column}", "cases", [column])
    op.create_table(
        "strikes",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("community", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("case_number", sa.BigInteger, nullable=False),
        sa.Column("weight", sa.Float, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    for column in ("author", "case_number", "at"):
        op.create_index(f"ix_strikes_{column}", "strikes", [column])
    op.create_table(
        "appeals",
        sa.Column("case_number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("community", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary),
    )
    op.create_index("ix_appeals_open", "appeals", ["community", "state", "at"])
    for column in ("author", "actor", "at"):
        op.create_index(f"ix_appeals_{column}", "appeals", [column])
