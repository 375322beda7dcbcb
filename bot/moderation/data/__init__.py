"""Word lists, patterns, examples and weights that ship with the bot."""

from collections.abc import Sequence
from importlib.resources import files


def text(name: str) -> str:
    """What is in one of the files."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def lines(name: str) -> Sequence[str]:
    """The lines of one of the files, without the empty ones and those that begin with #."""
    return [line for line in text(name).splitlines() if line and not line.startswith("#")]
