"""`llmos doctor` about encryption: who can read the keys, what the homeserver has, who signed the device."""

import asyncio
import base64
import json
import secrets
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from bot.adapters.matrix.encryption.machine import Machine
from bot.adapters.matrix.encryption.signing import Identity
from tests.adapters.matrix.house import House, housed
from tests.cli.operator import Operator
from tests.labs.people import Json, Person
from tests.labs.synapse import Synapse

pytestmark = pytest.mark.drives("cli:doctor")


@pytest.fixture
async def house(synapse: Synapse, tmp_path: Path) -> AsyncIterator[House]:
    """Its folder is the operator's too."""
    async with housed(synapse, tmp_path) as house:
        house.write()
        yield house


@pytest.fixture
async def owner(house: House) -> AsyncIterator[Person]:
    """The bot's account at another client."""
    async with aiohttp.ClientSession() as http:
        yield Person(house.synapse.url, house.bot, http)


@dataclass(frozen=True, slots=True)
class Row:
    ok: bool
    detail: str
    fix: str


async def rows(operator: Operator) -> dict[str, Row]:
    """What doctor says about Matrix, by name."""
    outcome = await asyncio.to_thread(operator.types, "doctor", "--json")
    found = {check.pop("name"): Row(**check) for check in json.loads(outcome.out)["checks"]}
    assert outcome.code == (0 if all(row.ok for row in found.values()) else 1)
    return {name: row for name, row in found.items() if name.startswith("matrix")}


def session(operator: Operator) -> dict[str, str]:
    """What the bot keeps of its session."""
    found: dict[str, str] = json.loads(
        (operator.folder / "data" / "matrix" / "session.json").read_text(encoding="utf-8")
    )
    return found


def fresh_identity(house: House) -> Identity:
    """Such as another client makes for the account."""
    seeds = {
        usage: base64.b64encode(secrets.token_bytes(32)).decode()
        for usage in ("master", "self_signing", "user_signing")
    }
    return Identity(house.bot.user_id, seeds)


async def publish(owner: Person, identity: Identity) -> None:
    """As clients do; a second identity takes the password."""
    user: Json = {"type": "m.id.user", "user": owner.id}
    auth = {"type": "m.login.password", "identifier": user, "password": owner.login.password}
    await owner.call("POST", "/v3/keys/device_signing/upload", {**identity.upload(), "auth": auth})


async def sign(owner: Person, identity: Identity, device_id: str) -> None:
    """What a client does at `/verify`."""
    found = await owner.call("POST", "/v3/keys/query", {"device_keys": {owner.id: []}})
    signed = identity.signed(found["device_keys"][owner.id][device_id])
    await owner.call("POST", "/v3/keys/signatures/upload", {owner.id: {device_id: signed}})


def contents(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Everything in a folder: contents, modes and times."""
    return {
        file.name: (file.read_bytes(), file.stat().st_mode, file.stat().st_mtime_ns)
        for file in folder.iterdir()
    }


async def test_a_bot_that_never_ran_is_well_and_doctor_makes_nothing(
    house: House, operator: Operator
) -> None:
    found = await rows(operator)
    assert found["matrix files"].ok
    assert found["matrix device"] == Row(True, "Its keys are made at the first `llmos run`.", "")
    assert "matrix signature" not in found
    assert not (operator.folder / "data").exists()


async def test_a_bot_that_ran_is_well_and_doctor_changes_nothing(house: House, operator: Operator) -> None:
    async with house.service():
        await house.lives_in(await house.room("anna"))
        running = await rows(operator)
    folder, device = operator.folder / "data" / "matrix", session(operator)["device_id"]
    before = contents(folder)
    found = await rows(operator)
    assert found == running
    assert found["matrix files"] == Row(True, f"Only their owner can read {folder}.", "")
    assert found["matrix device"] == Row(True, f"{device}; the homeserver has its keys", "")
    assert found["matrix signature"] == Row(True, f"{device} is signed by the account's identity", "")
    assert contents(folder) == before


async def test_with_encryption_off_nothing_is_said_about_it(house: House, operator: Operator) -> None:
    house.extra = "encryption = false"
    house.write()
    assert set(await rows(operator)) == {"matrix homeserver", "matrix account", "matrix rooms"}


async def test_files_that_others_can_read_are_told(house: House, operator: Operator) -> None:
    async with house.living():
        pass
    folder = operator.folder / "data" / "matrix"
    folder.chmod(0o755)
    (folder / "keys.db").chmod(0o644)
    row = (await rows(operator))["matrix files"]
    assert not row.ok
    process = await asyncio.create_subprocess_shell(row.fix)
    assert await process.wait() == 0
    assert (await rows(operator))["matrix files"].ok
    assert stat.S_IMODE((folder / "keys.db").stat().st_mode) == 0o600


async def test_a_device_that_the_homeserver_forgot_is_told(house: House, operator: Operator) -> None:
    async with house.living():
        pass
    async with aiohttp.ClientSession() as http:
        headers = {"Authorization": f"Bearer {session(operator)['access_token']}"}
        await http.post(f"{house.synapse.url}/_matrix/client/v3/logout", json={}, headers=headers)
    row = (await rows(operator))["matrix device"]
    assert not row.ok
    assert "has no keys of" in row.detail
    anna, room = await house.person("anna"), await house.room("anna")
    async with house.living():
        await house.lives_in(room)
        await house.ask(anna, room, "what is a raven")
        await house.stands(anna, room, "what is a raven")
    assert (await rows(operator))["matrix device"].ok


async def test_keys_that_are_not_the_homeservers_are_told(house: House, operator: Operator) -> None:
    async with house.living():
        pass
    folder, device = operator.folder / "data" / "matrix", session(operator)["device_id"]
    (folder / "keys.db").unlink()
    secret = (folder / "keys.secret").read_text(encoding="utf-8")
    Machine(house.bot.user_id, device, folder, secret).close()
    row = (await rows(operator))["matrix device"]
    assert not row.ok
    assert "other keys" in row.detail
    assert "backup" in row.fix


async def test_keys_that_cannot_be_opened_are_told(house: House, operator: Operator) -> None:
    async with house.living():
        pass
    (operator.folder / "data" / "matrix" / "keys.secret").write_text("another", encoding="utf-8")
    row = (await rows(operator))["matrix device"]
    assert not row.ok
    assert "keys.secret does not open" in row.detail


async def test_an_identity_of_another_client_has_to_sign_the_device(
    house: House, operator: Operator, owner: Person
) -> None:
    identity = fresh_identity(house)
    await publish(owner, identity)
    async with house.living():
        pass
    row, device = (await rows(operator))["matrix signature"], session(operator)["device_id"]
    assert not row.ok
    assert "Another client made" in row.detail
    assert f"/verify {device} " in row.fix
    await sign(owner, identity, device)
    assert (await rows(operator))["matrix signature"].ok


async def test_an_identity_that_was_replaced_has_to_sign_the_device(
    house: House, operator: Operator, owner: Person
) -> None:
    async with house.living():
        pass
    identity = fresh_identity(house)
    await publish(owner, identity)
    row, device = (await rows(operator))["matrix signature"], session(operator)["device_id"]
    assert not row.ok
    assert "replaced" in row.detail
    await sign(owner, identity, device)
    assert (await rows(operator))["matrix signature"].ok


async def test_an_access_tokens_own_device_is_looked_at(house: House, operator: Operator) -> None:
    text = house.write().read_text(encoding="utf-8")
    operator.writes(text.replace('password = "file:password"', f'access_token = "{house.bot.access_token}"'))
    assert (await rows(operator))["matrix device"].ok
    folder = operator.folder / "data" / "matrix"
    folder.mkdir(parents=True, mode=0o700)
    for name, content in {"keys.secret": "hush", "keys.db": ""}.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(content, encoding="utf-8")
    Machine(house.bot.user_id, house.bot.device_id, folder, "hush").close()
    row = (await rows(operator))["matrix device"]
    assert not row.ok
    assert row.detail == f"The homeserver has no keys of {house.bot.device_id}."
