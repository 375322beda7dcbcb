"""The hub's failures are sentences; what is in its cache needs no network."""

from pathlib import Path

import huggingface_hub.constants
import pytest

from bot.core.errors import ModelUnavailable
from bot.llm import hub
from bot.llm.hub import _told


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))


def test_a_repository_that_cannot_be_had_is_said_in_a_sentence() -> None:
    assert hub.cached("llmos-test/tiny") is None
    with pytest.raises(ModelUnavailable, match="llmos-test/tiny: the hub cannot be reached"):
        hub.snapshot("llmos-test/tiny")
    with pytest.raises(ModelUnavailable, match="the hub cannot be reached"):
        hub.file("llmos-test/tiny", "config.json", "0" * 40)


def test_a_name_that_can_be_none_is_said_in_a_sentence() -> None:
    assert hub.cached("no such: name!") is None
    with pytest.raises(ModelUnavailable, match="no Hugging Face id either"):
        hub.snapshot("no such: name!")


def test_what_was_fetched_is_found_without_the_network(tmp_path: Path) -> None:
    commit = "1" * 40
    snapshot = tmp_path / "models--llmos-test--tiny" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    assert hub.cached("llmos-test/tiny", commit) == snapshot
    assert hub.snapshot("llmos-test/tiny", commit) == snapshot


def test_downloads_tell_their_share_and_draw_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    shares: list[float] = []
    with _told(shares.append, 200)(total=100, unit="B", mininterval=0) as bar:
        bar.update(50)
        bar.update(100)
    with _told(shares.append, 0)(total=3, unit="files", mininterval=0) as files:
        files.update(3)
    assert shares[0] == 0
    assert shares[-1] == 0.75, "files are not bytes"
    assert capfd.readouterr() == ("", "")
