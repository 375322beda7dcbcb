"""The pages about commands say what the commands do."""

import re
import runpy
import sys
from pathlib import Path

import pytest

from bot.commands.command import Commands
from bot.commands.manual import manual
from bot.core.permissions import Role

DOCS = Path(__file__).parents[2] / "docs"
PAGES = manual(Commands.discover())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_not_stale(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name] + "\n", (
        "The commands have changed. Write the pages again: python -m bot.commands.manual"
    )


def test_every_command_has_its_place_on_the_page_of_those_who_may_use_it() -> None:
    for command in Commands.discover().all:
        page = "members/commands.md" if command.spec.role is Role.MEMBER else "moderators/commands.md"
        for name, text in PAGES.items():
            assert (f"### `{command.usage}`\n" in text) == (name == page)


def test_tables_have_as_many_cells_as_their_head() -> None:
    for text in PAGES.values():
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert rows
        assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {5}


def test_the_pages_are_written_by_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["manual", str(tmp_path)])
    monkeypatch.delitem(sys.modules, "bot.commands.manual")
    runpy.run_module("bot.commands.manual", run_name="__main__")
    assert capsys.readouterr().out.split() == [str(tmp_path / name) for name in PAGES]
    assert (tmp_path / "members" / "commands.md").read_text(encoding="utf-8").startswith("<!-- Written")
