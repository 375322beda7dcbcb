"""What a model makes of sources: only sentences that name a source which says so are let through."""

import re
from collections.abc import Sequence

from bot.knowledge.answering import Source
from bot.knowledge.segmenting import characters, is_han, is_small, words

_CITATION = re.compile(r"\[(\d{1,2}(?:\s*,\s*\d{1,2})*)\]")
_END = re.compile(
    r"(?:[.!?…]+[*_\"'”’)]*(?=\s|\[\d)|[。！？]+[”’」』）]*|\n)"
    r"(?:[ \t]*\[\d{1,2}(?:\s*,\s*\d{1,2})*\])*[ \t]*"
    r"(?=\n|(?<=[\n。！？” \t」』）\]])[^\s\[a-z])"
)
"""Where a sentence ends, the citations behind it included; it is known once the next one begins."""
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_ITEM = re.compile(r"^\s*\d{1,2}[.)](?=\s)")
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.\-]{1,20}://|www\.)[^\s<>\"）)]+"
    r"|(?<![\w@.\-])(?:[\w.+\-]{1,64}@)?(?:[a-z0-9\-]{1,63}\.){1,8}[a-z]{2,24}(?![\w\-])(?:/[^\s<>\"）)]*)?"
)
"""What a client may make a link of: some need no scheme for it."""
_SAID = 1 / 3
"""So much of a sentence's content must stand in what it cites: the rest may be the model's own words."""


class Cited:
    """A gate for one answer; `feed` it what the model writes, and `finish`.

    Attributes:
        sources: numbered from 1.
        cited: the numbers that the sentences which were let through name.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sources
        self.cited: set[int] = set()
        self._held = ""
        self._between = ""

    def feed(self, piece: str) -> str:
        """The sentences that are complete after this piece, and may be shown."""
        self._held += piece
        shown, start = "", 0
        for end in _END.finditer(self._held):
            sentence = self._held[start : end.end()]
            if _says_something(sentence):  # else it is the number of a list's item
                shown += self._passed(sentence)
                start = end.end()
        self._held = self._held[start:]
        return shown

    def finish(self) -> str:
        """The last sentence."""
        rest, self._held = self._held, ""
        return self._passed(rest)

    def _passed(self, sentence: str) -> str:
        numbers = {int(number) for found in _CITATION.findall(sentence) for number in found.split(",")}
        exist = all(1 <= number <= len(self.sources) for number in numbers)
        if not numbers or not exist or not _says_something(sentence):
            return ""
        cited = [self.sources[number - 1] for number in sorted(numbers)]
        if not supported(
            _CITATION.sub("", sentence), "\n".join(f"{each.title}\n{each.text}" for each in cited)
        ):
            return ""
        first, said = not self.cited, sentence.rstrip()
        shown = said.lstrip() if first else self._between + said
        self.cited |= numbers
        self._between = sentence[len(said) :]
        return shown


def _says_something(sentence: str) -> bool:
    return any(map(str.isalpha, _CITATION.sub("", sentence)))


def has_address(text: str) -> bool:
    """Whether a client may make a link of anything in a text."""
    return _ADDRESS.search(text.casefold()) is not None


def leads_only_where(sentence: str, text: str) -> bool:
    """Whether every address in a sentence stands in a text: no link is a model's own."""
    known = text.casefold()
    return all(each.rstrip(".,;:!?").casefold() in known for each in _ADDRESS.findall(sentence))


def supported(sentence: str, text: str) -> bool:
    """Whether a text can be what a sentence is taken from.

    No number and no address stands in it that the text does not have; and where both are in one script, a
    third of its content does.
    """
    if set(_NUMBER.findall(_ITEM.sub("", sentence))) - set(_NUMBER.findall(text)):
        return False
    if not leads_only_where(sentence, text):
        return False
    told = {word for word in words(sentence) if not is_small(word)}
    if sum(map(is_han, told)) * 2 >= len(told):
        said, known = characters(sentence), characters(text)
    else:
        said, known = frozenset(word for word in told if not is_han(word)), frozenset(words(text))
        known = known if any(not is_han(word) for word in known) else frozenset()
    return not said or not known or len(said & known) >= _SAID * len(said)
