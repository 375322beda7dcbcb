"""Bodies are unreadable without the key file, and the key file belongs to one user and one database."""

import base64
import hmac
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import StorageError, ValueEnded, ValueUnreadable
from bot.storage.seal import Seal
from tests.messages import ALICE, BOB, message
from tests.storage.house import Clock, Place, hear

SEAL, OTHER = Seal(bytes(32)), Seal(b"\1" * 32)


@given(st.text(st.characters() | st.sampled_from("\0\ud800\udfff")))
def test_what_is_sealed_opens_to_the_same_text(text: str) -> None:
    assert SEAL.open(SEAL.seal(text)) == text


def test_the_same_text_is_never_sealed_to_the_same_bytes() -> None:
    assert len({SEAL.seal("hello") for _ in range(100)}) == 100


@given(st.integers(0, 32), st.integers(1, 255))
def test_a_changed_byte_anywhere_is_noticed(at: int, by: int) -> None:
    sealed = bytearray(SEAL.seal("hello"))
    sealed[at % len(sealed)] ^= by
    with pytest.raises(ValueUnreadable):
        SEAL.open(bytes(sealed))


@pytest.mark.parametrize(
    "cut", [b"", b"\1", b"\1short", SEAL.seal("hello")[:-1]], ids=["empty", "a byte", "short", "one short"]
)
def test_a_cut_value_is_unreadable(cut: bytes) -> None:
    with pytest.raises(ValueUnreadable):
        SEAL.open(cut)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(ValueUnreadable, match="key file"):
        OTHER.open(SEAL.seal("hello"))


@given(st.text(st.characters() | st.sampled_from("\0\ud800\udfff")))
def test_a_fleeting_text_opens_in_the_process_that_sealed_it_and_in_no_other(text: str) -> None:
    sealed = SEAL.seal(text, fleeting=True)
    assert SEAL.open(sealed) == text
    with pytest.raises(ValueEnded):
        Seal(bytes(32)).open(sealed)  # the same key file, another process


def test_a_pseudonym_is_stable_and_differs_by_person_and_by_key() -> None:
    assert SEAL.pseudonym(ALICE.identity) == Seal(bytes(32)).pseudonym(ALICE.identity)
    assert SEAL.pseudonym(ALICE.identity) != SEAL.pseudonym(BOB.identity)
    assert SEAL.pseudonym(ALICE.identity) != OTHER.pseudonym(ALICE.identity)
    assert SEAL.pseudonym(("a", "b\0c")) != SEAL.pseudonym(("matrix", "alice"))


@given(st.text(st.characters() | st.sampled_from("\0\ud800")))
def test_a_fingerprint_is_hmac_sha256_under_a_key_of_its_own(text: str) -> None:
    key = HKDFExpand(SHA256(), 32, b"llmos pseudonym v1").derive(bytes(32))
    digest = hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")
    assert SEAL.fingerprint(text) == base64.urlsafe_b64encode(digest)[:22].decode()


def test_no_nonce_is_used_twice_also_from_several_threads() -> None:
    seal = Seal(bytes(32))
    with ThreadPoolExecutor(4) as threads:
        sealed = list(threads.map(lambda n: seal.seal("x"), range(4_000)))
    assert len({value[1:13] for value in sealed}) == 4_000


def test_a_new_key_file_is_for_its_user_alone_and_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "llmos.key"
    first = Seal.from_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["llmos.key"]
    assert Seal.from_file(path).open(first.seal("hello")) == "hello"


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "llmos.key"
    Seal.from_file(path)
    path.chmod(0o640)
    with pytest.raises(StorageError, match=r"0640.*chmod 600"):
        Seal.from_file(path)


@pytest.mark.parametrize("content", [b"", b"no key", base64.urlsafe_b64encode(bytes(16)), b"\xff" * 44])
def test_a_file_that_is_no_key_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "llmos.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(StorageError, match="does not hold an LLMOS key"):
        Seal.from_file(path)
    assert path.read_bytes() == content


async def test_the_key_file_and_the_database_are_for_their_user_alone(place: Place, clock: Clock) -> None:
    store = await place.open(clock)
    await hear(store, message("hello"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in place.folder.iterdir()}
    await store.close()
    assert modes["llmos.db"] == modes["llmos.key"] == 0o600
    assert set(modes.values()) == {0o600}


async def test_a_database_does_not_open_with_the_key_of_another(place: Place, clock: Clock) -> None:
    await (await place.open(clock)).close()
    place.key.unlink()
    Seal.from_file(place.key)
    with pytest.raises(StorageError, match="does not belong to this database"):
        await place.open(clock)


async def test_a_database_without_its_key_says_so_and_makes_no_new_one(place: Place, clock: Clock) -> None:
    await (await place.open(clock)).close()
    place.key.unlink()
    with pytest.raises(StorageError, match=r"key file .* is missing"):
        await place.open(clock)
    assert not place.key.exists()
