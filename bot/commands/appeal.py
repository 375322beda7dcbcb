"""`appeal`: an author gets a removed message back, learns why, and can say that it was wrong."""

from dataclasses import replace
from typing import Annotated

from bot.commands.command import Context, Doc, Range, command
from bot.commands.conversion import readable
from bot.core.actions import Action
from bot.core.controls import Control, Value
from bot.core.errors import UserError
from bot.core.text import N_, _
from bot.moderation.cards import deeds, quoted, reasons
from bot.moderation.hearing import Hearing, decision, standing
from bot.storage.appeals import Appeal
from bot.storage.cases import Case

TEXT_CHARS = 2000
LOOK_BACK = 50
"""Cases of a member among which the newest that did something is looked for."""

PLEASE = N_("Please look at this again.")
"""What an appeal says that was made with a button."""


@command(
    "appeal",
    private=True,
    examples=(N_("appeal"), N_("appeal 12 I only quoted what he had said.")),
)
async def appeal(
    context: Context,
    case: Annotated[
        int | None, Range(1, 2**53 - 1), Doc("The number of the case; without it your newest one here.")
    ] = None,
    text: Annotated[str, Doc("What the moderators should know; with it you appeal.")] = "",
) -> tuple[Action, ...]:
    """Show what I removed of yours and why, and ask the moderators to look at it again."""
    found = await _case(context, case)
    text = readable(text).strip()[:TEXT_CHARS]
    if not text:
        return (await _shown(context, found),)
    services = context.services
    made = Appeal(found.number, text, services.now(), context.to, context.call)
    told = await Hearing(services.store, services.desk, services.now).make(found, made)
    await context.audit("appeal", f"case {found.number}")
    thanks = _("Your appeal is with the moderators. I tell you when they have decided.")
    return (*told, context.reply(thanks, private=True))


async def _case(context: Context, number: int | None) -> Case:
    """A case of the caller's own in which something was done to them.

    Raises:
        UserError: there is none, which is all that is said of those of others.
    """
    cases, caller = context.services.store.cases, context.caller.identity
    if number is not None:
        own = await cases.own(caller, number)
        if own is not None and concerns(own):
            return own
        raise UserError(
            _("There is no case {number} of yours. `appeal` alone finds your newest.", number=number)
        )
    if context.channel.private:
        newest = await cases.anywhere(caller, LOOK_BACK)
    else:
        newest = await cases.of(context.channel.community_key, caller, LOOK_BACK)
    for case in newest:
        if concerns(case):
            return case
    raise UserError(_("Nothing of yours was removed here, as far as I still know, and nothing done to you."))


def concerns(case: Case) -> bool:
    """Whether a case did something to its author; notes and rules that are tried out are for moderators."""
    return bool(set(case.did + case.was) - {"note", "react"})


async def _shown(context: Context, case: Case) -> Action:
    """What was removed, why, what was done, and how to appeal: for the author alone."""
    known = await context.services.store.appeals.get(case.number)
    lines = [
        _("Case {number} is about this message of yours:", number=case.number)
        if case.text
        else _("Case {number} is about you.", number=case.number),
        quoted(case.text),
        _("The rule `{rule}`, version {version}, found:", rule=case.rule, version=case.version)
        if case.rule
        else _("A moderator acted, and says:"),
        *reasons(case),
        _("What was done: {did}.", did=deeds(case.did)) if case.did else _("What was done is taken back."),
    ]
    if case.state == "false alarm" and known is None:
        lines.append(_("The moderators found that it was a false alarm. Nothing counts against you."))
    if known is not None:
        lines.append(decision(case, known) if known.state != "open" else standing(case, known))
    controls: tuple[Control, ...] = ()
    if known is None and case.did:
        lines.append(
            _(
                "If that was wrong, tell the moderators: `{prefix}appeal {number} YOUR WORDS`.",
                prefix=context.prefix,
                number=case.number,
            )
        )
        arguments: dict[str, Value] = {"case": case.number, "text": _(PLEASE)}
        controls = (Control("✋", _("Appeal"), ("appeal",), arguments),)
    reply = context.reply("\n".join(line for line in lines if line), personal=True)
    return replace(reply, controls=controls)
