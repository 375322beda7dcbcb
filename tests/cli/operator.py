"""An operator at a keyboard: runs the real command line in this process."""

import sys
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from bot.cli import run


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


class Operator:
    """Types `llmos …` in a folder of its own, with an environment of its own."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.chdir(folder)
        for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("XDG_DATA_HOME", str(folder / "share"))

    def types(self, *words: str, answers: str = "") -> Outcome:
        """Args: answers: what is typed when the command asks, a line each."""
        self._monkeypatch.setattr(sys, "stdin", StringIO(answers))
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            run(words)
        printed = self._capsys.readouterr()
        return Outcome(int(end.value.code or 0), printed.out, printed.err)

    def writes(self, text: str | bytes, name: str = "config.toml") -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path
