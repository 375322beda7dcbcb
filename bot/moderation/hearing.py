"""Appeals: what an author says against a case reaches the moderators, and their answer the author."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from bot.core.actions import Action, Alert, Post, Reply, Update
from bot.core.controls import Control
from bot.core.errors import UserError
from bot.core.events import Author
from bot.core.text import N_, _, speaking
from bot.moderation import cards
from bot.moderation.desk import Decided, Desk
from bot.storage.appeals import Appeal, AppealState
from bot.storage.cases import Case
from bot.storage.store import Store

Verdict = Literal["uphold", "overturn"]
"""uphold: the decision stays. overturn: the author was right."""

APPEALS, APPEALS_WITHIN = 3, timedelta(days=7)
"""So many appeals a member may make in a community within that time."""

DECIDE = ("mod", "appeals")
"""The command behind what is pressed below the card of an appeal."""

_STATES: dict[Verdict, AppealState] = {"uphold": "upheld", "overturn": "overturned"}


class Hearing:
    """Takes appeals and decides them in the name of moderators, whose right to do so was checked before."""

    def __init__(self, store: Store, desk: Desk, now: Callable[[], datetime]) -> None:
        self._store, self._desk, self._now = store, desk, now

    async def make(self, case: Case, appeal: Appeal) -> tuple[Action, ...]:
        """Take an appeal of the author of a case; what tells the moderators.

        Raises:
            UserError: there is one already, or there were too many.
        """
        since = self._now() - APPEALS_WITHIN
        made = await self._store.appeals.make(case.community, case.author.identity, appeal, APPEALS, since)
        if made == "too many":
            raise UserError(
                _(
                    "You made {n} appeals within a week, which is as many as I take. Try again later, or "
                    "write to a moderator.",
                    n=APPEALS,
                )
            )
        if made == "again":
            known = await self._store.appeals.get(case.number)
            if known is None or known.call != appeal.call:
                raise UserError(standing(case, known))
        log = self._store.rulebooks.of(case.community).log
        with speaking(self._desk.locale):
            if log is None:
                return (Alert(case.message.channel, f"{_title(case)}\n{_text(case, appeal)}"),)
            return (Post(log, _text(case, appeal), _title(case), _controls(case)),)

    async def decide(self, case: Case, verdict: Verdict, by: Author, call: str) -> Decided:
        """Decide an appeal; the author hears of it.

        Raises:
            UserError: there is none, or somebody else was faster.
        """
        appeal = await self._store.appeals.get(case.number)
        if appeal is None:
            raise UserError(_("There is no appeal against case {number}.", number=case.number))
        if appeal.decided_in != call:
            decided = await self._store.appeals.decide(appeal, _STATES[verdict], by, call)
            if decided is None:
                found = await self._store.appeals.get(case.number)
                raise UserError(outcome(case, found or appeal))
            appeal = decided
        followed: tuple[Action, ...] = ()
        if appeal.state == "overturned":
            overturned = await self._desk.overturn(case, by, call)
            case, followed = overturned.case, overturned.actions
        with speaking(self._desk.locale):
            return Decided(case, (*followed, *self._updated(case, appeal), answer(case, appeal)))

    def _updated(self, case: Case, appeal: Appeal) -> tuple[Update, ...]:
        found = self._store.controls.about(DECIDE, "case", case.number)
        text = f"{_text(case, appeal)}\n**{outcome(case, appeal)}**"
        return tuple(Update(card, text, _title(case)) for card in found)


def standing(case: Case, appeal: Appeal | None) -> str:
    """What is known of an appeal that was made before."""
    if appeal is None or appeal.state == "open":
        return _(
            "You have appealed against case {number} already. The moderators have your appeal.",
            number=case.number,
        )
    return outcome(case, appeal)


def outcome(case: Case, appeal: Appeal) -> str:
    """Who decided an appeal, and how; for moderators and the author."""
    if appeal.state == "overturned":
        return _(
            "The appeal against case {number} was right, says {who}.", number=case.number, who=_who(appeal)
        )
    if appeal.state == "upheld":
        return _("The decision in case {number} stays, says {who}.", number=case.number, who=_who(appeal))
    return _("The appeal against case {number} waits for a moderator.", number=case.number)


def answer(case: Case, appeal: Appeal) -> Reply | Post:
    """What the author hears: where nobody else reads, what was decided; elsewhere only that it was."""
    if appeal.to.channel.private:
        return Reply(appeal.to, case.author, decision(case, appeal), private=True, notice=True)
    text = _(
        "{author}, the moderators have decided about your appeal. Only you can see what.",
        author=cards.plain(case.author.name),
    )
    return Post(case.message.channel, text, controls=(cards.why(case),))


def decision(case: Case, appeal: Appeal) -> str:
    """What the author reads about their appeal."""
    if appeal.state == "overturned":
        return (
            outcome(case, appeal)
            + " "
            + _("Nothing counts against you any more, and what could be taken back was. I am sorry.")
        )
    return outcome(case, appeal)


def _title(case: Case) -> str:
    return _("Appeal against case {number}", number=case.number)


def _text(case: Case, appeal: Appeal) -> str:
    """Who, what they say, and what it is about."""
    author = f"{cards.plain(case.author.name)} (`{cards.plain(case.author.id)}`)"
    lines = [
        _("{author} asks you to look again at: {title}", author=author, title=cards.title(case)),
        cards.quoted(appeal.text),
        _("The message was:") if case.text else "",
        cards.quoted(case.text),
        *cards.reasons(case),
        _("`mod appeals {number} uphold` or `overturn` decides.", number=case.number)
        if appeal.state == "open"
        else "",
    ]
    return "\n".join(line for line in lines if line)


def _controls(case: Case) -> tuple[Control, ...]:
    def control(emoji: str, label: str, verdict: Verdict) -> Control:
        return Control(emoji, _(label), DECIDE, {"case": case.number, "verdict": verdict})

    return (
        control("⚖️", N_("The decision stays"), "uphold"),
        control("🕊️", N_("The author is right"), "overturn"),
    )


def _who(appeal: Appeal) -> str:
    return cards.plain(appeal.decided_by) or _("a moderator")
