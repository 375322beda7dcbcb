"""What one should not post: passwords of programs, and data that belong to somebody."""

import re
from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import Field

from bot.core.actions import Severity
from bot.core.text import N_, _
from bot.moderation.examined import Examined
from bot.moderation.past import Past
from bot.moderation.rule import ActionName, Evidence, Example, Finding, Rule, part

What = Literal["token", "email", "phone", "card", "iban"]

_EXACT = (
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",  # Amazon
    r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b",  # GitHub
    r"\bgithub_pat_[A-Za-z0-9_]{22,255}\b",
    r"\bgl(?:pat|ptt|dt|rt)-[\w-]{20,100}",  # GitLab
    r"\bxox[abeoprs]-[\w-]{10,250}",  # Slack
    r"\b[MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\.[\w-]{27,45}",  # a bot on Discord
    r"\bmfa\.[\w-]{80,100}",
    r"discord(?:app)?\.com/api/webhooks/\d{15,20}/[\w-]{60,80}",
    r"\bAIza[\w-]{35}",  # Google
    r"\bya29\.[\w-]{50,500}",
    r"\bsk-(?:ant-|proj-|or-v1-)?[A-Za-z0-9_-]{20,250}",  # OpenAI, Anthropic, OpenRouter
    r"\b[rs]k_(?:live|test)_[0-9a-zA-Z]{20,250}",  # Stripe
    r"\b\d{8,10}:AA[\w-]{33}\b",  # a bot on Telegram
    r"\bpypi-AgE[\w-]{50,500}",
    r"\bnpm_[A-Za-z0-9]{36}\b",
    r"\bhf_[A-Za-z]{30,60}\b",
    r"\bSG\.[\w-]{22}\.[\w-]{43}\b",  # SendGrid
    r"\bsyt_[A-Za-z0-9+/=_-]{1,200}_[A-Za-z]{20}_[0-9A-Za-z]{6}\b",  # Synapse
    r"\bdop_v1_[a-f0-9]{64}\b",  # DigitalOcean
    r"\beyJ[\w-]{10,1000}\.eyJ[\w-]{10,1000}\.[\w-]{10,500}",  # a JSON web token
    r"-----BEGIN (?:[A-Z]{2,10} )?PRIVATE KEY-----",
)
"""Tokens as their services write them; capitals matter."""

EXPRESSIONS: dict[What, tuple[str, ...]] = {
    "token": tuple(f"(?-i:{expression})" for expression in _EXACT),
    "email": (r"\b[\w.%+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}\b",),
    "phone": (
        r"\+\d{1,3}[ ./-]?(?:\(?\d{1,5}\)?[ ./-]?){2,6}\d{2,}",
        r"\(?\b\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b",
        r"\b1[3-9]\d{9}\b",
    ),
    "card": (r"\b(?:\d[ -]?){12,18}\d\b",),
    "iban": (r"(?-i:\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?\b)",),
}

_WHAT: dict[str, What] = {each: what for what, all_of in EXPRESSIONS.items() for each in all_of}
_ALL: tuple[What, ...] = tuple(EXPRESSIONS)


def is_card(text: str) -> bool:
    """Whether digits are the number of a card. Source: ISO/IEC 7812-1, the Luhn check."""
    digits = [int(sign) for sign in text if sign.isdecimal()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 2 or digits[0] not in (2, 3, 4, 5, 6):
        return False
    doubled = [
        digit if place % 2 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits[-2::-1])
    ]
    return (sum(doubled) + digits[-1]) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether it is the number of an account. Source: ISO 13616, the check modulo 97."""
    compact = text.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def is_phone(text: str) -> bool:
    """Whether digits may be the number of a telephone. Source: E.164, at most 15 digits."""
    digits = re.sub(r"\D", "", text)
    return 9 <= len(digits) <= 15 and len(set(digits)) > 2


_CHECKS: dict[What, Callable[[str], bool]] = {"card": is_card, "iban": is_iban, "phone": is_phone}

_WHY: dict[What, str] = {
    "token": N_(
        "it looks like a password or token of a program; make a new one there, others may have seen it"
    ),
    "email": N_("it holds an e-mail address"),
    "phone": N_("it holds a telephone number"),
    "card": N_("it holds the number of a payment card"),
    "iban": N_("it holds the number of a bank account"),
}


class PersonalData(Rule):
    """Finds what strangers could misuse, tells the author, and shows it to the moderators."""

    kind: ClassVar[str] = "personal_data"
    summary: ClassVar[str] = N_("Finds tokens, e-mail addresses, telephone, card and account numbers.")
    violations: ClassVar[tuple[Example, ...]] = (
        Example("my key is ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6"),
        Example("use AKIA" + "IOSFODNN7EXAMPLE for it"),
        Example("write to anna.smith@example.org"),
        Example("call +49 30 123 456 78"),
        Example("call me at (555) 010-4477"),
        Example("my card: 4111 1111 1111 1111"),
        Example("send it to DE89 3704 0044 0532 0130 00"),
        Example("我的电话是 13812345678"),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("version 1.2.3 of 2026-01-05 costs 1234.56"),
        Example("my card is not 4111 1111 1111 1112"),
        Example("order 1234567890123456789"),
        Example("skating at 10 and ghosts_at_night"),
        Example("write to anna.smith@example.org", {"what": ["token", "card"]}),
        Example("write to help@example.org", {"allow": ["help@example.org"]}),
    )

    action: ActionName = Field(Severity.QUEUE, description=N_("What follows."))
    hint: str = Field(
        N_("Your message seems to hold something private. If you did not mean to share it, delete it."),
        max_length=500,
        description=N_("What the author is told; empty for the usual sentence."),
    )
    what: tuple[What, ...] = Field(_ALL, min_length=1, description=N_("What is looked for."))
    allow: tuple[str, ...] = Field((), max_length=500, description=N_("What may be posted, exactly so."))

    def expressions(self) -> tuple[str, ...]:
        """See `Rule`."""
        return tuple(expression for what in self.what for expression in EXPRESSIONS[what])

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        evidence: list[Evidence] = []
        for hit in seen.hits(self.name):
            what, text = _WHAT[hit.sought], seen.message.text[hit.start : hit.end].strip()
            if text in self.allow or not _CHECKS.get(what, bool)(text):
                continue
            if not any(hit.start < known.end and known.start < hit.end for known in evidence):
                evidence.append(part(seen, hit.start, hit.end, _(_WHY[what])))
        return Finding(1.0, tuple(evidence)) if evidence else None
