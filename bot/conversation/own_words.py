"""Tells what a model once wrote from what the bot said in its own words when no model answered.

The second kind must not come back to a model as its own turn: small ones repeat what they seem to have said.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import get_args

from bot.conversation import sentences
from bot.conversation.quota import Level, Refused
from bot.conversation.sentences import Voice
from bot.core.errors import ModelBusy, ModelEmpty, ModelError, ModelTimeout, ModelUnavailable
from bot.core.text import LOCALES

_MODEL = "\N{REPLACEMENT CHARACTER}"
_FAILURES = (
    ModelUnavailable(""),
    ModelBusy(""),
    ModelTimeout(""),
    ModelEmpty(""),
    ModelError(""),
)
_WAITS = (timedelta(minutes=1), timedelta(minutes=2), timedelta(hours=2))
"""One of each kind of plural."""


def answer_in(text: str) -> str:
    """What a model wrote of a text of ours: without the bot's remarks; "" if no model wrote any of it.

    Quotes are the words of others.
    """
    answer = _heading().sub("", sentences.without_notes(text))
    return "" if _own().fullmatch(answer) or answer.startswith(_openings()) else answer


@cache
def _openings() -> tuple[str, ...]:
    """How answers begin that are made of quotes, or say that there is none."""
    return tuple(
        voice(each) for voice in map(Voice, LOCALES) for each in (sentences.found, sentences.not_found)
    )


@cache
def _heading() -> re.Pattern[str]:
    """What stands above a model's own answer to something that was not found."""
    said = (tuple(map(voice, (sentences.not_found, sentences.from_model))) for voice in map(Voice, LOCALES))
    above = (
        rf"{re.escape(nothing)}[^\n]*(?:\n\[\d+\] [^\n]*)*\n\n{re.escape(model)}\s*"
        for nothing, model in said
    )
    return re.compile(rf"\A(?:{'|'.join(above)})")


@cache
def _own() -> re.Pattern[str]:
    said = {sentence for voice in map(Voice, LOCALES) for sentence in voice(lambda: tuple(_sentences()))}
    patterns = (re.sub(r"\d+", r"\\d+", re.escape(each)).replace(_MODEL, r"[^\n]+") for each in sorted(said))
    return re.compile("|".join(patterns))


def _sentences() -> Iterator[str]:
    """All sentences that stand instead of an answer, in the locale of the moment."""
    yield sentences.no_such_model()
    yield sentences.nothing_asked()
    yield sentences.only_known()
    yield sentences.wrong_language(None)
    yield sentences.wrong_language(_MODEL)
    yield sentences.cannot_translate(None)
    yield sentences.cannot_translate(_MODEL)
    yield sentences.too_long_to_translate(1)
    yield sentences.too_long_to_translate(2)
    for error in _FAILURES:
        yield sentences.failure(error, half_way=False)
    for level in get_args(Level):
        for wait in _WAITS:
            yield Refused(level, wait, None).text
