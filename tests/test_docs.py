"""What the documents say is what the code does: links, commands, make targets, tests and files they name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import __version__
from bot.adapters.console.around import SPEAK_AS
from bot.cli import COMMANDS
from bot.commands.command import Commands

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^(?:\$ )?(?:.*\|\s*)?(?:\.venv/bin/)?llmos ([a-z]+)", re.MULTILINE)
MAKE = re.compile(r"^make ([a-z-]+)", re.MULTILINE)
TEST = re.compile(r"\btests/[\w/]+\.py(?:::\w+)?")
CHAT_PREFIXES = ("!llmos ", "/")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    return BLOCK.sub("", path.read_text(encoding="utf-8"))


def snippets(path: Path) -> Iterator[str]:
    """Everything set as code, in lines and in blocks."""
    text = path.read_text(encoding="utf-8")
    for block in BLOCK.findall(text):
        yield block.strip().removeprefix("```").removesuffix("```")
    yield from CODE.findall(BLOCK.sub("", text))


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    targets = [target.partition("#")[0] for target in LINK.findall(prose(document))]
    files = [
        target for target in targets if target and "://" not in target and not target.startswith("mailto:")
    ]
    assert [target for target in files if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_program_and_make_target_that_is_named_exists(document: Path) -> None:
    told = {name for snippet in snippets(document) for name in SHELL.findall(snippet)}
    assert told - COMMANDS.keys() == set()
    targets = {name for snippet in snippets(document) for name in MAKE.findall(snippet)}
    assert targets - make_targets() == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_chat_command_that_is_named_exists(document: Path) -> None:
    commands = Commands.discover()
    known = {words for spec in commands.specs for words in (spec.path, spec.path[:1])} | {(SPEAK_AS,)}
    for snippet in snippets(document):
        for line in snippet.splitlines():
            prefix = next((prefix for prefix in CHAT_PREFIXES if line.startswith(prefix)), None)
            if (
                prefix is None
                or re.match(r"/\w+(/|z\b)", line)
                or line.startswith(("/metrics", "/healthz", "/readyz"))
            ):
                continue
            words = tuple(line.removeprefix(prefix).split())
            assert words[:1] in known or words[:2] in known, f"{line!r} is no command"


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_test_that_is_named_exists(document: Path) -> None:
    for name in TEST.findall(document.read_text(encoding="utf-8")):
        file, _separator, function = name.partition("::")
        assert (ROOT / file).exists(), name
        assert not function or f"def {function}(" in (ROOT / file).read_text(encoding="utf-8"), name


def test_every_place_of_the_house_that_the_architecture_names_exists() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named_places = {place for place in CODE.findall(text) if place.startswith("bot/")}
    assert {place for place in named_places if not (ROOT / place).exists()} == set()


def test_the_changelog_tells_about_this_version() -> None:
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_readmes_first_screen_is_a_sentence_a_command_a_transcript_and_three_lines() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    screen = lines[: lines.index("## What it cannot do") + 6]
    transcript = "\n".join(screen).split("```text\n")[1].split("\n```")[0].splitlines()
    assert 3 <= len(transcript) <= 25
    assert len(screen) <= 50
    cannot = [line for line in screen[screen.index("## What it cannot do") :] if line.startswith("- ")]
    assert len(cannot) == 3
