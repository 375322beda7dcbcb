"""From a verdict to what is done: shadow first, a card for each case, no moderators, no floods of cards."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.actions import Action, Post, Reply, Severity
from bot.core.controls import Control
from bot.core.directory import Directory
from bot.core.errors import PlatformError, UserError
from bot.core.events import Author, Channel, Identity, Join, Message
from bot.core.permissions import Role
from bot.core.text import N_, _
from bot.moderation import cards, decisions
from bot.moderation.judge import Judgement
from bot.moderation.ladder import deeds_on, hint, strikes
from bot.moderation.rule import Verdict
from bot.moderation.rulebook import read
from bot.moderation.ruleset import Ruleset
from bot.storage.audit import AuditEntry
from bot.storage.cases import Case
from bot.storage.rulebooks import Rulebook
from bot.storage.store import Store
from bot.storage.strikes import Strike

log = logging.getLogger(__name__)

CARDS, CARDS_WITHIN = 5, timedelta(minutes=1)
"""So many cards of one rule in a minute; what comes then is in the queue, and said to be there once."""

NOTICES_WITHIN = timedelta(minutes=1)
"""A member is told in a place once in this time that something was removed."""

GREETED_WITHIN, GREETED_AGAIN = timedelta(minutes=1), timedelta(days=30)
"""One newcomer in a minute is greeted in a community, and nobody twice in a month."""

KNOWN_ROLE = timedelta(minutes=1)
"""How long a member's role is believed when messages are judged; commands ask for it each time."""

PLATFORM_TIMEOUT_S = 5.0
WHY = Control("🔎", N_("Show me why"), ("appeal",))

_NOTHING = Ruleset()


@dataclass(frozen=True, slots=True)
class Followed:
    """What follows from a judgement, to become durable in one transaction."""

    outcome: str = ""
    stands: bool = True
    actions: tuple[Action, ...] = ()
    cases: tuple[Case, ...] = ()
    struck: tuple[tuple[str, Identity, Strike], ...] = ()
    audit: tuple[AuditEntry, ...] = ()


NOTHING_FOLLOWS = Followed()
"""Nobody set rules up: what the judge says holds."""


class Review:
    """Applies the rulebooks of communities.

    Args:
        level: how a channel is moderated: "off", "shadow" or anything else for as the rulebook says.
    """

    def __init__(
        self,
        store: Store,
        directory: Directory,
        now: Callable[[], datetime],
        level: Callable[[Channel], str],
    ) -> None:
        self._store, self._directory, self._now, self._level = store, directory, now, level
        self._compiled: dict[str, tuple[int, Ruleset]] = {}
        self._roles: dict[tuple[str, Identity], tuple[datetime, Role]] = {}
        self._posted: dict[tuple[str, str], deque[datetime]] = {}
        self._told: dict[tuple[str, Identity], datetime] = {}
        self._greeted: dict[str, dict[Identity, datetime]] = {}

    # What a judge asks

    def rules(self, channel: Channel) -> Ruleset:
        """The rules of a channel's community; none before a moderator set it up, or where they are off."""
        book = self._store.rulebooks.of(channel.community_key)
        if not book.is_set_up or self._level(channel) == "off":
            return _NOTHING
        known = self._compiled.get(book.community)
        if known is None or known[0] != book.version:
            known = self._compiled[book.community] = (book.version, compiled(book))
        return known[1]

    def acts(self, channel: Channel, rule: str) -> bool:
        """Whether a rule acts in a channel; otherwise it only reports."""
        book = self._store.rulebooks.of(channel.community_key)
        return rule in book.enforced and self._level(channel) != "shadow"

    def strikes(self, message: Message) -> float:
        """What the strikes of an author amount to by now."""
        kept = self._store.strikes.of(message.ref.channel.community_key, message.author.identity)
        return strikes(kept, self._now())

    # What follows

    def welcome(self, join: Join) -> tuple[Action, ...]:
        """A line for somebody who came, where moderators want that: not in a raid, and not twice."""
        book, now = self._store.rulebooks.of(join.channel.community_key), self._now()
        if not book.welcome or join.author.is_bot:
            return ()
        greeted = self._greeted.setdefault(book.community, {})
        for who in [who for who, at in greeted.items() if now - at >= GREETED_AGAIN]:
            del greeted[who]
        latest = max(greeted.values(), default=None)
        if join.author.identity in greeted or (latest is not None and now - latest < GREETED_WITHIN):
            return ()
        greeted[join.author.identity] = now
        return (Post(join.channel, greeting(join.author)),)

    async def follow(self, message: Message, judgement: Judgement) -> Followed | None:
        """What a judgement leads to; None if its author moderates here, as if no rule had found anything."""
        verdict = judgement.strongest
        book = self._store.rulebooks.of(message.ref.channel.community_key)
        if verdict is None or not book.is_set_up:
            return NOTHING_FOLLOWS
        if verdict.severity <= Severity.LOG:
            return Followed(f"noted:{verdict.rule}")
        role = await self._role(message.author, message.ref.channel)
        if role is not None and role >= Role.MODERATOR:
            return None
        acts = role is not None and self.acts(message.ref.channel, verdict.rule)
        case = self._case(message, verdict, book, shadow=not acts)
        if acts:
            case = replace(case, did=decisions.DEEDS[verdict.severity])
        card = await self._card(case, book)
        if not acts:
            return Followed(f"shadow:{verdict.rule}", actions=card, cases=(case,))
        done = self._done(message, verdict)
        weight = decisions.weight(case.did)
        strike = Strike(self._now(), weight, case.number)
        return Followed(
            f"moderated:{verdict.rule}",
            stands=verdict.severity < Severity.QUEUE,
            actions=(*done, *(card if verdict.severity >= Severity.QUEUE else ())),
            cases=(case,),
            struck=((book.community, message.author.identity, strike),) if weight else (),
            audit=(self._entry(case, verdict),) if done else (),
        )

    def _case(self, message: Message, verdict: Verdict, book: Rulebook, *, shadow: bool) -> Case:
        waits = shadow or verdict.severity >= Severity.QUEUE
        return Case(
            number=self._store.cases.next_number(),
            community=book.community,
            message=message.ref,
            author=message.author,
            text=message.text,
            rule=verdict.rule,
            version=book.version,
            severity=verdict.severity,
            shadow=shadow,
            at=self._now(),
            state="open" if waits else "done",
            score=verdict.score,
            evidence=tuple((each.start, each.end, each.text, each.why) for each in verdict.evidence),
        )

    def _done(self, message: Message, verdict: Verdict) -> tuple[Action, ...]:
        """What is done to a message and its author, and what the author is told."""
        done = deeds_on(message, verdict)
        match verdict.severity:
            case Severity.HINT:
                return (Reply(message.ref, message.author, hint(verdict), notice=True),)
            case Severity.HIDE | Severity.DELETE | Severity.TIMEOUT:
                return (*done, *self.notice(message.ref.channel, message.author))
            case _:
                return done

    def notice(self, channel: Channel, author: Author) -> tuple[Action, ...]:
        """A word where a message stood, without what it said; the rest is for its author alone."""
        now, key = self._now(), (channel.key, author.identity)
        told = self._told.get(key)
        if told is not None and now - told < NOTICES_WITHIN:
            return ()
        self._told = {each: at for each, at in self._told.items() if now - at < NOTICES_WITHIN} | {key: now}
        return (Post(channel, removed(author), controls=(WHY.translated(),)),)

    async def _card(self, case: Case, book: Rulebook) -> tuple[Action, ...]:
        """The card of a case, unless its rule has filled the moderators' channel already."""
        if book.log is None:
            return ()
        now, recent = self._now(), self._posted.setdefault((book.community, case.rule), deque())
        while recent and now - recent[0] > CARDS_WITHIN:
            recent.popleft()
        recent.append(now)
        if len(recent) > CARDS + 1:
            recent.popleft()
            return ()
        if len(recent) == CARDS + 1:
            return (Post(book.log, burst(case.rule)),)
        return (await self.card(case, book.log),)

    async def card(self, case: Case, channel: Channel) -> Post:
        """The card of a case."""
        return cards.posted(case, channel, *await self.circumstances(case))

    async def circumstances(self, case: Case) -> tuple[str | None, float, int]:
        """A link to the message, its author's strikes, and how many earlier cases there were."""
        link = await self.link(case)
        kept = self._store.strikes.of(case.community, case.author.identity)
        before = await self._store.cases.of(case.community, case.author.identity, 100)
        return link, strikes(kept, self._now()), sum(each.number < case.number for each in before)

    async def link(self, case: Case) -> str | None:
        """A link to the message of a case, where there is one and the platform tells."""
        if not case.message.id:
            return None
        try:
            async with asyncio.timeout(PLATFORM_TIMEOUT_S):
                return await self._directory.link(case.message.channel, case.message.id)
        except (PlatformError, TimeoutError):
            return None

    async def _role(self, author: Author, channel: Channel) -> Role | None:
        """The author's role, not older than a minute; None where the platform did not tell."""
        key, now = (channel.community_key, author.identity), self._now()
        known = self._roles.get(key)
        if known is not None and now - known[0] < KNOWN_ROLE:
            return known[1]
        try:
            async with asyncio.timeout(PLATFORM_TIMEOUT_S):
                role = await self._directory.role(author, channel)
        except (PlatformError, TimeoutError) as error:
            log.warning("nobody tells whether an author moderates, so nothing is done: %s", error)
            return None
        self._roles = {each: found for each, found in self._roles.items() if now - found[0] < KNOWN_ROLE}
        self._roles[key] = (now, role)
        return role

    def _entry(self, case: Case, verdict: Verdict) -> AuditEntry:
        channel = case.message.channel
        return AuditEntry(
            at=self._now(),
            platform=channel.platform,
            community=channel.community,
            channel_key=channel.key,
            actor="bot",
            verb=verdict.severity.name.lower(),
            detail=f"case {case.number} rule {case.rule} version {case.version}",
            subject=self._store.seal.pseudonym(case.author.identity),
        )


def compiled(book: Rulebook) -> Ruleset:
    """The rules of a book; rules that cannot be read any more are none, and the log says so."""
    try:
        return Ruleset(read(book.rules) if book.rules else ())
    except UserError as error:
        log.error("the stored rules cannot be used, so nothing is judged: %s", error)
        return _NOTHING


def greeting(newcomer: Author) -> str:
    """What a newcomer reads."""
    return _(
        "Welcome, {name}. Mention me to ask me something; `help` tells what else I can do. What I keep and "
        "for how long tells `privacy show`, and `privacy forget` erases it.",
        name=cards.plain(newcomer.name),
    )


def removed(author: Author) -> str:
    """What is said where a message stood."""
    return _(
        "{author}, I removed a message of yours. Only you can see why and get your text back, with `appeal`.",
        author=cards.plain(author.name),
    )


def burst(rule: str) -> str:
    """What moderators read instead of the sixth card within a minute."""
    return _("`{rule}` finds more and more; `mod queue` lists the further cases of this minute.", rule=rule)
