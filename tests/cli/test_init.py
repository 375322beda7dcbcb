"""`llmos init`: whatever is answered, the file it writes is right."""

import stat
import sys

import pytest

from bot.cli.init import proposal
from bot.config import errors, load, problems
from tests.cli.operator import Operator

pytestmark = pytest.mark.drives("cli:init")


def test_the_defaults_make_a_file_that_works_and_only_its_owner_reads(operator: Operator) -> None:
    outcome = operator.types("init", "--yes", "--dir", "new/folder")
    path = operator.folder / "new/folder/config.toml"
    assert outcome.code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert errors(problems(path, {})) == []
    config = load(path, environ={})
    assert (config.llm.engine, config.llm.model) == ("transformers", "smollm2-135m")
    assert config.bot.data_dir == operator.folder / "new/folder/data"
    assert [entry.name for entry in path.parent.iterdir()] == ["config.toml"]


def test_it_says_the_next_steps_as_they_can_be_typed(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMOS_MODELS_DIR", str(operator.folder / "models"))
    here = operator.types("init", "--yes").out
    assert "Wrote config.toml." in here
    assert "    llmos models pull smollm2-135m\n    llmos doctor\n    llmos chat\n" in here
    for folder, typed in (("there", "there/config.toml"), ("my files", "'my files/config.toml'")):
        elsewhere = operator.types("init", "--yes", "--dir", folder).out
        assert f"    llmos chat --config {typed}\n" in elsewhere


@pytest.mark.model
def test_a_model_that_is_here_is_not_to_be_fetched(operator: Operator) -> None:
    assert "Next:\n    llmos doctor\n" in operator.types("init", "--yes").out


def test_the_next_steps_call_the_program_as_it_was_called(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.writes("#!/bin/sh\n", "llmos").chmod(0o755)
    monkeypatch.setattr(sys, "argv", ["./llmos"])
    monkeypatch.setenv("PATH", str(operator.folder / "nothing"))
    assert "    ./llmos doctor\n" in operator.types("init", "--yes").out


def test_the_file_it_writes_passes_check(operator: Operator) -> None:
    operator.types("init", "--yes")
    assert operator.types("check").code == 0


def test_a_file_that_is_there_stays_as_it_is(operator: Operator) -> None:
    path = operator.writes("# mine\n")
    outcome = operator.types("init", "--yes")
    assert (outcome.code, path.read_text(encoding="utf-8")) == (1, "# mine\n")
    assert "left as it is" in outcome.err
    assert operator.types("init", answers="n\n").code == 1
    assert path.read_text(encoding="utf-8") == "# mine\n"


def test_a_file_that_is_there_is_replaced_when_one_says_so(operator: Operator) -> None:
    path = operator.writes("# mine\n")
    assert operator.types("init", answers="y\nAda\nen\n1\n").code == 0
    assert load(path, environ={}).bot.name == "Ada"


def test_answers_about_an_endpoint_arrive_in_the_file(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = "Ada\nzh-CN\n2\nhttps://api.example.com/v1\ngpt-x\nMY_KEY\n12\n"
    outcome = operator.types("init", answers=answers)
    assert outcome.code == 0
    assert "export MY_KEY=..." in outcome.out
    assert "models pull" not in outcome.out
    monkeypatch.setenv("MY_KEY", "hush")
    config = load(operator.folder / "config.toml", environ={})
    assert (config.bot.name, config.bot.locale) == ("Ada", "zh-CN")
    assert (config.llm.engine, config.llm.model) == ("openai", "gpt-x")
    assert config.llm.base_url == "https://api.example.com/v1"
    assert config.llm.api_key is not None
    assert config.llm.api_key.source == "env:MY_KEY"
    assert config.cap("member_requests") == 12


def test_an_endpoint_of_ones_own_needs_no_key_and_no_cap(operator: Operator) -> None:
    assert operator.types("init", answers="\n\n2\n\nqwen3:4b\n\n").code == 0
    config = load(operator.folder / "config.toml", environ={})
    assert config.llm.base_url == "http://127.0.0.1:11434/v1"
    assert config.llm.api_key is None
    assert config.cap("member_requests") is None


def test_an_address_that_is_none_is_asked_again(operator: Operator) -> None:
    answers = "\n\n2\napi.example.com\nhttp://127.0.0.1:8080/v1\nm\n\n"
    assert operator.types("init", answers=answers).code == 0
    assert load(operator.folder / "config.toml", environ={}).llm.base_url == "http://127.0.0.1:8080/v1"


@pytest.mark.parametrize("name", ['"quoted"', "name = x", "小龙", "a\\b", "[bold]"])
def test_no_name_breaks_the_file(operator: Operator, name: str) -> None:
    operator.types("init", answers=f"{name}\nen\n1\n")
    assert load(operator.folder / "config.toml", environ={}).bot.name == name


def test_a_name_that_cannot_be_is_asked_again(operator: Operator) -> None:
    outcome = operator.types("init", answers=f"#!\n{'x' * 33}\nAda\nen\n1\n")
    assert outcome.err.count("At most 32 characters") == 2
    assert load(operator.folder / "config.toml", environ={}).bot.name == "Ada"


def test_answers_that_end_early_leave_nothing_behind(operator: Operator) -> None:
    outcome = operator.types("init", answers="Ada\n")
    assert outcome.code == 1
    assert "nothing was written" in outcome.err
    assert list(operator.folder.iterdir()) == []


@pytest.mark.parametrize("folder", ["file", "file/below", "x" * 300])
def test_a_folder_that_cannot_be_is_told(operator: Operator, folder: str) -> None:
    operator.writes("", "file")
    outcome = operator.types("init", "--yes", "--dir", folder)
    assert outcome.code == 1
    assert "cannot be written" in outcome.err


def test_the_proposal_fits_into_the_memory_and_speaks_the_language() -> None:
    giga = 10**9
    small, large = proposal("en", 2 * giga), proposal("en", 64 * giga)
    assert (small.name, small.can_answer) == ("smollm2-135m", False)
    assert large.can_answer
    assert large.memory_bytes <= 0.7 * 64 * giga
    assert "zh" in proposal("zh-CN", 64 * giga).languages
    assert proposal("zh-CN", 1).name == "smollm2-135m"
