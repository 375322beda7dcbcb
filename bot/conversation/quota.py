"""How much may be asked in a day (UTC), by a member, in a channel and in a community."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, Protocol

from bot.conversation.policy import Settings
from bot.core.actions import Alert
from bot.core.events import Channel, Identity, MessageRef
from bot.core.text import _, ngettext

Level = Literal["member", "channel", "community"]


@dataclass(frozen=True, slots=True)
class Quota:
    """What one member, channel or community may use in a day; None is without limit."""

    requests: int | None = None
    tokens: int | None = None


UNLIMITED = Quota()


def quota_scope(level: Level, channel: Channel) -> str:
    """Where moderators' choice for a level is kept: with the channel, or with the community."""
    return channel.parent.key if level == "channel" else channel.community_key


def quota_setting(level: Level, unit: Literal["requests", "tokens"]) -> str:
    """The setting's name in its scope."""
    return f"quota_{level}_{unit}"


def _lower(chosen: str | None, configured: int | None) -> int | None:
    """The choice within the operator's limit, which is about money and machines."""
    if chosen is None or not chosen.isdecimal():
        return configured
    return int(chosen) if configured is None else min(int(chosen), configured)


class Counters(Protocol):
    """Where use is counted; `bot.storage` has the real one."""

    def today(self, scope: str, day: date) -> tuple[int, int]:
        """Requests and tokens of a scope on a day."""
        ...

    async def add(self, scopes: Sequence[str], day: date, requests: int, tokens: int) -> None:
        """Count on."""
        ...


@dataclass(frozen=True, slots=True)
class Refused:
    """A question that is over the quota.

    Attributes:
        level: whose quota it is.
        wait: until the counters start again.
        alert: for the moderators, at the first refusal of the day in a community.
    """

    level: Level
    wait: timedelta
    alert: Alert | None

    @property
    def text(self) -> str:
        """What the member is told, in the locale of the moment."""
        return _refusal(self.level, self.wait)


@dataclass(frozen=True, slots=True)
class Allowance:
    """A question within the quota: what it may use is set aside until it is settled."""

    day: date
    scopes: tuple[str, ...]
    tokens: int


class Quotas:
    """Checks before a question and counts after it."""

    def __init__(
        self,
        usage: Counters,
        pseudonym: Callable[[Identity], str],
        now: Callable[[], datetime],
        *,
        member: Quota = UNLIMITED,
        channel: Quota = UNLIMITED,
        community: Quota = UNLIMITED,
        settings: Settings | None = None,
    ) -> None:
        self._usage = usage
        self._pseudonym = pseudonym
        self._now = now
        self._settings = settings
        self._quotas: dict[Level, Quota] = {"member": member, "channel": channel, "community": community}
        self._requests: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()

    def scopes(self, channel: Channel, asker: Identity) -> dict[Level, str]:
        """The counters a question adds to; a thread counts for its channel."""
        return {
            "member": f"member:{self._pseudonym(asker)}",
            "channel": f"channel:{channel.parent.key}",
            "community": f"community:{channel.community_key}",
        }

    async def reserve(self, question: MessageRef, asker: Identity, tokens: int) -> Allowance | Refused:
        """Set a request and at most `tokens` aside for a question, or refuse it; a refusal costs nothing.

        Questions that are being answered count as if they used all they may, so that a hundred questions
        at once do not all slip through.
        """
        now = self._now().astimezone(UTC)
        scopes = self.scopes(question.channel, asker)
        over = next(
            (
                level
                for level, scope in scopes.items()
                if self._is_over(self.quota(level, question.channel), scope, now.date())
            ),
            None,
        )
        if over is not None:
            alert = await self._first_refusal(question.channel, over, now)
            return Refused(over, until_midnight(now), alert)
        for scope in scopes.values():
            self._requests[scope] += 1
            self._tokens[scope] += tokens
        return Allowance(now.date(), tuple(scopes.values()), tokens)

    async def settle(self, allowance: Allowance, tokens: int | None) -> None:
        """The question is done and used so many tokens; None for one that cost nothing."""
        self.release(allowance)
        if tokens is not None:
            await self._usage.add(allowance.scopes, allowance.day, 1, tokens)

    def release(self, allowance: Allowance) -> None:
        """Give back what was set aside."""
        for scope in allowance.scopes:
            self._requests[scope] -= 1
            self._tokens[scope] -= allowance.tokens
            if self._requests[scope] <= 0:
                del self._requests[scope], self._tokens[scope]

    def used(self, channel: Channel, asker: Identity) -> dict[Level, tuple[Quota, int, int]]:
        """What was used today and what is allowed: (quota, requests, tokens) by level."""
        day = self._now().astimezone(UTC).date()
        scopes = self.scopes(channel, asker)
        return {
            level: (self.quota(level, channel), *self._usage.today(scope, day))
            for level, scope in scopes.items()
        }

    def is_spent(self, channel: Channel, asker: Identity) -> bool:
        """Whether a quota is used up; nobody is told, for what nobody asked for."""
        return any(
            (quota.requests is not None and requests >= quota.requests)
            or (quota.tokens is not None and tokens >= quota.tokens)
            for quota, requests, tokens in self.used(channel, asker).values()
        )

    def quota(self, level: Level, channel: Channel) -> Quota:
        """What holds now: what moderators chose, but never more than the operator's configuration allows."""
        if self._settings is None:
            return self._quotas[level]
        chosen = self._settings.get(quota_scope(level, channel))
        return Quota(
            requests=_lower(chosen.get(quota_setting(level, "requests")), self._quotas[level].requests),
            tokens=_lower(chosen.get(quota_setting(level, "tokens")), self._quotas[level].tokens),
        )

    def _is_over(self, quota: Quota, scope: str, day: date) -> bool:
        requests, tokens = self._usage.today(scope, day)
        if quota.requests is not None and requests + self._requests[scope] >= quota.requests:
            return True
        return quota.tokens is not None and tokens + self._tokens[scope] >= quota.tokens

    async def _first_refusal(self, channel: Channel, level: Level, now: datetime) -> Alert | None:
        """Refusals are counted like use: the moderators hear of it once a day, also after a restart."""
        scope = f"refused:{channel.community_key}"
        refused, _tokens = self._usage.today(scope, now.date())
        await self._usage.add((scope,), now.date(), 1, 0)
        return Alert(channel, _alert(level, until_midnight(now))) if refused == 0 else None


def until_midnight(now: datetime) -> timedelta:
    """Time until the counters start again."""
    tomorrow = now.astimezone(UTC).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), UTC) - now


def in_words(wait: timedelta) -> str:
    """A waiting time as people say it: minutes below an hour and a half, hours above; never "0 minutes"."""
    minutes = max(1, round(wait.total_seconds() / 60))
    if minutes < 90:
        return ngettext("{n} minute", "{n} minutes", minutes)
    return ngettext("{n} hour", "{n} hours", round(minutes / 60))


def _refusal(level: Level, wait: timedelta) -> str:
    when = in_words(wait)
    match level:
        case "member":
            return _("You have used up your questions for today. You can ask me again in {when}.", when=when)
        case "channel":
            return _(
                "This channel has used up its questions for today. I can answer here again in {when}.",
                when=when,
            )
        case "community":
            return _("All questions for today are used up here. I can answer again in {when}.", when=when)


def _alert(level: Level, wait: timedelta) -> str:
    when = in_words(wait)
    match level:
        case "member":
            return _(
                "A member has reached the daily quota of questions; it starts again in {when}. "
                "I will not mention further refusals today. `admin quota` shows the limits.",
                when=when,
            )
        case "channel":
            return _(
                "This channel has reached its daily quota of questions; it starts again in {when}. "
                "I will not mention further refusals today. `admin quota` shows the limits.",
                when=when,
            )
        case "community":
            return _(
                "The community has reached its daily quota of questions; it starts again in {when}. "
                "I will not mention further refusals today. `admin quota` shows the limits.",
                when=when,
            )
