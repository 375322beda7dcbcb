"""The embedded engine: any causal language model that transformers can load, many members at once.

`engine` is the event loop's side and imports neither torch nor transformers; everything that does is imported
by the engine's own thread while it loads.
"""

from bot.llm.transformers.engine import TransformersModel

__all__ = ["TransformersModel"]
