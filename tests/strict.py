"""Rules for tests that need something to be done, and not a particular rule."""

from bot.core.actions import Severity
from bot.moderation.examined import Examined
from bot.moderation.past import Past
from bot.moderation.rule import ActionName, Finding, Rule


class NoShouting(Rule):
    """Removes messages in capitals."""

    action: ActionName = Severity.DELETE

    def check(self, seen: Examined, past: Past) -> Finding | None:
        return Finding(1.0) if seen.message.text.isupper() else None


class BanMe(Rule):
    """Bans who asks for it."""

    action: ActionName = Severity.BAN

    def check(self, seen: Examined, past: Past) -> Finding | None:
        return Finding(1.0) if seen.message.text == "ban me" else None


NO_SHOUTING = NoShouting(name="no-shouting")
BAN_ME = BanMe(name="ban-me")
