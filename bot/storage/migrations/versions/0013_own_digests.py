"""Digests for one member alone, and which blend chose what a digest showed."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add whom a digest is for, and which weights chose its threads."""
    op.add_column("digests", sa.Column("member", sa.Text, nullable=False, server_default=""))
    op.add_column("digests", sa.Column("reader", sa.LargeBinary))
    op.create_index("ix_digests_member", "digests", ["member"])
    op.add_column("shown", sa.Column("blend", sa.Text, nullable=False, server_default=""))
