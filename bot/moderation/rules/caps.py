"""Shouting."""

from typing import ClassVar

from pydantic import Field

from bot.core.actions import Severity
from bot.core.text import N_, _
from bot.moderation.examined import Examined
from bot.moderation.past import Past
from bot.moderation.rule import ActionName, Example, Finding, Rule, part


class Caps(Rule):
    """Finds messages in capitals; scripts without capitals never shout."""

    kind: ClassVar[str] = "caps"
    summary: ClassVar[str] = N_("Finds messages written mostly in capitals.")
    violations: ClassVar[tuple[Example, ...]] = (
        Example("WHY DOES NOBODY ANSWER ME"),
        Example("ПОЧЕМУ ВЫ МОЛЧИТЕ ВСЕ"),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("Why does nobody answer me"),
        Example("HTTP 404, OK?"),
        Example("为什么没有人回答我的问题"),
        Example("路由器里开了 UPNP 和 VPN，改用 IPTV 的 VLAN 之后，速度会快五到八倍吗？"),
        Example("see https://EXAMPLE.ORG/VERY/LOUD/PATH please"),
    )

    action: ActionName = Field(Severity.HINT, description=N_("What follows."))
    share: float = Field(0.7, ge=0.3, le=1, description=N_("From this share of capitals among letters on."))
    shortest: int = Field(12, ge=4, le=1000, description=N_("Letters that a message must have."))

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        text = seen.message.text
        if len(text) < self.shortest or text.islower():
            return None
        for link in reversed(seen.links):
            text = text[: link.start] + text[link.end :]
        upper = sum(map(str.isupper, text))
        letters = upper + sum(map(str.islower, text))
        if letters < self.shortest or upper < self.share * letters:
            return None
        if 2 * letters < sum(map(str.isalpha, text)):
            return None  # abbreviations in a script without capitals
        capitals = [at for at, letter in enumerate(seen.message.text) if letter.isupper()]
        why = _("{percent} % of its letters are capitals", percent=round(100 * upper / letters))
        return Finding(1.0, (part(seen, capitals[0], capitals[-1] + 1, why),))
