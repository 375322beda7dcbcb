"""Remember whom the bot's messages answer, so that a member can have these forgotten too."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add `messages.about` and fill it in for answers whose question is still there."""
    op.add_column("messages", sa.Column("about", sa.Text))
    op.execute(
        "UPDATE messages SET about = (SELECT asked.author FROM messages AS asked "
        "WHERE asked.channel_key = messages.channel_key AND asked.message_id = messages.reply_to "
        "AND NOT asked.ours) WHERE ours AND reply_to IS NOT NULL"
    )
    known = sa.text("about IS NOT NULL")
    op.create_index("ix_messages_about", "messages", ["about"], sqlite_where=known, postgresql_where=known)
