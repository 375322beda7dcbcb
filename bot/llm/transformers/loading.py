"""From a name, a folder or a file to a model in memory; nothing that could run foreign code is opened."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psutil
import torch
from tokenizers.decoders import DecodeStream
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging as library_logging

from bot.core.errors import ModelUnavailable
from bot.llm import catalogue, gguf, hub, weights
from bot.llm.checkpoint import incomplete, parameter_count
from bot.llm.model import Progress

logger = logging.getLogger(__name__)

_END_OF_TURN = ("<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "</s>", "<|return|>")
"""How chat models end a turn; some forget to say so in their generation_config."""
_ATTENTION_LAYERS = {"full_attention", "sliding_attention", "chunked_attention"}
_MEMORY_MARGIN = 1.2  # activations and caches beside the weights
_F32_BYTES = 4


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to write.

    Attributes:
        end_tokens: tokens that end an answer.
        parameters: number of weights.
        cache_bytes_per_token: what remembering one token takes.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    end_tokens: frozenset[int]
    context_tokens: int
    parameters: int
    cache_bytes_per_token: int

    def decode_stream(self) -> Callable[[int], str | None]:
        """A decoder that takes token by token and gives text once its characters are complete."""
        stream = DecodeStream(skip_special_tokens=True)
        return lambda token: stream.step(self.tokenizer.backend_tokenizer, token)


def load(name: str, *, threads: int, context_tokens: int | None, progress: Progress) -> LoadedModel:
    """Load a model; call it in the thread that will use it.

    Args:
        name: catalogue name, Hugging Face id, folder, or GGUF file.
        context_tokens: at most this many; the model's own limit, but at most 8192, if None.

    Raises:
        ModelUnavailable: with what is wrong and what to do.
    """
    torch.set_num_threads(threads)
    library_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    library_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    progress(f"Looking for {name}", 0.1)
    folder = _folder(name, progress)
    if wrong := incomplete(folder):
        raise ModelUnavailable(wrong)
    progress(f"Loading {name}", 0.6)
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        _refuse_foreign_memory(name, config)
        loaded = _read(folder, config)
    except Exception as error:  # tokenizers raises nothing narrower where tokenizer.json is damaged
        raise ModelUnavailable(
            f"The model {name} cannot be loaded: {_first_line(error)} Files: {folder}."
        ) from error
    progress(f"Loading {name}", 1.0)
    return _described(*loaded, context_tokens)


def _folder(name: str, progress: Progress) -> Path:
    path = Path(name)
    entry = catalogue.get(name)
    if entry and entry.kind == "embedding":
        raise ModelUnavailable(f"The model {name} compares texts and cannot write any: llmos models list.")
    place = weights.weights(entry) if entry and not path.exists() else path
    if place.suffix == ".gguf":
        return gguf.converted(place, progress)
    if place.is_dir():
        return place
    if place.exists():
        raise ModelUnavailable(f"{name} is neither a folder with a model nor a .gguf file.")
    here = hub.cached(name)
    if here is not None and incomplete(here) is None:
        return here
    return hub.snapshot(name, progress=lambda doing, share: progress(doing, 0.1 + share / 2))


def _refuse_foreign_memory(name: str, config: PreTrainedConfig) -> None:
    text_config = config.get_text_config(decoder=True)
    layers = set(getattr(text_config, "layer_types", None) or ()) - _ATTENTION_LAYERS
    if layers:
        raise ModelUnavailable(
            f"The model {name} has layers of the kind {', '.join(sorted(layers))}, whose memory cannot be "
            "shared between members. Run it in a model server and choose engine = 'openai'."
        )


def _read(folder: Path, config: PreTrainedConfig) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    local = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(folder, **local)
    if not hasattr(tokenizer, "backend_tokenizer"):
        raise ValueError("its tokenizer has no fast form (tokenizer.json).")
    how = {"config": config, "dtype": _dtype(folder), "use_safetensors": True, "output_loading_info": True}
    model, found = cast(
        tuple[PreTrainedModel, dict[str, set[str]]],
        AutoModelForCausalLM.from_pretrained(folder, **how, **local),
    )
    if missing := sorted(found["missing_keys"]):
        raise ValueError(f"its files lack {len(missing)} of its weights, such as {missing[0]}.")
    if getattr(model, "_is_stateful", False):
        raise ValueError("it keeps its memory in a form that cannot be shared between members.")
    model.train(False)
    return model, tokenizer


def _dtype(folder: Path) -> torch.dtype | str:
    """Float32 is fastest on processors; where memory is short the files' own, half as large and slower.

    Raises:
        ModelUnavailable: there is not even memory for that.
    """
    available = psutil.virtual_memory().available
    stored_bytes = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    wanted_bytes = parameter_count(folder) * _F32_BYTES
    if wanted_bytes * _MEMORY_MARGIN <= available:
        return torch.float32
    if stored_bytes * _MEMORY_MARGIN > available:
        raise ModelUnavailable(
            f"This model needs about {stored_bytes * _MEMORY_MARGIN / 1e9:.1f} GB of memory and "
            f"{available / 1e9:.1f} GB are free. Choose a smaller one: llmos models list."
        )
    logger.warning("memory is short: the model runs in its stored precision, which is slower")
    return "auto"


def _described(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, context_tokens: int | None
) -> LoadedModel:
    own = getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None)
    wanted = context_tokens or catalogue.DEFAULT_CONTEXT_TOKENS
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        end_tokens=_end_tokens(model, tokenizer),
        context_tokens=min(wanted, own) if own else wanted,
        parameters=model.num_parameters(),
        cache_bytes_per_token=_cache_bytes_per_token(model),
    )


def _cache_bytes_per_token(model: PreTrainedModel) -> int:
    """A key and a value per layer and head, in the precision of the weights."""
    config = model.config.get_text_config(decoder=True)
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * config.num_hidden_layers * heads * size * model.dtype.itemsize)


def _end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    stated = model.generation_config.eos_token_id
    ends = set(stated) if isinstance(stated, list) else {stated}
    ends.add(tokenizer.eos_token_id)
    known = tokenizer.get_added_vocab()
    ends |= {known[token] for token in _END_OF_TURN if token in known}
    return frozenset(token for token in ends if token is not None)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
