"""Drills on Matrix use the same house as the adapter's tests."""

from tests.adapters.matrix.conftest import house

__all__ = ["house"]
