"""Too many messages or arrivals at once."""

from typing import ClassVar

from pydantic import Field

from bot.core.actions import Severity
from bot.core.text import N_, _
from bot.moderation.examined import Examined
from bot.moderation.past import LOOK_BACK_S, OF_ALL, PER_CHANNEL, PER_MEMBER, Past
from bot.moderation.rule import ActionName, Earlier, Example, Finding, Rule, whole


def _burst(
    n: int, author: str = "alice", channel: str = "general", *, joins: bool = False
) -> tuple[Earlier, ...]:
    """So many things within a few seconds."""
    return tuple(
        Earlier(f"message {k}", author.format(k), channel, seconds_ago=(n - k) * 0.3, joins=joins)
        for k in range(n)
    )


class Flood(Rule):
    """Counts messages of a member, of a channel and of the community, and arrivals.

    Edits are no messages. In a wave of many people only those are found who are new or of whom nobody knows
    how long they have been here: a lively evening is no raid.
    """

    kind: ClassVar[str] = "flood"
    summary: ClassVar[str] = N_("Finds floods of messages by one member, in a channel, or in a raid.")
    bursts: ClassVar[bool] = True
    violations: ClassVar[tuple[Example, ...]] = (
        Example("message 8", before=_burst(7)),
        Example("hello", {"channel_messages": 20}, author="zoe", before=_burst(20, "stranger{}")),
        Example("hello", {"community_messages": 30}, author="zoe", before=_burst(30, "stranger{}", "c{}")),
        Example(
            "hi",
            {"joins": 10},
            author="raider9",
            before=_burst(10, "raider{}", joins=True),
        ),
        Example("message 4", before=(Earlier(joins=True, seconds_ago=60), *_burst(3))),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("message 5", before=_burst(4)),
        Example("message 8, corrected", before=_burst(7), is_edit=True),
        Example("hello", author="zoe", before=_burst(20, "stranger{}")),
        Example("hi", {"joins": 10}, author="zoe", before=_burst(10, "raider{}", joins=True)),
    )

    action: ActionName = Field(Severity.HIDE, description=N_("What follows."))
    member_messages: int = Field(
        8,
        ge=0,
        le=PER_MEMBER,
        description=N_("So many messages of one member, in all channels; 0 for never."),
    )
    member_seconds: float = Field(10.0, gt=0, le=LOOK_BACK_S, description=N_("Within so many seconds."))
    channel_messages: int = Field(
        0, ge=0, le=PER_CHANNEL, description=N_("So many messages in one channel; 0 for never.")
    )
    channel_seconds: float = Field(10.0, gt=0, le=LOOK_BACK_S, description=N_("Within so many seconds."))
    community_messages: int = Field(
        0, ge=0, le=OF_ALL, description=N_("So many messages in the whole community; 0 for never.")
    )
    community_seconds: float = Field(10.0, gt=0, le=LOOK_BACK_S, description=N_("Within so many seconds."))
    joins: int = Field(
        0,
        ge=0,
        le=OF_ALL,
        description=N_("After so many arrivals, messages of those who just came; 0 for never."),
    )
    join_seconds: float = Field(60.0, gt=0, le=LOOK_BACK_S, description=N_("Within so many seconds."))
    newcomer_weight: float = Field(
        2.0,
        ge=1,
        le=20,
        description=N_("How often a message counts of somebody who came less than a day ago."),
    )

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        if not seen.is_new:
            return None
        why = self._by_member(seen, past) or self._in_raid(seen, past)
        return None if why is None else Finding(1.0, (whole(seen, why),))

    def _by_member(self, seen: Examined, past: Past) -> str | None:
        if not self.member_messages:
            return None
        weight = self.newcomer_weight if seen.is_newcomer else 1.0
        most = max(int(-(-self.member_messages // weight)), 2)
        since = past.moment(seen.message.at) - self.member_seconds
        count = past.by_member(seen.message.author).count(since, most)
        if count < most:
            return None
        return _("{n} messages within {s:g} seconds", n=count, s=self.member_seconds)

    def _in_raid(self, seen: Examined, past: Past) -> str | None:
        """Whether the place is flooded, and the author no known old member."""
        now = past.moment(seen.message.at)
        if seen.is_newcomer and self.joins:
            joined = past.joins.count(now - self.join_seconds, self.joins)
            if joined >= self.joins:
                return _("{n} people came within {s:g} seconds", n=joined, s=self.join_seconds)
        if seen.standing.joined_at is not None and not seen.is_newcomer:
            return None
        if self.channel_messages:
            window = past.in_channel(seen.message.ref.channel.key)
            count = window.count(now - self.channel_seconds, self.channel_messages)
            if count >= self.channel_messages:
                return _("{n} messages in this channel within {s:g} seconds", n=count, s=self.channel_seconds)
        if self.community_messages:
            since = now - self.community_seconds
            all_of = past.everyone.count(since, self.community_messages)
            new = past.newcomers.count(since, self.community_messages)
            if all_of + (self.newcomer_weight - 1) * new >= self.community_messages:
                return _(
                    "{n} messages in the community within {s:g} seconds", n=all_of, s=self.community_seconds
                )
        return None
