"""Cutting documents into passages: at headings, then paragraphs, then sentences; never across authors.

Each passage is small enough to be read by an embedding model as a whole, and large enough to be quoted.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.knowledge.document import Document, Section

WEIGHT = 480
"""Of a passage, at most about so much; a Chinese character weighs as much as three letters."""
_WIDE = 3
_RUN_S = 600.0  # what one person writes within ten minutes is one thought
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1[ \t]*$", re.MULTILINE | re.DOTALL)
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_SENTENCE = re.compile(r"(?<=[。！？；])|(?<=[.!?])(?=\s+\S)|\n")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage before it is stored; `heading` is the path to it, such as "Setup > Proxy"."""

    heading: str
    section: Section

    @property
    def text(self) -> str:
        """What is quoted."""
        return self.section.text


def chunks(document: Document) -> Iterator[Chunk]:
    """The passages of a document, in order."""
    for section in _runs(document.sections):
        for heading, text in [("", section.text)] if document.plain else _headed(section.text):
            for piece in _pieces(text):
                yield Chunk(heading, replace(section, text=piece))


def sentences(text: str) -> list[str]:
    """The sentences of a text, line breaks end one too; code blocks stay whole."""
    found, at = [], 0
    for fence in _FENCE.finditer(text):
        found += _SENTENCE.split(text[at : fence.start()])
        found.append(fence[0])
        at = fence.end()
    found += _SENTENCE.split(text[at:])
    return [sentence.strip() for sentence in found if sentence.strip()]


def weight(text: str) -> int:
    """How much a text has to say: letters, where a wide character counts as several."""
    if text.isascii():
        return len(text)
    wide = sum(character >= "\u2e80" for character in text)
    return len(text) + (_WIDE - 1) * wide


def _runs(sections: Sequence[Section]) -> Iterator[Section]:
    """Neighbouring messages of one author as one, while they are short and close in time."""
    run: Section | None = None
    for section in sections:
        if run is not None and _continues(run, section):
            run = replace(run, text=f"{run.text}\n\n{section.text}")
            continue
        if run is not None:
            yield run
        run = section
    if run is not None:
        yield run


def _continues(run: Section, section: Section) -> bool:
    close = abs((section.at - run.at).total_seconds()) <= _RUN_S
    return bool(run.author) and run.author == section.author and close and _fits(run.text, section.text)


def _fits(text: str, more: str) -> bool:
    return weight(text) + weight(more) <= WEIGHT


def _headed(text: str) -> Iterator[tuple[str, str]]:
    """Markdown's sections with the path of their headings; what looks like a heading in code is none."""
    fences = [fence.span() for fence in _FENCE.finditer(text)]
    path: list[tuple[int, str]] = []
    at = 0
    for heading in _HEADING.finditer(text):
        if any(start <= heading.start() < end for start, end in fences):
            continue
        yield _path(path), text[at : heading.start()]
        level = len(heading[1])
        path = [(above, name) for above, name in path if above < level] + [(level, heading[2])]
        at = heading.end()
    yield _path(path), text[at:]


def _path(path: Sequence[tuple[int, str]]) -> str:
    return " > ".join(name for _, name in path)


def _pieces(text: str) -> Iterator[str]:
    """Paragraphs, joined while they fit and cut at sentences where one alone is too long."""
    gathered = ""
    for paragraph in _PARAGRAPH.split(text.strip()):
        for part, separator in _parts(paragraph.strip()):
            if gathered and not _fits(gathered, part):
                yield gathered
                gathered = ""
            gathered = f"{gathered}{separator}{part}" if gathered else part
    if gathered:
        yield gathered


def _parts(paragraph: str) -> Iterator[tuple[str, str]]:
    if not paragraph:
        return
    if weight(paragraph) <= WEIGHT:
        yield paragraph, "\n\n"
        return
    separator = "\n\n"
    for sentence in sentences(paragraph):
        for at in range(0, len(sentence), WEIGHT):  # a sentence without an end
            yield sentence[at : at + WEIGHT], separator
            separator = "\n" if "\n" in sentence else " "
