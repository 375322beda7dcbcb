"""GGUF files through llama.cpp, in a process of its own; only `server`, which runs there, imports it."""

from bot.llm.llamacpp.engine import LlamaCppModel

__all__ = ["LlamaCppModel"]
