"""Kinds of rules are found: our own by scan, those of others by entry point."""

import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from bot.core import discovery
from bot.core.errors import ConfigError
from bot.moderation.examples import play
from bot.moderation.kinds import kinds
from bot.moderation.rule import Rule

GUIDE = Path(__file__).parents[2] / "docs/contributors/add-a-rule.md"


@pytest.fixture(autouse=True)
def found_anew() -> Iterator[None]:
    kinds.cache_clear()
    yield
    kinds.cache_clear()


def offered(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    entry = EntryPoint("theirs", value, "llmos.rules")
    monkeypatch.setattr(discovery, "entry_points", lambda group: EntryPoints([entry]) if group else ())


def test_every_file_of_the_package_holds_one_kind() -> None:
    files = sorted(path.stem for path in (GUIDE.parents[2] / "bot/moderation/rules").glob("[a-z]*.py"))
    assert sorted(kinds()) == files


def test_a_kind_of_another_distribution_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    offered(monkeypatch, "tests.moderation.theirs:Greeting")
    assert kinds()["greeting"].summary == "Finds greetings."


def test_what_is_no_kind_or_already_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    offered(monkeypatch, "tests.moderation.theirs:NO_RULE")
    with pytest.raises(ConfigError, match="offers no rule"):
        kinds()
    offered(monkeypatch, "bot.moderation.rules.caps:Caps")
    with pytest.raises(ConfigError, match="kind caps"):
        kinds()


def test_the_rule_of_the_guide_works_as_it_says() -> None:
    code = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[0]
    names: dict[str, object] = {"__name__": "guide"}
    exec(code, names)
    kind = names["QuestionMarks"]
    assert isinstance(kind, type)
    assert issubclass(kind, Rule)
    assert all(play(kind, example)[1] is not None for example in kind.violations)
    assert all(play(kind, example)[1] is None for example in kind.harmless)
