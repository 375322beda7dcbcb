"""Matrix: rooms on any homeserver, plain and encrypted."""

from bot.adapters.matrix.adapter import MatrixAdapter
from bot.adapters.matrix.settings import Settings

__all__ = ["MatrixAdapter", "Settings"]
