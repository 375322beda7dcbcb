"""The sources of an answer as a card below it: titles that lead to where each stands.

A message either has cards or no previews of its links (Discord, "Message Flags": SUPPRESS_EMBEDS hides
both), so links in the text above a card stand in angle brackets, which keep Discord from fetching them.
"""

import re
from collections.abc import Sequence

from bot.adapters.reading import Json
from bot.core.below import Entry
from bot.core.text import _

LONGEST_CARD = 4096
"""Characters of an embed's description (Discord, "Embed Limits")."""

_LINKS_AND_CODE = re.compile(
    r"\\.|```.*?(?:```|\Z)|``.*?``|`[^`\n]*`|<[^<>\s]*>|(?P<link>https?://[^\s<>。，、；：！？”’」』）》]+)",
    re.DOTALL,
)
_BEHIND = ".,;:!?'\"*_~|"
_BRACKETS = str.maketrans("[]", "()")


def embed(sources: Sequence[Entry]) -> Json:
    """An embed that names sources, as many as it holds."""
    lines, room = list[str](), LONGEST_CARD
    for each in sources:
        line = _line(each)
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    return {"title": _("Sources"), "description": "\n".join(lines)}


def without_previews(said: str) -> str:
    """A text whose links Discord does not fetch; code stays as it is."""
    return _LINKS_AND_CODE.sub(_quiet, said)


def length(said: str) -> int:
    """Characters of a text without previews, at most."""
    return len(said) + 2 * said.count("://")


def _line(entry: Entry) -> str:
    if not entry.link.startswith(("http://", "https://")) or ">" in entry.link:
        return entry.line
    return f"[{entry.number}] [{entry.title.translate(_BRACKETS)}](<{entry.link}>)"


def _quiet(found: re.Match[str]) -> str:
    link = found["link"]
    if link is None:
        return found[0]
    bare = link.rstrip(_BEHIND)
    while bare.endswith(")") and bare.count(")") > bare.count("("):
        bare = bare[:-1].rstrip(_BEHIND)
    return f"<{bare}>{link[len(bare) :]}"
