"""Whether a question was answered before: where, and what was said there; or nothing.

Nobody asked the bot, so it has to be right when it speaks: the same has to be asked there, and somebody else
has to have said something behind it. Most questions get nothing, which costs nothing.
"""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.knowledge.answering import Source
from bot.knowledge.chunking import weight
from bot.knowledge.cite import Told, paragraphs, quote, told
from bot.knowledge.document import FAQ_TITLE
from bot.knowledge.index import Embedding
from bot.knowledge.questions import asking, asks_for_help, stands_alone
from bot.knowledge.search import Finding, Search
from bot.knowledge.segmenting import content_words
from bot.knowledge.similar import duplicates, names_differ, numbers_differ
from bot.storage.passages import Bounds, Passage

SAME, SAME_BY_WORDS = 0.65, 0.9
"""From this chance on that it asks the same, with a model that compares meanings and without; chosen on
questions that others wrote, see docs/performance.md."""
NEAR = 0.75
"""So near to each other the posts have to be as a whole, a cosine: in many stands a sentence such as "How do
we handle it?". Chosen on a community that others wrote, see there."""
ANSWERED = 60
"""So much has to be said behind the question (`chunking.weight`): less is "me too"."""
_LOOKED_AT, _READ_PASSAGES = 5, 16
_LEAST_WORDS = 2
_MOST_QUESTIONS = 4  # sentences of a post that are compared; the others mostly ask for details


@dataclass(frozen=True, slots=True)
class Earlier:
    """What answered a question before it was asked again.

    Attributes:
        source: where, with a quote of the answer.
        same: the chance that the same was asked there, 0..1.
    """

    source: Source
    same: float


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question in a document, in some wordings, and what was said behind it."""

    title: str
    whole: str
    wordings: Sequence[str]
    answers: Sequence[Passage]


async def earlier(
    search: Search,
    title: str,
    text: str,
    community: str,
    now: datetime,
    channels: Collection[str] | None = None,
    before: datetime | None = None,
) -> Earlier | None:
    """What answered a question before, if it is sure that something did.

    Args:
        title: of the thread that the question opens; "" for none.
        channels: keys of the channels that everybody who will see the hint may read, "" for documents of the
            community; None: all.
        before: when it was asked; what was said later, such as the question itself, is no answer to it.
    """
    if not asks_for_help(title, text):
        return None
    wordings = _wordings(title, text)
    if len(content_words(" ".join(wordings))) < _LEAST_WORDS:
        return None
    query = await search.query("\n".join(wordings), community, channels)
    found = await search.find(query, community, now, channels, Bounds(before=before))
    asked = [each for finding in found[:_LOOKED_AT] for each in await _questions(search, finding, before)]
    asked = [each for each in asked if not _differ(title, each.title)]
    pairs = [(one, other) for each in asked for one in wordings for other in each.wordings]
    if not pairs:
        return None
    embedder = search.index.embedder if query.vector is not None else None
    chances = iter(await asyncio.to_thread(lambda: list(duplicates(pairs, embedder))))
    same = [max([next(chances) for _one in wordings for _other in each.wordings]) for each in asked]
    best = max(range(len(asked)), key=lambda at: same[at])
    if same[best] < (SAME_BY_WORDS if embedder is None else SAME):
        return None
    if embedder is not None and not await _near(embedder, _whole(title, text), asked[best].whole):
        return None
    answers = asked[best].answers
    said = await asyncio.to_thread(told, query, answers, None if embedder is None else embedder.embed)
    quoted = quote([each for each in said if each.states])
    if quoted is None or not _answers(said):
        return None
    words, passage = quoted
    source = Source(passage.document, passage.title, passage.link, words, passage.text, passage.at)
    return Earlier(source, same[best])


async def _near(embedder: Embedding, post: str, other: str) -> bool:
    """Whether two posts are about the same."""
    one, two = await asyncio.to_thread(embedder.embed, [post, other])
    return float(one @ two) >= NEAR


def _wordings(title: str, text: str) -> Sequence[str]:
    """The title, and the sentences that ask, as far as they can be understood without the others."""
    found = dict.fromkeys(filter(None, (title.strip(), *asking(text)[:_MOST_QUESTIONS])))
    return [each for each in found if stands_alone(each)]


async def _questions(search: Search, finding: Finding, before: datetime | None) -> list[_Asked]:
    """The questions of a document that were answered: its title, and what is asked in it."""
    passages = await search.index.passages.whole(finding.passage, _READ_PASSAGES)
    if finding.passage not in passages:  # it is long: what fits is read, not its beginning
        passages = [hit.passage for hit in finding.hits]
    passages = [each for each in passages if before is None or each.at < before]
    turns = list(_turns(passages))
    title = passages[0].title.removeprefix(FAQ_TITLE)
    return [each for each in _asked(title, turns) if each.answers and each.wordings]


def _differ(title: str, other: str) -> bool:
    """Whether two titles name different things: versions, months, machines."""
    return bool(title and other) and (numbers_differ(title, other) or names_differ(title, other))


def _whole(title: str, text: str) -> str:
    return "\n".join(filter(None, (title.strip(), text.strip())))


def _turns(passages: Sequence[Passage]) -> Iterator[Passage]:
    """What one person said at a time; of a document without authors each paragraph may be another's."""
    for passage in passages:
        if passage.author:
            yield passage
        else:
            yield from (replace(passage, text=paragraph) for _passage, paragraph in paragraphs([passage]))


def _asked(title: str, turns: Sequence[Passage]) -> Iterator[_Asked]:
    if asking(title) and not asking(turns[0].text):  # a document that is called by the question it answers
        yield _Asked(title, title, [title], turns)
    for at, turn in enumerate(turns):
        wordings = _wordings(title if at == 0 else "", turn.text)
        if asking(turn.text):
            others = [each for each in turns[at + 1 :] if not turn.author or each.author != turn.author]
            named = title if at == 0 else ""
            yield _Asked(named, _whole(named, turn.text), wordings, others)


def _answers(said: Sequence[Told]) -> bool:
    return sum(weight(each.text) for each in said if each.states) >= ANSWERED
