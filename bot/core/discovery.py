"""Finding parts without registration lists: package scan for our own, entry points for third parties."""

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.metadata import entry_points
from types import ModuleType


def modules(package: str) -> Iterator[ModuleType]:
    """Import every module of a package, its subpackages included, in alphabetical order."""
    root = importlib.import_module(package)
    yield root
    for found in sorted(pkgutil.walk_packages(root.__path__, f"{package}."), key=lambda m: m.name):
        yield importlib.import_module(found.name)


def plugins(seam: str) -> Iterator[object]:
    """Objects that other distributions offer under the entry point group `llmos.<seam>`."""
    for entry_point in entry_points(group=f"llmos.{seam}"):
        yield entry_point.load()
