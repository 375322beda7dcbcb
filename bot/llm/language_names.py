"""What languages are called in English and in Chinese, by Unicode's CLDR, and their tags."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

LONGEST = 64
"""No name or tag is longer; longer ones are not looked up."""

_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
"""BCP 47, without extensions."""

_NO_LANGUAGES = frozenset({"und", "mul", "mis", "zxx"})
"""Codes for what is no one language (ISO 639-2)."""

_FIRST = "en zh es fr de ja ko pt ru ar it nl pl tr uk vi id hi fa sv cs el ro hu th he da fi no"
"""The order in which languages are offered before anything is typed."""


@dataclass(frozen=True, slots=True)
class Language:
    """A language, or a way to write one.

    Attributes:
        code: ISO 639, as models name what they speak ("zh" for all that is Chinese).
        name: in English, as a model is told it ("Traditional Chinese").
    """

    code: str
    name: str


def language_named(text: str) -> Language | None:
    """The language of a name or a tag: "German", "德语", "德文", "de", "zh-TW"; None if there is none."""
    wanted = _folded(text)
    if not wanted or len(wanted) > LONGEST or wanted.partition("-")[0] in _NO_LANGUAGES:
        return None
    known = _by_name()
    if wanted.endswith("文") and wanted not in known:  # 德文 is the written 德语
        wanted = f"{wanted[:-1]}语"
    return known.get(wanted) or (_tagged(wanted) if _TAG.fullmatch(wanted) else None)


def names_like(typed: str, most: int) -> Sequence[str]:
    """Names that begin with what is typed, those of widely spoken languages first."""
    wanted = _folded(typed)
    found = [name for name in _shown() if _folded(name).startswith(wanted)]
    exact = _by_name().get(wanted)
    if exact is not None and exact.name not in found:
        found.insert(0, exact.name)
    return found[:most]


def _tagged(tag: str) -> Language | None:
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415 - reads its data, and few calls need it

    try:
        found = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return None
    return Language(found.language, found.english_name or found.language)


@cache
def _by_name() -> Mapping[str, Language]:
    """Every name and code there is, folded."""
    english, chinese = _names("en"), _names("zh")
    known: dict[str, Language] = {}
    for code, name in english.items():
        language = Language(code.split("_")[0], name)
        for called in (code, name, chinese.get(code, name)):
            known.setdefault(_folded(called), language)
    return known


@cache
def _shown() -> Sequence[str]:
    """English and Chinese names in the order in which they are offered."""
    english, chinese = _names("en"), _names("zh")
    first = {code: place for place, code in enumerate(_FIRST.split())}
    codes = sorted(english, key=lambda code: (first.get(code, len(first)), len(code), english[code]))
    return [english[code] for code in codes] + [chinese[code] for code in codes if code in chinese]


def _names(locale: str) -> Mapping[str, str]:
    from babel import Locale  # noqa: PLC0415 - see above

    return {code: name for code, name in Locale(locale).languages.items() if code not in _NO_LANGUAGES}


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text[: LONGEST + 1]).casefold()
    return " ".join(folded.replace("_", "-").split())
