"""The pages about rules say what the rules do."""

import runpy
import sys
from pathlib import Path

import pytest

from bot.moderation.kinds import kinds
from bot.moderation.manual import manual

DOCS = Path(__file__).parents[2] / "docs"
PAGES = manual()


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_are_those_that_the_rules_write(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == PAGES[name] + "\n", (
        "The rules have changed. Write the pages again: python -m bot.moderation.manual"
    )


def test_every_kind_and_every_setting_has_its_line() -> None:
    page = PAGES["moderators/rules.md"]
    for kind in kinds().values():
        assert f"\n## {kind.kind}\n\n{kind.summary}\n" in page
        for name in kind.model_fields:
            assert f"| `{name}` |" in page


def test_running_it_writes_both_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["manual", str(tmp_path)])
    monkeypatch.delitem(sys.modules, "bot.moderation.manual")
    runpy.run_module("bot.moderation.manual", run_name="__main__")
    assert {path.name for path in (tmp_path / "moderators").iterdir()} == {"rules.md", "rules.schema.json"}
    assert "rules.md" in capsys.readouterr().out
