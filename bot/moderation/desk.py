"""What moderators decide and do: the first decision counts, and whatever can be is undone again.

A decision becomes durable with its entry in the audit log, before anything follows from it. The call it came
by is stored with it: when a kill comes between, the same call leads to the same actions once more.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.actions import Action, Post, Severity
from bot.core.errors import UserError
from bot.core.events import Author, Channel, MessageRef
from bot.core.text import _, speaking
from bot.moderation import cards, decisions
from bot.moderation.adapting import ADAPTER, adapt, told
from bot.moderation.decisions import Verb
from bot.moderation.learning import Learning, Learns, nowhere
from bot.moderation.review import Review
from bot.storage.audit import AuditEntry
from bot.storage.cases import Case, Deed
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from bot.storage.strikes import Strike

_SEVERITY: dict[Deed, Severity] = {
    "timeout": Severity.TIMEOUT,
    "kick": Severity.KICK,
    "ban": Severity.BAN,
    "purge": Severity.DELETE,
}


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that is durable, and the actions that follow."""

    case: Case
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class ByHand:
    """Something a moderator does without a rule.

    Attributes:
        about: the message it is about, or one without an id in the place where it happens.
        member: to whom; nobody where it is done to a place.
        text: of the message.
        why: the moderator's reason, or what there is to note, a line each.
    """

    deed: Deed
    about: MessageRef
    member: Author
    text: str = ""
    why: tuple[str, ...] = ()


class Desk:
    """Decides and acts in the name of moderators, whose right to do so was checked before.

    Each `call` is the name of the event that leads to a decision.
    """

    def __init__(
        self,
        store: Store,
        review: Review,
        now: Callable[[], datetime],
        locale: str = "en",
        learns: Learns = nowhere,
    ) -> None:
        """Args: locale: the language of what everybody reads; errors are in that of who decides."""
        self._store, self._review, self._now, self.locale = store, review, now, locale
        self._learning = Learning(store, review, learns)

    async def decide(self, case: Case, verb: Verb, by: Author, call: str) -> Decided:
        """Decide a case.

        Raises:
            UserError: somebody else was faster, or there is nothing to undo; it says who did what.
        """
        learned: tuple[Action, ...] = ()
        if not call or case.call != call:
            if verb != "undo" and case.state != "open":
                raise UserError(already(case))
            case = await self._resolved(case, decisions.after(case, verb), verb, by, call)
            learned = await self._learned(case)
        await self._count(case)
        await self._learning.note(case)
        with speaking(self.locale):
            done = (*decisions.actions(case, verb), *self._said(case, verb))
            return Decided(case, (*done, *await self.cards(case), *learned))

    async def overturn(self, case: Case, by: Author, call: str) -> Decided:
        """An appeal was right: the rule was wrong, and nothing counts against its author any more.

        Raises:
            UserError: somebody decided about the case at the same moment.
        """
        learned: tuple[Action, ...] = ()
        if not call or case.call != call:
            case = await self._resolved(case, decisions.overturned(case), "overturn", by, call)
            learned = await self._learned(case)
        await self._count(case)
        await self._learning.note(case)
        with speaking(self.locale):
            return Decided(case, (*decisions.taken_back(case), *await self.cards(case), *learned))

    async def act(self, done: ByHand, by: Author, call: str) -> Decided:
        """Write down what a moderator does by hand, and say it; the deed itself is the caller's to add."""
        known = await self._store.cases.about(done.about) if call else []
        case = next((each for each in known if each.call == call), None)
        if case is None:
            case = self._case(done, by, call)
            weight = decisions.weight(case.did) if case.author.id else 0.0
            strike = (case.community, case.author.identity, Strike(self._now(), weight, case.number))
            await self._store.settle(
                Settlement(
                    cases=(case,),
                    struck=(strike,) if weight else (),
                    audit=(self._entry(case, done.deed, by),),
                )
            )
        log = self._store.rulebooks.of(case.community).log
        with speaking(self.locale):
            warned = (warning(case),) if done.deed in ("warn", "timeout") else ()
            card = () if log is None else (await self._review.card(case, log),)
        return Decided(case, (*warned, *card))

    async def cards(self, case: Case) -> tuple[Action, ...]:
        """The new text of every card of a case."""
        found = self._store.controls.about(cards.RESOLVE, "case", case.number)
        if not found:
            return ()
        circumstances = await self._review.circumstances(case)
        return tuple(cards.updated(case, card, *circumstances) for card in found)

    def _said(self, case: Case, verb: Verb) -> tuple[Action, ...]:
        """What the author reads in the place: that they were warned, or that their message is gone."""
        if verb == "warn":
            return (warning(case),)
        if verb not in ("delete", "timeout") or {"hide", "delete"} & set(case.was):
            return ()
        return self._review.notice(case.message.channel, case.author)

    async def _resolved(self, case: Case, after: Case, verb: str, by: Author, call: str) -> Case:
        actor, now = self._store.seal.pseudonym(by.identity), self._now()
        decided = replace(after, actor=actor, actor_name=by.name, resolved_at=now, call=call)
        if await self._store.cases.resolve(case, decided, self._entry(decided, verb, by)):
            return decided
        found = await self._store.cases.get(case.community, case.number)
        raise UserError(gone(case.number) if found is None else already(found))

    async def _learned(self, case: Case) -> tuple[Action, ...]:
        """What moderators are told when a verdict changed the rule behind a case."""
        if not case.rule or case.state not in ("upheld", "false alarm"):
            return ()
        change = await adapt(self._store, case.community, case.rule, self._now())
        if change is None:
            return ()
        book, channel = self._store.rulebooks.of(case.community), case.message.channel
        counted = f"{change.found.right}/{change.found.verdicts}"
        entry = AuditEntry(
            at=self._now(),
            platform=channel.platform,
            community=channel.community,
            channel_key=channel.key,
            actor=ADAPTER,
            verb="rules adapt",
            detail=f"version {book.version} {case.rule} raised={change.after.raised} {counted}",
        )
        await self._store.settle(Settlement(audit=(entry,)))
        with speaking(self.locale):
            return () if book.log is None else (Post(book.log, told(change)),)

    async def _count(self, case: Case) -> None:
        """Make what counts against the author what the case counts now; once more changes nothing."""
        store, author = self._store.strikes, case.author.identity
        counted = sum(
            strike.weight for strike in store.of(case.community, author) if strike.case == case.number
        )
        counts = decisions.counts(case)
        if counted > counts:
            await store.cancel(case.community, author, case.number)
            counted = 0.0
        if counted < counts:
            await store.give(case.community, author, Strike(self._now(), counts - counted, case.number))

    def _case(self, done: ByHand, by: Author, call: str) -> Case:
        now, community = self._now(), done.about.channel.community_key
        return Case(
            number=self._store.cases.next_number(),
            community=community,
            message=done.about,
            author=done.member,
            text=done.text,
            rule="",
            version=self._store.rulebooks.of(community).version,
            severity=_SEVERITY.get(done.deed, Severity.NONE),
            shadow=False,
            at=now,
            state="done" if done.deed == "note" else "upheld",
            evidence=tuple((0, 0, "", line) for line in done.why if line),
            did=(done.deed,),
            actor=self._store.seal.pseudonym(by.identity),
            actor_name=by.name,
            resolved_at=now,
            call=call,
        )

    def _entry(self, case: Case, verb: str, by: Author) -> AuditEntry:
        channel = case.message.channel
        rule = f"rule {case.rule} version {case.version}" if case.rule else "by hand"
        pseudonym = self._store.seal.pseudonym
        return AuditEntry(
            at=self._now(),
            platform=channel.platform,
            community=channel.community,
            channel_key=channel.key,
            actor=pseudonym(by.identity),
            verb=verb,
            detail=f"case {case.number} {rule}",
            subject=pseudonym(case.author.identity) if case.author.id else "",
        )


def nobody(channel: Channel) -> Author:
    """To whom something is done that is done to a place."""
    return Author(channel.platform, "", "")


def warning(case: Case) -> Post:
    """What is said to a member who is warned or timed out, in the place; why is for them alone."""
    text = _(
        "{author}, the moderators ask you to keep to the rules of this place. `appeal {number}` tells you "
        "alone what it is about.",
        author=cards.plain(case.author.name),
        number=case.number,
    )
    return Post(case.message.channel, text, controls=(cards.why(case),))


def already(case: Case) -> str:
    """Who was faster, and what they did."""
    if case.state == "open":
        return _(
            "Somebody decided about case {number} at the same moment. Look at it again.", number=case.number
        )
    return _(
        "Case {number} is decided already. {decision}",
        number=case.number,
        decision=cards.decision(case).replace("**", ""),
    )


def gone(number: int) -> str:
    """What is said of a case that is not there."""
    return _(
        "There is no case {number} here, or what it was about was forgotten. `mod queue` lists what waits.",
        number=number,
    )
