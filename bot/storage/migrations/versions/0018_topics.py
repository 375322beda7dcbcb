"""Topics of communities, and digests about one of them; at first there are none."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add `topics` and `digests.topic`."""
    op.create_table(
        "topics",
        sa.Column("community", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_topics_actor", "topics", ["actor"])
    op.add_column("digests", sa.Column("topic", sa.Text, nullable=False, server_default=""))
