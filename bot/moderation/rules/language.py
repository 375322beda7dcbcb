"""Messages in another language than their channel's: a kind word, and nothing to punish."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from bot.core.actions import Severity
from bot.core.text import N_, _
from bot.llm.language_names import language_named
from bot.moderation.examined import Examined
from bot.moderation.past import Past
from bot.moderation.rule import ActionName, Example, Finding, Rule, whole

_ENGLISH = {"languages": ["en"]}
_SPACELESS_WORTH = 3  # a Chinese character says as much as so many letters


def _code_of(written: object) -> object:
    """The code of a language by its name or code; anything else is pydantic's to refuse."""
    found = language_named(written) if isinstance(written, str) else None
    if found is None:
        raise ValueError(_("there is no language of this name; write it such as German, 德语 or de"))
    return found.code


LanguageCode = Annotated[str, BeforeValidator(_code_of)]
"""ISO 639, "en"; names of languages are taken too."""


class Language(Rule):
    """Finds messages that are surely in a language which is not the channel's."""

    kind: ClassVar[str] = "language"
    summary: ClassVar[str] = N_("Finds messages in another language than those of the channel.")
    for_our_words: ClassVar[bool] = False
    violations: ClassVar[tuple[Example, ...]] = (
        Example("Wie kann ich das Programm auf meinem Rechner installieren?", _ENGLISH),
        Example("这个版本应该怎么安装？有人知道吗", _ENGLISH),
        Example("Can somebody tell me how to install this?", {"languages": ["zh", "de"]}),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("Can somebody tell me how to install this?", _ENGLISH),
        Example("merci beaucoup", _ENGLISH),
        Example("谢谢", _ENGLISH),
        Example("What does 谢谢大家 mean in this message?", _ENGLISH),
        Example("sudo apt install nginx && systemctl restart nginx", {"languages": ["de"]}),
    )

    action: ActionName = Field(Severity.HINT, description=N_("What follows."))
    languages: tuple[LanguageCode, ...] = Field(
        min_length=1,
        max_length=20,
        description=N_("The languages of the channel, such as English or en; `channels` says which channel."),
    )
    shortest: int = Field(
        25, ge=5, le=1000, description=N_("Letters from which on a message is enough to tell its language.")
    )

    def prepare(self) -> None:
        """See `Rule`."""
        _language_of("Diese Worte laden das Modell")

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        text = seen.message.text
        if _letters(text) < self.shortest:
            return None
        language = _language_of(text)
        if language is None or language in self.languages:
            return None
        hint = _(
            "Most people here read {languages}, so more of them can answer you in it. `translate` helps with "
            "that.",
            languages=", ".join(self.languages),
        )
        return Finding(1.0, (whole(seen, _("in another language ({code})", code=language)),), hint)


def _language_of(text: str) -> str | None:
    from bot.llm.language import language_of  # noqa: PLC0415 - numpy is behind it, and few have this rule

    return language_of(text)


def _letters(text: str) -> int:
    """How many letters a text has; characters of scripts that write without spaces say more."""
    return sum(_SPACELESS_WORTH if "\u3040" <= sign <= "\ud7a3" else 1 for sign in text if sign.isalpha())
