"""Which sentences of a post ask for help: questions, and requests that need no question mark.

Nobody is asked whether it is one, so a post of which that is not plain asks nothing.
"""

import re
from collections.abc import Sequence

from bot.knowledge.chunking import sentences
from bot.knowledge.segmenting import content_words

_LEAST_WORDS = 2
"""Content words of a question that can be looked for; "What now?" has none."""
_LEAST_WORDS_POINTING = 4
_MOST_SENTENCES = 12

_END = "*_~`\"'”’)）」』 \t"
_ASKED = (
    r"(?:how|what|why|where|when|who|which|whose|can|could|does|do|did|is|are|was|were|has|have|should"
    r"|would|will)"
)
_ENGLISH = re.compile(
    rf"(?:(?:hi|hello|hey|ok|so|and|but|also|well|sorry|please|guys|all|folks|everyone)[,! ]+)*"
    rf"(?:{_ASKED}(?:'s|n't|’s|n’t)? (?:to|do|does|did|i|we|you|one|a|an|the|is|are|can|should|my|there|it"
    r"|this|any)\b"
    r"|(?:does |do |did |has |is )?any(?:one|body)\b.*\b(?:know|help|explain|tell|tried|had|seen|idea)"
    r"|(?:any (?:idea|ideas|tips|advice|way|help|suggestions?|pointers))\b"
    r"|(?:need|want|looking for|i'm looking for) (?:some )?(?:help|advice)\b"
    r"|i (?:can't|cannot|can not|don't know how|do not know how|wonder|am wondering|was wondering"
    r"|need help)\b"
    r"|i'm (?:wondering|stuck|trying to)\b)",
    re.IGNORECASE,
)
_CHINESE = re.compile(
    "怎么|怎样|如何|为什么|为何|请问|请教|求助|求教|有没有|能不能|可不可以|是不是|什么原因|哪里|哪个|多少|吗$|吗[？?]|谁知道|有人知道|有谁"
)
_POINTING = re.compile(r"\b(?:this|that|these|those|it|its|they|them|he|she|his|her)\b|这|那|它", re.I)
_TALK = re.compile(
    r"(?:how (?:are|is) (?:you|everyone|everybody|it going|things)|what'?s up|what do you (?:all )?think"
    r"|thoughts"
    r"|who(?:'s| is) (?:in|coming|up for)|anyone (?:up for|want|interested)|remember\b|guess what"
    r"|你好吗|吃了吗|在吗|大家怎么看|你们觉得)",
    re.IGNORECASE,
)


def asking(post: str) -> Sequence[str]:
    """The sentences of a post that ask something which can be looked for, in order."""
    return [each for each in sentences(post)[:_MOST_SENTENCES] if _asks(each)]


def stands_alone(sentence: str) -> bool:
    """Whether a sentence says what it is about: "Why was this closed?" may be asked of anything."""
    return not _POINTING.search(sentence) or len(content_words(sentence)) >= _LEAST_WORDS_POINTING


def asks_for_help(title: str, text: str) -> bool:
    """Whether a post asks, by its title or in a sentence that does not drown in what it tells otherwise."""
    if title and _asks(title):
        return True
    found = asking(text)
    told = len(sentences(text))
    return bool(found) and told <= _MOST_SENTENCES


def _asks(sentence: str) -> bool:
    said = sentence.strip().rstrip(_END)
    if _TALK.search(said):
        return False
    if not (said.endswith(("?", "？")) or _ENGLISH.match(said) or _CHINESE.search(said)):
        return False
    return len(content_words(said)) >= _LEAST_WORDS
