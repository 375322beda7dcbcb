"""Ways in which people hide words from a filter, as functions of a text; for tests and for training."""

import random
import unicodedata
from collections.abc import Callable

Evasion = Callable[[str, random.Random], str]

_LEET = str.maketrans("aeiost", "431057")
_ALIKE = str.maketrans("aceopxyisj", "асеорхуіѕј")
_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
_MATHS = 0x1D41A  # bold small a


def leet(text: str, chance: random.Random) -> str:
    return text.lower().translate(_LEET)


def zero_width(text: str, chance: random.Random) -> str:
    return "".join(letter + chance.choice(_ZERO_WIDTH) for letter in text)


def full_width(text: str, chance: random.Random) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


def combining(text: str, chance: random.Random) -> str:
    return "".join(
        letter + "".join(chr(chance.randrange(0x300, 0x36F)) for _ in range(2))
        if letter.isalpha()
        else letter
        for letter in text
    )


def mathematical(text: str, chance: random.Random) -> str:
    return "".join(
        chr(_MATHS + ord(letter) - 97) if "a" <= letter <= "z" else letter for letter in text.lower()
    )


def homoglyph(text: str, chance: random.Random) -> str:
    return text.translate(_ALIKE)


def spaced(text: str, chance: random.Random) -> str:
    return " ".join(text)


def spaced_without_gaps(text: str, chance: random.Random) -> str:
    return " ".join(text.replace(" ", ""))


def dotted(text: str, chance: random.Random) -> str:
    return " ".join(".".join(word) for word in text.split())


def repeated(text: str, chance: random.Random) -> str:
    return "".join(letter * chance.randint(3, 5) if letter in "aeiou" else letter for letter in text)


def swapped(text: str, chance: random.Random) -> str:
    return " ".join(_swap(word, chance) for word in text.split(" "))


def _swap(word: str, chance: random.Random) -> str:
    if len(word) < 4 or not word.isalpha():
        return word
    at = chance.randrange(1, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def starred(text: str, chance: random.Random) -> str:
    return " ".join(_star(word, chance) for word in text.split(" "))


def _star(word: str, chance: random.Random) -> str:
    if len(word) < 4 or not word.isalpha():
        return word
    at = chance.randrange(1, len(word) - 1)
    return word[:at] + "*" + word[at + 1 :]


UNDONE: dict[str, Evasion] = {
    "leet": leet,
    "zero width": zero_width,
    "full width": full_width,
    "combining": combining,
    "mathematical": mathematical,
    "homoglyph": homoglyph,
    "spaced": spaced,
    "spaced without gaps": spaced_without_gaps,
    "dotted": dotted,
    "repeated": repeated,
}
"""Those that hide nothing for good: the message can be read again letter by letter."""

GUESSED: dict[str, Evasion] = {"swapped": swapped, "starred": starred}
"""Those of which a reader guesses the word."""


def is_letter(character: str) -> bool:
    return unicodedata.category(character).startswith("L")
