"""The model of the journeys: an echo, which as a judge finds what is for sale, and introduces threads."""

import json
import re
from collections.abc import Sequence

from bot.llm.echo import EchoModel, Script
from bot.llm.model import Turn

_ASKED = re.compile(r"<<(\w+)>>\n(.*)\n(\w+)\n<</\1>>", re.DOTALL)
_THREAD = re.compile(r"<thread>\nTitle: .*\n(.*)\n</thread>")
_OFFER = re.compile(r"\bsell\w*\b.*", re.DOTALL)


def by_turns(turns: Sequence[Turn]) -> Script:
    """An honest verdict or line where one is asked for; otherwise what was said."""
    begins = _THREAD.search(turns[-1].text)
    if begins is not None:
        return Script(f"A question: {begins[1]}")
    asked = _ASKED.fullmatch(turns[-1].text)
    if asked is None:
        return Script()
    mark, said, word = asked.groups()
    found = _OFFER.search(said)
    numbered = re.findall(r"^(\d+)\. (.+)$", turns[0].text, re.MULTILINE)
    lines = [int(number) for number, line in numbered if word in line or (found and "goods" in line)]
    return Script(json.dumps({"mark": mark, "lines": lines, "quote": found[0] if found else ""}))


def journeys_model() -> EchoModel:
    """A new one."""
    return EchoModel(by_turns)
