"""Real models a few kilobytes large: random weights, so they babble, but always the same."""

import json
from functools import cache
from pathlib import Path
from typing import Literal

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

SEEN = (
    "the quick brown fox jumps over the lazy dog and asks what the capital of France may be\n"
    "User: hello there\nAssistant: hello yourself\nYou are a friendly assistant of a community.\n"
)
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CONTEXT_TOKENS = 512
END, START, OVER = "<|im_end|>", "<|im_start|>", "<|endoftext|>"

Kind = Literal["llama", "gpt2"]


@cache
def tokens() -> Tokenizer:
    """A byte-level tokenizer: any text, and characters beyond ASCII in several tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=[OVER, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([SEEN] * 4, trainer)
    return tokenizer


def write_model(folder: Path, kind: Kind = "llama", chat_template: str | None = CHAT_TEMPLATE) -> Path:
    """Write a complete model folder and return it."""
    torch.manual_seed(7)
    size = tokens().get_vocab_size()
    model = LlamaForCausalLM(_llama(size)) if kind == "llama" else GPT2LMHeadModel(_gpt2(size))
    with torch.no_grad():
        for weight in model.parameters():  # the usual small ones make every token about as likely
            weight.mul_(8 if weight.dim() > 1 else 1)
    model.generation_config.eos_token_id = None  # it babbles on until somebody stops it
    model.save_pretrained(folder)
    write_tokenizer(folder, chat_template)
    return folder


def write_tokenizer(folder: Path, chat_template: str | None = CHAT_TEMPLATE) -> None:
    """Write the files of `tokens`."""
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokens(), eos_token=OVER, pad_token=OVER
    )
    wrapped.chat_template = chat_template
    wrapped.save_pretrained(folder)


def edit_json(path: Path, **changes: object) -> None:
    """Change some keys of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _llama(size: int) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=size,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT_TOKENS,
        bos_token_id=None,
        eos_token_id=None,
        tie_word_embeddings=True,
    )


def _gpt2(size: int) -> GPT2Config:
    return GPT2Config(
        vocab_size=size,
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_positions=CONTEXT_TOKENS,
        bos_token_id=None,
        eos_token_id=None,
    )
