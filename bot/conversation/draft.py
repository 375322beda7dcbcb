"""One answer while a model writes it: what may be shown of it, and what it will have cost."""

import unicodedata

from bot.conversation.output import OutputFilter, StopStrings
from bot.conversation.prompt import FRAME_STOPS, STOP_STRINGS
from bot.llm.model import Limits, Model, Turn

MAX_CHARS_PER_TOKEN = 16
"""No tokenizer averages more: a model that writes more than that does not keep to its limit."""

ROUNDS_CHARS, SENTENCE_CHARS, LONGEST_ROUND_CHARS = 300, 30, 200
"""A model that says the same few words for so long, or the same sentences three times running, as small ones
do, will not find out of it."""

_ALMOST = 0.9
_CLOSED = tuple(".!?…。！？`)）\"'”’」』*_|")


class Draft:
    """Takes what a model writes, piece by piece, and gives back what may be shown.

    Attributes:
        visible: something a member can see was given back.
        ended: the model need not be asked for more: it began to play somebody else, or does not end.
        too_long: it did not end by itself, or went round in circles.
    """

    def __init__(self) -> None:
        self.visible = False
        self.ended = False
        self.too_long = False
        self._stops = StopStrings(("\n",))
        self._filter = OutputFilter()
        self._held = ""
        self._written = ""
        self._pieces = 0
        self._room = 0
        self._most_pieces = 0.0
        self._prompt_tokens = 0

    def expect(self, model: Model, limits: Limits, prompt_tokens: int) -> Limits:
        """A model is going to be asked; returns the limits to ask with."""
        stops = FRAME_STOPS if model.capabilities.chat else STOP_STRINGS
        self._stops = StopStrings(stops)
        self._stops.feed("\n")  # a stop string may be the first thing a model writes
        self._room = limits.max_new_tokens * MAX_CHARS_PER_TOKEN
        self._most_pieces = limits.max_new_tokens * _ALMOST
        self._prompt_tokens = prompt_tokens
        return Limits(limits.max_new_tokens, limits.temperature, stops)

    def feed(self, piece: str) -> str:
        """What may be shown after this piece; nothing until there is something to see."""
        self._pieces += 1
        self._written += piece[: self._room]
        text = self._stops.feed(piece[: self._room])
        self._room -= len(piece)
        self.too_long = self._room <= 0 or goes_round(self._written)
        self.ended = self.too_long or self._stops.hit
        return self._shown(self._filter.feed(text))

    def finish(self) -> str:
        """The rest, when no more pieces come."""
        rest = self._shown(self._filter.feed(self._stops.finish()) + self._filter.finish())
        is_open = not self._written.rstrip().endswith(_CLOSED)
        self.too_long = self.too_long or (self._pieces >= self._most_pieces > 0 and is_open)
        return rest

    def cost(self, model: Model) -> int | None:
        """Tokens read and written so far; None if the model wrote nothing at all."""
        if not self._pieces:
            return None
        written = model.count_tokens([Turn("assistant", self._written)])
        return self._prompt_tokens + max(written, self._pieces)

    def _shown(self, text: str) -> str:
        """Hold back blanks until something follows them, so that no answer begins or ends with blanks."""
        text = self._held + text
        if not self.visible:
            text = text.lstrip()
            self.visible = any(unicodedata.category(character)[0] not in "CZ" for character in text)
        shown = text.rstrip() if self.visible else ""
        self._held = text[len(shown) :]
        return shown


def goes_round(text: str) -> bool:
    """Whether a text ends with the same few words again and again, or with the same sentences three times."""
    last = len(text) - SENTENCE_CHARS
    before = text.rfind(text[last:], max(last - LONGEST_ROUND_CHARS, 0), -1) if last > 0 else -1
    if before < 0:
        return False
    length = last - before
    if length < SENTENCE_CHARS:
        return _repeats(text, length, ROUNDS_CHARS)
    return _repeats(text, length, 2 * length) and _says_something(text[-length:])


def _repeats(text: str, length: int, chars: int) -> bool:
    """Whether each of the last characters is what stands so far before it."""
    return len(text) >= chars + length and text[-chars:] == text[-chars - length : -length]


def _says_something(part: str) -> bool:
    """It is words: rules of tables and drawings repeat themselves for good reason."""
    return 2 * sum(map(str.isalpha, part)) > len(part)
