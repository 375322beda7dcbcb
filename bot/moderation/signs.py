"""What a text is like beside its words: how long, how loud, how many links, prices and contacts are in it."""

import re
import tomllib
from collections.abc import Sequence
from math import log1p

import numpy as np
from numpy.typing import NDArray

from bot.moderation import data
from bot.moderation.anyof import AnyOf
from bot.moderation.normalize import Normalized

# What is looked for in `plain` needs no case of its own: there is only one.
_LINK = re.compile(
    r"https?://\S+|www\.\S+|(?<![\w@.])[a-z0-9-]+\.(?:com|net|org|ru|me|gg|io|cn|info|xyz|top|shop)\b"
)
_INVITE = re.compile(
    r"t\.me/|telegram|whats\s?app|discord\.(?:gg|com/invite)|wa\.me|bit\.ly|onlyfans|微信|加v|qq|телеграм"
)
_PHONE = re.compile(r"(?<!\w)\+?\d[\d ().-]{6,}\d|\b\d{5,}\b")
_PRICE = re.compile(r"[$€£¥₽]\s?\d|\d\s?(?:[$€£¥₽%]|usd|eur|btc|eth|usdt|euro|dollars|руб|元|p\b)")
_MENTION = re.compile(r"(?<!\w)@\w+")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
_DIGIT = re.compile(r"\d")
_MIXED = re.compile("(?i)[a-z][\u0400-\u04ff]|[\u0400-\u04ff][a-z]")  # as in words that hide from filters
_WORDS = {
    name: AnyOf(any_of, "(?<![a-z]){}(?![a-z])")
    for name, any_of in tomllib.loads(data.text("signs.toml")).items()
}

NAMES = (
    *("length", "capitals", "digits", "links", "invites", "phones", "prices", "mentions", "emoji", "shouts"),
    *("asks", "disguised", "mixed scripts", *_WORDS, "link and call", "money and call", "prize and call"),
)
_LETTERS = 8  # fewer tell nothing about capitals


def signs(messages: Sequence[Normalized]) -> NDArray[np.float32]:
    """One row for each message, a column for each of `NAMES`; each about 0..3."""
    rows = [_of(message) for message in messages]
    return np.array(rows, np.float32).reshape(len(messages), len(NAMES))


def _of(message: Normalized) -> list[float]:
    text, plain = message.original, message.plain
    letters = sum(map(str.isalpha, text))
    capitals = sum(map(str.isupper, text)) / letters if letters >= _LETTERS else 0.0
    digits = sum(map(str.isdigit, text)) / max(len(text), 1)
    has_digit = _DIGIT.search(plain) is not None
    links = _many(_LINK, plain) if "." in plain or "://" in plain else 0.0
    words = [_many(any_of.of(message.text), message.text) for any_of in _WORDS.values()]
    money, prize, call = words[:3]
    return [
        log1p(len(text)) / 2,
        2 * capitals,
        4 * digits,
        links,
        _many(_INVITE, plain),
        _many(_PHONE, plain) if has_digit else 0.0,
        _many(_PRICE, plain) if has_digit else 0.0,
        _many(_MENTION, plain) if "@" in plain else 0.0,
        0.0 if text.isascii() else _many(_EMOJI, text),
        log1p(plain.count("!")),
        log1p(plain.count("?")),
        float(len(plain) > 0 and message.text != plain),
        0.0 if text.isascii() else _many(_MIXED, text),
        *words,
        min(links * call, 2.0),
        min(money * call, 2.0),
        min(prize * call, 2.0),
    ]


def _many(pattern: re.Pattern[str], text: str) -> float:
    return log1p(len(pattern.findall(text)))
