"""What a folder of model files holds, judged by names, sizes and headers; nothing is executed or loaded."""

import json
import math
from pathlib import Path
from typing import TypedDict

_HEADER_LENGTH_BYTES = 8  # safetensors: little-endian length of the JSON header, then the header, then data
_MAX_HEADER_BYTES = 100_000_000  # the reference implementation's own limit
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_INDEX = "model.safetensors.index.json"


class _Tensor(TypedDict):
    shape: list[int]
    data_offsets: list[int]


def incomplete(folder: Path) -> str | None:
    """Why these files cannot be a whole safetensors model, as a sentence; None if they can.

    Truncated, damaged or missing files are found by their headers, without reading the weights.
    """
    if not folder.is_dir() or not any(folder.iterdir()):
        return f"The folder {folder} is empty or not there."
    if not (folder / "config.json").is_file():
        return f"The folder {folder} has no config.json, so it is not a Hugging Face model."
    try:
        names = _weight_names(folder)
    except ValueError:
        return f"The file {_INDEX} in {folder} cannot be read; it is damaged or cut off."
    if not names:
        return _no_weights(folder)
    return next((wrong for name in names if (wrong := _damaged(folder / name))), None)


def _weight_names(folder: Path) -> list[str]:
    """Raises ValueError where the index is no index."""
    index = folder / _INDEX
    if not index.is_file():
        return sorted(path.name for path in folder.glob("*.safetensors"))
    weight_map = json.loads(index.read_bytes()).get("weight_map")
    if not isinstance(weight_map, dict) or not all(_is_plain(name) for name in weight_map.values()):
        raise ValueError(_INDEX)
    return sorted(set(weight_map.values()))


def _is_plain(name: object) -> bool:
    return isinstance(name, str) and Path(name).name == name


def _no_weights(folder: Path) -> str:
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLES)
    if pickled:
        return (
            f"The folder {folder} holds its weights as {pickled[0]}, a format that can run any code when it "
            "is opened. LLMOS loads safetensors and GGUF only: look for those of the same model."
        )
    return f"The folder {folder} holds no .safetensors file."


def _damaged(path: Path) -> str | None:
    if not path.is_file():
        return f"The file {path.name} is missing in {path.parent}."
    try:
        header, data_begins = _header(path)
        ends = [tensor["data_offsets"][1] for tensor in header.values()]
    except (ValueError, KeyError, IndexError, TypeError):
        return f"The file {path} is no safetensors file, or it is damaged."
    expected = data_begins + max(ends, default=0)
    if path.stat().st_size < expected:
        return f"The file {path} is cut off: {path.stat().st_size:,} of {expected:,} bytes are there."
    return None


def parameter_count(folder: Path) -> int:
    """Number of weights in a folder that is not `incomplete`."""
    headers = [_header(folder / name)[0] for name in _weight_names(folder)]
    return sum(math.prod(tensor["shape"]) for header in headers for tensor in header.values())


def _header(path: Path) -> tuple[dict[str, _Tensor], int]:
    """The tensors a file says it holds, and where their data begin. ValueError if it says nothing."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_HEADER_LENGTH_BYTES), "little")
        raw = file.read(length) if length <= _MAX_HEADER_BYTES else b""
    header = json.loads(raw)
    if not isinstance(header, dict):
        raise ValueError(path.name)
    header.pop("__metadata__", None)
    return header, _HEADER_LENGTH_BYTES + length
