"""`knowledge unanswered, answered`: questions that nobody answered, and what ends the waiting."""

from typing import Annotated, Literal

from bot.commands.command import Context, Doc, Range, command
from bot.commands.duration import spoken
from bot.conversation.audience import readable
from bot.conversation.policy import can_be_archived, channel_policy
from bot.conversation.sourced import one_line
from bot.core.actions import Action
from bot.core.errors import UserError
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.storage.unanswered import UNANSWERED_DAYS, Question

LISTED = 20

_WORDS_CHARS = 120


async def explained(context: Context) -> str:
    """What follows from `channel set unanswered` and `patience`."""
    policy = channel_policy(context.services.store.policies, context.channel)
    if policy.unanswered == "off":
        return ""
    if not can_be_archived(context.channel):
        return _("In this place I follow no questions: only a few can read it, or it is encrypted.")
    lines = [
        _(
            "When somebody asks here and nobody else replies, then, after {time} each:",
            time=spoken(policy.patience_s),
        )
    ]
    if policy.unanswered == "answer":
        lines.append("• " + _("I answer with sources, if I am sure;"))
    if policy.unanswered in ("answer", "helpers"):
        helpers = await context.services.store.helpers.count(context.channel.community_key)
        lines.append(
            "• "
            + _("I ask one helper privately (`{prefix}helper on` makes one);", prefix=context.prefix)
            + " "
            + ngettext("there is {n} so far;", "there are {n} so far;", helpers)
        )
    lines.append("• " + _("it is on your list: `{prefix}knowledge unanswered`.", prefix=context.prefix))
    return "\n".join(lines)


@command("knowledge unanswered", role=Role.MODERATOR, private=True, at_desk=True)
async def unanswered(context: Context) -> str:
    """List the questions that nobody has answered, the oldest first."""
    services, lines = context.services, list[str]()
    for community in await context.moderated():
        for question in await services.store.unanswered.listed(community, LISTED):
            place = question.ref.channel
            if place.key in await readable(services.directory, context.caller, place):
                lines.append(await _line(context, question))
    if not lines:
        return _(
            "No question waits for you. `{prefix}channel set unanswered list` follows those of a channel.",
            prefix=context.prefix,
        )
    ending = _("After {days} days a question leaves this list by itself.", days=UNANSWERED_DAYS)
    return "\n".join((*lines, ending))


@command(
    "knowledge answered",
    private=True,
    at_desk=True,
    examples=(N_("knowledge answered 3"), N_("knowledge answered 3 no")),
)
async def answered(
    context: Context,
    number: Annotated[int, Range(1, 2**53 - 1), Doc("The number of the question.")],
    verdict: Annotated[Literal["yes", "no"], Doc("Whether it is solved.")] = "yes",
) -> tuple[Action, ...]:
    """Tell that a question of yours is solved, or that my answer did not help; moderators may too."""
    question = await context.services.store.unanswered.get(number)
    if question is None or not await _may_decide(context, question):
        raise UserError(_("There is no question {number} of yours that waits.", number=number))
    climbing = context.services.climbing
    if verdict == "no":
        await climbing.go_on(question)
        return context.thanks(_("Thank you, I have noted that."))
    return (*await climbing.solved(question), *context.thanks(_("Thank you, I have noted that.")))


async def _may_decide(context: Context, question: Question) -> bool:
    if question.asker.platform != context.channel.platform:
        return False
    if question.asker.identity == context.caller.identity:
        return True
    return await context.role(channel=question.ref.channel) >= Role.MODERATOR


async def _line(context: Context, question: Question) -> str:
    """A question by its words, as far as they are kept, its link and its age."""
    services = context.services
    stored = await services.store.messages.get(question.ref)
    words = "" if stored is None else f"“{one_line(stored.text, _WORDS_CHARS)}”"
    link = await services.directory.link(question.ref.channel, question.ref.id) or ""
    return "• " + _(
        "{number}: {question}, {age} ago: `{prefix}knowledge answered {number}` takes it off the list",
        number=question.number,
        question=" ".join(filter(None, (words, link))),
        age=spoken((services.now() - question.at).total_seconds()),
        prefix=context.prefix,
    )
