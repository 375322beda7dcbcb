"""Matrix: rooms on any homeserver, plain and encrypted."""

from bot.adapters.matrix.adapter import MatrixAdapter
from bot.adapters.matrix.settings import Grants, Settings

__all__ = ["Grants", "MatrixAdapter", "Settings"]
