"""What moderators read about a case, and what they can press below it."""

from collections.abc import Sequence

from bot.core.actions import Post, Severity, Update
from bot.core.controls import Control
from bot.core.events import Channel, MessageRef
from bot.core.text import N_, _
from bot.storage.cases import Case

TEXT_CHARS = 1500
"""How much of a message a card shows; the rest is one click away."""

_RESOLVE = ("mod", "resolve")
_SPANS = 5

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


def _control(case: Case, emoji: str, label: str, verdict: str, *, grave: bool = False) -> Control:
    return Control(emoji, _(label), _RESOLVE, {"case": case.number, "verdict": verdict}, grave=grave)


def controls(case: Case) -> tuple[Control, ...]:
    """What can be done about a case now."""
    wrong = _control(case, "❌", N_("False alarm"), "false-alarm")
    if case.state != "open":
        return (_control(case, "↩️", N_("Undo"), "undo"),) if case.did else ()
    if case.shadow:
        return (_control(case, "✅", N_("Right"), "right"), wrong)
    return (
        _control(case, "✅", N_("Approve"), "approve"),
        _control(case, "🗑️", N_("Delete"), "delete"),
        _control(case, "⚠️", N_("Warn"), "warn"),
        _control(case, "⏳", N_("Time out"), "timeout", grave=True),
        _control(case, "🔨", N_("Ban"), "ban", grave=True),
        wrong,
    )


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
        return _("Case {number}", number=case.number)
    if case.shadow:
        return _("Case {number}: `{rule}` would {what}", number=case.number, rule=case.rule, what=what)
    return _("Case {number}: `{rule}` – {what}", number=case.number, rule=case.rule, what=what)


def text(case: Case, link: str | None, struck: float, earlier: int) -> str:
    """Who, what, where, why, and what became of it."""
    author = f"{plain(case.author.name)} (`{plain(case.author.id)}`)"
    lines = [
        _(
            "{author} in {where} · strikes {struck} · cases before {earlier}",
            author=author,
            where=link or plain(case.message.channel.id),
            struck=f"{struck:.1f}",
            earlier=earlier,
        ),
        quoted(case.text),
        *reasons(case),
    ]
    if case.state != "open":
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
    """Who decided what."""
    who = plain(case.actor_name) or _("nobody")
    match case.state:
        case "false alarm":
            return _("**False alarm**, says {who}.", who=who)
        case "kept":
            return _("**It may stay**, says {who}.", who=who)
        case "upheld":
            did = ", ".join(case.did) or _("the rule was right")
            return _("**{did}**, by {who}.", did=did, who=who)
        case _:
            return ""


def quoted(said: str) -> str:
    """A member's words as they are: in a block in which nothing is formatted and nobody is called."""
    if not said.strip():
        return ""
    shown = said if len(said) <= TEXT_CHARS else f"{said[: TEXT_CHARS - 1]}…"
    return f"```\n{shown.replace('```', 'ʼʼʼ')}\n```"


def plain(words: str) -> str:
    """Words inside a line of ours: no formatting, no mention, no second line."""
    flat = " ".join(words.split())
    return "".join(f"\\{sign}" if sign in "`*_~|[]()<>#\\" else sign for sign in flat).replace("@", "@\u200b")
