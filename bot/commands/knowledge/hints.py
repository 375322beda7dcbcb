"""`knowledge hints, hint, solved`: a question was answered before, and what people make of that."""

import asyncio
from typing import Annotated, Literal

from bot.commands.command import PLATFORM_TIMEOUT_S, Context, Doc, Range, command
from bot.conversation.policy import can_be_archived, channel_policy
from bot.conversation.sourced import one_line
from bot.core.actions import Action
from bot.core.errors import PlatformError, UserError
from bot.core.permissions import Role
from bot.core.text import N_, _
from bot.storage.hints import HINT_DAYS, Hint, State

LISTED = 20
TRIED, GOOD, LATELY = 10, 0.8, 20
"""After so many approvals, when so many of the last were right, nobody need be asked any more."""

_WORDS_CHARS = 120

Number = Annotated[int, Range(1, 2**53 - 1), Doc("The number of the hint.")]
YesNo = Literal["yes", "no"]


async def explained(context: Context, chosen: str) -> str:
    """What follows from `channel set duplicates`."""
    if chosen == "off":
        return ""
    if not can_be_archived(context.channel):
        return _("In this place I give no hints: only a few can read it, or it is encrypted.")
    lines = [
        _(
            "A question here that was answered before gets a hint that says where: in an archived channel "
            "that everybody here can read, or in what is written down. I only speak when I am sure."
        )
    ]
    if chosen == "ask":
        lines.append(
            _(
                "Before I say it, moderators see a card with ✅ and ❌; `{prefix}knowledge hints` lists what "
                "waits.",
                prefix=context.prefix,
            )
        )
        if await _desk(context) is None:
            lines.append(
                _(
                    "I do not know where moderators read, so there are no cards: `{prefix}rules setup` tells "
                    "me.",
                    prefix=context.prefix,
                )
            )
    return "\n".join(lines)


@command("knowledge hints", role=Role.MODERATOR, private=True, at_desk=True)
async def waiting(context: Context) -> str:
    """List the hints that wait for a moderator, and how good hints have been."""
    lines = []
    for community in await context.moderated():
        hints = context.services.store.hints
        lines += [await _line(context, hint) for hint in await hints.waiting(community, LISTED)]
        tally = await hints.tally(community)
        if tally.states:
            lines.append(
                _(
                    "Of all hints of the last {days} days: {said} said, {declined} declined, "
                    "{withdrawn} taken back; {helped} solved it, {unhelpful} did not help.",
                    days=HINT_DAYS,
                    said=tally.states.get("said", 0) + tally.states.get("approved", 0),
                    declined=tally.states.get("declined", 0),
                    withdrawn=tally.states.get("withdrawn", 0),
                    helped=tally.helped,
                    unhelpful=tally.unhelpful,
                )
            )
    if not lines:
        return _(
            "There are no hints yet. `{prefix}channel set duplicates ask` wants them in a channel.",
            prefix=context.prefix,
        )
    return "\n".join(lines)


@command(
    "knowledge hint",
    role=Role.MODERATOR,
    private=True,
    at_desk=True,
    examples=(N_("knowledge hint 3 yes"), N_("knowledge hint 3 no")),
)
async def decide(
    context: Context,
    number: Number,
    verdict: Annotated[YesNo, Doc("yes: I say it; no: I do not.")],
) -> tuple[Action, ...]:
    """Decide whether I tell that a question was answered before."""
    hint = await _hint(context, number)
    store, hinting = context.services.store, context.services.hinting
    if hint is None or await context.role(channel=hint.question.channel) < Role.MODERATOR:
        raise UserError(_missing(number))
    again = bool(hint.call) and hint.call == context.call  # after a kill
    if hint.state != "waiting" and not again:
        raise UserError(_("Hint {number} is decided already, or its question is gone.", number=number))
    actions = await hinting.approve(hint) if verdict == "yes" else hinting.declined(hint)
    state: State = "approved" if verdict == "yes" else "declined"
    if not again and not await store.hints.change(hint, state, context.call):
        raise UserError(_("Hint {number} is decided already, or its question is gone.", number=number))
    await context.audit("knowledge hint", f"{number} {verdict}")
    return (*actions, *await _told(context, hint))


async def _told(context: Context, hint: Hint) -> tuple[Action, ...]:
    """That it is done; and when most were right, that asking is not needed any more."""
    offer = await _offer(context, hint)
    if offer:
        return (context.reply(" ".join((_("Done."), offer)), private=True),)
    return context.thanks(_("Done."))


async def _offer(context: Context, hint: Hint) -> str:
    place, store = hint.question.channel, context.services.store
    if channel_policy(store.policies, place).duplicates != "ask":
        return ""
    decided = await store.hints.decided(place.community_key, LATELY)
    approved, declined = decided["approved"], decided["declined"]
    if approved < TRIED or approved < GOOD * (approved + declined):
        return ""
    return _(
        "You approved {approved} of the last {decided} hints. `{prefix}channel set duplicates on`, in the "
        "channel of the question, lets me say them without asking you.",
        approved=approved,
        decided=approved + declined,
        prefix=context.prefix,
    )


@command("knowledge solved", private=True, examples=(N_("knowledge solved 3 yes"),))
async def solved(
    context: Context, number: Number, verdict: Annotated[YesNo, Doc("Whether the hint helped you.")] = "yes"
) -> tuple[Action, ...]:
    """Tell whether my hint to your question solved it."""
    hint = await _hint(context, number)
    if hint is None or hint.asker.identity != context.caller.identity:
        raise UserError(_("Only who asked can say whether hint {number} solved it.", number=number))
    store = context.services.store
    await store.hints.rate(hint, helped=verdict == "yes")
    question = await store.unanswered.of(hint.question) if verdict == "yes" else None
    ended = () if question is None else await context.services.climbing.solved(question)
    return (*ended, *context.thanks(_("Thank you, I have noted that.")))


async def _hint(context: Context, number: int) -> Hint | None:
    """A hint of this platform."""
    hint = await context.services.store.hints.get(number)
    return hint if hint is not None and hint.asker.platform == context.channel.platform else None


async def _line(context: Context, hint: Hint) -> str:
    """A hint that waits, by its question, as far as that is kept."""
    services = context.services
    stored = await services.store.messages.get(hint.question)
    words = "" if stored is None else f"“{one_line(stored.text, _WORDS_CHARS)}”"
    link = await services.directory.link(hint.question.channel, hint.question.id) or ""
    named = " ".join(filter(None, (words, link)))
    return "• " + _(
        "{number}: {question}, answered in {document}: `{prefix}knowledge hint {number} yes` or `no`",
        number=hint.number,
        question=named,
        document=one_line(hint.document, _WORDS_CHARS),
        prefix=context.prefix,
    )


async def _desk(context: Context) -> object | None:
    log = context.services.store.rulebooks.of(context.channel.community_key).log
    if log is not None:
        return log
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_S):
            return await context.services.directory.staff_channel(context.channel)
    except (PlatformError, TimeoutError):
        return None


def _missing(number: int) -> str:
    return _("There is no hint {number} that you may decide about.", number=number)
