"""A GGUF file is converted once, by its content, and what is no GGUF file is refused in words."""

import json
import os
from pathlib import Path

import gguf
import numpy
import pytest
from safetensors.torch import load_file

from bot.core.errors import ModelUnavailable
from bot.llm.catalogue import MODELS_DIR_VARIABLE
from bot.llm.checkpoint import incomplete
from bot.llm.gguf import converted
from bot.llm.model import Limits, Turn
from bot.llm.scratch import scratch
from bot.llm.transformers import TransformersModel
from tests.llm.tiny import CHAT_TEMPLATE, CONTEXT_TOKENS, END, OVER, START, tokens

LAYERS, HEADS, KV_HEADS, WIDTH, INNER = 1, 2, 1, 32, 64


def write_gguf(path: Path, seed: int = 1, context_tokens: int = CONTEXT_TOKENS) -> Path:
    """A complete llama model in GGUF, a few kilobytes large."""
    vocabulary = tokens().get_vocab()
    names = sorted(vocabulary, key=lambda name: vocabulary[name])
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(context_tokens)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(len(names))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(names)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_token_types([control if name in (END, START, OVER) else normal for name in names])
    writer.add_token_merges([" ".join(pair) for pair in json.loads(tokens().to_str())["model"]["merges"]])
    writer.add_eos_token_id(vocabulary[END])
    writer.add_bos_token_id(vocabulary[START])
    writer.add_chat_template(CHAT_TEMPLATE)
    draw = numpy.random.default_rng(seed)
    narrow = WIDTH // HEADS * KV_HEADS
    shapes = {
        "token_embd": (len(names), WIDTH),
        "output_norm": (WIDTH,),
        "output": (len(names), WIDTH),
        "blk.0.attn_norm": (WIDTH,),
        "blk.0.ffn_norm": (WIDTH,),
        "blk.0.attn_q": (WIDTH, WIDTH),
        "blk.0.attn_k": (narrow, WIDTH),
        "blk.0.attn_v": (narrow, WIDTH),
        "blk.0.attn_output": (WIDTH, WIDTH),
        "blk.0.ffn_gate": (INNER, WIDTH),
        "blk.0.ffn_up": (INNER, WIDTH),
        "blk.0.ffn_down": (WIDTH, INNER),
    }
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", draw.normal(size=shape).astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv(MODELS_DIR_VARIABLE, str(folder))
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "tiny.gguf")


def test_it_is_converted_once_and_nothing_is_drawn(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told: list[float] = []
    folder = converted(file, lambda doing, share: told.append(share))
    assert folder.parent == file.parent
    assert incomplete(folder) is None
    assert told == sorted(told)
    assert len(told) > 5, "it tells of every tensor"
    assert capfd.readouterr() == ("", "")
    written_at = (folder / "model.safetensors").stat().st_mtime_ns
    told.clear()
    assert converted(file, lambda doing, share: told.append(share)) == folder
    assert told == []
    assert (folder / "model.safetensors").stat().st_mtime_ns == written_at
    assert sorted(path.name for path in file.parent.iterdir()) == sorted([file.name, folder.name])


def test_the_weights_are_those_of_the_file(file: Path) -> None:
    weights = load_file(converted(file) / "model.safetensors")
    stored = {tensor.name: tensor.data for tensor in gguf.GGUFReader(file).tensors}
    embedding = weights["model.embed_tokens.weight"].float().numpy()
    numpy.testing.assert_allclose(embedding, stored["token_embd.weight"], rtol=0.01)


async def test_the_engine_answers_from_a_gguf_file(file: Path) -> None:
    model = TransformersModel(file, threads=1)
    turns = [Turn("user", "hello there")]
    pieces = [str(piece) async for piece in model.stream(turns, Limits(8, temperature=0))]
    assert "".join(pieces).strip()
    assert model.capabilities.chat
    await model.close()


def test_a_changed_file_is_converted_anew(file: Path) -> None:
    first = converted(file)
    write_gguf(file, seed=2)
    second = converted(file)
    assert second != first
    old, new = (load_file(folder / "model.safetensors")["lm_head.weight"] for folder in (first, second))
    assert old.shape == new.shape
    assert not old.equal(new)


def test_a_conversion_that_was_damaged_is_made_again(file: Path) -> None:
    folder = converted(file)
    os.truncate(folder / "model.safetensors", 100)
    assert converted(file) == folder
    assert incomplete(folder) is None


def test_where_the_folder_cannot_be_written_to_it_goes_among_the_models(
    file: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> object:  # to root, who runs tests in containers, nothing is read-only
        if folder == file.parent:
            raise PermissionError(folder)
        return scratch(folder)

    monkeypatch.setattr("bot.llm.gguf.scratch", refuse)
    assert converted(file).parent == models


@pytest.mark.parametrize("content", [b"", b"GG", b"PK\x03\x04" * 100])
def test_what_is_no_gguf_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailable, match="no GGUF file"):
        converted(path)


def test_a_missing_or_truncated_file_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="There is no file"):
        converted(tmp_path / "nowhere.gguf")
    for share in (0.1, 0.5, 0.99):
        half = tmp_path / "half.gguf"
        half.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
        with pytest.raises(ModelUnavailable, match="cannot be converted"):
            converted(half)
