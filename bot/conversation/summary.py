"""What was said in a few of its own sentences: no model, nothing that was not said.

Messages that many others resemble are what a conversation is about; see `bot.conversation.lexrank`.
Questions, decisions and what many replied to count more than their words alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.knowledge.chunking import sentences
from bot.knowledge.segmenting import content_words, is_small

MOST_CHARS = 2_000
"""Of a message that are looked at."""

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
    from bot.conversation.lexrank import likeness, ranks  # noqa: PLC0415 - numpy and scipy are behind it

    words = [content_words(each.text[:MOST_CHARS]) for each in said]
    telling = [at for at, found in enumerate(words) if _tells(said[at], found)]
    telling = telling or [at for at, found in enumerate(words) if found]
    if not telling:
        return []
    alike = likeness([words[at] for at in telling])
    scores = ranks(alike, [_prior(said[at]) for at in telling])
    chosen: list[int] = []
    for at in sorted(range(len(telling)), key=lambda at: -scores[at]):
        if len(chosen) == most:
            break
        if all(alike[at, other] < _REPEATS for other in chosen):
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
