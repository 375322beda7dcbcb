"""The real embedding model: near in meaning is near as vectors."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bot.llm.embedding import available, found
from bot.llm.minilm import DIMENSIONS, Embedder

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    folder = available()
    assert folder is not None, "llmos models pull all-minilm-l6-v2"
    return Embedder(folder)


def test_what_means_the_same_is_nearer_than_what_sounds_the_same(embedder: Embedder) -> None:
    query, same, other = embedder.embed(
        ["how do i bake bread", "instructions for making a loaf", "how do i break a head"]
    )
    assert query @ same > query @ other


def test_vectors_have_length_one_and_do_not_depend_on_the_batch(embedder: Embedder) -> None:
    texts = ["a", "", "a much longer text about nothing in particular " * 20, "hello there"]
    together = embedder.embed(texts)
    assert together.shape == (len(texts), DIMENSIONS)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    for text, vector in zip(texts, together, strict=True):
        assert embedder.embed([text])[0] == pytest.approx(vector, abs=1e-5)
    assert embedder.embed([]).shape == (0, DIMENSIONS)


def test_the_model_that_loads_itself_gives_the_same_to_several_threads(embedder: Embedder) -> None:
    lazy, texts = found(), [f"text number {n}" for n in range(4)]
    assert lazy is not None
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda text: lazy.embed([text])[0], texts))
    for text, vector in zip(texts, made, strict=True):
        assert embedder.embed([text])[0] == pytest.approx(vector, abs=1e-5)
