"""The files of embedded models: here, complete, and with the right hashes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from bot.cli.checkups import Finding
from bot.config import Config
from bot.core.text import _
from bot.llm import catalogue, hub, weights
from bot.llm.catalogue import Entry
from bot.llm.checkpoint import incomplete

_EMBEDDED = ("transformers", "llamacpp")


async def findings(config: Config) -> AsyncIterator[Finding]:
    """One row per embedded model."""
    for model in dict.fromkeys(each.model for each in config.llm.engines if each.engine in _EMBEDDED):
        entry = catalogue.get(model)
        if entry is not None:
            yield await asyncio.to_thread(_from_catalogue, entry)
        elif Path(model).is_absolute():
            yield _from_disk(Path(model))
        else:
            yield await asyncio.to_thread(_from_hub, model)


def _from_catalogue(entry: Entry) -> Finding:
    again = f"llmos models pull {entry.name}"
    if weights.state(entry) == "absent":
        return Finding("model", False, _("{model} is not on this machine.", model=entry.name), again)
    if wrong := weights.damage(entry):
        return Finding("model", False, f"{entry.name}: {wrong}", again)
    return Finding("model", True, _("{model} is here, its hashes are right.", model=entry.name))


def _from_hub(model: str) -> Finding:
    here = hub.cached(model)
    if here is not None and incomplete(here) is None:
        return Finding("model", True, _("{model} is here, from the Hugging Face hub.", model=model))
    if wrong := hub.refusal(model):
        mend = _("Check the path, or see `llmos models list` for names.")
        return Finding("model", False, f"{model}: {wrong}", mend)
    detail = _("{model} comes from the Hugging Face hub at the first start.", model=model)
    return Finding("model", True, detail)


def _from_disk(path: Path) -> Finding:
    if not path.exists():
        return Finding("model", False, _("There is no model at {path}.", path=path), _("Check llm.model."))
    if path.is_dir() and (wrong := incomplete(path)):
        return Finding("model", False, f"{path}: {wrong}", _("Copy or download the whole folder again."))
    return Finding("model", True, str(path))
