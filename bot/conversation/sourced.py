"""Sources as members see them: quotes of what others wrote, numbered, each with a link to where it stands."""

import re
from collections.abc import Sequence

from bot.conversation import sentences
from bot.conversation.output import clean
from bot.core.below import Entry
from bot.knowledge.answering import Source

_MOST_TITLE_CHARS, _MOST_WORDS_CHARS = 120, 60
_CUT_ADDRESS = re.compile(r"\S*(?://|www\.)\S*\Z")


def quotes(sources: Sequence[Source]) -> str:
    """An answer in the words of its sources, which are quoted whatever they say."""
    said = "\n\n".join(quoted(each.quote, number) for number, each in enumerate(sources, start=1))
    return f"{sentences.found()}\n{said}"


def answered_before(source: Source) -> str:
    """A hint: where a question was answered, and what was said there."""
    where = entry(0, source.title, source.link)
    named = " ".join(part for part in (where.title, where.link) if part)
    return f"{sentences.answered_before(named)}\n{quoted(source.quote)}"


def not_found(nearest: Sequence[Source]) -> str:
    """That nothing answers it, and what comes nearest."""
    if not nearest:
        return sentences.not_found()
    lines = (entry_of(number, each).line for number, each in enumerate(nearest, start=1))
    return "\n".join((sentences.nearest(), *lines))


def entry_of(number: int, source: Source) -> Entry:
    """A source as it is named to members; one without a title by its first words."""
    return entry(number, source.title or f"“{one_line(source.text, _MOST_WORDS_CHARS)}”", source.link)


def entry(number: int, title: str, link: str) -> Entry:
    """Something found, and where it stands, made safe to show."""
    return Entry(number, one_line(title, _MOST_TITLE_CHARS), clean("".join(link.split())))


def one_line(text: str, limit: int) -> str:
    """The words of others inside ours: they call nobody, hide no link, cut none, and stay in their line."""
    text = " ".join(text[: 2 * limit].split())
    text = text if len(text) <= limit else _CUT_ADDRESS.sub("", text[: limit - 1]) + "…"
    return " ".join(clean(text).split())


def quoted(said: str, number: int | None = None) -> str:
    """The words of others, marked as theirs, with the number of where they stand behind them."""
    safe, mark = clean(said), ""
    if number is not None:
        mark = f"\n[{number}]" if safe.endswith("```") else f" [{number}]"
    return "\n".join(f"> {line}" for line in f"{safe}{mark}".splitlines())
