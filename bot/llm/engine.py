"""One engine as an operator configures it, and how engines are found by name."""

import difflib
import importlib
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from bot.core.discovery import plugins
from bot.core.errors import ConfigError
from bot.llm.model import Capabilities, Limits, Model


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One engine as an operator configures it.

    Attributes:
        model: a catalogue name, Hugging Face id, directory or file; for "openai" the name its server knows.
        context_tokens: None takes the model's own, or 4096 where nobody says.
        concurrency: answers written at once; None takes what suits the engine.
        waiting: questions that may stand in line.
        threads: processor threads of an embedded engine; None leaves one free.
        languages, can_answer, tools, json_schema, vision: what a remote model can do.
    """

    engine: str
    model: str = ""
    base_url: str = ""
    api_key: str | None = field(default=None, repr=False)
    max_new_tokens: int = 512
    temperature: float = 0.7
    context_tokens: int | None = None
    concurrency: int | None = None
    waiting: int = 32
    timeout_s: float = 60
    threads: int | None = None
    languages: frozenset[str] = frozenset()
    can_answer: bool = True
    tools: bool = False
    json_schema: bool = False
    vision: bool = False

    @property
    def limits(self) -> Limits:
        """How long and how freely this engine may write."""
        return Limits(self.max_new_tokens, self.temperature)

    @property
    def capabilities(self) -> Capabilities:
        """What the operator says the model can do."""
        return Capabilities(
            tools=self.tools,
            json_schema=self.json_schema,
            vision=self.vision,
            languages=self.languages,
            can_answer=self.can_answer,
        )


@runtime_checkable
class Engine(Protocol):
    """Makes a model: a class or function with a name, offered under the entry point group `llmos.engines`."""

    engine_name: str

    def __call__(self, spec: EngineSpec) -> Model:
        """Make the model; nothing heavy is loaded yet.

        Raises:
            ConfigError: the spec lacks what this engine needs.
        """
        ...


def _transformers(spec: EngineSpec) -> Model:
    model: Model = importlib.import_module("bot.llm.transformers").TransformersModel(
        spec.model,
        context_tokens=spec.context_tokens,
        concurrency=concurrency_of(spec),
        threads=spec.threads,
    )
    return model


def _llamacpp(spec: EngineSpec) -> Model:
    model: Model = importlib.import_module("bot.llm.llamacpp").LlamaCppModel(
        spec.model,
        context_tokens=spec.context_tokens,
        concurrency=concurrency_of(spec),
        threads=spec.threads,
        timeout_s=spec.timeout_s,
    )
    return model


def _openai(spec: EngineSpec) -> Model:
    if not spec.base_url:
        raise ConfigError("engine 'openai' needs a base_url, such as http://127.0.0.1:11434/v1 for Ollama.")
    if not spec.model:
        raise ConfigError("engine 'openai' needs a model: the name by which its server knows it.")
    model: Model = importlib.import_module("bot.llm.openai").OpenAIModel(
        spec.model,
        base_url=spec.base_url,
        api_key=spec.api_key,
        capabilities=spec.capabilities,
        context_tokens=spec.context_tokens or 4096,
        timeout_s=spec.timeout_s,
    )
    return model


def _echo(spec: EngineSpec) -> Model:
    model: Model = importlib.import_module("bot.llm.echo").EchoModel(
        capabilities=spec.capabilities, context_tokens=spec.context_tokens or 4096
    )
    return model


_BUILT_IN = {"transformers": _transformers, "llamacpp": _llamacpp, "openai": _openai, "echo": _echo}
NAMES = frozenset(_BUILT_IN)
"""The engines that come with LLMOS."""
_CONCURRENCY = {"transformers": 8, "llamacpp": 4, "openai": 16, "echo": 64}
_PLUGIN_CONCURRENCY = 4


def concurrency_of(spec: EngineSpec) -> int:
    """How many answers an engine writes at once: as configured, else what suits it."""
    return spec.concurrency or _CONCURRENCY.get(spec.engine, _PLUGIN_CONCURRENCY)


def make(spec: EngineSpec) -> Model:
    """The bare model of a spec; only the module of its engine is imported.

    Raises:
        ConfigError: no engine of that name, or its library is not installed, or the spec lacks something.
    """
    built_in = _BUILT_IN.get(spec.engine)
    if built_in is None:
        return _plugin(spec)
    try:
        return built_in(spec)
    except ModuleNotFoundError as error:
        extra = "fast" if spec.engine == "llamacpp" else "llm"
        how = f"install it with: pip install 'llmos-bot[{extra}]' -c constraints.txt"
        raise ConfigError(f"engine {spec.engine!r} needs the package {error.name!r}; {how}") from error


def _plugin(spec: EngineSpec) -> Model:
    offered = {engine.engine_name: engine for engine in plugins("engines") if isinstance(engine, Engine)}
    engine = offered.get(spec.engine)
    if engine is not None:
        return engine(spec)
    known = sorted(_BUILT_IN | offered)
    near = difflib.get_close_matches(spec.engine.lower(), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}."
    raise ConfigError(f"there is no engine {spec.engine!r}; {hint}")
