"""The links in a text, read as a browser would follow them and not as they are dressed up.

A browser decodes percent signs, takes full-width dots for dots and backslashes for slashes, ignores what
stands before an @, and drops characters that nobody sees; so do we before a host is compared with anything.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache
from urllib.parse import unquote

import idna

MAX_LINKS = 50
"""Links looked at in one message; whoever posts more has said enough."""

TO_A_MESSAGE = re.compile(
    r"https://(?:discord\.com/channels/(?:@me|\d{1,20})/\d{1,20}/\d{1,20}|matrix\.to/#/![!-~]{1,255}/\$[!-~]{1,300})"
    r"(?=\s|\Z)"
)
"""Where something was said in a chat; only who may read it there gets there."""

_MASKED = re.compile(r"\[([^\[\]\n]{1,300})\]\([ \t]*<?([^\s()<>]{1,2000})>?[^()\n]{0,200}\)")
_PLAIN = re.compile(r"\bhttps?:[/\\]{1,3}[^\s<>\"`|]{1,2000}", re.IGNORECASE)
_BARE = re.compile(
    r"(?<![\w@./\\-])(?:[^\W_][\w-]{0,62}[.．｡]){1,8}(?:[a-z]{2,24}|xn--[a-z0-9-]{2,59})(?![\w-])"
    r"(?:[/?#][^\s<>\"`|]{0,1000})?",
    re.IGNORECASE,
)
_DOTTED = re.compile(r"\w[.．｡][a-z]", re.IGNORECASE)
_TRAILING = ".,;:!?'\"*_~)]}”’。，！？；："
_DOTS = str.maketrans("。．｡", "...")


@dataclass(frozen=True)
class Link:
    """A link in a text.

    Attributes:
        start, end: in code points of the text; a masked link includes its label.
        url: as written.
        host: where it leads: lower case, in ASCII (punycode), without port; "" if it leads nowhere.
        path: what follows the host, decoded.
        label: what is shown instead of it, None if it shows itself.
        bare: written without a scheme, such as example.org: not everything of this form is a link.
    """

    start: int
    end: int
    url: str
    host: str
    path: str
    label: str | None = None
    bare: bool = False

    def leads_to(self, domain: str) -> bool:
        """Whether it leads to a domain or below it."""
        return self.host == domain or self.host.endswith(f".{domain}")

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """The host and every domain above it, the longest first: a.b.org, b.org."""
        labels = self.host.split(".")
        return tuple(".".join(labels[start:]) for start in range(len(labels) - 1))


def links_in(text: str) -> tuple[Link, ...]:
    """All links of a text, at most 50, in their order; none overlaps another."""
    looked_for = _looked_for(text)
    if not looked_for:
        return ()
    found: list[Link] = []
    taken: list[tuple[int, int]] = []
    for pattern in looked_for:
        for match in pattern.finditer(text):
            if len(found) >= MAX_LINKS:
                break
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            link = _link(pattern, match)
            if link is not None:
                found.append(link)
                taken.append((link.start, link.end))
    return tuple(sorted(found, key=lambda link: link.start))


def _looked_for(text: str) -> list[re.Pattern[str]]:
    """The forms of links that there may be in a text: most texts have none, and looking takes time."""
    dotted = _DOTTED.search(text) is not None
    plain = "://" in text or ":\\" in text or ":/" in text
    masked = "](" in text and (dotted or plain)
    forms = ((_MASKED, masked), (_PLAIN, plain), (_BARE, dotted))
    return [pattern for pattern, likely in forms if likely]


def _link(pattern: re.Pattern[str], match: re.Match[str]) -> Link | None:
    if pattern is _MASKED:
        label, url = match[1], match[2]
        if not _PLAIN.match(url) and not _BARE.match(url):
            return None
        host, path = _parts(url)
        return Link(match.start(), match.end(), url, host, path, label)
    url = match[0].rstrip(_TRAILING)
    host, path = _parts(url)
    return Link(match.start(), match.start() + len(url), url, host, path, bare=pattern is _BARE)


def _parts(url: str) -> tuple[str, str]:
    """The host a browser would ask, and the rest, decoded."""
    rest = re.sub(r"^https?:[/\\]*", "", url, flags=re.IGNORECASE).replace("\\", "/")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    path = unquote(unquote(rest[len(authority) :]))
    return host_of(authority), path


@lru_cache(4_096)
def host_of(authority: str) -> str:
    """A host as it is compared: lower case, ASCII, without user, port and what nobody sees."""
    seen = unquote(unquote(authority)).rpartition("@")[2]
    folded = "".join(c for c in unicodedata.normalize("NFKC", seen) if unicodedata.category(c) != "Cf")
    host = folded.translate(_DOTS).casefold().partition(":")[0].strip(".")
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return host


def shown_host(host: str) -> str:
    """A host as people read it: its punycode decoded."""
    if "xn--" not in host:
        return host
    try:
        return idna.decode(host)
    except idna.IDNAError:
        return host
