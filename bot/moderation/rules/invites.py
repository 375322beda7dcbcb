"""Invitations to other communities."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bot.core.text import N_, _
from bot.moderation.examined import Examined
from bot.moderation.past import Past
from bot.moderation.rule import Example, Finding, Rule, part

_TO_A_MESSAGE = ("/$", "/%24", "/e/")
"""What follows the room in a link to a message of it, which is no invitation (Matrix, "Navigation")."""

Service = Literal["discord", "matrix", "telegram", "whatsapp", "signal", "slack", "guilded", "revolt", "line"]

_DOT = r"\s?(?:[.。．]|[(\[]\s?dot\s?[)\]]|\sdot\s)\s?"
_SLASH = r"\s?[/\\]+\s?"

EXPRESSIONS: dict[Service, tuple[str, ...]] = {
    "discord": (
        rf"\bdiscord(?:app)?{_DOT}(?:com|gg){_SLASH}(?:invite{_SLASH})?[\w-]{{2,32}}",
        rf"\b(?:dsc{_DOT}gg|discord{_DOT}(?:me|io|li|link)|invite{_DOT}gg|dis{_DOT}cool){_SLASH}[\w-]{{2,32}}",
    ),
    "matrix": (
        r"\bmatrix\.to/#/[#!+][^\s<>]{2,255}",
        r"\bmatrix:(?:r|roomid)/[^\s<>]{2,255}",
        r"(?:^|[\s(])[#!][\w.=/+-]{1,200}:(?:[\w-]+\.)+[a-z]{2,24}\b",
    ),
    "telegram": (
        rf"\bt(?:elegram)?{_DOT}(?:me|dog){_SLASH}(?:joinchat/|\+)?[\w-]{{3,64}}",
        r"\btg://(?:join|resolve)\?[^\s<>]{3,200}",
    ),
    "whatsapp": (rf"\bchat{_DOT}whatsapp{_DOT}com{_SLASH}(?:invite/)?\w{{6,64}}", r"\bwa\.me/\d{6,20}"),
    "signal": (r"\bsignal\.group/#[\w-]{6,200}",),
    "slack": (r"\bjoin\.slack\.com/t/[^\s<>]{3,200}",),
    "guilded": (rf"\bguilded{_DOT}(?:gg|com){_SLASH}(?:i/)?[\w-]{{2,64}}",),
    "revolt": (r"\b(?:rvlt\.gg|stt\.gg|(?:app\.)?revolt\.chat/invite)/[\w-]{2,64}",),
    "line": (r"\bline\.me/(?:R/)?ti/[gp2]{1,2}/[^\s<>]{3,100}",),
}
"""How invitations of each service are written."""

_SERVICES: tuple[Service, ...] = tuple(EXPRESSIONS)
_SERVICE_OF = {expression: service for service, all_of in EXPRESSIONS.items() for expression in all_of}
_NO_INVITE = ("discord.com/channels", "discord.com/developers", "discord.com/api", "discordapp.com/channels")


class Invites(Rule):
    """Finds invitations to communities on other servers and services."""

    kind: ClassVar[str] = "invites"
    summary: ClassVar[str] = N_(
        "Finds invitations to other communities on Discord, Matrix, Telegram and so on."
    )
    violations: ClassVar[tuple[Example, ...]] = (
        Example("join https://discord.gg/abc123"),
        Example("join discord(dot)gg/abc123"),
        Example("join https://disco%72d.gg/abc123"),
        Example("https://discord.com/invite/abc123"),
        Example("come to https://matrix.to/#/#spam:example.org?via=example.org"),
        Example("come to #spam:example.org"),
        Example("https://t.me/+AbCdEf123456 free coins"),
        Example("https://chat.whatsapp.com/AbCdEfGhIjKlMn"),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("see https://matrix.to/#/!home:example.org/$event:example.org?via=example.org"),
        Example("we talked about discord and telegram"),
        Example("see https://discord.com/channels/1/2/3"),
        Example("join https://discord.gg/ours", {"allow": ["ours"]}),
        Example("https://t.me/ours", {"services": ["discord"]}),
        Example("see issue #12: fixed in main.py"),
    )

    services: tuple[Service, ...] = Field(
        _SERVICES, min_length=1, description=N_("Whose invitations are looked for.")
    )
    allow: tuple[Annotated[str, Field(min_length=2, max_length=255)], ...] = Field(
        (), max_length=500, description=N_("Invitations that are fine, by their code or room.")
    )

    def expressions(self) -> tuple[str, ...]:
        """See `Rule`."""
        return tuple(expression for service in self.services for expression in EXPRESSIONS[service])

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        evidence = tuple(
            part(
                seen, hit.start, hit.end, _("an invitation to another community ({service})", service=service)
            )
            for hit in seen.hits(self.name)
            if (service := _SERVICE_OF[hit.sought]) and self._counts(seen.message.text[hit.start : hit.end])
        )
        return Finding(1.0, evidence) if evidence else None

    def _counts(self, invitation: str) -> bool:
        written = invitation.strip().strip("(").lower()
        if written.startswith(_NO_INVITE):
            return False
        if written.startswith(("discord.com/", "discordapp.com/")) and "invite" not in written:
            return False
        if written.startswith("matrix") and any(sign in written for sign in _TO_A_MESSAGE):
            return False
        return not any(written.rstrip("/").endswith(allowed.lower()) for allowed in self.allow)
