"""Remember which threads the bot opened, and let retention find old rows without reading the others."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add `messages.opened_thread`, fill it in, and change the indexes by time.

    An answer in the thread that its question began (its id ends the key of the place) is in a thread of ours.
    """
    op.add_column("messages", sa.Column("opened_thread", sa.Boolean))
    op.execute(
        "UPDATE messages SET opened_thread = true WHERE ours AND reply_to IS NOT NULL "
        "AND substr(channel_key, length(channel_key) - length(reply_to)) = '/' || reply_to"
    )
    op.drop_index("ix_messages_at", "messages")
    op.create_index("ix_messages_ours_at", "messages", ["ours", "at"])
    said = sa.text("ours = true AND body IS NOT NULL")
    said_sqlite = sa.text("ours = 1 AND body IS NOT NULL")
    op.create_index(
        "ix_messages_said", "messages", ["ours", "at"], sqlite_where=said_sqlite, postgresql_where=said
    )
