"""`rules test`: what the rules make of one message; nothing follows."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from bot.commands.command import Context, Doc, command
from bot.commands.conversion import readable
from bot.commands.rules.book import book_of, rules_in
from bot.conversation.policy import channel_policy
from bot.core.actions import Severity
from bot.core.errors import UserError
from bot.core.events import Author, Message
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.moderation.asking import able
from bot.moderation.assessing import verdict_on
from bot.moderation.cards import ACTIONS, plain, quoted
from bot.moderation.likeness import Likeness
from bot.moderation.looking import verdict_on as looked
from bot.moderation.normalize import MOST_CHARACTERS, normalize
from bot.moderation.rule import Verdict
from bot.moderation.rules.policy import Policy
from bot.moderation.ruleset import Ruleset
from bot.moderation.trial import Trial
from bot.storage.rulebooks import Rulebook

EVIDENCE_CHARS = 80
MOST_PIECES = 5


@command(
    "rules test",
    role=Role.MODERATOR,
    private=True,
    slow=True,
    menu=N_("Test the rules on this"),
    examples=(N_("rules test you fool"),),
)
async def try_out(
    context: Context,
    text: Annotated[str, Doc("What a member might write; or reply to a message.")] = "",
) -> str:
    """Try the rules on a text or a message; nothing happens to anybody."""
    book = book_of(context)
    said, pictures = (text, ()) if text.strip() else await _target(context, Ruleset(rules_in(book)))
    if len(said) > MOST_CHARACTERS:
        raise UserError(
            _("Rules read the first {n} characters of a message; that is longer.", n=MOST_CHARACTERS)
        )
    rules = Ruleset(rules_in(book))
    author = Author(context.channel.platform, "", "")
    message = Message(context.to, author, said, context.services.now())
    verdicts = [
        *Trial(rules, context.services.scorer).look(message),
        *(await _by_policy(context, rules, message) if said.strip() else ()),
        *_by_pictures(rules, message, pictures),
    ]
    found = sorted(verdicts, key=lambda verdict: verdict.severity, reverse=True)
    silent = len(rules.rules) - len(found)
    lines = [line for verdict in found for line in _told(book, verdict)]
    if silent:
        lines.append(
            ngettext("{n} other rule finds nothing.", "{n} other rules find nothing.", silent)
            if found
            else ngettext("The {n} rule finds nothing.", "None of the {n} rules finds anything.", silent)
        )
    if rules.looking and not pictures:
        lines.append(
            _(
                "No picture was looked at: reply to a message that has one with `{prefix}rules test`.",
                prefix=context.prefix,
            )
        )
    lines += _outcome(context, book, found)
    copy = readable(normalize(said).text)
    if copy.strip() and copy != said:
        lines += [_("This is the copy that they match on:"), quoted(copy)]
    return "\n".join(lines) or _("There is no rule any more.")


async def _by_policy(context: Context, rules: Ruleset, message: Message) -> Sequence[Verdict]:
    """What the model makes of it; here it is asked about anything."""
    services = context.services
    policies = [rule for rule in rules.asking if isinstance(rule, Policy) and able(services.model)]
    opinions = [await services.assessing.opinion(rule, message.text) for rule in policies]
    verdicts = (
        verdict_on(message, rule, opinion, services.now)
        for rule, opinion in zip(policies, opinions, strict=True)
    )
    return [verdict for verdict in verdicts if verdict is not None]


def _by_pictures(rules: Ruleset, message: Message, pictures: Sequence[Likeness]) -> Sequence[Verdict]:
    verdicts = (looked(message, rule, pictures) for rule in rules.looking)
    return [verdict for verdict in verdicts if verdict is not None]


async def _target(context: Context, rules: Ruleset) -> tuple[str, Sequence[Likeness]]:
    """The text of the message that is replied to, and what is seen on its pictures if a rule looks."""
    if context.target is None:
        raise UserError(
            _(
                "Which text? Write it after the command, or reply to a message with `{prefix}rules test`.",
                prefix=context.prefix,
            )
        )
    pictures: Sequence[Likeness] = ()
    if rules.looking:
        pictures = await context.services.looking.seen_in(context.target, await context.given_files())
    kept = await context.services.store.messages.get(context.target)
    if (kept is None or not kept.text.strip()) and not pictures:
        raise UserError(_("I do not have the text of that message (any more). Write it after the command."))
    return "" if kept is None else kept.text, pictures


def _told(book: Rulebook, verdict: Verdict) -> Iterator[str]:
    shadow = "" if verdict.rule in book.enforced else " (" + _("in shadow") + ")"
    yield f"• `{verdict.rule}`: {_(ACTIONS[verdict.severity])}{shadow}"
    for piece in verdict.evidence[:MOST_PIECES]:
        part = plain(readable(piece.text)[:EVIDENCE_CHARS])
        yield f"    “{part}” ({piece.start}–{piece.end}): {readable(piece.why)}"
    if len(verdict.evidence) > MOST_PIECES:
        yield "    …"


def _outcome(context: Context, book: Rulebook, found: Sequence[Verdict]) -> Iterator[str]:
    """What would be done about it here, now."""
    level = channel_policy(context.services.store.policies, context.channel).moderation
    if level == "off":
        yield _("Here nothing is judged: `channel set moderation` says off.")
        return
    strongest = next((verdict for verdict in found if verdict.severity > Severity.LOG), None)
    if strongest is None:
        yield _("So nothing would be done.")
    elif level == "shadow" or strongest.rule not in book.enforced:
        yield _(
            "So nothing would be done, but you would get a card: `{rule}` only watches.", rule=strongest.rule
        )
    else:
        yield _("So this would be done: {what}.", what=_(ACTIONS[strongest.severity]))
