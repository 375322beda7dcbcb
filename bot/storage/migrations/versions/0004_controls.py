"""Remember what can be pressed below messages, and what members thought of answers."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add `controls` and `ratings`."""
    op.create_table(
        "controls",
        sa.Column("channel_key", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_controls_at", "controls", ["at"])
    op.create_table(
        "ratings",
        sa.Column("channel_key", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("author", sa.Text, primary_key=True),
        sa.Column("helpful", sa.Boolean, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_ratings_author", "ratings", ["author"])
    op.create_index("ix_ratings_at", "ratings", ["at"])
