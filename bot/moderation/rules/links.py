"""Links to where nobody should go, and links that hide where they go."""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from bot.core.text import N_, _
from bot.moderation import phishing
from bot.moderation.examined import Examined
from bot.moderation.impostors import imitated
from bot.moderation.links import Link, host_of, links_in
from bot.moderation.past import Past
from bot.moderation.rule import Evidence, Example, Finding, Rule, part


def _domain(text: str) -> str:
    host = host_of(text.strip().removeprefix("https://").removeprefix("http://").partition("/")[0])
    host = host.removeprefix("*.")
    if "." not in host or " " in host:
        raise ValueError(_("{text} is no domain; write it like example.org", text=repr(text)))
    return host


Domain = Annotated[str, Field(min_length=3, max_length=253), AfterValidator(_domain)]
"""A domain; everything below it is meant too."""

_MOST_DOMAINS = 5_000


class Links(Rule):
    """Looks at where links really lead."""

    kind: ClassVar[str] = "links"
    summary: ClassVar[str] = N_(
        "Finds links to listed or phishing sites, to look-alikes of known sites, and those that hide where "
        "they lead."
    )
    needs_links: ClassVar[bool] = True
    violations: ClassVar[tuple[Example, ...]] = (
        Example("see https://bad.example.org/x", {"deny": ["example.org"]}),
        Example("see https://bad.ex%61mple.org/x", {"deny": ["example.org"]}),
        Example("see https://EXAMPLE。org/x", {"deny": ["example.org"]}),
        Example("see https://discord.com@example.org/x", {"deny": ["example.org"]}),
        Example("look: https://other.net/", {"only_allowed": True, "allow": ["example.org"]}),
        Example("log in at [https://discord.com/login](https://evil.example/login)"),
        Example("gift for you: https://dlscord-nitro.example/claim"),
        Example("https://discorcl.com/gifts"),
        Example("https://stеamcommunity.com/tradeoffer/1"),
        Example("https://steamcommunlty.com/tradeoffer/1"),
        Example("https://discord.com.example.net/login"),
        Example("free stuff https://discordapp.pages.dev"),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("see https://discord.com/channels/1/2 and https://github.com/a/b"),
        Example("the guide is https://discordjs.guide and https://discord.js.org"),
        Example("[our rules](https://example.org/rules)"),
        Example("[example.org](https://www.example.org/)"),
        Example("e.g. node.js or file.py, v1.2.3", {"only_allowed": True, "allow": ["example.org"]}),
        Example("https://docs.example.org/a", {"only_allowed": True, "allow": ["example.org"]}),
        Example("https://discordapp.pages.dev", {"allow": ["discordapp.pages.dev"]}),
    )

    deny: tuple[Domain, ...] = Field(
        (), max_length=_MOST_DOMAINS, description=N_("Domains that are not linked here, subdomains included.")
    )
    allow: tuple[Domain, ...] = Field(
        (), max_length=_MOST_DOMAINS, description=N_("Domains that are always fine, subdomains included.")
    )
    only_allowed: bool = Field(False, description=N_("Every other domain is a violation."))
    masked: bool = Field(True, description=N_("Links that show one domain and lead to another."))
    lookalikes: bool = Field(True, description=N_("Domains that look like well-known ones."))
    phishing: bool = Field(True, description=N_("Domains on the list of known phishing sites."))

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        if not seen.links:
            return None
        evidence = tuple(self._evidence(seen))
        return Finding(1.0, evidence) if evidence else None

    def prepare(self) -> None:
        """See `Rule`."""
        if self.phishing:
            phishing.domains()

    @cached_property
    def _denied(self) -> frozenset[str]:
        return frozenset(self.deny)

    @cached_property
    def _allowed(self) -> frozenset[str]:
        return frozenset(self.allow)

    def _evidence(self, seen: Examined) -> Iterator[Evidence]:
        for link in seen.links:
            why = self._why(link)
            if why is not None:
                yield part(seen, link.start, link.end, why)

    def _why(self, link: Link) -> str | None:
        """What is wrong with a link."""
        if not self._allowed.isdisjoint(link.domains):
            return _("it shows another site than it leads to") if self._is_masked(link) else None
        if not self._denied.isdisjoint(link.domains):
            return _("links to {domain} are not welcome here", domain=link.host)
        if self.phishing and phishing.domains().find(link) is not None:
            return _("{domain} is known for phishing", domain=link.host)
        if self._is_masked(link):
            return _("it shows another site than it leads to")
        known = imitated(link) if self.lookalikes and not link.bare else None
        if known is not None:
            return _("{domain} looks like {known} and is not", domain=link.host, known=known)
        if self.only_allowed and not link.bare:
            return _("{domain} is not among the sites linked here", domain=link.host)
        return None

    def _is_masked(self, link: Link) -> bool:
        if not self.masked or link.label is None:
            return False
        shown = [each for each in links_in(link.label) if each.host]
        return any(not (link.leads_to(each.host) or each.leads_to(link.host)) for each in shown)
