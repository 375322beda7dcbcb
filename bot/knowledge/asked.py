"""Whether a question was answered before: where, and what was said there; or nothing.

Nobody asked the bot, so it has to be right when it speaks: the same has to be asked there, and somebody else
has to have said something behind it. Most questions get nothing, which costs nothing.
"""

import asyncio
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
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
from bot.knowledge.similar import duplicates, foreign, names_differ, numbers_differ
from bot.storage.passages import Bounds, Passage

SAME, SAME_BY_WORDS = 0.8, 0.9
"""From this chance on that it asks the same, with a model that compares meanings and without; chosen on
questions that others wrote, see docs/performance.md."""
_NEAR, _APART, _BIAS = 2.47, 15.62, -4.38  # fitted by `python -m tests.knowledge.repeats`
_OTHERS, _FAR = 5, 0.2
"""What was asked before stands out from so many others that come next. In a small index the others lie far
away whatever is asked, so none counts as farther than this cosine."""
ANSWERED = 60
"""So much has to be said behind the question (`chunking.weight`): less is "me too"."""
_LOOKED_AT, _READ_PASSAGES = 5, 16
_LEAST_WORDS = 2
_MOST_QUESTIONS = 4  # sentences of a post that are compared; the others mostly ask for details


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two questions are in meaning.

    Attributes:
        near: how near they are, a cosine. Of two: the mean of how near the posts are, their nearest sentences
            that ask, and such a sentence and the other post; and how near the question is to what answers it.
        apart: how much nearer that is than what comes next.
    """

    near: float
    apart: float

    @property
    def same(self) -> float:
        """The chance that both ask the same, 0..1."""
        return 1 / (1 + math.exp(-(_BIAS + _NEAR * self.near + _APART * self.apart)))


@dataclass(frozen=True, slots=True)
class Earlier:
    """What answered a question before it was asked again.

    Attributes:
        source: where, with a quote of the answer.
        same: the chance that the same was asked there, 0..1.
        likeness: None where no model compared them.
    """

    source: Source
    same: float
    likeness: Likeness | None = None


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
    read = [(finding, await _questions(search, finding, before)) for finding in found[:_LOOKED_AT]]
    asked = [(finding, each) for finding, questions in read for each in questions]
    if not asked:
        return None
    embedder = search.index.embedder if query.vector is not None else None
    if embedder is None:
        best, same = await asyncio.to_thread(_by_words, wordings, [each for _finding, each in asked])
        likeness, bound = None, SAME_BY_WORDS
    else:
        post = _whole(title, text)
        best, nearness = await asyncio.to_thread(_nearest, embedder, post, wordings, asked)
        likeness = Likeness(nearness, nearness - _rest(each for each in found if each is not asked[best][0]))
        same, bound = likeness.same, SAME
    if same < bound:
        return None
    answers = asked[best][1].answers
    said = await asyncio.to_thread(told, query, answers, None if embedder is None else embedder.embed)
    quoted = quote([each for each in said if each.states])
    if quoted is None or not _answers(said):
        return None
    words, passage = quoted
    source = Source(passage.document, passage.title, passage.link, words, passage.text, passage.at)
    return Earlier(source, same, likeness)


def _by_words(wordings: Sequence[str], asked: Sequence[_Asked]) -> tuple[int, float]:
    """Which question is most likely the same, and the chance that it is, without a model."""
    chances = [
        max(duplicates([(one, other) for one in wordings for other in each.wordings], None))
        if not _differ(wordings, each.wordings)
        else 0.0
        for each in asked
    ]
    best = max(range(len(asked)), key=lambda at: chances[at])
    return best, chances[best]


def _nearest(
    embedder: Embedding, post: str, wordings: Sequence[str], asked: Sequence[tuple[Finding, _Asked]]
) -> tuple[int, float]:
    """Which question is nearest, and how near, see `Likeness`; 0 where none can be the same."""
    texts = dict.fromkeys([post, *wordings])
    for _finding, each in asked:
        texts |= dict.fromkeys([each.whole, *each.wordings])
    vectors = embedder.embed(list(texts))
    row = {text: at for at, text in enumerate(texts)}
    mine = vectors[[row[each] for each in wordings]]
    cosines = []
    for _finding, each in asked:
        whole, theirs = vectors[row[each.whole]], vectors[[row[other] for other in each.wordings]]
        three = float(vectors[row[post]] @ whole), float((mine @ theirs.T).max()), float((mine @ whole).max())
        is_other = foreign(each.whole) or _differ(wordings, each.wordings)
        cosines.append(0.0 if is_other else sum(three) / len(three))
    best = max(range(len(asked)), key=lambda at: cosines[at])
    return best, max(cosines[best], _cosine(asked[best][0])) if cosines[best] > 0 else 0.0


def _rest(others: Iterable[Finding]) -> float:
    """How near is what comes next, a mean."""
    nearest = sorted(map(_cosine, others), reverse=True)[:_OTHERS]
    nearest += [_FAR] * (_OTHERS - len(nearest))
    return sum(max(each, _FAR) for each in nearest) / _OTHERS


def _cosine(finding: Finding) -> float:
    return max(hit.cosine for hit in finding.hits)


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


def _differ(wordings: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two questions name different things: versions, months, machines."""
    one, other = " ".join(wordings), " ".join(others)
    return numbers_differ(one, other) or names_differ(one, other)


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
