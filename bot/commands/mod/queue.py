"""`mod queue`, `mod resolve`, `mod undo`: what waits for a moderator, and what they make of it."""

from typing import Annotated

from bot.commands.command import Context, Doc, Range, command
from bot.commands.mod.cases import decide
from bot.core.actions import Action
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.moderation.cards import plain, title
from bot.moderation.decisions import Verb
from bot.storage.cases import Case

MOST_COUNTED = 500

Number = Annotated[int, Range(1, 2**53 - 1), Doc("The number of the case.")]


@command("mod queue", role=Role.MODERATOR, private=True, at_desk=True, examples=(N_("mod queue"),))
async def queue(
    context: Context, n: Annotated[int, Range(1, 25), Doc("How many, the newest first.")] = 10
) -> tuple[Action, ...]:
    """List the cases that wait for a decision."""
    cases = [
        case
        for community in await context.moderated()
        for case in await context.services.store.cases.waiting(community, MOST_COUNTED)
    ]
    if not cases:
        return (context.reply(_("Nothing waits for a decision."), private=True),)
    cases.sort(key=lambda case: case.number, reverse=True)
    lines = [
        ngettext("{n} case waits for a decision:", "{n} cases wait for a decision:", len(cases)),
        *[await _line(context, case) for case in cases[:n]],
        _(
            "Decide with `{prefix}mod resolve CASE VERDICT`: {verdicts}.",
            prefix=context.prefix,
            verdicts="approve, delete, warn, timeout, ban, false-alarm, right, undo",
        ),
    ]
    return (context.reply("\n".join(lines), private=True),)


async def _line(context: Context, case: Case) -> str:
    link = await context.services.review.link(case)
    parts = (title(case), plain(case.author.name), link or "")
    return "• " + " · ".join(part for part in parts if part)


@command(
    "mod resolve",
    role=Role.MODERATOR,
    private=True,
    at_desk=True,
    examples=(N_("mod resolve 12 delete"), N_("mod resolve 13 false-alarm")),
)
async def resolve(
    context: Context,
    case: Number,
    verdict: Annotated[Verb, Doc("What is to be done about it; right is for rules in shadow.")],
) -> tuple[Action, ...]:
    """Decide about a case; whoever is first decides."""
    return await decide(context, case, verdict)


@command("mod undo", role=Role.MODERATOR, private=True, at_desk=True, examples=(N_("mod undo 12"),))
async def undo(context: Context, case: Number) -> tuple[Action, ...]:
    """Take back what was done about a case: a timeout, a ban, a lock, a strike, a decision."""
    return await decide(context, case, "undo")
