"""What a text says to the bot, its mention removed."""

import re
from collections.abc import Iterable
from html import unescape
from urllib.parse import quote, unquote

from bot.adapters.matrix.rooms import Room, local_part
from bot.adapters.reading import Json, table, text, texts

_MOST_PILLS = 8
_LONGEST_NAME = 256
_QUOTE = ">"
_COMMAND_SIGNS = ("!", "/", "！", "／")
_LONGEST_COMMAND = 10_000
_PILL = re.compile(
    r"""<a\s[^<>]{0,100}href=["']https://matrix\.to/#/((?:@|%40)[^"'?<>]{1,300})[^<>]{0,300}>[^<>]{0,256}</a>"""
)
_BREAK, _TAG = (
    re.compile(r"<br\s*/?>|</p>"),
    re.compile(r"</?[a-z][^<>]{0,1000}>", re.IGNORECASE),
)
_FALLBACK = re.compile(r"> (\* )?<@[^>\n]{1,255}>")


def addressed(content: Json, said: str, room: Room, user_id: str) -> str | None:
    """What is said to us; None when we are not meant.

    We are meant by `m.mentions`, a pill, our full user id outside of quotes, our name at the beginning
    ("llmos: …", "@llmos …"), and by everything in a room that has nobody else to talk to.

    Source: client-server API, "User and room mentions".
    """
    rest, found = _without_mention(content, said, room, user_id)
    listed = user_id in texts(table(content, "m.mentions"), "user_ids")
    return rest if found or listed or room.private else None


def spelled_out(content: Json, body: str) -> str:
    """A command with everybody it mentions by id: the plain text has only names, which anybody can have.

    What is no command stays as it was posted.
    """
    html = (text(content, "formatted_body") or "").rpartition("</mx-reply>")[2]
    if not body.lstrip().startswith(_COMMAND_SIGNS) or len(html) > _LONGEST_COMMAND or not _PILL.search(html):
        return body
    flat = _PILL.sub(lambda pill: unquote(pill[1]), html)
    return unescape(_TAG.sub("", _BREAK.sub("\n", flat))).strip()


def without_fallback(content: Json, body: str) -> str:
    """The text of a reply without the quote that older clients put before it."""
    if not table(content, "m.relates_to", "m.in_reply_to") or not _FALLBACK.match(body):
        return body
    lines = body.split("\n")
    quoted = next((i for i, line in enumerate(lines) if not line.startswith(_QUOTE)), len(lines))
    if quoted < len(lines) and not lines[quoted]:
        quoted += 1
    return "\n".join(lines[quoted:])


def _without_mention(content: Json, said: str, room: Room, user_id: str) -> tuple[str, bool]:
    literals = [*_pills(text(content, "formatted_body") or "", user_id), user_id]
    anywhere = re.compile(_link(user_id) + "".join(f"|{_alone(literal)}" for literal in literals))
    names = {name for name in (room.names.get(user_id), local_part(user_id)) if name}
    name = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    at_start = re.compile(rf"\s*(?:@?(?:{name})\s*[:,]|@(?:{name})(?!\w|[:.-]\w))", re.IGNORECASE)
    lines, found = said.split("\n"), False
    for index, line in enumerate(lines):
        if line.startswith(_QUOTE):
            continue
        rest, count = _cut(anywhere, line)
        if not count and index == 0 and (start := at_start.match(line)):
            rest, count = line[start.end() :].lstrip(), 1
        if count:
            lines[index], found = rest, True
    return ("\n".join(lines).strip() if found else said), found


def _cut(mention: re.Pattern[str], line: str) -> tuple[str, int]:
    """A line without mentions, and how many there were."""
    pieces: list[str] = []
    end = 0
    for found in mention.finditer(line):
        pieces.append(line[end : found.start()])
        end = found.end()
    if not pieces:
        return line, 0
    rest = line[end:]
    if not pieces[0].strip():
        rest = re.sub(r"^\s*[:,]", "", rest)
    return " ".join(piece for piece in (*(p.strip() for p in pieces), rest.strip()) if piece), len(pieces)


def _link(user_id: str) -> str:
    """A Markdown link to us, which some clients write into the plain body of a pill."""
    return rf"\[[^\]\n]{{0,{_LONGEST_NAME}}}\]\(<?https://matrix\.to/#/(?:{_ids(user_id)})(?:\?[^)\s]*)?>?\)"


def _ids(user_id: str) -> str:
    return "|".join(re.escape(form) for form in dict.fromkeys(_forms(user_id)))


def _forms(user_id: str) -> Iterable[str]:
    return user_id, quote(user_id, safe=""), quote(user_id, safe="@"), quote(user_id, safe=":")


def _alone(literal: str) -> str:
    """A literal that is not part of a longer word or id."""
    return rf"(?<![\w@]){re.escape(literal)}(?!\w|[:.-]\w)"


def _pills(html: str, user_id: str) -> list[str]:
    """The texts of links to us. It looks at a bounded part of the text, whatever that is."""
    found: list[str] = []
    pill = re.compile(rf"(?:https://matrix\.to/#/|matrix:u/)(?:{_ids(user_id)}|{_ids(user_id[1:])})[\"'?]")
    for link, _ in zip(pill.finditer(html), range(_MOST_PILLS), strict=False):
        opened = html.find(">", link.end() - 1, link.end() + _LONGEST_NAME)
        closed = html.find("<", opened, opened + _LONGEST_NAME)
        if opened != -1 and closed != -1:
            found.append(unescape(html[opened + 1 : closed]).strip())
    return [name for name in found if name]
