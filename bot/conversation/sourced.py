"""Sources as members see them: quotes of what others wrote, numbered, each with a link to where it stands."""

import re
from collections.abc import Collection, Sequence

from bot.conversation import sentences
from bot.conversation.output import clean
from bot.knowledge.answering import Source

_MOST_TITLE_CHARS, _MOST_WORDS_CHARS = 120, 60
_LISTED = re.compile(r"(?:\A|\n\n?)(?:\[\d+\] [^\n]*(?:\n|\Z))+\Z")


def quotes(sources: Sequence[Source]) -> str:
    """An answer in the words of its sources, which are quoted whatever they say."""
    quoted = "\n\n".join(_quoted(number, each.quote) for number, each in enumerate(sources, start=1))
    return f"{sentences.found()}\n{quoted}\n\n{listed(sources)}"


def listed(sources: Sequence[Source], cited: Collection[int] | None = None) -> str:
    """The sources, a line each; `cited` are the numbers of those that count, None for all."""
    return "\n".join(
        _line(number, each)
        for number, each in enumerate(sources, start=1)
        if cited is None or number in cited
    )


def not_found(nearest: Sequence[Source]) -> str:
    """That nothing answers it, and what comes nearest."""
    if not nearest:
        return sentences.not_found()
    return f"{sentences.nearest()}\n{listed(nearest)}"


def without_list(text: str) -> str:
    """An answer without the sources at its end."""
    return _LISTED.sub("", text)


def _line(number: int, source: Source) -> str:
    return entry(number, source.title or f"“{one_line(source.text, _MOST_WORDS_CHARS)}”", source.link)


def entry(number: int, title: str, link: str) -> str:
    """A line that names something found and leads to it."""
    parts = (f"[{number}]", one_line(title, _MOST_TITLE_CHARS), clean("".join(link.split())))
    return " ".join(part for part in parts if part)


def one_line(text: str, limit: int) -> str:
    """The words of others inside ours: they call nobody, hide no link and stay in their line."""
    text = " ".join(text[: 2 * limit].split())
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return " ".join(clean(text).split())


def _quoted(number: int, quote: str) -> str:
    safe = clean(quote)
    mark = f"\n[{number}]" if safe.endswith("```") else f" [{number}]"
    return "\n".join(f"> {line}" for line in f"{safe}{mark}".splitlines())
