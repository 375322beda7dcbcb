"""Whether the account's identity signed its device is computed, not believed."""

import base64
import copy
import secrets

import pytest

from bot.adapters.matrix.encryption.signing import Identity, Key
from bot.adapters.matrix.encryption.standing import Keys, Signature, standing
from bot.adapters.reading import Json
from tests.labs.people import Json as Answer

ME, DEVICE = "@llmos:example.org", "RAVEN"


def identity() -> Identity:
    usages = ("master", "self_signing", "user_signing")
    return Identity(ME, {usage: base64.b64encode(secrets.token_bytes(32)).decode() for usage in usages})


OURS = identity()
KEY = Key(secrets.token_bytes(32)).public


def answer() -> Answer:
    """What a homeserver says when all is well."""
    device: Json = {"user_id": ME, "device_id": DEVICE, "keys": {f"ed25519:{DEVICE}": KEY}, "signatures": {}}
    upload = copy.deepcopy(OURS.upload())
    signed = {**OURS.signed(device), "unsigned": {"device_display_name": "LLMOS"}}
    return {
        "device_keys": {ME: {DEVICE: signed}},
        "master_keys": {ME: upload["master_key"]},
        "self_signing_keys": {ME: upload["self_signing_key"]},
    }


def judged(found: Answer, master: str | None = OURS.master) -> tuple[Keys, Signature]:
    result = standing(found, ME, DEVICE, KEY, master)
    return result.keys, result.signature


def test_a_device_that_the_identity_signed_is_called_so_whoever_made_the_identity() -> None:
    assert judged(answer()) == ("same", "valid")
    assert judged(answer(), None) == ("same", "valid")
    assert judged(answer(), "somebody's") == ("same", "valid")


def test_nothing_at_the_homeserver_is_absent_and_without_identity() -> None:
    assert judged({}) == ("absent", "no identity")


def test_keys_that_were_exchanged_under_a_signature_are_seen_twice() -> None:
    found = answer()
    found["device_keys"][ME][DEVICE]["keys"][f"ed25519:{DEVICE}"] = Key(secrets.token_bytes(32)).public
    assert judged(found) == ("other", "to be made by us")


@pytest.mark.parametrize("forged", ["", "not base64!", "c2hvcnQ", base64.b64encode(bytes(64)).decode()])
def test_what_is_no_signature_does_not_count(forged: str) -> None:
    found = answer()
    signatures = found["device_keys"][ME][DEVICE]["signatures"][ME]
    signatures.update(dict.fromkeys(signatures, forged))
    assert judged(found) == ("same", "to be made by us")
    assert judged(found, None) == ("same", "to be made by another")
    assert judged(found, "somebody's") == ("same", "replaced")


def test_a_self_signing_key_that_the_master_key_did_not_sign_counts_for_nothing() -> None:
    found = answer()
    found["self_signing_keys"][ME]["signatures"] = {}
    assert judged(found) == ("same", "to be made by us")
