"""The catalogue helps a person choose and promises nothing that nobody checked."""

import pytest

from bot.core.errors import ConfigError
from bot.llm import catalogue
from bot.llm.catalogue import ENTRIES, HubSource, choose, find, get


def test_names_are_found_and_misspelt_ones_get_a_suggestion() -> None:
    assert find("smollm2-135m").license == "Apache-2.0"
    assert get("smollm2") is None
    with pytest.raises(ConfigError, match="Did you mean smollm2-135m"):
        find("smollm2-135")
    with pytest.raises(ConfigError, match="llmos models list"):
        find("zzz")


def test_names_are_unique_and_every_hub_source_is_pinned_to_a_commit() -> None:
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    for entry in ENTRIES:
        hubs = [source for source in entry.sources if isinstance(source, HubSource)]
        assert hubs, f"{entry.name} has a source for those without the package"
        assert all(len(source.revision) == 40 for source in hubs)


def test_every_file_that_comes_in_a_wheel_has_a_hash() -> None:
    for entry in ENTRIES:
        assert entry.files or all(isinstance(source, HubSource) for source in entry.sources)
        assert all(len(file.sha256) == 64 and file.size_bytes > 0 for file in entry.files)


def test_small_models_are_demos_and_no_model_is_trusted_with_tools_yet() -> None:
    for entry in choose(lambda entry: entry.kind == "chat"):
        assert entry.can_answer == (entry.size_bytes > 3 * 10**9), entry.name
    assert not any(entry.capabilities.tools for entry in ENTRIES)


def test_a_base_model_is_called_one() -> None:
    assert find("gpt2").kind == "base"
    assert not find("gpt2").capabilities.chat


def test_several_models_that_fit_a_home_computer_speak_chinese() -> None:
    chinese = choose(lambda entry: entry.kind == "chat" and "zh" in entry.languages)
    assert [entry.name for entry in chinese] == ["qwen3-0.6b", "qwen3-1.7b", "qwen3-4b"]
    assert min(entry.memory_bytes for entry in chinese) < 5 * 10**9


def test_memory_covers_the_weights_in_full_precision() -> None:
    for entry in choose(lambda entry: entry.kind != "embedding" and not entry.files):
        stored_bytes = 4 if entry.name == "gpt2" else 2
        assert entry.memory_bytes > entry.size_bytes * 4 / stored_bytes, entry.name


def test_models_live_where_the_operator_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(catalogue.MODELS_DIR_VARIABLE, "/somewhere/models")
    assert str(catalogue.model_dir()) == "/somewhere/models"
    monkeypatch.delenv(catalogue.MODELS_DIR_VARIABLE)
    assert catalogue.model_dir().parts[-2:] == ("llmos", "models")
