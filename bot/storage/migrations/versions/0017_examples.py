"""What the classifiers may learn from, where a room agreed to it; until one does, there is nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add `examples`."""
    op.create_table(
        "examples",
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("score", sa.Text, nullable=False),
        sa.Column("label", sa.Boolean, nullable=False),
        sa.Column("removed", sa.Boolean, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("text", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_examples_room", "examples", ["room"])
    op.create_index("ix_examples_author", "examples", ["author"])
    op.create_index("ix_examples_at", "examples", ["at"])
