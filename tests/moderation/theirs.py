"""What another distribution might offer."""

from typing import ClassVar

from bot.moderation.examined import Examined
from bot.moderation.past import Past
from bot.moderation.rule import Example, Finding, Rule, whole


class Greeting(Rule):
    """Somebody else's rule."""

    kind: ClassVar[str] = "greeting"
    summary: ClassVar[str] = "Finds greetings."
    violations: ClassVar[tuple[Example, ...]] = (Example("hello"),)
    harmless: ClassVar[tuple[Example, ...]] = (Example("bye"),)

    def check(self, seen: Examined, past: Past) -> Finding | None:
        return Finding(1.0, (whole(seen, "a greeting"),)) if seen.message.text == "hello" else None


NO_RULE = "no rule"
