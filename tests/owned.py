"""A classifier of an operator's own, as `llmos moderate train` might write it."""

import json
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.numpy import save_file

from bot.moderation import data
from bot.moderation.classifier import FILE


def owned(path: Path, **changes: object) -> Path:
    """The shipped file with parts of what it says about itself replaced; None takes a part out."""
    with as_file(files(data).joinpath(FILE)) as shipped, safe_open(shipped, framework="np") as file:
        about: dict[str, Any] = json.loads(file.metadata()["about"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    about.update(changes)
    kept = {name: value for name, value in about.items() if value is not None}
    save_file(tensors, path, metadata={"about": json.dumps(kept)})
    return path


def abusive_to_it(path: Path) -> Path:
    """A classifier to which everything in English is abuse."""
    with as_file(files(data).joinpath(FILE)) as shipped, safe_open(shipped, framework="np") as file:
        heads = json.loads(file.metadata()["about"])["heads"]
    return owned(path, heads={**heads, "toxicity.en": {**heads["toxicity.en"], "offset": 50.0}})
