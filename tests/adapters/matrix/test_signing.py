"""The account's identity signs our own device and nothing that a homeserver shows for it."""

from collections.abc import Mapping
from pathlib import Path

import peewee
import pytest

from bot.adapters.matrix.account import Account
from bot.adapters.matrix.encryption.encryption import Encryption
from bot.adapters.matrix.encryption.machine import Machine
from bot.adapters.matrix.encryption.signing import sign_device
from bot.adapters.matrix.settings import Settings
from bot.adapters.reading import Json, table
from bot.core.errors import PlatformError

US = "@bot:h"


class Recorded(Account):
    """A homeserver that takes everything and says nothing."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Settings("http://h", US, folder, password="secret"))
        self.sent: dict[tuple[str, ...], Json] = {}

    async def request(
        self,
        method: str,
        *path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        base: tuple[str, ...] = (),
    ) -> Json:
        self.sent[path] = dict(body or {})
        return {}


async def test_a_device_that_only_the_homeserver_knows_is_not_signed(tmp_path: Path) -> None:
    ours, theirs = [Machine(US, "BOT1", _folder(tmp_path, name), "s") for name in ("ours", "theirs")]
    account = Recorded(tmp_path)
    shown: Json = {"device_keys": {US: {"BOT1": theirs.own.device}}}
    await sign_device(account, tmp_path, ours.own.device, shown)
    signed = table(account.sent["keys", "signatures", "upload"], US, "BOT1")
    assert signed["keys"] == ours.own.device["keys"]
    assert signed["keys"] != theirs.own.device["keys"]


async def test_a_signature_that_is_wrong_is_made_anew(tmp_path: Path) -> None:
    ours, account = Machine(US, "BOT1", _folder(tmp_path, "ours"), "s"), Recorded(tmp_path)
    await sign_device(account, tmp_path, ours.own.device, {})
    identity = account.sent["keys", "device_signing", "upload"]
    device = table(account.sent.pop(("keys", "signatures", "upload")), US, "BOT1")
    known: Json = {"master_keys": {US: identity["master_key"]}, "device_keys": {US: {"BOT1": device}}}
    await sign_device(account, tmp_path, ours.own.device, known)
    assert ("keys", "signatures", "upload") not in account.sent
    forged = {name: "A" * 86 for name in table(device, "signatures", US)}
    known["device_keys"] = {US: {"BOT1": {**device, "signatures": {US: forged}}}}
    await sign_device(account, tmp_path, ours.own.device, known)
    assert ("keys", "signatures", "upload") in account.sent


async def test_behind_a_fault_of_the_store_the_keys_are_read_from_it_anew(tmp_path: Path) -> None:
    encryption = Encryption(Recorded(tmp_path), tmp_path)
    machine = Machine(US, "BOT1", _folder(tmp_path, "ours"), "s")
    encryption._machine = machine

    def full() -> None:
        raise peewee.OperationalError("database or disk is full")

    with pytest.raises(PlatformError, match="disk is full"):
        await encryption._do(full)
    assert encryption._machine is None
    await encryption.close()


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder
