"""The same text again and again."""

from typing import ClassVar

from pydantic import Field

from bot.core.actions import Severity
from bot.core.text import N_, _
from bot.moderation.examined import Examined
from bot.moderation.past import LOOK_BACK_S, Past
from bot.moderation.rule import ActionName, Earlier, Example, Finding, Rule, whole

_OFFER = "Free nitro for the first hundred people, claim it at my page now"


class Duplicates(Rule):
    """Counts texts that say the same, word for word or nearly, by one member and by many.

    One member in three channels is a pest, fifty members with one text are a raid. A greeting that everybody
    says is neither, so short texts count only when one member repeats them. Edits are not counted.
    """

    kind: ClassVar[str] = "duplicates"
    summary: ClassVar[str] = N_(
        "Finds the same or nearly the same text, posted in many places or by many members."
    )
    bursts: ClassVar[bool] = True
    violations: ClassVar[tuple[Example, ...]] = (
        Example(
            _OFFER,
            before=(
                Earlier(_OFFER, channel="help", seconds_ago=9),
                Earlier(_OFFER, channel="random", seconds_ago=5),
            ),
        ),
        Example(
            _OFFER,
            author="raider4",
            before=(
                Earlier("Free nitro for the firs hundred people, claim it at my pagee now", "raider1"),
                Earlier("Free nitro for the first hundred pe0ple, claim it at my page n ow", "raider2"),
                Earlier("FREE nitro for the first hundred people; claim it t my page now!", "raider3"),
            ),
        ),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example(_OFFER, before=(Earlier(_OFFER, seconds_ago=9),)),
        Example(
            "good morning", author="dora", before=tuple(Earlier("good morning", f"m{n}") for n in range(8))
        ),
        Example(_OFFER, before=(Earlier(_OFFER), Earlier(_OFFER)), is_edit=True),
        Example(
            "How do I set the clock of the oven to winter time?",
            author="raider4",
            before=tuple(
                Earlier(f"What is the {n} best way to clean an oven at home?", f"m{n}") for n in range(3)
            ),
        ),
    )

    action: ActionName = Field(Severity.HIDE, description=N_("What follows."))
    copies: int = Field(4, ge=2, le=50, description=N_("So many like texts by several members."))
    seconds: float = Field(120.0, gt=0, le=LOOK_BACK_S, description=N_("Within so many seconds."))
    own_copies: int = Field(
        3, ge=2, le=50, description=N_("So many like texts by one member, in all channels.")
    )
    own_seconds: float = Field(300.0, gt=0, le=LOOK_BACK_S, description=N_("Within so many seconds."))
    shortest: int = Field(
        30, ge=1, le=1000, description=N_("Letters from which on texts of several members are compared.")
    )
    own_shortest: int = Field(
        8, ge=1, le=1000, description=N_("Letters from which on texts of one member are compared.")
    )

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        letters = len(seen.normalized.text.strip())
        if not seen.is_new or letters < min(self.shortest, self.own_shortest):
            return None
        now = past.moment(seen.message.at)
        said = past.copies_of(seen).said
        author = seen.message.author.identity
        own = sum(1 for each in said if each.author == author and each.at_s > now - self.own_seconds)
        if own >= self.own_copies and letters >= self.own_shortest:
            why = _("said {n} times within {s:g} seconds by one member", n=own, s=self.own_seconds)
            return Finding(1.0, (whole(seen, why),))
        recent = [each for each in said if each.at_s > now - self.seconds]
        people = len({each.author for each in recent})
        if len(recent) >= self.copies and people > 1 and letters >= self.shortest:
            why = _("said {n} times within {s:g} seconds", n=len(recent), s=self.seconds)
            return Finding(1.0, (whole(seen, why),))
        return None
