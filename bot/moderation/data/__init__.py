"""Word lists, patterns, examples and weights that ship with the bot."""

from importlib.resources import files


def text(name: str) -> str:
    """What is in one of the files."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
