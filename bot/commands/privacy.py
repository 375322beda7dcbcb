"""`privacy ...`: what is stored about a member, and how they get it, erase it, or stop it."""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from bot.commands.command import Context, Doc, command
from bot.commands.conversion import readable
from bot.core.actions import Action
from bot.core.text import N_, _, ngettext
from bot.storage.personal import DEDUPE_DAYS, USAGE_DAYS

EXPORT_CHARS = 30_000
"""A longer export would flood a chat; the operator's command writes it to a file instead."""

KINDS: Mapping[str, Callable[[int], str]] = {
    "messages": lambda n: ngettext(
        "{n} message, yours or my answer, so that I can follow a conversation (encrypted)",
        "{n} messages, yours and my answers, so that I can follow a conversation (encrypted)",
        n,
    ),
    "inbox": lambda n: ngettext(
        "{n} mark that I handled an event of yours (its text only until it is handled)",
        "{n} marks that I handled an event of yours (its text only until it is handled)",
        n,
    ),
    "outbox": lambda n: ngettext(
        "{n} mark that I answered you or am about to (a text only until it is done)",
        "{n} marks that I answered you or am about to (a text only until it is done)",
        n,
    ),
    "usage": lambda n: ngettext(
        "{n} counter of questions and tokens, for quotas",
        "{n} counters of questions and tokens, for quotas",
        n,
    ),
    "audit": lambda n: ngettext(
        "{n} note of what was done by you or to you, without any text of yours",
        "{n} notes of what was done by you or to you, without any text of yours",
        n,
    ),
    "cases": lambda n: ngettext(
        "{n} case: a message of yours in which a rule found something, or one that you decided about "
        "(encrypted)",
        "{n} cases: messages of yours in which a rule found something, or that you decided about (encrypted)",
        n,
    ),
    "strikes": lambda n: ngettext(
        "{n} strike, which counts less and less and is gone after half a year",
        "{n} strikes, which count less and less and are gone after half a year",
        n,
    ),
    "appeals": lambda n: ngettext(
        "{n} appeal of yours, or one that you decided about (encrypted)",
        "{n} appeals of yours, or that you decided about (encrypted)",
        n,
    ),
    "hints": lambda n: ngettext(
        "{n} mark that a question of yours was answered before, and whether that helped you",
        "{n} marks that questions of yours were answered before, and whether that helped you",
        n,
    ),
    "unanswered": lambda n: ngettext(
        "{n} mark that a question of yours waited for an answer, or that you were asked to help (encrypted)",
        "{n} marks that questions of yours waited for answers, or that you were asked to help (encrypted)",
        n,
    ),
    "helpers": lambda n: ngettext(
        "{n} mark that you want to help where nobody answers (encrypted)",
        "{n} marks that you want to help where nobody answers (encrypted)",
        n,
    ),
    "examples": lambda n: ngettext(
        "{n} message of yours that teaches what is abuse or spam, in a room that agreed to that (encrypted)",
        "{n} messages of yours that teach what is abuse or spam, in rooms that agreed to that (encrypted)",
        n,
    ),
    "rulebooks": lambda n: ngettext(
        "{n} mark that you changed the rules of a community",
        "{n} marks that you changed the rules of a community",
        n,
    ),
    "topics": lambda n: ngettext(
        "{n} topic that you made or changed for a community (its name and examples are encrypted)",
        "{n} topics that you made or changed for a community (their names and examples are encrypted)",
        n,
    ),
    "digests": lambda n: ngettext(
        "{n} digest that you made for a channel, or get yourself (to whom I write: encrypted)",
        "{n} digests that you made for a channel, or get yourself (to whom I write: encrypted)",
        n,
    ),
    "shown": lambda n: ngettext(
        "{n} thread that a digest of your own showed you, so that it does not come twice",
        "{n} threads that a digest of your own showed you, so that they do not come twice",
        n,
    ),
    "ratings": lambda n: ngettext(
        "{n} opinion of yours about an answer of mine",
        "{n} opinions of yours about answers of mine",
        n,
    ),
    "archive": lambda n: ngettext(
        "{n} message of yours in a channel that moderators archive, so that it can be found (encrypted)",
        "{n} messages of yours in channels that moderators archive, so that they can be found (encrypted)",
        n,
    ),
    "attachments": lambda n: ngettext(
        "{n} file of yours in a channel that moderators archive: its name, and its text (encrypted)",
        "{n} files of yours in channels that moderators archive: their names, and their texts (encrypted)",
        n,
    ),
    "passages": lambda n: ngettext(
        "{n} piece of such messages in the index (encrypted)",
        "{n} pieces of such messages in the index (encrypted)",
        n,
    ),
    "threads": lambda n: ngettext(
        "{n} thread that you opened, with its title (encrypted)",
        "{n} threads that you opened, with their titles (encrypted)",
        n,
    ),
    "interactions": lambda n: ngettext(
        "{n} mark that you opened, answered or reacted to a thread, for recommendations",
        "{n} marks that you opened, answered or reacted to threads, for recommendations",
        n,
    ),
    "optouts": lambda n: ngettext(
        "{n} mark that I must keep no message of yours",
        "{n} marks that I must keep no message of yours",
        n,
    ),
}
"""Table -> what so many of its rows are to a member."""


@command("privacy show", private=True)
async def show(context: Context) -> str:
    """Show what is stored about me, and for how long."""
    privacy = context.services.store.privacy
    counts = await privacy.show(context.caller.identity)
    lines = [_("About you I have stored:")]
    lines += [f"• {KINDS[table](n)}" for table, n in counts.items() if n]
    if len(lines) == 1:
        lines = [_("I have stored nothing about you.")]
    return "\n".join([*lines, "", *_terms(context, opted_out=privacy.opted_out(context.caller.identity))])


def _encrypted_terms(context: Context) -> list[str]:
    if not context.channel.encrypted:
        return []
    return [
        _(
            "What is said in encrypted rooms, as here, nobody can read any more once I was restarted, "
            "not even I."
        )
    ]


def _terms(context: Context, *, opted_out: bool) -> list[str]:
    """What is stored and for how long; says no more and no less than the schema declares."""
    terms = [
        _(
            "I keep what is said where I can read, and my answers, for {hours:g} hours: encrypted, under a "
            "pseudonym instead of a name.",
            hours=context.services.context_hours,
        ),
        *_encrypted_terms(context),
        _(
            "I know for {dedupe} days that I handled an event, without its text. Counters for quotas stay "
            "for {usage} days, notes of commands and of moderation for {audit:g} days.",
            dedupe=DEDUPE_DAYS,
            usage=USAGE_DAYS,
            audit=context.services.audit_days,
        ),
        _(
            "A message in which a rule found something is kept for {evidence:g} days, encrypted, for the "
            "moderators and so that you can appeal.",
            evidence=context.services.evidence_days,
        ),
        _(
            "In channels that moderators archive, and where I said so, what is said is kept for {archive:g} "
            "days, encrypted, and can be found by whoever may read the channel.",
            archive=context.services.archive_days,
        ),
        _(
            "`{prefix}privacy export` gives you all of it, `{prefix}privacy forget` erases it, and "
            "`{prefix}privacy optout` ends the keeping of your messages.",
            prefix=context.prefix,
        ),
    ]
    if opted_out:
        terms.append(
            _(
                "You have opted out: I keep no message of yours. `{prefix}privacy optin` takes that back.",
                prefix=context.prefix,
            )
        )
    return terms


@command("privacy export", private=True, slow=True)
async def export(context: Context) -> str | tuple[Action, ...]:
    """Give me everything that is stored about me, as JSON."""
    identity = context.caller.identity
    everything = await context.services.store.privacy.export(identity)
    text = json.dumps(everything, ensure_ascii=False, indent=1)
    if len(text) > EXPORT_CHARS:
        return _(
            "That is {n} characters, too many for a chat. Ask the operator of this bot for the file that "
            "`llmos privacy export --platform {platform} --user {id}` writes.",
            n=len(text),
            platform=identity[0],
            id=readable(identity[1]),
        )
    # JSON's own escapes keep a stored fence, or half a character, from breaking the message
    safe = text.replace("```", "\\u0060\\u0060\\u0060").encode("utf-8", "backslashreplace").decode()
    return (context.reply(f"```json\n{safe}\n```", personal=True),)


@command("privacy forget", private=True, slow=True, examples=(N_("privacy forget yes"),))
async def forget(
    context: Context,
    confirm: Annotated[Literal["yes"] | None, Doc("Say yes to erase; there is no way back.")] = None,
) -> str:
    """Erase everything that is stored about me."""
    privacy, identity = context.services.store.privacy, context.caller.identity
    if confirm is None:
        return _before_forgetting(context, sum((await privacy.show(identity)).values()))
    erased = await privacy.forget(identity)
    done = ngettext("Done: {n} entry about you is erased.", "Done: {n} entries about you are erased.", erased)
    return f"{done} " + _(
        "What you write from now on is kept as before; `{prefix}privacy optout` ends that.",
        prefix=context.prefix,
    )


def _before_forgetting(context: Context, entries: int) -> str:
    lines = [
        ngettext("There is {n} entry about you.", "There are {n} entries about you.", entries),
        _(
            "Forgetting erases your messages, my answers to you, counters and notes, at once and for good: "
            "from the database, its indexes and its log."
        ),
        _(
            "What stays is a pseudonym of yours with the time of your wish, so that nothing returns from a "
            "backup. Messages on the platform itself stay too; delete them there."
        ),
        _("To go on, send `{prefix}privacy forget yes`.", prefix=context.prefix),
    ]
    return "\n".join(lines)


@command("privacy optout", private=True)
async def optout(context: Context) -> str:
    """Stop keeping my messages."""
    await context.services.store.privacy.opt_out(context.caller.identity)
    return _(
        "From now on I keep no message of yours. I still answer you, but do not remember what you said "
        "before. What I had archived of yours is erased; what else is stored stays until it expires, and "
        "`{prefix}privacy forget` erases it now. To keep this promise I store a pseudonym of yours.",
        prefix=context.prefix,
    )


@command("privacy optin", private=True)
async def optin(context: Context) -> str:
    """Allow me to remember our conversation again."""
    await context.services.store.privacy.opt_in(context.caller.identity)
    return _(
        "Thank you. From now on I keep your messages for {hours:g} hours, so that I can follow a "
        "conversation.",
        hours=context.services.context_hours,
    )
