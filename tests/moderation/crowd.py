"""People who talk in a few channels, and one rule that listens."""

from datetime import datetime, timedelta

from bot.core.events import Author, Channel, Join, Message, MessageRef
from bot.moderation.past import Past
from bot.moderation.rule import Rule
from bot.moderation.ruleset import Ruleset
from tests.messages import EPOCH

CHANNELS = 10


class Crowd:
    """A community of one rule; time goes on by hand."""

    def __init__(self, *rules: Rule) -> None:
        self.rules = Ruleset(rules)
        self.now = EPOCH
        self.past = Past(now=lambda: self.now)
        self._said = 0

    def says(
        self,
        text: str,
        author: str = "anna",
        channel: int = 0,
        *,
        after_s: float = 1.0,
        is_edit: bool = False,
        at: datetime | None = None,
    ) -> bool:
        """Whether a rule finds something in what somebody says next."""
        self.now += timedelta(seconds=after_s)
        self._said += 1
        place = Channel("memory", "home", f"channel{channel}")
        message = Message(
            MessageRef(place, str(self._said)), Author("memory", author, author), text, at or self.now
        )
        standing = self.past.standing(message.author)
        seen = self.rules.examine(message, is_edit=is_edit, standing=standing)
        if not is_edit:
            self.past.said(message, by_newcomer=seen.is_newcomer)
        found = [rule.check(seen, self.past) for rule in self.rules.concerned(seen)]
        return any(finding is not None for finding in found)

    def joins(self, author: str, *, after_s: float = 1.0) -> None:
        """Somebody comes."""
        self.now += timedelta(seconds=after_s)
        place = Channel("memory", "home", "channel0")
        self.past.joined(Join(place, Author("memory", author, author), self.now))
