"""GGUF files become safetensors once; after that a start takes a second or two instead of half a minute."""

import shutil
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bot.core.errors import ModelUnavailable
from bot.llm.catalogue import model_dir
from bot.llm.checkpoint import incomplete
from bot.llm.model import Progress, no_progress
from bot.llm.weights import sha256_of

_FORMAT = 1  # raise it when the conversion changes: old folders are then no longer used
_MAGIC = b"GGUF"
_STORED = torch.bfloat16  # half of float32; its rounding is far below that of the quantization it comes from


def converted(file: Path, progress: Progress = no_progress) -> Path:
    """The folder with the converted model, made now if it is not there.

    It lies beside the file (or among the models, if that folder cannot be written to) and is named after the
    file's content, so a changed file is converted anew.

    Raises:
        ModelUnavailable: the file is not there, is no GGUF file, or holds a model that cannot be read.
    """
    _check(file)
    name = f"{file.stem}.converted-{_FORMAT}-{sha256_of(file)[:16]}"
    for parent in (file.parent, model_dir()):
        if (parent / name).is_dir() and incomplete(parent / name) is None:
            return parent / name
    progress(f"Converting {file.name} (only this once)", 0.3)
    parent = _writable(file.parent)
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=parent) as scratch:
        _convert(file, Path(scratch) / name)
        if (parent / name).exists():
            shutil.rmtree(parent / name)  # damaged, or another process was faster
        (Path(scratch) / name).rename(parent / name)
    return parent / name


def _check(file: Path) -> None:
    if not file.is_file():
        raise ModelUnavailable(f"There is no file {file}.")
    with file.open("rb") as opened:
        if opened.read(len(_MAGIC)) != _MAGIC:
            raise ModelUnavailable(f"The file {file} is no GGUF file, or it is damaged.")


def _writable(folder: Path) -> Path:
    try:
        with tempfile.TemporaryDirectory(prefix=".writable-", dir=folder):
            return folder
    except OSError:
        model_dir().mkdir(parents=True, exist_ok=True)
        return model_dir()


def _convert(file: Path, target: Path) -> None:
    try:
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
        source = AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, local_files_only=True, dtype=_STORED
        )
        # a model read from GGUF refuses to be saved: its weights move into a plain one of the same shape
        if hasattr(source.config, "quantization_config"):
            del source.config.quantization_config
        plain = AutoModelForCausalLM.from_config(source.config, dtype=_STORED)  # type: ignore[no-untyped-call]
        plain.load_state_dict(source.state_dict())
        plain.generation_config = source.generation_config
        plain.save_pretrained(target)
        tokenizer.save_pretrained(target)
    except (
        OSError,
        ValueError,
        RuntimeError,
        KeyError,
        IndexError,
        ImportError,
        NotImplementedError,
    ) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelUnavailable(f"The file {file} cannot be converted: {reason[0][:300]}") from error
