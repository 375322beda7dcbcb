"""What was said in a few of its own sentences: no model, nothing that was not said.

Messages that many others resemble are what a conversation is about. Source: Erkan and Radev, "LexRank:
Graph-based Lexical Centrality as Salience in Text Summarization", 2004 (the continuous variant). Questions,
decisions and what many replied to count more than their words alone.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.knowledge.chunking import sentences
from bot.knowledge.segmenting import content_words, is_small

MOST_CHARS = 2_000
"""Of a message that are looked at."""

_DAMPING = 0.85  # as in PageRank and LexRank
_ROUNDS, _CLOSE_ENOUGH = 100, 1e-9
_REPEATS = 0.5
"""Two messages this near (cosine) say the same: one of them is enough."""

_ASKS, _DECIDES, _OPENS, _REPLY, _MOST_REPLIES = 1.0, 1.5, 2.0, 0.5, 4
_FEWEST_WORDS = 3
"""Whoever says less, says "me too"."""

_QUESTION = re.compile(r"[?？](?:\s|$|[\"'”’)）」])")
_DECISION = re.compile(
    r"\b(?:decided|decision|agreed|agree(?:ment)?|let'?s|we(?:'ll| will| should)|going with|settled|solved|"
    r"solution|fixed|resolved|works now|merged|deadline|postponed|cancell?ed|voted?)\b"
    r"|决定|同意|就这么|说好|定了|解决|结论|投票|约定|改为|改成|改到|采用|搞定|确定|取消|推迟",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a conversation.

    Attributes:
        replies: how many messages replied to it.
        opens: the conversation is about what it says, such as the first message of a thread.
    """

    text: str
    replies: int = 0
    opens: bool = False


def extract(said: Sequence[Said], most: int) -> list[int]:
    """The messages that say most, in the order in which they were said.

    Args:
        most: how many at most; fewer where there is less to say.

    Complexity: linear in the pairs of messages that share a word.
    """
    words = [content_words(each.text[:MOST_CHARS]) for each in said]
    telling = [at for at, found in enumerate(words) if _tells(said[at], found)]
    telling = telling or [at for at, found in enumerate(words) if found]
    if not telling:
        return []
    likeness = _likeness([words[at] for at in telling])
    scores = _ranks(likeness, np.array([_prior(said[at]) for at in telling]))
    chosen: list[int] = []
    for at in sorted(range(len(telling)), key=lambda at: -scores[at]):
        if len(chosen) == most:
            break
        if all(likeness[at, other] < _REPEATS for other in chosen):
            chosen.append(at)
    return sorted(telling[at] for at in chosen)


def key_sentence(text: str) -> str:
    """The sentence of a message for which it was chosen: its question, its decision, or what says most."""
    found = [each.strip() for each in sentences(text[:MOST_CHARS]) if each.strip()]
    if not found:
        return text.strip()
    for sign in (_DECISION, _QUESTION):
        for sentence in found:
            if sign.search(sentence) and len(content_words(sentence)) >= _FEWEST_WORDS:
                return sentence
    return max(found, key=lambda sentence: sum(not is_small(word) for word in content_words(sentence)))


def _tells(said: Said, words: Sequence[str]) -> bool:
    return len(words) >= _FEWEST_WORDS and not all(is_small(word) for word in words)


def _prior(said: Said) -> float:
    text = said.text[:MOST_CHARS]
    asks, decides = bool(_QUESTION.search(text)), bool(_DECISION.search(text))
    replies = min(said.replies, _MOST_REPLIES)
    return 1 + _ASKS * asks + _DECIDES * decides + _OPENS * said.opens + _REPLY * replies


def _likeness(words: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """Cosines between messages by the words they share; rare words weigh more."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - it takes a while, and few chats need it

    known = Counter(word for found in words for word in found)
    columns = {word: at for at, word in enumerate(known)}
    rows = [at for at, found in enumerate(words) for _word in found]
    weights = np.array([math.log(1 + len(words) / known[word]) for found in words for word in found])
    places = (rows, [columns[word] for found in words for word in found])
    matrix = csr_array((weights, places), shape=(len(words), len(columns)))
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    unit = matrix.multiply(1 / np.maximum(lengths, 1e-12)[:, None]).tocsr()
    return np.asarray((unit @ unit.T).toarray(), dtype=np.float64)


def _ranks(likeness: NDArray[np.float64], prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """PageRank among messages; whoever walks at random begins anew where the prior is high."""
    steps = likeness / likeness.sum(axis=1, keepdims=True)
    start = prior / prior.sum()
    ranks = start
    for _round in range(_ROUNDS):
        following = (1 - _DAMPING) * start + _DAMPING * (ranks @ steps)
        if np.abs(following - ranks).sum() < _CLOSE_ENOUGH:
            break
        ranks = following
    return np.asarray(ranks * prior, dtype=np.float64)
