"""Messages that call many people at once."""

import re
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from bot.core.text import N_, _
from bot.moderation.examined import Examined
from bot.moderation.past import Past
from bot.moderation.rule import Evidence, Example, Finding, Rule, part

_MENTION = re.compile(
    r"<@[!&]?\d{1,20}>"  # a member or a role on Discord
    r"|(?:https?://)?matrix\.to/#/@[^\s<>)]{1,255}"
    r"|(?<![\w/@.])@[\w.=-]{1,64}:[\w.-]{1,190}\w"  # a member on Matrix
    r"|(?<![\w/@.])@[^\W\d][\w.-]{1,31}"
)
_EVERYONE = re.compile(r"(?<![\w@])@(?:everyone|here|room)\b", re.IGNORECASE)


class Mentions(Rule):
    """Counts whom a message calls, each once."""

    kind: ClassVar[str] = "mentions"
    summary: ClassVar[str] = N_("Finds messages that mention many members, or everyone at once.")
    violations: ClassVar[tuple[Example, ...]] = (
        Example("hey @everyone look at this"),
        Example("<@1> <@2> <@3> <@!4> <@&5> hello"),
        Example("@anna @ben @carl @dora @emil come here"),
        Example("@a:example.org @b:example.org @c:example.org", {"limit": 3}),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("thanks @anna and @ben"),
        Example("<@1> <@1> <@1> <@1> <@1> <@1>"),
        Example("mail me at anna@example.org or ben@example.org", {"limit": 2}),
        Example("is @everyone allowed here?", {"everyone": False}),
    )

    limit: int = Field(5, ge=2, le=100, description=N_("From so many different members on."))
    everyone: bool = Field(True, description=N_("Also @everyone, @here and @room."))

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        text = seen.message.text
        if "@" not in text:
            return None
        evidence = tuple(self._evidence(seen, text))
        return Finding(1.0, evidence) if evidence else None

    def _evidence(self, seen: Examined, text: str) -> Iterator[Evidence]:
        if self.everyone:
            for found in _EVERYONE.finditer(text):
                yield part(seen, found.start(), found.end(), _("it calls everyone"))
        called = [found for found in _MENTION.finditer(text) if not _EVERYONE.match(found[0])]
        people = {found[0].replace("!", "").lower(): found for found in called}
        if len(people) >= self.limit:
            why = _("it mentions {n} members", n=len(people))
            yield part(seen, called[0].start(), called[-1].end(), why)
