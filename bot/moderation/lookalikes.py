"""Letters that look like Latin ones: Unicode's table of confusables, and those it leaves out."""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache

from confusable_homoglyphs.utils import load

_MISSING = {
    "a": "ᴀⱥαɐᗩꭺ",
    "b": "ʙвβɓƀьъѣ",
    "c": "ϲƈȼɕƆɔ",
    "d": "ɗɖđᴅժꓓ",
    "e": "ɛəεєҽэᴇɘɇ",
    "f": "ꜰƒғ",
    "g": "ɢɠǥցԍ",
    "h": "ʜнңһɦħհђћ",
    "i": "ɨιїі",
    "j": "ᴊʝɉյ",
    "k": "ᴋƙκкқҝ",
    "l": "ʟłɫɭƚӏւ",
    "m": "ᴍмϻɱ",
    "n": "ɴηпɲƞņи",
    "o": "øσοɵөθ",
    "p": "ᴘρƥþ",
    "q": "ʠգφ",
    "r": "ʀɾɽгя",
    "s": "ѕʂƨꜱ",
    "t": "ᴛτтŧƭʈե",
    "u": "υʊʉцս",
    "v": "ᴠνѵʋվ",
    "w": "ᴡωшщѡա",
    "x": "хχ",
    "y": "ʏүуγƴɏ",
    "z": "ᴢʐƶʑ",
}
"""What the table lacks, small letters; some need a willing reader, so they count in mixed words only."""

PICTURED = {chr(0x1F150 + at): chr(0x61 + at) for at in range(26)} | {  # 🅐 negative circled
    chr(0x1F170 + at): chr(0x61 + at)
    for at in range(26)  # 🅰 negative squared
}
"""Letters drawn as pictures, which no compatibility form takes apart."""


@cache
def exact() -> dict[str, str]:
    """Letter -> the Latin small letter it cannot be told from; never Latin letters with a sound of their own.

    Source: Unicode Technical Standard 39, confusables, as the library confusable-homoglyphs ships them.
    """
    table: dict[str, str] = {}
    for letter, alike in _confusables().items():
        if len(letter) != 1 or letter.isascii() or not unicodedata.category(letter).startswith("L"):
            continue
        for one in alike:
            latin = unicodedata.normalize("NFKD", one["c"]).casefold()
            if len(latin) == 1 and latin.isascii() and latin.isalpha():
                table.setdefault(letter, latin)
                if len(letter.casefold()) == 1 and not letter.casefold().isascii():
                    table.setdefault(letter.casefold(), latin)
    for kept in "øþđłħŧ":  # letters of living languages
        table.pop(kept, None)
    table.update(dict.fromkeys("ıɩɪ", "i"))
    return table


def _confusables() -> Mapping[str, Sequence[Mapping[str, str]]]:
    """The library's table, letter -> what it may be taken for; its other modules keep 7 MB of it for ever."""
    found: Mapping[str, Sequence[Mapping[str, str]]] = load("confusables.json")
    return found


@cache
def loose() -> dict[str, str]:
    """`exact`, and the letters that pass for Latin ones among Latin ones."""
    added = {letter: latin for latin, letters in _MISSING.items() for letter in letters}
    return added | exact()
