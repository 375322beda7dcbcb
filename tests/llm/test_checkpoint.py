"""What is missing or damaged in a model folder is found without loading it, and said in a sentence."""

import json
from pathlib import Path

import pytest

from bot.llm.checkpoint import incomplete, parameter_count


def weights_file(shape: list[int], data: bytes | None = None) -> bytes:
    """A safetensors file with one float32 tensor."""
    size = 4
    for length in shape:
        size *= length
    header = json.dumps({"w": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + (b"\0" * size if data is None else data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    (made / "config.json").write_text("{}")
    (made / "model.safetensors").write_bytes(weights_file([2, 3]))
    return made


def wrong(folder: Path) -> str:
    sentence = incomplete(folder)
    assert sentence is not None
    return sentence


def test_a_whole_model_is_complete(folder: Path) -> None:
    assert incomplete(folder) is None
    assert parameter_count(folder) == 6


def test_nothing_at_all(tmp_path: Path) -> None:
    assert "empty or not there" in wrong(tmp_path)
    assert "empty or not there" in wrong(tmp_path / "nowhere")


def test_no_config(folder: Path) -> None:
    (folder / "config.json").unlink()
    assert "no config.json" in wrong(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pth", "epoch.ckpt", "model.pkl"])
def test_only_a_pickle(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    sentence = wrong(folder)
    assert name in sentence
    assert "can run any code" in sentence


def test_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert "no .safetensors file" in wrong(folder)


@pytest.mark.parametrize("kept_bytes", [0, 4, 30, 80])
def test_cut_off_anywhere(folder: Path, kept_bytes: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept_bytes])
    assert str(path) in wrong(folder)


def test_a_byte_too_few(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert "is cut off" in wrong(folder)


@pytest.mark.parametrize("header", [b"\xff" * 64, b"\x02" + b"\0" * 7 + b"[]", b"\x02" + b"\0" * 7 + b"{]"])
def test_no_safetensors_file_at_all(folder: Path, header: bytes) -> None:
    (folder / "model.safetensors").write_bytes(header)
    assert "damaged" in wrong(folder)


def test_every_part_of_a_divided_model_must_be_there(folder: Path) -> None:
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"w": "model.safetensors", "v": "second.safetensors"}}))
    assert "second.safetensors is missing" in wrong(folder)
    (folder / "second.safetensors").write_bytes(weights_file([5]))
    assert incomplete(folder) is None
    assert parameter_count(folder) == 11


@pytest.mark.parametrize(
    "index", ['{"weight_map": {"w": "../elsewhere.safetensors"}}', '{"weight_map": 3}', "{", "{}"]
)
def test_a_damaged_index_or_one_that_points_elsewhere(folder: Path, index: str) -> None:
    (folder / "model.safetensors.index.json").write_text(index)
    assert "damaged or cut off" in wrong(folder)
