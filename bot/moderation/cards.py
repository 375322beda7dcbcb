"""What moderators read about a case, and what they can press below it."""

from collections.abc import Sequence

from bot.core.actions import Post, Severity, Update
from bot.core.controls import Control
from bot.core.events import Channel, MessageRef
from bot.core.text import N_, _
from bot.moderation.decisions import is_undoable
from bot.storage.cases import Case, Deed

TEXT_CHARS = 1500
"""How much of a message a card shows; the rest is one click away."""

RESOLVE = ("mod", "resolve")
"""The command behind what is pressed below a card."""

_SPANS = 5
_JOINER = "\u200d"  # part of many emojis

ACTIONS: dict[Severity, str] = {
    Severity.NONE: N_("nothing"),
    Severity.LOG: N_("take a note"),
    Severity.REACT: N_("react"),
    Severity.HINT: N_("give a hint"),
    Severity.QUEUE: N_("ask the moderators"),
    Severity.HIDE: N_("hide it"),
    Severity.DELETE: N_("delete it"),
    Severity.TIMEOUT: N_("delete it and time the author out"),
    Severity.KICK: N_("delete it and send the author out"),
    Severity.BAN: N_("delete it and ban the author"),
}
"""What each action is, for people."""

DEEDS: dict[Deed, str] = {
    "react": N_("a reaction"),
    "hint": N_("a hint"),
    "hide": N_("hidden"),
    "delete": N_("deleted"),
    "warn": N_("warned"),
    "timeout": N_("timed out"),
    "kick": N_("sent away"),
    "ban": N_("banned"),
    "purge": N_("messages purged"),
    "lock": N_("locked"),
    "note": N_("noted"),
}
"""What was done, for people."""


def _control(case: Case, emoji: str, label: str, verdict: str, *, grave: bool = False) -> Control:
    return Control(emoji, _(label), RESOLVE, {"case": case.number, "verdict": verdict}, grave=grave)


def controls(case: Case) -> tuple[Control, ...]:
    """What can be done about a case now."""
    wrong = _control(case, "❌", N_("False alarm"), "false-alarm")
    undo = (_control(case, "↩️", N_("Undo"), "undo"),) if is_undoable(case) else ()
    if case.state != "open":
        return undo
    if case.shadow:
        return (_control(case, "✅", N_("Right"), "right"), wrong)
    return (
        _control(case, "✅", N_("Approve"), "approve"),
        _control(case, "🗑️", N_("Delete"), "delete"),
        _control(case, "⚠️", N_("Warn"), "warn"),
        _control(case, "⏳", N_("Time out"), "timeout", grave=True),
        _control(case, "🔨", N_("Ban"), "ban", grave=True),
        wrong,
        *undo,
    )


def why(case: Case) -> Control:
    """For whom a case is about: what it is about."""
    return Control("🔎", _("Show me why"), ("appeal",), {"case": case.number})


def posted(case: Case, log: Channel, link: str | None, struck: float, earlier: int) -> Post:
    """The card of a new case.

    Args:
        struck: what the author's strikes amount to.
        earlier: how many cases about the author there were.
    """
    return Post(log, text(case, link, struck, earlier), title(case), controls(case))


def updated(case: Case, card: MessageRef, link: str | None, struck: float, earlier: int) -> Update:
    """The card of a case that was decided."""
    return Update(card, text(case, link, struck, earlier), title(case), controls(case))


def title(case: Case) -> str:
    """One line: number, rule, and what was or would have been done."""
    what = _(ACTIONS[case.severity])
    if not case.rule:
        return _("Case {number}: {did}, by hand", number=case.number, did=deeds(case.did or case.was))
    if case.shadow:
        return _("Case {number}: `{rule}` would {what}", number=case.number, rule=case.rule, what=what)
    return _("Case {number}: `{rule}` – {what}", number=case.number, rule=case.rule, what=what)


def text(case: Case, link: str | None, struck: float, earlier: int) -> str:
    """Who, what, where, why, and what became of it."""
    where = link or plain(case.message.channel.id)
    author = f"{plain(case.author.name)} (`{plain(case.author.id)}`)"
    known = _(
        "{author} in {where} · strikes {struck} · cases before {earlier}",
        author=author,
        where=where,
        struck=f"{struck:.1f}",
        earlier=earlier,
    )
    lines = [
        known if case.author.id else where,
        quoted(case.text),
        *reasons(case),
    ]
    lines.append(decision(case))
    return "\n".join(line for line in lines if line)


def reasons(case: Case) -> Sequence[str]:
    """The evidence, a line for each piece."""
    whole = len(case.text)
    lines = []
    for start, end, said, why in case.evidence[:_SPANS]:
        if said and (start, end) != (0, whole):
            lines.append(f"• “{plain(said[:80])}” ({start}–{end}): {why}")
        else:
            lines.append(f"• {why}")
    if len(case.evidence) > _SPANS:
        lines.append("• …")
    if case.rule and 0 < case.score < 1:
        lines.append(_("• sure to {percent} %", percent=round(100 * case.score)))
    return lines


def decision(case: Case) -> str:
    """Who decided what; "" where nobody did."""
    who = plain(case.actor_name) or _("nobody")
    match case.state:
        case "false alarm":
            return _("**False alarm**, says {who}.", who=who)
        case "kept" if not case.rule:
            return _("**Taken back** by {who}.", who=who)
        case "kept":
            return _("**It may stay**, says {who}.", who=who)
        case "upheld" if not case.did:
            return _("**The rule was right**, says {who}.", who=who)
        case "upheld":
            return _("**{did}**, by {who}.", did=deeds(case.did), who=who)
        case "done" if case.actor:
            return _("**{did}**, by {who}.", did=deeds(case.did), who=who)
        case "open" if case.actor:
            return _("**Taken back** by {who}; it waits for another decision.", who=who)
        case _:
            return ""


def deeds(did: Sequence[Deed]) -> str:
    """What was done, in the language of the reader."""
    return ", ".join(_(DEEDS[deed]) for deed in did)


def quoted(said: str) -> str:
    """A member's words as they are: in a block in which nothing is formatted and nobody is called."""
    if not said.strip():
        return ""
    shown = said if len(said) <= TEXT_CHARS else f"{said[: TEXT_CHARS - 1]}…"
    visible = "".join(sign for sign in shown if sign.isprintable() or sign in f"\n\t{_JOINER}")
    return f"```\n{visible.replace('```', 'ʼʼʼ')}\n```"


def plain(words: str) -> str:
    """Words inside a line of ours: no formatting, no mention, no second line, nothing that cannot be seen."""
    flat = " ".join(words.split())
    seen = (sign for sign in flat if sign.isprintable() or sign == _JOINER)
    escaped = "".join(f"\\{sign}" if sign in "`*_~|[]()<>#\\" else sign for sign in seen)
    return escaped.replace("@", "@\u200b")
