"""`mod warn, timeout, kick, ban, note, strikes`: what is done to a member by hand, now and before."""

from typing import Annotated

from bot.commands.command import Context, Doc, command
from bot.commands.conversion import readable
from bot.commands.duration import DURATION, seconds, spoken
from bot.commands.member import MEMBER, meant, spare_moderators, written
from bot.core.actions import Action, Ban, Kick, Timeout
from bot.core.errors import UserError
from bot.core.events import Author, MessageRef
from bot.core.permissions import Role
from bot.core.text import N_, _
from bot.moderation.cards import decision, plain, title
from bot.moderation.desk import ByHand
from bot.moderation.ladder import HALF_LIFE_DAYS
from bot.moderation.ladder import strikes as amount
from bot.moderation.rule import MAX_TIMEOUT_MINUTES
from bot.storage.cases import Case, Deed

REASON_CHARS = 1000
SHOWN_CASES = 15

Member = Annotated[
    str | None, MEMBER, Doc("A mention, or an id; without it the author of the message you reply to.")
]
Reason = Annotated[str, Doc("Why, for the member and for other moderators.")]


@command("mod warn", role=Role.MODERATOR, private=True, examples=(N_("mod warn @ben Please stay polite."),))
async def warn(context: Context, member: Member = None, reason: Reason = "") -> tuple[Action, ...]:
    """Warn a member: it counts as a strike, and only they see why."""
    case, said = await _act(context, "warn", member, reason)
    return (*said, context.reply(_done(context, case), private=True))


@command(
    "mod timeout",
    role=Role.MODERATOR,
    private=True,
    examples=(N_("mod timeout @ben 2h Flooded the channel."), N_("mod timeout @ben 1d Flooded again.")),
)
async def timeout(
    context: Context,
    member: Member = None,
    duration: Annotated[str, DURATION, Doc("How long: 10m, 2h, 1d.")] = "1h",
    reason: Reason = "",
) -> tuple[Action, ...]:
    """Let a member write nothing for a while."""
    found = seconds(duration, reason)
    if found is None or not 1 <= found[0] <= MAX_TIMEOUT_MINUTES * 60:
        raise UserError(_("A timeout lasts at least a second and at most 28 days: `10m`, `2h`, `1d`."))
    duration_s, reason = found
    case, said = await _act(context, "timeout", member, reason, spoken(duration_s))
    action = Timeout(context.channel, case.author, duration_s, _why(case))
    return (action, *said, context.reply(_done(context, case), private=True))


@command("mod kick", role=Role.MODERATOR, private=True, examples=(N_("mod kick @ben Only advertises."),))
async def kick(context: Context, member: Member = None, reason: Reason = "") -> tuple[Action, ...]:
    """Send a member away, who may come back."""
    case, said = await _act(context, "kick", member, reason)
    action = Kick(context.channel, case.author, _why(case))
    return (action, *said, context.reply(_done(context, case), private=True))


@command("mod ban", role=Role.MODERATOR, private=True, examples=(N_("mod ban @ben Sells stolen accounts."),))
async def ban(context: Context, member: Member = None, reason: Reason = "") -> tuple[Action, ...]:
    """Send a member away for good."""
    case, said = await _act(context, "ban", member, reason)
    action = Ban(context.channel, case.author, _why(case))
    return (action, *said, context.reply(_done(context, case), private=True))


@command(
    "mod note", role=Role.MODERATOR, private=True, examples=(N_("mod note @ben Talked to him, all is well."),)
)
async def note(
    context: Context,
    member: Member = None,
    text: Annotated[str, Doc("What other moderators should know.")] = "",
) -> tuple[Action, ...]:
    """Keep a note about a member for the moderators; it counts nothing."""
    case, _said = await _act(context, "note", member, text, spares=False)
    return (context.reply(_done(context, case), private=True),)


@command("mod strikes", role=Role.MODERATOR, private=True, at_desk=True, examples=(N_("mod strikes @ben"),))
async def strikes(context: Context, member: Member = None) -> tuple[Action, ...]:
    """Show what counts against a member, how it fades, and every case and note."""
    who, services = await meant(context, member), context.services
    lines: list[str] = []
    for community in await context.moderated():
        cases = await services.store.cases.of(community, who.identity, SHOWN_CASES)
        kept = services.store.strikes.of(community, who.identity)
        if cases or kept:
            lines += [_amount(context, who, amount(kept, services.now())), *map(_history, cases)]
    if not lines:
        lines = [_("Nothing is kept against {name}.", name=plain(who.name))]
    return (context.reply("\n".join(lines), personal=True),)


def _amount(context: Context, who: Author, struck: float) -> str:
    return _(
        "{name} (`{id}`): strikes that amount to {struck} by now; each is halved in {days:g} days.",
        name=plain(who.name),
        id=plain(who.id),
        struck=f"{struck:.1f}",
        days=HALF_LIFE_DAYS,
    )


def _history(case: Case) -> str:
    """A case in a line: when, what, by whom, and why."""
    why = "; ".join(readable(why) for _start, _end, _text, why in case.evidence[:3])
    parts = (f"{case.at:%Y-%m-%d}", title(case), decision(case).replace("**", ""), plain(why))
    return "• " + " · ".join(part for part in parts if part)


async def _act(
    context: Context, deed: Deed, member: str | None, why: str, more: str = "", *, spares: bool = True
) -> tuple[Case, tuple[Action, ...]]:
    """Check whom and why, and write it down; the case, and what is said of it.

    Raises:
        UserError: it cannot be told whom, it is a moderator, there is no reason, or no community.
    """
    refuse_private(context)
    who = await meant(context, member)
    if spares:
        await spare_moderators(context, who, context.channel)
    why = readable(why).strip()[:REASON_CHARS]
    if not why:
        raise UserError(_("Say why: the member can ask for it, and other moderators will want to know."))
    about, text = MessageRef(context.channel, ""), ""
    if member is None and context.target is not None:
        about, text = context.target, (await written(context, context.target))[1]
    done = ByHand(deed, about, who, text, (why, more))
    decided = await context.services.desk.act(done, context.caller, context.call)
    return decided.case, decided.actions


def refuse_private(context: Context) -> None:
    """A conversation of two has no members to be moderated.

    Raises:
        UserError
    """
    if context.channel.private:
        raise UserError(_("Only the two of us are here. Use this where the member is."))


def _why(case: Case) -> str:
    """The reason that the platform's own log shows; a moderator's words, without a member's."""
    return _("case {number}, decided by {who}", number=case.number, who=case.actor_name)


def _done(context: Context, case: Case) -> str:
    return _(
        "Done: case {number}, {name}. `{prefix}mod undo {number}` takes it back.",
        number=case.number,
        name=plain(case.author.name),
        prefix=context.prefix,
    )
