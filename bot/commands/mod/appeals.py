"""`mod appeals`: what members say against cases, and what moderators make of it."""

from typing import Annotated

from bot.commands.command import Context, Doc, Range, command
from bot.commands.mod.cases import case_of
from bot.core.actions import Action
from bot.core.errors import UserError
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.moderation.cards import plain, title
from bot.moderation.hearing import Hearing, Verdict, outcome

MOST_LISTED = 25


@command(
    "mod appeals",
    role=Role.MODERATOR,
    private=True,
    at_desk=True,
    examples=(N_("mod appeals"), N_("mod appeals 12 overturn")),
)
async def appeals(
    context: Context,
    case: Annotated[
        int | None, Range(1, 2**53 - 1), Doc("The number of a case, to decide its appeal.")
    ] = None,
    verdict: Annotated[
        Verdict | None, Doc("uphold: the decision stays; overturn: the author was right.")
    ] = None,
) -> tuple[Action, ...]:
    """List the appeals that wait, or decide one."""
    if case is None:
        return (context.reply(await _listed(context), private=True),)
    found = await case_of(context, case)
    services = context.services
    if verdict is None:
        appeal = await services.store.appeals.get(case)
        if appeal is None:
            raise UserError(_("There is no appeal against case {number}.", number=case))
        return (context.reply(outcome(found, appeal), private=True),)
    hearing = Hearing(services.store, services.desk, services.now)
    decided = await hearing.decide(found, verdict, context.caller, context.call)
    await context.audit(
        f"appeal {verdict}", f"case {case}", services.store.seal.pseudonym(found.author.identity)
    )
    done = _("Done: the appeal against case {number} is decided.", number=case)
    return (*decided.actions, *context.thanks(done))


async def _listed(context: Context) -> str:
    store = context.services.store
    lines = []
    for community in await context.moderated():
        for appeal in await store.appeals.waiting(community, MOST_LISTED):
            case = await store.cases.get(community, appeal.case)
            if case is not None:
                lines.append(f"• {title(case)} · {plain(case.author.name)} · {appeal.at:%Y-%m-%d %H:%M}")
    if not lines:
        return _("No appeal waits.")
    return "\n".join(
        [
            ngettext("{n} appeal waits:", "{n} appeals wait:", len(lines)),
            *lines,
            _("Decide with `{prefix}mod appeals CASE uphold` or `overturn`.", prefix=context.prefix),
        ]
    )
