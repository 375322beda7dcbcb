"""Which token comes next: the most likely one, or one drawn as the model's authors recommend."""

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

_DEFAULT_TOP_K = 50  # what transformers' own generate() did for models that recommend nothing


class Sampler:
    """Chooses the tokens of one answer."""

    def __init__(self, recommended: GenerationConfig, temperature: float) -> None:
        """Args: temperature: 0 takes the most likely token always."""
        self._draws = temperature > 0
        self._processors = LogitsProcessorList(_processors(recommended, temperature))

    @property
    def is_plain(self) -> bool:
        """Nothing changes the model's own order of tokens, so the highest logit wins."""
        return not self._draws and not self._processors

    def choose(self, read: list[int], logits: torch.Tensor) -> int:
        """The next token.

        Args:
            read: all tokens so far.
            logits: float (1, vocabulary).
        """
        scores = self._processors(torch.LongTensor([read]), torch.FloatTensor(logits.float()))
        if not self._draws:
            return int(scores.argmax())
        return int(torch.multinomial(torch.softmax(scores, dim=-1), num_samples=1))


def _processors(recommended: GenerationConfig, temperature: float) -> LogitsProcessorList:
    chain = LogitsProcessorList()
    if recommended.repetition_penalty not in (None, 1.0):
        chain.append(RepetitionPenaltyLogitsProcessor(recommended.repetition_penalty))
    if temperature <= 0:
        return chain
    chain.append(TemperatureLogitsWarper(float(temperature)))
    top_k = _DEFAULT_TOP_K if recommended.top_k is None else recommended.top_k
    if top_k > 0:
        chain.append(TopKLogitsWarper(top_k))
    if recommended.top_p is not None and recommended.top_p < 1:
        chain.append(TopPLogitsWarper(recommended.top_p))
    if recommended.min_p is not None:
        chain.append(MinPLogitsWarper(recommended.min_p))
    return chain
