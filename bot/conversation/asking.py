"""Whether something said to the bot asks for knowledge, or is talk."""

import re

_MARKS = ("?", "？")
_ENGLISH = re.compile(
    r"(?:please |hi,? |hello,? |hey,? )*"
    r"(?:how|what|why|where|when|who|whom|whose|which|can|could|does|do|did|is|are|was|were|has|have|should"
    r"|would|will|may|explain|tell|show|describe|find|list|name)(?:'s|n't)?\b",
    re.IGNORECASE,
)
_CHINESE = re.compile(
    "什么|怎么|怎样|为什么|为何|如何|哪|谁|多少|多久|几个|几点|是否|能不能|有没有|可不可以|吗|请问|解释|介绍|告诉|说明"
)


def asks(text: str) -> bool:
    """A question or a request, as far as its words tell."""
    said = text.strip()
    return said.endswith(_MARKS) or _ENGLISH.match(said) is not None or _CHINESE.search(said) is not None
