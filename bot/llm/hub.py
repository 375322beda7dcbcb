"""The Hugging Face hub: fetching repositories and files, and its failures as sentences."""

import io
from collections.abc import Callable
from pathlib import Path

import httpx2
import huggingface_hub
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from tqdm.auto import tqdm  # type: ignore[import-untyped]

from bot.core.errors import ModelUnavailable
from bot.llm.model import Progress, no_progress

PATTERNS = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
"""What a model needs; never pickled weights, never code."""


def cached(repo: str, revision: str | None = None) -> Path | None:
    """The folder of a repository in the Hugging Face cache; None if it was never fetched. No network."""
    try:
        found = huggingface_hub.snapshot_download(
            repo, revision=revision, local_files_only=True, allow_patterns=PATTERNS
        )
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return Path(str(found))


def snapshot(
    repo: str, revision: str | None = None, *, size_bytes: int = 0, progress: Progress = no_progress
) -> Path:
    """The folder of a repository in the Hugging Face cache, downloaded if it is not there.

    Args:
        size_bytes: what has to come, if known; else the share done is of the files begun so far.

    Raises:
        ModelUnavailable: there is no such repository, or the hub cannot be reached.
    """
    doing = f"Fetching {repo} from the Hugging Face hub"
    progress(doing, 0.0)
    try:
        got = huggingface_hub.snapshot_download(
            repo,
            revision=revision,
            allow_patterns=PATTERNS,
            tqdm_class=_told(lambda share: progress(doing, share), size_bytes),
        )
    except HFValidationError as error:
        raise ModelUnavailable(
            f"{repo!r} is no name of the catalogue (llmos models list), no folder or file here, "
            "and no Hugging Face id either."
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ModelUnavailable(f"{repo}: {_reason(error)}") from error
    return Path(str(got))


def refusal(repo: str, timeout_s: float = 10) -> str | None:
    """Why a repository is of no use, as a sentence; None if it is. Asks the hub and fetches nothing."""
    try:
        hub = huggingface_hub.HfApi(endpoint=huggingface_hub.constants.ENDPOINT)
        listed = hub.model_info(repo, timeout=timeout_s).siblings or ()
    except HFValidationError:
        return "that is no Hugging Face id."
    except (HfHubHTTPError, OSError, httpx2.HTTPError) as error:
        return _reason(error)
    if not any(each.rfilename.endswith(".safetensors") for each in listed):
        return "it holds no .safetensors file, and nothing else is loaded from the hub."
    return None


def file(repo: str, name: str, revision: str) -> Path:
    """One file of a repository in the Hugging Face cache, downloaded if it is not there.

    Raises:
        ModelUnavailable: it cannot be had.
    """
    try:
        return Path(str(huggingface_hub.hf_hub_download(repo, name, revision=revision)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ModelUnavailable(_reason(error)) from error


def _reason(error: Exception) -> str:
    match error:
        case RepositoryNotFoundError():
            return "the hub has no such repository, or it wants a token (HF_TOKEN)."
        case HfHubHTTPError():
            return f"the hub refused ({error.response.status_code})."
        case LocalEntryNotFoundError():
            return "the hub cannot be reached."
        case _:
            return f"the hub cannot be reached or the disk refused ({type(error).__name__})."


def _told(share_done: Callable[[float], None], size_bytes: int) -> type[tqdm]:
    """A progress bar that tells the share of bytes done and writes nowhere."""

    class Told(tqdm):  # type: ignore[misc]
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **(options | {"file": io.StringIO(), "disable": False}))

        def display(self, msg: str | None = None, pos: int | None = None) -> bool:
            total = max(self.total or 0, size_bytes)
            if self.unit == "B" and total:
                share_done(min(self.n / total, 1.0))
            return True

    return Told
