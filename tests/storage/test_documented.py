"""docs/operators/data.md says of every table what the code does."""

import re
from pathlib import Path

from bot.storage.backup import COPY_DAYS
from bot.storage.controls import CONTROL_DAYS
from bot.storage.digests import SHOWN_DAYS, SLOT_DAYS
from bot.storage.erasing import SLICE_ROWS
from bot.storage.hints import HINT_DAYS
from bot.storage.personal import (
    DECLARATIONS,
    DEDUPE_DAYS,
    OWN_DAYS,
    RATING_DAYS,
    USAGE_DAYS,
    Impersonal,
    Keep,
)
from bot.storage.schema import SCHEMA, metadata
from bot.storage.strikes import STRIKE_DAYS
from bot.storage.unanswered import UNANSWERED_DAYS

TEXT = (Path(__file__).parents[2] / "docs" / "operators" / "data.md").read_text(encoding="utf-8")
ROWS = {
    name: row
    for row in TEXT.splitlines()
    if row.startswith("| `")
    for name in re.findall(r"`(\w+)`", row.split("|")[1])
}


def test_every_table_has_its_row() -> None:
    assert metadata.tables.keys() <= ROWS.keys()


def test_tables_without_people_are_called_that() -> None:
    for entry in DECLARATIONS:
        assert (ROWS[entry.table.name].split("|")[2].strip() == "nothing") == isinstance(entry, Impersonal)


def test_the_days_are_those_of_the_code() -> None:
    days = {
        "messages": OWN_DAYS,
        "inbox": DEDUPE_DAYS,
        "outbox": DEDUPE_DAYS,
        "usage": USAGE_DAYS,
        "ratings": RATING_DAYS,
        "controls": CONTROL_DAYS,
        "audit": int(Keep(24).audit_days),
        "cases": int(Keep(24).audit_days),
        "appeals": int(Keep(24).audit_days),
        "rulebooks": int(Keep(24).audit_days),
        "strikes": STRIKE_DAYS,
        "digests": int(Keep(24).audit_days),
        "slots": SLOT_DAYS,
        "shown": SHOWN_DAYS,
        "hints": HINT_DAYS,
        "unanswered": UNANSWERED_DAYS,
    }
    for table, kept in days.items():
        assert f"{kept} days" in ROWS[table]
    assert TEXT.count(f"removed after {COPY_DAYS} days") == 2
    assert f"at most {SLICE_ROWS} rows" in " ".join(TEXT.split())
    assert f"llmos.db.before-{SCHEMA}" in TEXT
