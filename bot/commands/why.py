"""`why`: what the bot did with a message, or why it stayed silent."""

from collections.abc import Sequence
from typing import Annotated

from bot.commands.command import Context, Doc, command
from bot.commands.reference import MESSAGE, named, referenced
from bot.core.actions import Action, Severity
from bot.core.errors import UserError
from bot.core.events import MessageRef
from bot.core.permissions import Role
from bot.core.text import N_, _
from bot.moderation.cards import ACTIONS, decision, deeds, reasons
from bot.moderation.decisions import DEEDS
from bot.storage.cases import Case, Deed

LOOK_BACK = 50
"""Messages among which the caller's last one is looked for."""

SENTENCES: dict[str, str] = {
    "answered": N_("I answered it."),
    "sources:1": N_("My language model answered it from one source, which stands below the answer."),
    "quotes:1": N_("I answered it from one source, in its own words; it stands below the answer."),
    "not-found": N_(
        "I looked for an answer in what this community has written, and found none that is good enough; so I "
        "said that, and what comes nearest."
    ),
    "hinted": N_(
        "It asks what was answered before here, so I said where, or asked the moderators whether I should."
    ),
    "opened": N_("I am working on it right now."),
    "stopped": N_("I began to answer, and was stopped by the member who asked or by a moderator."),
    "deleted": N_("The question was deleted, so I stopped and removed my answer."),
    "withdrawn": N_("The question was deleted, so I stopped and removed my answer."),
    "edited": N_("It was edited, and I keep the new text only."),
    "recorded": N_("I took note of it; it was nothing to answer."),
    "command": N_("It called a command, and I carried it out."),
    "moderated": N_("The moderation of this place acted on it; its author and the moderators can see why."),
    "unreadable": N_("I could not decrypt it: its key did not reach me, so I do not know what it says."),
    "ignored:not-addressed": N_(
        "I stayed silent because it was not said to me. Mention me, or reply to one of my messages."
    ),
    "ignored:never-here": N_(
        "I stayed silent because moderators turned my answers off in this channel. Commands still work."
    ),
    "ignored:notice": N_("I stayed silent because the message is marked as written by a program."),
    "ignored:bot": N_("I stayed silent because its author is a bot, and bots that answer bots never end."),
    "ignored:loop": N_(
        "I stayed silent because its author answered me within a second several times running, as programs "
        "do. That ends by itself after ten minutes; the moderators were told."
    ),
    "ignored:too-old": N_(
        "I stayed silent because I saw it late, after I had been away; after a quarter of an hour an answer "
        "mostly disturbs. Ask again if you still want to know."
    ),
    "refused:quota": N_(
        "I did not answer because a daily quota was used up. `admin status` shows the quotas."
    ),
    "refused:language": N_("I did not answer because the model used here does not know that language."),
    "refused:translation": N_(
        "I did not translate because the model used here is not able to, or does not know the language."
    ),
    "refused:long": N_("I did not translate because the text was longer than the model used here manages."),
    "refused:model": N_(
        "I did not answer because the model chosen for this channel is not configured. A moderator can "
        "choose another one."
    ),
    "failed:ModelError": N_("I tried, but the language model failed. Ask again in a while."),
    "failed:ModelTimeout": N_(
        "I tried, but the language model was silent for too long. Ask again in a while."
    ),
    "failed:ModelBusy": N_(
        "I tried, but too many questions were waiting for the language model. Ask again soon."
    ),
    "failed:ModelUnavailable": N_("I tried, but the language model could not be reached or loaded."),
    "failed:ModelEmpty": N_("I tried, but the language model ended without a word. Try other words."),
    "failed:undeliverable": N_("I had an answer, but could not post it here: I may lack a permission."),
    "failed:ModelBroken": N_("I tried, but the language model stopped half-way."),
}
"""What became of a message -> a sentence about it. Parts that record other outcomes add their sentences."""

GROUPS: dict[str, str] = {
    "command": N_("It called the command `{detail}`, and I carried it out."),
    "moderated": N_("The rule `{detail}` found something in it and acted."),
    "shadow": N_("The rule `{detail}` is being tried out and found something in it; nothing was done."),
    "noted": N_("The rule `{detail}` found something in it and took a note; nothing else was done."),
    "sources": N_("My language model answered it from {detail} sources, which stand below the answer."),
    "quotes": N_("I answered it from {detail} sources, in their own words; they stand below the answer."),
    "ignored": N_("I stayed silent because of a rule of mine: `{detail}`."),
    "refused": N_("I did not answer: `{detail}`."),
    "cut": N_("I began to answer, and stopped because of the rule `{detail}`."),
    "failed": N_("I tried, and failed: `{detail}`. The operator finds more in the log."),
}
"""Sentences for outcomes that have none of their own, by what stands before the colon."""

MODERATION = frozenset({"moderated", "shadow", "noted"})
"""What is only told to the author of a message and to moderators."""


def sentence(outcome: str) -> str:
    """What an outcome means, in the member's language."""
    if outcome in SENTENCES:
        return _(SENTENCES[outcome])
    group, colon, detail = outcome.partition(":")
    if colon and group in GROUPS:
        return _(GROUPS[group], detail=detail)
    return _("It was recorded as `{outcome}`.", outcome=outcome)


@command("why", private=True, menu=N_("Why did the bot do that?"), examples=(N_("why"),))
async def why(
    context: Context,
    message: Annotated[str | None, MESSAGE, Doc("A link to a message, or its id; or reply to it.")] = None,
) -> str | tuple[Action, ...]:
    """Tell what I did with a message, or why I stayed silent."""
    ref = await referenced(context, message) or await _last_of_caller(context)
    messages = context.services.store.messages
    if context.services.running.is_writing(ref.channel, ref.id):
        return _("That is an answer of mine, and I am still writing it.")
    if messages.is_ours(ref.channel, ref.id):
        stored = await messages.get(ref)
        return await _about_ours(context, ref, None if stored is None else stored.reply_to)
    cases = await context.services.store.cases.about(ref)
    if cases:
        return await _about_case(context, ref, cases[0])
    outcome = await messages.outcome(ref)
    if outcome is None:
        raise UserError(_unknown(context))
    if outcome.partition(":")[0] in MODERATION and not await _may_know(context, ref):
        outcome = public(outcome)
    return await _about(context, ref, sentence(outcome))


def public(outcome: str) -> str:
    """What everybody may know of an outcome of moderation: that it acted; nothing of what is tried out."""
    return "moderated" if outcome.startswith("moderated:") else "recorded"


async def _may_know(context: Context, ref: MessageRef) -> bool:
    """Whether the caller wrote a message, or moderates here now."""
    store = context.services.store
    stored = await store.messages.get(ref)
    if stored is not None and stored.author == store.seal.pseudonym(context.caller.identity):
        return True
    return await context.role() >= Role.MODERATOR


async def _about_case(context: Context, ref: MessageRef, case: Case) -> str | tuple[Action, ...]:
    """What moderation did with a message: the author and moderators alone learn what, and why."""
    is_author = case.author.identity == context.caller.identity
    if not is_author and await context.role() < Role.MODERATOR:
        return await _about(context, ref, sentence("recorded" if case.shadow else "moderated"))
    if case.shadow:
        what = _(
            "The rule `{rule}` (version {version} of the rules) is being tried out. It would {what}, and did "
            "nothing.",
            rule=case.rule,
            version=case.version,
            what=_(ACTIONS[case.severity]),
        )
    elif case.rule and case.severity is Severity.QUEUE:
        what = _(
            "The rule `{rule}` (version {version} of the rules) found something in it and asked the "
            "moderators.",
            rule=case.rule,
            version=case.version,
        )
    elif case.rule:
        what = _(
            "The rule `{rule}` (version {version} of the rules) acted: {did}.",
            rule=case.rule,
            version=case.version,
            did=deeds(_by_the_rule(case)) or _(ACTIONS[case.severity]),
        )
    else:
        what = _("A moderator acted: {did}.", did=deeds(case.did or case.was))
    number = "" if case.shadow and is_author else _("That is case {number}.", number=case.number)
    lines = [
        await _about(context, ref, what, case.text),
        *reasons(case),
        decision(case).replace("**", ""),
        number,
    ]
    if is_author and not case.shadow and case.state not in ("false alarm", "kept"):
        lines.append(
            _("`{prefix}appeal {number}` asks for another look.", prefix=context.prefix, number=case.number)
        )
    return (context.reply("\n".join(line for line in lines if line), personal=True),)


def _by_the_rule(case: Case) -> Sequence[Deed]:
    """What the rule itself did; what a moderator did after it is told with the decision."""
    return DEEDS[case.severity] if case.actor else case.did or case.was


async def _about_ours(context: Context, ref: MessageRef, question: str | None) -> str:
    if question is None:
        return await _about(
            context, ref, _("I wrote that. Whom it answered, if anybody, I do not remember any more.")
        )
    asked = MessageRef(ref.channel, question)
    outcome = await context.services.store.messages.outcome(asked)
    if outcome is None and ref.channel.thread is not None:  # an answer may open a thread under its question
        asked = MessageRef(ref.channel.parent, question)
        outcome = await context.services.store.messages.outcome(asked)
    text = _("I wrote that to answer this message: {link}", link=await named(context, asked))
    if outcome in (None, "", "answered"):
        return text
    return text + "\n" + _("About that message: {text}", text=sentence(outcome))


async def _about(context: Context, ref: MessageRef, text: str, said: str = "") -> str:
    return _("About {link}: {text}", link=await named(context, ref, said), text=text)


async def _last_of_caller(context: Context) -> MessageRef:
    """The caller's last message in this place; calls of commands count only if there is nothing else."""
    store = context.services.store
    if store.privacy.opted_out(context.caller.identity):
        raise UserError(_unknown(context))
    caller = store.seal.pseudonym(context.caller.identity)
    recent = await store.messages.before(context.channel, context.at, LOOK_BACK)
    own = [
        MessageRef(context.channel, message.id)
        for message in reversed(recent)
        if message.author == caller and message.id != context.to.id
    ]
    for ref in own:
        if await store.messages.outcome(ref) != "command":
            return ref
    if own:
        return own[0]
    raise UserError(_("I know no message of yours here. Reply to one, or give its link."))


def _unknown(context: Context) -> str:
    return _(
        "I know nothing of that message. Either it is older than {hours:g} hours, which is how long I "
        "remember, or its author asked me to store nothing, or it was written where I cannot read.",
        hours=context.services.context_hours,
    )
