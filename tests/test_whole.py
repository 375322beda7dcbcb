"""A failure is never hidden: it fails the run, or it is named as unsteady."""

from pathlib import Path

import pytest

from tests.whole import Part, whole

GOOD = "def test_good(): pass"
BAD = "def test_bad(): raise AssertionError"
UNSTEADY = """
from pathlib import Path

def test_unsteady():
    mark = Path(__file__).with_suffix(".seen")
    seen = mark.exists()
    mark.touch()
    assert seen
"""
BROKEN = "import nowhere_to_be_found"


def parts(folder: Path, *texts: str) -> list[Part]:
    """Runs of one file each."""
    made = []
    for number, text in enumerate(texts):
        file = folder / f"test_{number}.py"
        file.write_text(text)
        made.append(Part(f"{folder.name}-{number}", str(file), folder=folder))
    return made


@pytest.mark.parametrize(
    ("texts", "again", "code", "named"),
    [
        ((GOOD, GOOD), True, 0, False),
        ((GOOD, UNSTEADY), False, 1, False),
        ((UNSTEADY, GOOD), True, 0, True),
        ((UNSTEADY, BAD), True, 1, False),
        ((BROKEN, UNSTEADY), True, 1, False),
    ],
    ids=["good", "strict", "unsteady", "bad", "broken"],
)
def test_every_failure_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    texts: tuple[str, str],
    again: bool,
    code: int,
    named: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    homeserver, others = parts(tmp_path, *texts)
    assert whole(homeserver, others, again=again) == code
    assert ("UNSTEADY" in capfd.readouterr().out) == named
