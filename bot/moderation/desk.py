"""What moderators decide about cases: the first decision counts, everything that can be is undone again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, assert_never, get_args

from bot.core.actions import Action, Ban, Delete, Post, Severity, Timeout, Unban, Update
from bot.core.errors import UserError
from bot.core.events import Author
from bot.core.text import _
from bot.moderation import cards
from bot.moderation.review import WEIGHTS, Review
from bot.storage.cases import Case, State
from bot.storage.store import Store
from bot.storage.strikes import Strike

Verb = Literal["approve", "right", "delete", "warn", "timeout", "ban", "false-alarm", "undo"]
"""What can be decided; `right` is for what a rule in shadow would have done."""

VERBS: tuple[Verb, ...] = get_args(Verb)
TIMEOUT_S = 3600.0
"""A moderator's timeout by button; `mod timeout` takes any."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that is durable, and the actions that follow."""

    case: Case
    actions: tuple[Action, ...]


class Desk:
    """Decides cases in the name of moderators, whose right to do so was checked before."""

    def __init__(self, store: Store, review: Review, now: Callable[[], datetime]) -> None:
        self._store, self._review, self._now = store, review, now

    async def decide(self, case: Case, verb: Verb, by: Author) -> Decided:
        """Decide a case.

        Raises:
            UserError: somebody else was faster, or there is nothing to undo; it says who did what.
        """
        if verb == "undo":
            return await self._undo(case, by)
        if case.state != "open":
            raise UserError(_already(case))
        state, did = _meaning(verb)
        decided = await self._store.cases.resolve(case, state, did, by)
        if decided is None:
            raise UserError(_already(await self._store.cases.get(case.community, case.number) or case))
        await self._count(decided, verb)
        return Decided(decided, (*_done(decided, verb), *await self.cards(decided)))

    async def overturn(self, case: Case, by: Author) -> Decided:
        """An appeal was right: the rule was wrong, and nothing counts against its author any more."""
        decided = await self._store.cases.resolve(case, "false alarm", (), by, again=True)
        if decided is None:
            raise UserError(_already(await self._store.cases.get(case.community, case.number) or case))
        await self._store.strikes.cancel(case.community, case.author.identity, case.number)
        return Decided(decided, (*_taken_back(decided), *await self.cards(decided)))

    async def cards(self, case: Case) -> tuple[Action, ...]:
        """The new text of every card of a case."""
        found = self._store.controls.about("case", case.number)
        if not found:
            return ()
        circumstances = await self._review.circumstances(case)
        updates: Sequence[Update] = [cards.updated(case, card, *circumstances) for card in found]
        return tuple(updates)

    async def _count(self, case: Case, verb: Verb) -> None:
        """What counts against the author now."""
        store = self._store.strikes
        if verb in ("false-alarm", "approve"):
            await store.cancel(case.community, case.author.identity, case.number)
            return
        weight = WEIGHTS[Severity.BAN] if verb == "ban" else 1.0
        counted = any(strike.case == case.number for strike in store.of(case.community, case.author.identity))
        if verb != "right" and not counted:
            strike = Strike(self._now(), weight, case.number)
            await store.give(case.community, case.author.identity, strike)

    async def _undo(self, case: Case, by: Author) -> Decided:
        if case.state == "open" and not case.did:
            raise UserError(_("Nothing was done about case {number} yet.", number=case.number))
        decided = await self._store.cases.resolve(replace(case, did=()), "kept", (), by, again=True)
        if decided is None:
            raise UserError(_already(await self._store.cases.get(case.community, case.number) or case))
        await self._store.strikes.cancel(case.community, case.author.identity, case.number)
        return Decided(decided, (*_taken_back(case), *await self.cards(decided)))


def _meaning(verb: Verb) -> tuple[State, tuple[str, ...]]:
    """The state a decision leads to, and what it does in words."""
    match verb:
        case "approve":
            return "kept", ()
        case "right":
            return "upheld", ()
        case "false-alarm":
            return "false alarm", ()
        case "delete":
            return "upheld", (_("deleted"),)
        case "warn":
            return "upheld", (_("warned"),)
        case "timeout":
            return "upheld", (_("timed out"),)
        case "ban":
            return "upheld", (_("banned"),)
        case "undo":
            return "kept", ()
        case _:
            assert_never(verb)


def _done(case: Case, verb: Verb) -> tuple[Action, ...]:
    ref, channel, author = case.message, case.message.channel, case.author
    reason = _("case {number}, decided by {who}", number=case.number, who=case.actor_name)
    match verb:
        case "delete":
            return (Delete(ref, reason),)
        case "warn":
            return (Post(channel, warning(case)),)
        case "timeout":
            return (Delete(ref, reason), Timeout(channel, author, TIMEOUT_S, reason))
        case "ban":
            return (Delete(ref, reason), Ban(channel, author, reason))
        case "false-alarm":
            return _taken_back(case)
        case "approve" | "right" | "undo":
            return ()
        case _:
            assert_never(verb)


def _taken_back(case: Case) -> tuple[Action, ...]:
    """What can be taken back of what was done to an author; deleted messages cannot."""
    channel, reason = case.message.channel, _("case {number} was taken back", number=case.number)
    timed_out = case.severity is Severity.TIMEOUT or _("timed out") in case.did
    banned = case.severity is Severity.BAN or _("banned") in case.did
    actions: list[Action] = []
    if not case.shadow and timed_out:
        actions.append(Timeout(channel, case.author, 0, reason))
    if not case.shadow and banned:
        actions.append(Unban(channel, case.author, reason))
    return tuple(actions)


def warning(case: Case) -> str:
    """What is said to a member who is warned, where they wrote it."""
    return _(
        "{author}, the moderators ask you to keep to the rules of this place ({rule}). `appeal {number}` "
        "tells you alone what it is about.",
        author=cards.plain(case.author.name),
        rule=case.rule or _("a decision of theirs"),
        number=case.number,
    )


def _already(case: Case) -> str:
    """Who was faster, and what they did."""
    return _(
        "Case {number} is decided already. {decision}",
        number=case.number,
        decision=cards.decision(case).replace("**", ""),
    )
