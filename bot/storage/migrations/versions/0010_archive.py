"""Messages of channels that moderators archive; until somebody does, there are none."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add `archive`."""
    op.create_table(
        "archive",
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("community", sa.Text, nullable=False),
        sa.Column("channel_key", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_archive_author", "archive", ["author"])
    op.create_index("ix_archive_at", "archive", ["at"])
    op.create_index("ix_archive_state", "archive", ["state"])
    op.create_index("ix_archive_document", "archive", ["community", "document"])
    op.create_index("ix_archive_place_at", "archive", ["place", "at"])
