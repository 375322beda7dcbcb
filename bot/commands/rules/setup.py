"""`rules setup` and `rules welcome`: the first minutes of a community."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace as changed
from typing import Annotated, Literal

from bot.commands.command import PLATFORM_TIMEOUT_S, Context, Doc, command
from bot.commands.conversion import shown
from bot.commands.rules.book import book_of, rules_in, save, still_enforced
from bot.commands.rules.places import channel_named
from bot.core.actions import Action, Post, Reply
from bot.core.controls import Control
from bot.core.errors import PlatformError, UserError
from bot.core.events import Channel
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.moderation.rule import Rule
from bot.moderation.rulebook import PRESETS, preset, write
from bot.moderation.scored import ScoreRule
from bot.storage.rulebooks import Rulebook

Preset = Literal["relaxed", "standard", "strict"]

WELCOME = Control("👋", N_("Greet newcomers"), ("rules", "welcome"), {"switch": "on"})


@command(
    "rules setup",
    role=Role.MODERATOR,
    slow=True,
    examples=(N_("rules setup"), N_("rules setup strict log=#moderators")),
)
async def setup(
    context: Context,
    name: Annotated[Preset, Doc("How much is looked for.")] = "standard",
    *,
    log: Annotated[
        str | None, Doc("The channel where I tell you what I find; otherwise the moderators' or this one.")
    ] = None,
    replace: Annotated[bool, Doc("Also drop the rules that you changed or made yourselves.")] = False,
) -> tuple[Action, ...]:
    """Set up rules for this community; at first they only watch."""
    if context.channel.private:
        raise UserError(_("Use this in a channel of your community: its rules are set up there."))
    services = context.services
    before = services.store.rulebooks.of(context.channel.community_key)
    place = before.log or await _staff_channel(context) if log is None else await channel_named(context, log)
    own = () if replace else _own(before)
    rules = _joined(preset(name), own)
    if not before.is_set_up or replace:
        enforced = frozenset(rule.name for rule in rules) if services.enforces else frozenset[str]()
    else:
        enforced = still_enforced(before, rules_in(before), rules)
    book = changed(before, rules=write(rules), log=place, enforced=enforced)
    book = await save(context, book, "setup", f"{name} log {place.key}{' replace' if replace else ''}")
    offers = context.channel.platform in services.joins and not book.welcome
    text = "\n".join(
        [
            _opening(name, rules),
            *_kept(own),
            "",
            *_what_happens(context, book, _place(context, before, place, log)),
            *_readers(context, place),
            *await _missing(context, place),
            *_status(context),
            *_without_classifiers(context, rules),
            "",
            *_next(context, offers=offers),
        ]
    )
    reply = Reply(
        context.to,
        context.caller,
        text,
        notice=True,
        controls=(WELCOME.translated(),) if offers else (),
    )
    return (reply,) if place.key == context.channel.key else (reply, Post(place, _first_card()))


def _own(book: Rulebook) -> tuple[Rule, ...]:
    """Rules that no preset has: moderators made or changed them."""
    known = [rule for name in PRESETS for rule in preset(name)]
    return tuple(rule for rule in rules_in(book) if rule not in known)


def _joined(fresh: Sequence[Rule], own: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules of a preset, own ones in the place of those with the same name."""
    by_name = {rule.name: rule for rule in (*fresh, *own)}
    return tuple(by_name.values())


def _opening(name: str, rules: Sequence[Rule]) -> str:
    return ngettext(
        "The rules are set up (`{preset}`), {n} of them: {names}.",
        "The rules are set up (`{preset}`), {n} of them: {names}.",
        len(rules),
        preset=name,
        names=", ".join(f"`{rule.name}`" for rule in rules[:40]),
    )


def _kept(own: Sequence[Rule]) -> Sequence[str]:
    if not own:
        return ()
    names = ", ".join(f"`{rule.name}`" for rule in own[:40])
    return (
        _(
            "Among them are those that you made or changed yourselves, as they were: {names}. "
            "`replace=yes` would drop them.",
            names=names,
        ),
    )


async def _staff_channel(context: Context) -> Channel:
    """Where the operator says that moderators read, or else here."""
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_S):
            return await context.services.directory.staff_channel(context.channel) or context.channel
    except (PlatformError, TimeoutError):
        return context.channel


def _place(context: Context, before: Rulebook, place: Channel, named: str | None) -> str:
    if place.key == context.channel.key:
        return _("this channel")
    if named is not None:
        return shown(named.strip())
    return _("the channel that was chosen before") if before.log is not None else _("the moderators' channel")


def _readers(context: Context, place: Channel) -> Sequence[str]:
    """Said where the cards come into the channel of the call, which may be open to everybody."""
    if place.key != context.channel.key:
        return ()
    return (
        _(
            "Everybody who reads this channel reads these cards. `{prefix}rules setup log=#moderators` "
            "sends them to another one.",
            prefix=context.prefix,
        ),
    )


def _what_happens(context: Context, book: Rulebook, where: str) -> Sequence[str]:
    if book.enforced:
        return (
            _(
                "{n} of them act from now on, the others only watch. What they do, and would do, I report "
                "in {where}. `{prefix}rules mode shadow` stops all of them.",
                n=len(book.enforced),
                where=where,
                prefix=context.prefix,
            ),
        )
    return (
        _(
            "For now they only watch: nothing is removed, and nobody is told anything. Whenever one of them "
            "would do something, a card in {where} says what and why. Press ✅ or ❌ below it: so you see "
            "how often each of them is right.",
            where=where,
        ),
        _("When you trust them, `{prefix}rules mode enforce` lets them act.", prefix=context.prefix),
    )


async def _missing(context: Context, place: Channel) -> Sequence[str]:
    """What the bot is not allowed to, where it reports and here."""
    lacking: dict[str, None] = {}
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_S):
            for channel in {place.key: place, context.channel.key: context.channel}.values():
                lacking |= dict.fromkeys(await context.services.directory.missing_permissions(channel))
    except (PlatformError, TimeoutError):
        return (_("Which permissions I have here, I could not find out."),)
    if not lacking:
        return ()
    return (
        _(
            "I lack permissions that rules may need: {permissions}. Ask an administrator of the server or "
            "room to grant them before rules act.",
            permissions=", ".join(lacking),
        ),
    )


def _status(context: Context) -> Sequence[str]:
    """What is to be known about the platform, such as that it shows us only what is said to us."""
    return tuple(
        f"{line.name}: {line.detail}"
        for line in context.services.status()
        if line.name == context.channel.platform and line.detail != _("connected")
    )


def _without_classifiers(context: Context, rules: Sequence[Rule]) -> Sequence[str]:
    waiting = [rule.name for rule in rules if isinstance(rule, ScoreRule)]
    if context.services.scorer is not None or not waiting:
        return ()
    names = ", ".join(f"`{name}`" for name in waiting)
    return (_("These find nothing here, since this bot runs without classifiers: {names}.", names=names),)


def _next(context: Context, *, offers: bool) -> Sequence[str]:
    lines = [
        _(
            "Try next: `{prefix}rules test TEXT` tells what they make of a message, `{prefix}rules list` "
            "shows all of them.",
            prefix=context.prefix,
        )
    ]
    if offers:
        lines.append(
            _(
                "I can also greet newcomers with a line that says how to ask me and what I keep: "
                "`{prefix}rules welcome on`.",
                prefix=context.prefix,
            )
        )
    return lines


def _first_card() -> str:
    return _("From now on I report here what the rules find.")


@command("rules welcome", role=Role.MODERATOR, examples=(N_("rules welcome on"),))
async def welcome(
    context: Context, switch: Annotated[Literal["on", "off"], Doc("Whether newcomers are greeted.")]
) -> str:
    """Greet newcomers with a line that says how to ask me and what I keep, or no longer."""
    book = book_of(context)
    wanted = switch == "on"
    if book.welcome != wanted:
        await save(context, changed(book, welcome=wanted), "welcome", switch)
    if not wanted:
        return _("Newcomers are not greeted.")
    if context.channel.platform not in context.services.joins:
        return _(
            "It is noted, but nothing will come of it here: this platform does not tell me who joins. (On "
            "Discord that would take the privileged intent “Server Members”, which I do without.) Write "
            "into your own welcome message how to ask me: mention me, or use the command `help`; "
            "`privacy show` tells everybody what I keep."
        )
    return _(
        "Newcomers are greeted from now on, in the place they join: at most one in a minute, and nobody "
        "twice in a month."
    )
