"""Words that stand for each other, in two languages: what is asked in one is found in another."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from bot.knowledge.segmenting import content_words, words


def related(question: str) -> tuple[str, ...]:
    """The words to look for besides those of a question, each once.

    A phrase of the list is in a question if all its words are, next to each other.
    """
    asked = words(question)
    own, found = set(asked), dict[str, None]()
    starts: dict[str, list[int]] = {}
    for at, word in enumerate(asked):
        starts.setdefault(word, []).append(at)
    for phrase, group in ((each, group) for first in starts for each, group in _by_first().get(first, ())):
        if any(tuple(asked[at : at + len(phrase)]) == phrase for at in starts[phrase[0]]):
            found.update(dict.fromkeys(word for word in group if word not in own))
    return tuple(found)


@cache
def _by_first() -> dict[str, list[tuple[tuple[str, ...], Sequence[str]]]]:
    """First word -> phrases that begin with it, each with all words of its group."""
    index: dict[str, list[tuple[tuple[str, ...], Sequence[str]]]] = {}
    text = (files(__package__) / "data" / "glossary.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        phrases = [tuple(words(phrase)) for phrase in line.split("|")]
        group = list(dict.fromkeys(word for phrase in line.split("|") for word in content_words(phrase)))
        for phrase in phrases:
            index.setdefault(phrase[0], []).append((phrase, group))
    return index
