"""Texts as vectors by meaning: all-MiniLM-L6-v2 by transformers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 384
_MOST_TOKENS = 128  # of a text: longer chat messages are rare, and time grows with the square
_AT_ONCE = 32

Vectors = NDArray[np.float32]


class Embedder:
    """Holds the model; used by one thread at a time, and takes one core."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415 - the extra `llm`
        from transformers import AutoModel  # noqa: PLC0415 - seconds, and the extra `llm`
        from transformers.utils import logging as library_logging  # noqa: PLC0415 - as above

        library_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MOST_TOKENS)
        self._model = AutoModel.from_pretrained(str(folder), use_safetensors=True).eval()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (texts, DIMENSIONS), in the order of the texts."""
        import torch  # noqa: PLC0415 - the extra `llm`

        tokens = [each.ids for each in self._tokenizer.encode_batch(list(texts))]
        shortest_first = sorted(range(len(tokens)), key=lambda at: len(tokens[at]))
        vectors = np.zeros((len(tokens), DIMENSIONS), np.float32)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            for at in range(0, len(tokens), _AT_ONCE):
                chosen = shortest_first[at : at + _AT_ONCE]
                vectors[chosen] = self._embed([tokens[each] for each in chosen])
        finally:
            torch.set_num_threads(threads)
        return vectors

    def _embed(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        """Mean of the tokens' vectors, as its model card says."""
        import torch  # noqa: PLC0415 - the extra `llm`

        longest = max(map(len, tokens))
        ids = torch.tensor([[*each, *[0] * (longest - len(each))] for each in tokens])
        mask = torch.tensor([[1] * len(each) + [0] * (longest - len(each)) for each in tokens])
        with torch.inference_mode():
            hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
            mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            result: Vectors = torch.nn.functional.normalize(mean, dim=1).numpy()
        return result
