"""Remember which actions wait for a permission, so that a restart neither tries nor tells them again."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add `outbox.waiting_since`, in microseconds since 1970: nothing waits yet."""
    op.add_column("outbox", sa.Column("waiting_since", sa.BigInteger))
