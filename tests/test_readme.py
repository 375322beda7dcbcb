"""The README's transcript is what the program says today; `python -m tests.test_readme` writes it anew."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

README = Path(__file__).parent.parent / "README.md"
TYPED = (
    "/ask What is the smallest donation?",
    "/ask 容器之间用 localhost 访问不通怎么办？",
    "/ask Is there a meetup in Berlin this summer?",
    "What is the capital of France?",
    "#help Is changing the SSH port worth it?",
)
FACTS = {"What is the capital of France?": "Paris"}
START, END = "```text\n", "\n```"


def command_line() -> str:
    typed = "".join(f"{line}\\n" for line in TYPED)
    return f"$ printf {shlex.quote(typed)} | .venv/bin/llmos chat --sample"


def transcript() -> str:
    """What a new user sees who pipes the lines into a chat."""
    with TemporaryDirectory() as folder:
        settings = {"XDG_DATA_HOME": folder, "LANG": "C.UTF-8", "LLMOS_LLM__TEMPERATURE": "0"}
        run = subprocess.run(
            [sys.executable, "-m", "bot", "chat", "--sample"],
            input="".join(f"{line}\n" for line in TYPED),
            env={**os.environ, **settings},
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    said = "\n".join(line.rstrip() for line in run.stdout.splitlines())
    return f"{command_line()}\n{said}"


def in_readme() -> str:
    return README.read_text(encoding="utf-8").split(START, 1)[1].split(END, 1)[0]


@pytest.mark.model
@pytest.mark.drives("cli:chat", "engine:transformers")
def test_the_transcript_is_what_the_program_says() -> None:
    """The bot's own words to the letter; the model's, which differ between processors, by what they tell."""
    told, today = in_readme().split("\nbot> "), transcript().split("\nbot> ")
    assert told[0] == today[0]
    assert len(told) == len(today) == 1 + len(TYPED)
    for line, was, is_now in zip(TYPED, told[1:], today[1:], strict=True):
        if line in FACTS:
            assert FACTS[line] in was
            assert FACTS[line] in is_now
        else:
            assert was == is_now


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(text.replace(in_readme(), transcript()), encoding="utf-8")
