"""Questions that nobody has answered, and members who want to be asked; at first there are none."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add `unanswered` and `helpers`."""
    op.create_table(
        "unanswered",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("community", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("rung", sa.Text, nullable=False),
        sa.Column("due", sa.BigInteger),
        sa.Column("helper", sa.Text, nullable=False),
        sa.Column("offered_at", sa.BigInteger),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("place", "message_id"),
        sqlite_autoincrement=True,
    )
    for column in ("author", "at", "due", "helper"):
        op.create_index(f"ix_unanswered_{column}", "unanswered", [column])
    op.create_index("ix_unanswered_community", "unanswered", ["community", "rung", "at"])
    op.create_table(
        "helpers",
        sa.Column("community", sa.Text, primary_key=True),
        sa.Column("member", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("most", sa.Integer, nullable=False),
        sa.Column("asked_at", sa.BigInteger),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_helpers_member", "helpers", ["member"])
