"""Cases as moderators name them, and what a decision about one answers."""

from bot.commands.command import Context
from bot.commands.member import spare_moderators
from bot.core.actions import Action
from bot.core.errors import UserError
from bot.moderation.cards import decision, title
from bot.moderation.decisions import Verb
from bot.moderation.desk import gone
from bot.storage.cases import Case

GRAVE: frozenset[Verb] = frozenset({"warn", "timeout", "ban"})
"""What is not done to moderators."""


async def case_of(context: Context, number: int) -> Case:
    """A case of a community that the caller moderates at this moment and from here.

    Raises:
        UserError: there is none, which is all that is said of those of other communities.
    """
    for community in await context.moderated():
        found = await context.services.store.cases.get(community, number)
        if found is not None:
            return found
    raise UserError(gone(number))


async def decide(context: Context, number: int, verb: Verb) -> tuple[Action, ...]:
    """Decide a case in the name of the caller."""
    case = await case_of(context, number)
    if verb in GRAVE:
        await spare_moderators(context, case.author, case.message.channel)
    decided = await context.services.desk.decide(case, verb, context.caller, context.call)
    return (*decided.actions, *context.thanks(told(decided.case)))


def told(case: Case) -> str:
    """What became of a case, in a line."""
    return f"{title(case)}. {decision(case)}".strip()
