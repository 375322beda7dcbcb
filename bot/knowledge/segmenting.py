"""Texts as the words they are searched by: English stems, and pairs of neighbouring Chinese characters.

A Chinese word mostly has two characters, so every such word is found although nobody cut the text into words.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache

_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = "\u3041-\u30ff"
_TOKEN = re.compile(rf"[{_HAN}]+|[{_KANA}]+|[^\W_{_HAN}{_KANA}]+")
_FIRST_WIDE = "\u3041"
_LONGEST = 64  # characters: longer ones are keys and hashes, which nobody types
_STEMS_IN_MEMORY = 100_000

_ENGLISH = """
    a about above after again all also am an and any anybody anyone anything are aren as ask at be because
    been before being below between both but by can cannot could couldn did didn do does doesn doing don
    done down during each either else ever every everyone few for from further get gets getting give go goes
    going good got had has hasn have haven having he hello help her here hers hey hi him his how however i
    if in into is isn it its itself just know let like ll m made make makes many may maybe me might mine
    more most much must my myself need needs no nor not nothing now of off oh ok on once one only or other
    our ours out over own people perhaps please possible put question re really right s said same say see
    seem shall she should shouldn so some somebody someone something still such sure t take tell than thank
    thanks that the their theirs them then there these they thing things think this those though through to
    too try trying under until up us use used using ve very want wants was wasn way we well went were weren
    what when where whether which while who whom whose why will with within without won would wouldn yes yet
    you your yours
"""
_CHINESE = """
    什么 怎么 怎样 如何 为什 哪里 哪个 哪些 哪儿 多少 多久 几个 是否 是不 不是 有没 没有 可以 可不
    能不 能否 需要 应该 应当 请问 一下 一个 这个 那个 这些 那些 这里 那里 我们 你们 他们 大家 自己
    知道 觉得 或者 还是 以及 但是 因为 所以 如果 的话 之后 之前 以后 以前 时候 现在 已经 还有 就是
    只是 都是 不能 不会 不要 么办 么样 么做 样才 才能 要不 会不 吗？ 了吗 的吗 能吗 有人 有什 是什
    在哪 到底 一直 谢谢 关于 对于
"""


@lru_cache(_STEMS_IN_MEMORY)
def _stem(word: str) -> str:
    return _stemmer()(word)


@cache
def _stemmer() -> Callable[[str], str]:
    import snowballstemmer  # noqa: PLC0415 - 3 MB: it brings all languages

    stem: Callable[[str], str] = snowballstemmer.stemmer("english").stemWord
    return stem


@cache
def _stop() -> frozenset[str]:
    """Words that say nothing about what a text is about."""
    return frozenset(_stem(word) for word in _ENGLISH.split()) | frozenset(_CHINESE.split())


_ENDINGS = frozenset(
    "么怎什哪的了吗呢吧啊呀嘛着过和与或在是把被给让就也都还又很太我你他她它们这那有没不会能要想做用到从对为以及个"
)
"""Characters of Chinese grammar: a pair with one of them says little."""


def words(text: str) -> list[str]:
    """The words of a text, in order, repeats included; complexity: its length."""
    return list(_words(text))


def content_words(text: str) -> list[str]:
    """The words of a question that say what it is about, in order, each once.

    A question of nothing but small words keeps them all.
    """
    found = list(dict.fromkeys(_words(text)))
    telling = [word for word in found if not is_small(word)]
    return telling or found


def is_small(word: str) -> bool:
    """Whether a word, as cut here, is one of grammar and says little about a subject."""
    return word in _stop() or (is_han(word) and any(character in _ENDINGS for character in word))


def is_han(word: str) -> bool:
    """Whether a word, as cut here, is Chinese or Japanese."""
    return word[0] >= _FIRST_WIDE


def characters(text: str) -> frozenset[str]:
    """The Chinese characters of a text that are not mere grammar."""
    return frozenset(
        character for run in re.findall(rf"[{_HAN}]+", text) for character in run if character not in _ENDINGS
    )


def _words(text: str) -> Iterator[str]:
    plain = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).lower()
    for run in _TOKEN.findall(plain):
        if run[0] < _FIRST_WIDE:
            yield _stem(run[:_LONGEST])
        elif len(run) == 1:
            yield run
        else:
            yield from (run[at : at + 2] for at in range(len(run) - 1))
