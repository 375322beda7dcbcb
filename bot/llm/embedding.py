"""The model that compares meanings, where it is installed and fetched."""

import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.llm import catalogue, weights

if TYPE_CHECKING:  # numpy is behind it
    from bot.llm.minilm import Embedder, Vectors

MODEL = "all-minilm-l6-v2"
_PACKAGES = ("torch", "transformers", "tokenizers")


class LazyEmbedder:
    """The model, loaded when it is first needed; callers in several threads wait for each other."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._embedder: Embedder | None = None

    def embed(self, texts: Sequence[str]) -> "Vectors":
        """See `Embedder`."""
        with self._lock:
            if self._embedder is None:
                from bot.llm.minilm import Embedder  # noqa: PLC0415 - numpy is behind it

                self._embedder = Embedder(self._folder)
            return self._embedder.embed(texts)


def found() -> LazyEmbedder | None:
    """The model if it, and what runs it, is here."""
    folder = available()
    return None if folder is None else LazyEmbedder(folder)


def available() -> Path | None:
    """Where the model is, or None if it, or what runs it, is not here."""
    entry = catalogue.find(MODEL)
    if any(importlib.util.find_spec(name) is None for name in _PACKAGES) or weights.state(entry) != "ready":
        return None
    return weights.weights(entry)
