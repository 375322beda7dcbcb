"""What a decision about a case means; pure functions over cases."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, get_args

from bot.core.actions import Action, Ban, Delete, Lock, Severity, Timeout, Unban
from bot.core.errors import UserError
from bot.core.text import _
from bot.storage.cases import Case, Deed, State

Verb = Literal["approve", "right", "delete", "warn", "timeout", "ban", "false-alarm", "undo"]
"""What can be decided; `right` is for what a rule in shadow would have done."""

VERBS: tuple[Verb, ...] = get_args(Verb)

TIMEOUT_S = 3600.0
"""A moderator's timeout by button; `mod timeout` takes any."""

DEEDS: Mapping[Severity, tuple[Deed, ...]] = {
    Severity.NONE: (),
    Severity.LOG: (),
    Severity.REACT: ("react",),
    Severity.HINT: ("hint",),
    Severity.QUEUE: (),
    Severity.HIDE: ("hide",),
    Severity.DELETE: ("delete",),
    Severity.TIMEOUT: ("delete", "timeout"),
    Severity.KICK: ("delete", "kick"),
    Severity.BAN: ("delete", "ban"),
}
"""What a rule does with each severity."""

WEIGHTS: Mapping[Deed, float] = {
    "hide": 1.0,
    "delete": 1.0,
    "warn": 1.0,
    "timeout": 1.0,
    "kick": 2.0,
    "ban": 3.0,
}
"""What counts against a member, and how much; of several deeds the gravest counts."""

REVERSIBLE: frozenset[Deed] = frozenset({"warn", "timeout", "ban", "lock", "note"})
"""What is as if it had never been when it is taken back; nobody brings a deleted message back."""

_MEANING: Mapping[Verb, tuple[State, tuple[Deed, ...]]] = {
    "approve": ("kept", ()),
    "right": ("upheld", ()),
    "false-alarm": ("false alarm", ()),
    "delete": ("upheld", ("delete",)),
    "warn": ("upheld", ("warn",)),
    "timeout": ("upheld", ("delete", "timeout")),
    "ban": ("upheld", ("delete", "ban")),
}


def after(case: Case, verb: Verb) -> Case:
    """The case as a decision leaves it; an undone decision leaves it open for another one.

    Raises:
        UserError: there is nothing to undo.
    """
    if verb == "undo":
        if not is_undoable(case):
            raise UserError(
                _("About case {number} nothing was done that I could take back.", number=case.number)
            )
        state: State = "open" if case.rule and case.state != "open" else "kept"
        return replace(case, state=state, did=_lasting(case), was=case.did, evidence=_kept(case))
    state, more = _MEANING[verb]
    did = case.did if more or verb == "right" else _lasting(case)
    return replace(case, state=state, did=tuple(dict.fromkeys((*did, *more))), was=case.did)


def overturned(case: Case) -> Case:
    """The case as a successful appeal leaves it."""
    return replace(case, state="false alarm", did=_lasting(case), was=case.did)


def is_undoable(case: Case) -> bool:
    """Whether something was decided or done that can be taken back."""
    match case.state:
        case "open":
            return bool(case.did) and not case.actor
        case "kept":
            return bool(case.rule)
        case "done":
            return not case.rule
        case "upheld" | "false alarm":
            return True


def weight(deeds: tuple[Deed, ...]) -> float:
    """What deeds count against a member."""
    return max((WEIGHTS.get(deed, 0.0) for deed in deeds), default=0.0)


def counts(case: Case) -> float:
    """What a case counts against its author as it is now."""
    return weight(case.did) if case.state == "upheld" else 0.0


def actions(case: Case, verb: Verb) -> tuple[Action, ...]:
    """What a decision does to a message and its author, and what it takes back; `case` is decided."""
    ref, channel, author = case.message, case.message.channel, case.author
    reason = _("case {number}, decided by {who}", number=case.number, who=case.actor_name)
    match verb:
        case "delete":
            return (Delete(ref, reason),)
        case "timeout":
            return (Delete(ref, reason), Timeout(channel, author, TIMEOUT_S, reason))
        case "ban":
            return (Delete(ref, reason), Ban(channel, author, reason))
        case "approve" | "false-alarm" | "undo":
            return taken_back(case)
        case "right" | "warn":
            return ()


def taken_back(case: Case) -> tuple[Action, ...]:
    """What the last decision took back of what had been done."""
    channel, reason = case.message.channel, _("case {number} was taken back", number=case.number)
    reversals: Mapping[Deed, Action] = {
        "timeout": Timeout(channel, case.author, 0, reason),
        "ban": Unban(channel, case.author, reason),
        "lock": Lock(channel, locked=False, reason=reason),
    }
    gone = [deed for deed in case.was if deed not in case.did]
    return tuple(reversals[deed] for deed in gone if deed in reversals)


def _lasting(case: Case) -> tuple[Deed, ...]:
    return tuple(deed for deed in case.did if deed not in REVERSIBLE)


def _kept(case: Case) -> tuple[tuple[int, int, str, str], ...]:
    return () if "note" in case.did else case.evidence
