"""The file of the classifiers: what `llmos moderate train` writes, checked when it is read."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from safetensors import SafetensorError, safe_open

from bot.core.errors import ConfigError
from bot.core.text import _
from bot.llm.minilm import DIMENSIONS
from bot.moderation import quality, signs
from bot.moderation.features import BUCKETS, read

LEVELS = 127
"""Weights are kept as signed bytes whose squares grow evenly: most are small, and the small ones matter."""

HEADS = ("toxicity.en", "toxicity.zh", "spam")
EMBEDDING = "embedding"

_SAMPLE = "You aren't 12 yet, Zoë: 你好 :-)"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HeadAbout(_Part):
    """What a head is beside its weights; see `bot.moderation.classifier.Head`."""

    bias: FiniteFloat
    slope: FiniteFloat
    offset: FiniteFloat
    largest: FiniteFloat = 1.0
    signs: tuple[FiniteFloat, ...] | None = None


class QualityAbout(_Part):
    """See `bot.moderation.quality.Quality`."""

    weights: Mapping[str, FiniteFloat]
    bias: FiniteFloat


class About(_Part):
    """What stands beside the weights in the file."""

    reading: str
    heads: Mapping[str, HeadAbout]
    quality: QualityAbout
    thresholds: Mapping[str, Mapping[str, float]]
    seldom_levels: int = Field(gt=0)


@dataclass(frozen=True, slots=True)
class File:
    """All of it."""

    about: About
    tensors: Mapping[str, NDArray[np.generic]]

    @classmethod
    def at(cls, path: Path) -> Self:
        """Read it; nothing in such a file is ever run.

        Raises:
            ConfigError: it is missing, is no such file, or does not fit this version of the bot.
        """
        try:
            with safe_open(path, framework="np") as file:
                about = json.loads((file.metadata() or {})["about"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        except OSError as error:
            why = error.strerror or error
            raise ConfigError(_("{path} cannot be read: {why}.", path=path, why=why)) from error
        except (SafetensorError, KeyError, ValueError) as error:
            raise ConfigError(_no_classifiers(path)) from error
        if isinstance(about, dict) and about.get("reading") != reading():
            raise ConfigError(
                _(
                    "The classifiers in {path} were trained with another version of the bot, which read "
                    "texts in another way. Train them again: llmos moderate train.",
                    path=path,
                )
            )
        try:
            found = cls(About.model_validate(about), tensors)
        except ValidationError as error:
            raise ConfigError(_no_classifiers(path)) from error
        if not found._is_whole():
            raise ConfigError(_no_classifiers(path))
        return found

    def _is_whole(self) -> bool:
        about = self.about
        shapes = {name: ((2 * BUCKETS,), "int8") for name in HEADS}
        shapes["seldom"] = (2 * BUCKETS,), "uint8"
        judges = set(HEADS)
        if EMBEDDING in about.heads:
            judges.add(EMBEDDING)
            shapes[EMBEDDING] = (DIMENSIONS,), "float32"
        weighed = about.heads["spam"].signs if "spam" in about.heads else None
        return (
            set(about.heads) == judges
            and set(about.thresholds) == {*judges, "quality"}
            and all(about.thresholds.values())
            and set(about.quality.weights) == set(quality.NAMES)
            and weighed is not None
            and len(weighed) == len(signs.NAMES)
            and shapes == {name: (tensor.shape, tensor.dtype.name) for name, tensor in self.tensors.items()}
        )


def _no_classifiers(path: Path) -> str:
    return _("{path} holds no classifiers: it is broken, or was not made by llmos moderate train.", path=path)


def reading() -> str:
    """How texts are read, in a few letters: weights that were learned with another reading mean nothing."""
    features = read([_SAMPLE])
    digest = hashlib.sha256()
    for grams in (features.words, features.characters):
        digest.update(np.sort(grams.buckets).astype("<u4").tobytes())
    digest.update("\n".join((*signs.NAMES, "", *sorted(quality.NAMES))).encode())
    return digest.hexdigest()[:16]


def pack(weights: NDArray[np.float64]) -> tuple[NDArray[np.int8], float]:
    """Weights as signed bytes, and the largest of them."""
    largest = float(np.abs(weights).max()) or 1.0
    levels = np.rint(np.sign(weights) * np.sqrt(np.abs(weights) / largest) * LEVELS)
    return levels.astype(np.int8), largest


def unpack(levels: NDArray[np.int8], largest: float) -> NDArray[np.float32]:
    """The reverse of `pack`, about."""
    shares = levels.astype(np.float32) / LEVELS
    return np.sign(shares) * np.square(shares) * np.float32(largest)
