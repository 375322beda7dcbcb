"""Which passage of a document an answer quotes; those of older answers are found by their time."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add `citations.mark`."""
    op.add_column("citations", sa.Column("mark", sa.Text, nullable=False, server_default=""))
