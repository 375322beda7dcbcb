"""Matrix: plain rooms on any homeserver."""

from bot.adapters.matrix.adapter import MatrixAdapter
from bot.adapters.matrix.settings import Settings

__all__ = ["MatrixAdapter", "Settings"]
