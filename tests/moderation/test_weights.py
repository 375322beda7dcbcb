"""The file of the classifiers: only one that is whole and fits this version is taken."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from bot.core.errors import ConfigError
from bot.moderation.classifier import load, shipped
from bot.moderation.normalize import normalize
from bot.moderation.weights import File, pack, unpack
from tests.owned import owned


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    messages = [normalize("you idiot"), normalize("free prize, click now")]
    assert load(owned(tmp_path / "own.safetensors")).score(messages) == shipped().score(messages)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"own\.safetensors cannot be read"):
        File.at(tmp_path / "own.safetensors")


@pytest.mark.parametrize("content", [b"", b"no weights", b"\x80\x04cos\nsystem\n."])
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "own.safetensors"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="holds no classifiers"):
        File.at(path)


def test_other_tensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    save_file({"weights": np.zeros(3, np.float32)}, path)
    with pytest.raises(ConfigError, match="holds no classifiers"):
        File.at(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"heads": {}},
        {"heads": "none"},
        {"thresholds": {}},
        {"thresholds": None},
        {"quality": {"weights": {}, "bias": 0.0}},
        {"seldom_levels": 0},
        {"more": 1},
    ],
    ids=str,
)
def test_a_file_with_parts_that_are_missing_or_strange_is_refused(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    path = owned(tmp_path / "own.safetensors", **changes)
    with pytest.raises(ConfigError, match="holds no classifiers"):
        File.at(path)


@pytest.mark.parametrize("reading", [None, "otherwise"])
def test_weights_for_another_way_of_reading_have_to_be_trained_again(
    tmp_path: Path, reading: str | None
) -> None:
    path = owned(tmp_path / "own.safetensors", reading=reading)
    with pytest.raises(ConfigError, match="another version of the bot"):
        File.at(path)


def test_packed_weights_come_back_about_the_same() -> None:
    weights = np.array([0.0, 1.0, -0.5, 0.001, -20.0])
    levels, largest = pack(weights)
    assert unpack(levels, largest) == pytest.approx(weights, abs=0.2, rel=0.1)
