"""Whether a request for help says too little for anybody to answer: what it lacks, by rules one can explain.

What counts as low effort is told in docs/contributors/labelling-question-quality.md. A message that asks for
nothing is
none of this module's business and scores low.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp

from bot.moderation import data
from bot.moderation.anyof import AnyOf
from bot.moderation.normalize import Normalized
from bot.moderation.rule import Evidence

_MOST_EVIDENCE = 3
_LONGEST = 400  # characters: whoever writes more took some effort
_A_FEW_WORDS, _MANY_WORDS, _MANY_SPECIFIC = 6, 40, 10
_HAN = re.compile("[\u3400-\u9fff]")
_WORD = re.compile("[a-z0-9']+|[\u3400-\u9fff]")
_LINK = re.compile(r"https?://\S+")
_CODE = re.compile(
    r"`[^`]+`|^(?: {4}|\t)\S|\w+\([\w, ]*\)|[{};]\s*$|\w+\.\w+\.\w+|\w+::\w+"
    r"|--?[a-z-]{2,}=?|[=<>!]=|\$\w+|/\w+/\w+",
    re.MULTILINE,
)

_PATTERNS = {name: AnyOf(any_of) for name, any_of in tomllib.loads(data.text("requests.toml")).items()}
NAMES = (
    *("short", "very short", "long", "no question", "capitals", "code", "only a link", "specific words"),
    *("one specific word", *_PATTERNS, "vague and short", "vague without detail", "plea without detail"),
    "pointing and short",
)
"""Of the features."""

_COMMON = frozenset(data.text("common_words.txt").split())
"""Words that say nothing about what a request is about; signs in Chinese below."""
_COMMON_HAN = frozenset(
    "的了是我你他她它们这那个有没在不吗呢啊吧怎么什为何如谁哪求助帮忙急大佬神救命问题请教下一人会懂能可以行用报错出坏办好看图截题给说都就还也很要想来去做弄搞咋"
)


NOTHING_ASKED = 0.02
"""The score of a message that wants nothing of anybody."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What each feature weighs; learned from examples of our own."""

    weights: Mapping[str, float]
    bias: float

    def low_effort(self, message: Normalized) -> float:
        """How surely it is a request that says too little, 0..1."""
        found = features(message)
        if not found:
            return NOTHING_ASKED
        decided = self.bias + sum(self.weights[name] * value for name, value in found.items())
        return 1 / (1 + exp(-max(-30.0, min(30.0, decided))))

    def evidence(self, message: Normalized) -> tuple[Evidence, ...]:
        """The vague or pleading parts of a request, as posted; nothing for what is merely missing."""
        found = []
        for name, any_of in _PATTERNS.items():
            match = any_of.of(message.text).search(message.text)
            if match is not None and self.weights[name] > 0 and match.end() > match.start():
                start, end = message.span(*match.span())
                found.append(
                    (self.weights[name], Evidence(start, end, message.original[start:end], "quality"))
                )
        found.sort(key=lambda each: -each[0])
        return tuple(each for _, each in found[:_MOST_EVIDENCE])


def features(message: Normalized) -> dict[str, float]:
    """What is there and what is missing; each 0..1. Nothing at all for a message that asks for nothing."""
    plain = message.plain
    if len(plain) > _LONGEST:
        return {}
    said = _LINK.sub(" ", plain)
    words = _WORD.findall(said)
    han = 0 if said.isascii() else len(_HAN.findall(said))
    length = len(words) - han / 2.5  # two or three characters make a word
    specific = 1.0 * len([word for word in words if len(word) > 2 and word not in _COMMON])
    if han:
        specific += len([word for word in words if _HAN.match(word) and word not in _COMMON_HAN]) / 2
    if length > _MANY_WORDS or specific > _MANY_SPECIFIC:
        return {}
    signs: dict[str, float] = {}
    asks = (not words and plain.strip() != "") or "?" in plain

    def look(*names: str) -> bool:
        for name in names:
            signs[name] = float(_PATTERNS[name].of(said).search(said) is not None)
        return any(signs[name] for name in names)

    asks |= look("question word", "plea", "vague", "may I ask", "do it for me", "asked before")
    asks |= length <= _A_FEW_WORDS and look("greeting", "pointing")
    if not asks:
        return {}
    look(*(_PATTERNS.keys() - signs.keys()))
    letters = sum(map(str.isalpha, message.original))
    code = float(_CODE.search(plain) is not None)
    detail = max(code, signs["version"], signs["error text"], float(length > 25))
    short = _falling(length, 4, 14)
    return {
        "short": short,
        "very short": _falling(length, 1, 5),
        "long": 1 - _falling(length, 15, 40),
        "no question": float("?" not in plain and not signs["question word"]),
        "capitals": float(letters >= 6 and sum(map(str.isupper, message.original)) > 0.7 * letters),
        "code": code,
        "only a link": float(not words and bool(plain.strip())),
        "specific words": 1 - _falling(specific, 0, 6),
        "one specific word": 1 - _falling(specific, 0, 1.5),
        **signs,
        "vague and short": signs["vague"] * short,
        "vague without detail": signs["vague"] * (1 - detail),
        "plea without detail": signs["plea"] * (1 - detail) * short,
        "pointing and short": signs["pointing"] * short,
    }


def _falling(value: float, full: float, none: float) -> float:
    return max(0.0, min(1.0, (none - value) / (none - full)))
