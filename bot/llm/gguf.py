"""GGUF files become safetensors once; after that a start takes a second or two instead of half a minute."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, modeling_gguf_pytorch_utils
from transformers.utils import logging as library_logging

from bot.core.errors import ModelUnavailable
from bot.llm.catalogue import model_dir
from bot.llm.checkpoint import incomplete
from bot.llm.model import Progress, no_progress
from bot.llm.scratch import scratch
from bot.llm.weights import sha256_of

_FORMAT = 1  # raise it when the conversion changes: old folders are then no longer used
_MAGIC = b"GGUF"
_ALONE = Lock()  # two engines with one file convert it once
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
    with _ALONE:
        return _found(file, name) or _made(file, name, progress)


def _found(file: Path, name: str) -> Path | None:
    places = (file.parent / name, model_dir() / name)
    return next((place for place in places if place.is_dir() and incomplete(place) is None), None)


def _made(file: Path, name: str, progress: Progress) -> Path:
    doing = f"Converting {file.name} (only this once)"
    progress(doing, 0.2)
    library_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    parent = _writable(file.parent)
    with scratch(parent) as work:
        _convert(file, work / name, lambda share: progress(doing, 0.3 + share / 4))
        if (parent / name).exists():
            shutil.rmtree(parent / name)  # damaged, or another process was faster
        (work / name).rename(parent / name)
    return parent / name


def _check(file: Path) -> None:
    if not file.is_file():
        raise ModelUnavailable(f"There is no file {file}.")
    with file.open("rb") as opened:
        if opened.read(len(_MAGIC)) != _MAGIC:
            raise ModelUnavailable(f"The file {file} is no GGUF file, or it is damaged.")


def _writable(folder: Path) -> Path:
    try:
        with scratch(folder):
            return folder
    except OSError:
        model_dir().mkdir(parents=True, exist_ok=True)
        return model_dir()


def _convert(file: Path, target: Path, share_done: Callable[[float], None]) -> None:
    try:
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
        with _told(share_done):
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
    except Exception as error:  # tokenizers raises nothing narrower where a vocabulary is damaged
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelUnavailable(f"The file {file} cannot be converted: {reason[0][:300]}") from error


@contextmanager
def _told(share_done: Callable[[float], None]) -> Iterator[None]:
    """Tell of each tensor that is read; transformers would draw a bar of its own, wherever stderr leads."""

    def counted(tensors: Iterable[object], **_: object) -> Iterator[object]:
        total = len(tensors) if isinstance(tensors, Sized) else 1
        for number, tensor in enumerate(tensors):
            share_done(number / total)
            yield tensor

    names = vars(modeling_gguf_pytorch_utils)
    bar, names["tqdm"] = names["tqdm"], counted
    try:
        yield
    finally:
        names["tqdm"] = bar
