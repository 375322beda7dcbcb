"""Encrypted rooms on Matrix: who can read the keys, and whether others can trust the bot's device."""

import asyncio
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from bot.cli.checkups import Finding
from bot.cli.homeserver import Visitor, own_keys
from bot.cli.platforms import matrix_folder
from bot.config import Config
from bot.config.secrets import OTHERS
from bot.core.errors import PlatformError
from bot.core.text import _

if TYPE_CHECKING:  # its packages are optional
    from bot.adapters.matrix.encryption.kept import Device
    from bot.adapters.matrix.encryption.standing import Keys, Signature


async def findings(config: Config) -> AsyncIterator[Finding]:
    """What can be seen without the homeserver; nothing where encryption is off."""
    if config.has_matrix and config.matrix.encryption:
        yield await asyncio.to_thread(_files, matrix_folder(config))


async def findings_of(config: Config, visitor: Visitor) -> AsyncIterator[Finding]:
    """What the homeserver tells others about the bot's device; `matrix` asks it as a visitor.

    Only a copy of the keys is read: the bot may run, and nothing is changed.
    """
    if not config.matrix.encryption:
        return
    from bot.adapters.matrix.encryption.kept import own_device  # noqa: PLC0415 - its packages are optional
    from bot.adapters.matrix.encryption.standing import standing  # noqa: PLC0415

    folder = matrix_folder(config)
    of_token = visitor.device_id if config.matrix.access_token is not None else None
    try:
        device = await asyncio.to_thread(own_device, folder, visitor.homeserver, visitor.user_id, of_token)
        answer = await own_keys(visitor)
    except (PlatformError, OSError) as error:
        yield Finding("matrix device", False, str(error), _("Mend that and run `llmos doctor` again."))
        return
    if device is None:
        yield Finding("matrix device", True, _("Its keys are made at the first `llmos run`."))
        return
    found = standing(answer, visitor.user_id, device.id, device.key, device.master)
    yield _about_keys(found.keys, device, folder)
    if found.keys == "same":
        yield _about_signature(found.signature, device, visitor.user_id)


def _files(folder: Path) -> Finding:
    """Whether anybody else can read the keys."""
    if not folder.exists():
        return Finding("matrix files", True, _("{path} is made at the first start.", path=folder))
    try:
        open_to_others = [path for path in (folder, *sorted(folder.iterdir())) if _is_exposed(path)]
    except OSError as error:
        fix = _("Give the file to the user that runs LLMOS.")
        return Finding("matrix files", False, f"{folder}: {error.strerror}", fix)
    if not open_to_others:
        return Finding("matrix files", True, _("Only their owner can read {path}.", path=folder))
    names = ", ".join(str(path) for path in open_to_others)
    fix = " && ".join(
        f"chmod {700 if path.is_dir() else 600} {shlex.quote(str(path))}" for path in open_to_others
    )
    return Finding("matrix files", False, _("Other users can read {path}.", path=names), fix)


def _is_exposed(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & OTHERS)
    except FileNotFoundError:  # a running bot's journal comes and goes
        return False


def _about_keys(keys: "Keys", device: "Device", folder: Path) -> Finding:
    match keys:
        case "same":
            return Finding(
                "matrix device", True, _("{device}; the homeserver has its keys", device=device.id)
            )
        case "absent":
            detail = _("The homeserver has no keys of {device}.", device=device.id)
            fix = _("Start `llmos run`, which gives them to it; if it runs, see its log.")
        case "other":
            detail = _(
                "The homeserver has other keys of {device} than {folder}.", device=device.id, folder=folder
            )
            fix = _(
                "Put your backup of that folder back. Without one, start the bot: it becomes a new device "
                "(with an access token, make one of a new device), which cannot read what was said before."
            )
        case never:
            assert_never(never)
    return Finding("matrix device", False, detail, fix)


def _about_signature(signature: "Signature", device: "Device", user_id: str) -> Finding:
    fix = _("Start `llmos run`, which sees to it; if it runs, see its log.")
    verify = _(
        "In Element, logged in as {user} and verified, write in any room: {command}",
        user=user_id,
        command=f"/verify {device.id} {device.key}",
    )
    match signature:
        case "valid":
            detail = _("{device} is signed by the account's identity", device=device.id)
            return Finding("matrix signature", True, detail)
        case "no identity":
            detail = _(
                "The account has no cross-signing identity, so clients warn of the bot or leave it out."
            )
        case "to be made by us":
            detail = _("The account's cross-signing identity has not signed {device}.", device=device.id)
        case "to be made by another":
            detail = _(
                "Another client made the account's cross-signing identity, and has not signed {device}.",
                device=device.id,
            )
            fix = verify
        case "replaced":
            detail = _(
                "Another client replaced the account's cross-signing identity, and has not signed {device}.",
                device=device.id,
            )
            fix = verify
        case never:
            assert_never(never)
    return Finding("matrix signature", False, detail, fix)
