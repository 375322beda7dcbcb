"""Remember which threads the bot opened, and let retention find old rows without reading the others."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_messages = sa.table(
    "messages",
    sa.column("seq", sa.Integer),
    sa.column("channel_key", sa.Text),
    sa.column("reply_to", sa.Text),
    sa.column("ours", sa.Boolean),
    sa.column("opened_thread", sa.Boolean),
)


def upgrade() -> None:
    """Add `messages.opened_thread`, fill it in, and change the indexes by time."""
    op.add_column("messages", sa.Column("opened_thread", sa.Boolean))
    _fill_in(op.get_bind())
    op.drop_index("ix_messages_at", "messages")
    op.create_index("ix_messages_ours_at", "messages", ["ours", "at"])
    said = sa.text("ours = true AND body IS NOT NULL")
    said_sqlite = sa.text("ours = 1 AND body IS NOT NULL")
    op.create_index(
        "ix_messages_said", "messages", ["ours", "at"], sqlite_where=said_sqlite, postgresql_where=said
    )


def _fill_in(connection: sa.Connection) -> None:
    """An answer in the thread that its question began stands in a thread the bot opened."""
    query = sa.select(_messages.c.seq, _messages.c.channel_key, _messages.c.reply_to)
    answers = connection.execute(query.where(_messages.c.ours, _messages.c.reply_to.is_not(None)))
    opened = [seq for seq, channel_key, asked in answers if channel_key.endswith(f"/{asked}")]
    if opened:
        change = sa.update(_messages).where(_messages.c.seq == sa.bindparam("b_seq"))
        connection.execute(change.values(opened_thread=True), [{"b_seq": seq} for seq in opened])
