"""A chore that breaks is told in the log and begins anew; nobody else would notice."""

import pytest

from bot.adapters.matrix import adapter


async def test_a_chore_that_breaks_begins_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(adapter, "_ANEW_S", 0)
    tries: list[int] = []

    async def chore() -> None:
        tries.append(len(tries))
        if len(tries) < 3:
            raise ValueError("something nobody thought of")

    await adapter._kept("keys", chore)
    assert tries == [0, 1, 2]
    assert caplog.text.count("keys: this broke") == 2
