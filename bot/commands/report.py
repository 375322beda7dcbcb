"""`report`: show a message to the moderators."""

from datetime import timedelta
from typing import Annotated

from bot.commands.command import Context, Doc, command
from bot.commands.reference import MESSAGE, is_word, referenced
from bot.conversation.sourced import one_line
from bot.core.actions import Action, Alert
from bot.core.errors import UserError
from bot.core.events import MessageRef
from bot.core.text import N_, _

REPORTS_PER_HOUR = 5
"""A member who reports more than that at once is better served by talking to a moderator."""

AUDIT_LOOK_BACK = 500
"""Entries among which earlier reports are looked for."""

NAME_CHARS = 100
QUOTED_CHARS = 300
REASON_CHARS = 1000


@command(
    "report",
    private=True,
    menu=N_("Report to the moderators"),
    form=("reason",),
    examples=(N_("report This is an advertisement."),),
)
async def report(
    context: Context,
    message: Annotated[str | None, MESSAGE, Doc("A link to the message, or its id; or reply to it.")] = None,
    reason: Annotated[str, Doc("What is wrong with it.")] = "",
) -> tuple[Action, ...]:
    """Show a message to the moderators."""
    if message is not None and await is_word(context, message):
        message, reason = None, f"{message} {reason}".strip()
    ref = await referenced(context, message)
    if ref is None:
        raise UserError(_("Which message? Reply to it with `report` and a reason, or give its link."))
    entry = f"{ref.channel.key} {ref.id}"
    if not await _is_repeated(context, entry):
        await context.audit("report", f"{entry} {context.to.id}")
    return (
        Alert(ref.channel, await _alert(context, ref, reason)),
        context.reply(_("Thank you. I am passing your report on to the moderators."), private=True),
    )


async def _is_repeated(context: Context, entry: str) -> bool:
    """Whether this very call was recorded before (then a crash came between); an earlier one is refused."""
    store = context.services.store
    actor = store.seal.pseudonym(context.caller.identity)
    recent = await store.audit.recent(context.channel.platform, context.channel.community, AUDIT_LOOK_BACK)
    mine = [each for each in recent if each.verb == "report" and each.actor == actor]
    if any(each.detail == f"{entry} {context.to.id}" for each in mine):
        return True
    if any(each.detail.startswith(f"{entry} ") for each in mine):
        raise UserError(_("You have reported that message already. The moderators have your report."))
    hour_ago = context.services.now() - timedelta(hours=1)
    if sum(each.at > hour_ago for each in mine) >= REPORTS_PER_HOUR:
        raise UserError(
            _(
                "You have made {n} reports within an hour, which is as many as I take. If it is urgent, "
                "please write to a moderator.",
                n=REPORTS_PER_HOUR,
            )
        )
    return False


async def _alert(context: Context, ref: MessageRef, reason: str) -> str:
    """What the moderators read."""
    services = context.services
    link = await services.directory.link(ref.channel, ref.id)
    stored = await services.store.messages.get(ref)
    lines = [
        _(
            "{member} ({id}) reports a message: {link}",
            member=one_line(context.caller.name, NAME_CHARS),
            id=one_line(context.caller.id, NAME_CHARS),
            link=link or _("message {id} in {channel}", id=ref.id, channel=ref.channel.key),
        ),
        _("Reason: {reason}", reason=one_line(reason, REASON_CHARS) or _("none was given")),
    ]
    if stored is not None:
        lines.append(f"> {one_line(stored.text, QUOTED_CHARS)}")
    return "\n".join(lines)
