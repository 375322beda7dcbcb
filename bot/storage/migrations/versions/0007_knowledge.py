"""What the bot answers from, and on SQLite the index of its words."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_INDEX = """
CREATE VIRTUAL TABLE passage_words USING fts5(words, tokenize='ascii');
CREATE VIRTUAL TABLE passage_terms USING fts5vocab(passage_words, row);
INSERT INTO meta (name, value) VALUES ('passages_gone', CAST('0' AS BLOB))
"""
_TRIGGER = """
CREATE TRIGGER passages_gone AFTER DELETE ON passages BEGIN
    DELETE FROM passage_words WHERE rowid = old.seq;
    UPDATE meta SET value = CAST(CAST(CAST(value AS TEXT) AS INTEGER) + 1 AS BLOB)
        WHERE name = 'passages_gone';
END
"""


def upgrade() -> None:
    """Add `passages`; whatever deletes a row of it removes its words from the index as well."""
    op.create_table(
        "passages",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("community", sa.Text, nullable=False),
        sa.Column("channel_key", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("vector", sa.LargeBinary),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_passages_author", "passages", ["author"])
    op.create_index("ix_passages_at", "passages", ["at"])
    op.create_index("ix_passages_document", "passages", ["community", "document"])
    if op.get_context().dialect.name == "sqlite":
        for statement in (*_INDEX.split(";"), _TRIGGER):
            op.execute(statement)
