"""Digests for one member alone."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add whom a digest is for."""
    op.add_column("digests", sa.Column("member", sa.Text, nullable=False, server_default=""))
    op.add_column("digests", sa.Column("reader", sa.LargeBinary))
    op.create_index("ix_digests_member", "digests", ["member"])
