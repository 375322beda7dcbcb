"""Files of archived messages; until somebody archives a channel, there are none."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add `attachments`."""
    op.create_table(
        "attachments",
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("file", sa.Text, primary_key=True),
        sa.Column("community", sa.Text, nullable=False),
        sa.Column("channel_key", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("due", sa.BigInteger),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary),
    )
    op.create_index("ix_attachments_author", "attachments", ["author"])
    op.create_index("ix_attachments_at", "attachments", ["at"])
    op.create_index("ix_attachments_state", "attachments", ["state"])
    op.create_index("ix_attachments_due", "attachments", ["due"])
    op.create_index("ix_attachments_document", "attachments", ["community", "document"])
