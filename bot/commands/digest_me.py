"""`digest me`: threads for the caller alone, regularly and privately; nobody gets any unasked."""

from typing import Annotated

from bot.commands.command import Completes, Context, Doc, Range, command
from bot.commands.conversion import folded
from bot.commands.digest import MOST_THREADS, at_most, last_told, next_told, plan_typed, time_zones, times
from bot.core.actions import Action, Post
from bot.core.errors import UserError
from bot.core.text import N_, _
from bot.recommend.digest import plan_of
from bot.recommend.phrases import said
from bot.storage.digests import Digest, Reader

STOP = frozenset({"stop", "off", "end", "停止", "停", "关"})


@command(
    "digest me",
    private=True,
    examples=(
        N_("digest me every monday 9:00 Europe/Berlin n=5"),
        N_("digest me"),
        N_("digest me stop"),
    ),
)
async def me(
    context: Context,
    when: Annotated[
        str | None,
        Completes(times),
        Doc("Such as: every monday 9:00; or stop. Left out: I show what you get."),
    ] = None,
    *,
    zone: Annotated[str | None, Completes(time_zones), Doc("Your time zone, such as Europe/Berlin.")] = None,
    n: Annotated[int | None, Range(1, MOST_THREADS), Doc("How many threads at most.")] = None,
    quiet: Annotated[str | None, Doc("Hours in which nothing is posted, such as 22-7.")] = None,
) -> tuple[Action, ...]:
    """Send me threads that I may like, regularly and privately."""
    own, who = context.services.store.digests, context.caller.identity
    here = None if context.channel.private else context.channel.community_key
    if when is None:
        found = await own.of_member(who, here)
        lines = [line for digest in found for line in _lines(context, digest)] or [_none(context)]
        return (context.reply("\n".join(lines), private=True),)
    if folded(when) in STOP:
        ended = await own.end_own(who, here)
        text = _("It is stopped. Nothing more comes.") if ended else _none(context)
        return (context.reply(text, private=True),)
    if context.channel.private:
        raise UserError(_("Ask me that in a channel of your community: I recommend what is said there."))
    if context.services.store.privacy.opted_out(who):
        raise UserError(
            _("You opted out of being remembered, and I would have to remember when to write to you.")
        )
    usual = context.services.usual
    plan = plan_typed(usual, when, zone, quiet)
    digest = await own.add_own(
        context.channel,
        Reader(context.caller, context.locale),
        cron=plan.cron,
        zone=plan.zone,
        n=n or usual.n,
        quiet="" if plan.quiet is None else str(plan.quiet),
        call=context.call,
    )
    told = "\n".join((_what(digest), next_told(context, digest), _how(context)))
    return (context.reply(told, private=True), _welcome(context, digest))


def _welcome(context: Context, digest: Digest) -> Post:
    """The first message of a private conversation shows at once whether the others will arrive."""
    text = _(
        "This is where your digest comes: {what} `{prefix}digest me stop` ends it.",
        what=_what(digest),
        prefix=context.prefix,
    )
    return Post(context.channel, text, to=context.caller, private=True)


def _what(digest: Digest) -> str:
    return _("{plan}, {n}, for you alone.", plan=said(plan_of(digest)), n=at_most(digest.n))


def _how(context: Context) -> str:
    return _(
        "It comes as a private message, with what you may read by then, each thread once; when nothing is "
        "new, it is left out. `{prefix}digest me stop` ends it.",
        prefix=context.prefix,
    )


def _lines(context: Context, digest: Digest) -> list[str]:
    lines = [f"• {_what(digest)}"]
    if digest.fate != "shut":
        lines.append(f"  {next_told(context, digest)}")
    if digest.fate is not None and digest.decided_at is not None:
        lines.append(f"  {last_told(digest, digest.fate, digest.decided_at)}")
    return lines


def _none(context: Context) -> str:
    return _(
        "Nothing comes to you by itself. `{prefix}digest me every monday 9:00 Europe/Berlin` changes that.",
        prefix=context.prefix,
    )
