"""The whole suite: the tests on a homeserver, which mostly wait, beside all others; `make test`.

With `--again` (`make check`) a few failures are tried once more, alone: a machine that does three things
at once makes some tests too slow. Who fails again fails; who passes is named, as a defect of that test.
CPython's own runs do the same (`regrtest --rerun`).
"""

import json
import subprocess
import sys
from pathlib import Path

_OTHERS = ("-m", "not homeserver", "-n", "2", "--dist", "worksteal")
_HOMESERVER = ("-m", "homeserver")
_HANGS_S = 600
"""A test that takes longer shows where it stands and ends its process; the slowest takes a tenth."""
_RAN = (0, 1)  # pytest's codes for "all passed" and "some failed"; any other says that not all were run
_FEW = 5
_FOLDER = Path(sys.prefix) / "tests"  # in .venv


class Part:
    """One run of pytest.

    Attributes:
        code: what pytest ended with.
    """

    def __init__(self, name: str, *arguments: str, folder: Path = _FOLDER) -> None:
        self.code = 0
        self._cache = folder / name
        self._command = _pytest("-o", f"cache_dir={self._cache}", *arguments)
        self._log = self._cache.with_suffix(".log")
        self._cache.parent.mkdir(exist_ok=True)
        (self._cache / "v/cache/lastfailed").unlink(missing_ok=True)

    def run(self) -> None:
        """Run it and show what it says."""
        self.code = subprocess.run(self._command, check=False).returncode

    def begin(self) -> "subprocess.Popen[bytes]":
        """Run it beside something else, unseen."""
        with self._log.open("wb") as log:
            return subprocess.Popen(self._command, stdout=log, stderr=log)

    def end(self, process: "subprocess.Popen[bytes]") -> None:
        """Wait for it and show what it said."""
        self.code = process.wait()
        _say(self._log.read_text(errors="replace"))

    def failed(self) -> list[str]:
        """The tests that failed."""
        file = self._cache / "v/cache/lastfailed"
        return list(json.loads(file.read_text())) if file.exists() else []


def whole(homeserver: Part, others: Part, *, again: bool) -> int:
    """Run both parts; 0 if all tests passed."""
    process = homeserver.begin()
    try:
        others.run()
        homeserver.end(process)
    finally:
        process.terminate()
        process.wait()
    if homeserver.code == others.code == 0:
        return 0
    failed = homeserver.failed() + others.failed()
    known = homeserver.code in _RAN and others.code in _RAN
    if not again or not known or not 0 < len(failed) <= _FEW:
        return 1
    _say(f"\nOnce more, alone: {len(failed)} that failed.")
    code = subprocess.run(_pytest(*failed), check=False).returncode
    if code == 0:
        _say("UNSTEADY, passed only alone; mend these tests:", *failed)
    return code


def _pytest(*arguments: str) -> list[str]:
    hangs = ("-o", f"faulthandler_timeout={_HANGS_S}", "-o", "faulthandler_exit_on_timeout=true")
    return [sys.executable, "-m", "pytest", *hangs, *arguments]


def _say(*lines: str) -> None:
    sys.stdout.write("\n    ".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(
        whole(Part("homeserver", *_HOMESERVER), Part("others", *_OTHERS), again="--again" in sys.argv[1:])
    )
