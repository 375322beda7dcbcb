"""`digest ...`: posts of threads worth reading that come by themselves."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Literal

from bot.commands.command import Completes, Context, Doc, Matching, Range, Services, command
from bot.commands.conversion import folded, shown
from bot.commands.rules.places import channel_named
from bot.commands.topic import names as topics
from bot.commands.topic import topic_named
from bot.core.actions import Action, Delete, File
from bot.core.errors import Forbidden, PlatformError, UserError
from bot.core.events import Author, Channel
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.recommend.digest import plan_of
from bot.recommend.phrases import at_wall, due, expression, quiet_hours, said, zone_meant, zones_like
from bot.recommend.schedule import Plan, Usual, zone_named
from bot.storage.digests import LESS, MORE, Digest, Effect, Fate, Posted, Tally
from bot.storage.threads import Noted, Touch
from bot.storage.topics import Topic

MOST = 20
"""Digests of a community."""
MOST_THREADS = 10
"""More than that nobody reads, and fewer characters than a card of Discord's may have (4,096)."""
SUGGESTIONS = 25
"""Source: Discord, "Autocomplete"."""

PREPARED_WITHIN_S = 20.0
"""Who wants a digest at once waits so long for lines about its threads, where there are any."""

STATS_DAYS = 90
MOST_BLENDS = 8
"""So many fit beside each other in a picture; the last ones are told."""

Verdict = Literal["more", "less", "hide", "stop"]
POST = Matching(r"[0-9a-f]{1,25}", N_("the key of a post"))

HERE = frozenset({"here", "这里", "此处"})

FATES: dict[Fate, str] = {
    "posted": N_("posted"),
    "nothing new": N_("nothing posted: no thread that everybody here may read was new"),
    "no channels": N_("nothing posted: I see no channel that everybody here may read"),
    "shut": N_("switched off: no private message from me arrives"),
}
"""What became of a slot, for people."""

Number = Annotated[int, Range(1, 2**53 - 1), Doc("The number of the digest; `digest list` tells it.")]


async def time_zones(services: Services, typed: str, caller: Author, channel: Channel) -> Sequence[str]:
    """Time zones by place."""
    return zones_like(typed)[:SUGGESTIONS]


async def times(services: Services, typed: str, caller: Author, channel: Channel) -> Sequence[str]:
    """Schedules that people mean most often."""
    common = (
        _("every monday 9:00"),
        _("every friday 17:00"),
        _("weekdays 9:00"),
        _("daily 18:00"),
        _("monthly 9:00"),
    )
    return [each for each in common if folded(typed) in folded(each)] or common


@command(
    "digest add",
    role=Role.MODERATOR,
    examples=(
        N_("digest add #general every monday 9:00 Europe/Berlin n=5"),
        N_("digest add here weekdays 18:30 zone=Asia/Shanghai quiet=22-7"),
        N_("digest add here 0 9 * * 1 UTC"),
        N_("digest add here every friday 17:00 UTC topic=backup"),
    ),
)
async def add(
    context: Context,
    channel: Annotated[str, Doc("Where it is posted: a channel you mention, or here.")],
    when: Annotated[str, Completes(times), Doc("Words such as: every monday 9:00; or a cron expression.")],
    *,
    zone: Annotated[str | None, Completes(time_zones), Doc("Your time zone, such as Europe/Berlin.")] = None,
    n: Annotated[int | None, Range(1, MOST_THREADS), Doc("How many threads at most.")] = None,
    quiet: Annotated[str | None, Doc("Hours in which nothing is posted, such as 22-7.")] = None,
    topic: Annotated[str | None, Completes(topics), Doc("Only threads about this topic.")] = None,
) -> str:
    """Post threads worth reading in a channel, regularly."""
    store, usual = context.services.store, context.services.usual
    place, when = await _where(context, channel, when)
    plan, n = plan_typed(usual, when, zone, quiet), n or usual.n
    about = None if topic is None else await topic_named(context, topic, place.community_key)
    if len(await store.digests.of(place.community_key)) >= MOST:
        raise UserError(
            _(
                "There are {n} digests here already, which is as many as I keep. Remove one first.",
                n=MOST,
            )
        )
    digest = await store.digests.add(
        place,
        cron=plan.cron,
        zone=plan.zone,
        n=n,
        quiet="" if plan.quiet is None else str(plan.quiet),
        actor=store.seal.pseudonym(context.caller.identity),
        call=context.call,
        topic="" if about is None else about.key,
    )
    only = "" if about is None else f" topic={about.key}"
    await context.audit("digest add", f"{digest.number} {place.key} {plan.cron} {plan.zone} n={n}{only}")
    return "\n".join(
        (
            _("Digest {number}: {plan}, {n}.", number=digest.number, plan=said(plan), n=at_most(n)),
            next_told(context, digest),
            *([] if about is None else [_about(about)]),
            *_elsewhere(context, place),
            _(
                "It shows what everybody who reads there may read, each thread once; when nothing is new, it "
                "is left out. `{prefix}digest now {number}` posts one at once.",
                prefix=context.prefix,
                number=digest.number,
            ),
        )
    )


@command("digest list", role=Role.MODERATOR, examples=(N_("digest list"),))
async def list_all(context: Context) -> str:
    """List the digests of this community, and what became of the last one of each."""
    community = context.channel.community_key
    found = await context.services.store.digests.of(community)
    if not found:
        return _no_digests(context)
    known = {each.key: each for each in await context.services.store.topics.of(community)}
    return "\n".join(line for digest in found for line in _lines(context, digest, known.get(digest.topic)))


@command("digest remove", role=Role.MODERATOR, examples=(N_("digest remove 3"),))
async def remove(context: Context, digest: Number) -> str:
    """End a digest."""
    meant = await _digest(context, digest)
    await context.services.store.digests.remove(meant.community, meant.number)
    await context.audit("digest remove", str(meant.number))
    return _("Digest {number} is removed: {plan}.", number=meant.number, plan=said(plan_of(meant)))


@command(
    "digest now",
    role=Role.MODERATOR,
    private=True,
    slow=True,
    examples=(N_("digest now"), N_("digest now 3")),
)
async def now(
    context: Context,
    digest: Annotated[
        int | None, Range(1, 2**53 - 1), Doc("The number of the digest, if there are several.")
    ] = None,
) -> str:
    """Post a digest at once; it still comes at its times."""
    meant = await _only(context) if digest is None else await _digest(context, digest)
    services = context.services
    slot = f"now {context.call}"
    await services.digesting.prepare(meant, PREPARED_WITHIN_S)
    try:
        fate = await services.digesting.decide(meant, slot, services.now())
    except Forbidden as error:
        raise UserError(_("I may not post there: {lacks}.", lacks=str(error))) from error
    except (PlatformError, TimeoutError) as error:
        raise UserError(
            _("The platform did not tell who may read what, so I posted nothing. Try again in a minute.")
        ) from error
    if fate is None:  # a kill came between this call and its answer
        fate = await services.store.digests.fate(meant, slot)
    else:
        await context.audit("digest now", f"{meant.number} {fate}")
    if fate is None:
        raise UserError(_no_digest(context, meant.number))
    return _("Digest {number}: {fate}.", number=meant.number, fate=_(FATES[fate]))


@command(
    "digest feedback",
    private=True,
    examples=(N_("digest feedback more 7c9e6679f7425d40ab"),),
)
async def feedback(
    context: Context,
    verdict: Annotated[Verdict, Doc("More or less like it; hide and stop are for moderators.")],
    post: Annotated[str, POST, Doc("The key of the post; what is pressed below it brings it along.")],
) -> tuple[Action, ...]:
    """Say what you think of a digest; below it are buttons, or reactions, for this."""
    store, community = context.services.store, context.channel.community_key
    posted = await store.digests.posted(community, post, context.caller.identity)
    if posted is None:
        raise UserError(_("I do not remember that digest any more, or it was stopped."))
    if verdict in ("more", "less"):
        await _vote(context, posted, post, MORE if verdict == "more" else LESS)
        return context.thanks(_("Thank you, I have noted that."))
    if posted.digest.reader is not None:
        return await _own(context, posted.digest, verdict)
    if await context.role() < Role.MODERATOR:
        await context.audit("refused", f"digest {verdict}")
        raise UserError(_("Only moderators can hide or stop a digest. Ask one of them to do it."))
    await context.audit(f"digest {verdict}", str(posted.digest.number))
    if verdict == "stop":
        await store.digests.remove(community, posted.digest.number)
        plan = said(plan_of(posted.digest))
        return (
            context.reply(_("Digest {number} is removed: {plan}.", number=posted.digest.number, plan=plan)),
        )
    if context.target is None:
        raise UserError(_("Press 🙈 below the digest that is to be hidden."))
    return (Delete(context.target, _("hidden by {who}", who=context.caller.name)),)


async def _own(context: Context, digest: Digest, verdict: Verdict) -> tuple[Action, ...]:
    """What a member wants of a digest that is for them alone."""
    if verdict == "hide":
        raise UserError(_("Nobody but you sees this digest, so there is nothing to hide."))
    await context.services.store.digests.end_own(context.caller.identity, digest.community)
    ended = _("It is stopped: {plan}. Nothing more comes.", plan=said(plan_of(digest)))
    return (context.reply(ended, private=True),)


@command("digest stats", role=Role.MODERATOR, slow=True, examples=(N_("digest stats"),))
async def stats(context: Context) -> tuple[Action, ...]:
    """Tell what the digests of this community led to in the last 90 days."""
    store, since = context.services.store, context.services.now() - timedelta(days=STATS_DAYS)
    found = await store.digests.of(context.channel.community_key)
    if not found:
        return (context.reply(_no_digests(context)),)
    lines = [_("In the last {days} days:", days=STATS_DAYS)]
    for digest in found:
        lines += [_("• Digest {number}, {plan}", number=digest.number, plan=said(plan_of(digest)))]
        lines += [f"  {line}" for line in _told(await store.digests.tally(digest, since))]
    told = (await store.digests.effects(context.channel.community_key, since))[-MOST_BLENDS:]
    if told:
        lines += [_("By the weights that chose the threads:"), *(f"• {_effect(each)}" for each in told)]
    return (replace(context.reply("\n".join(lines)), file=await _chart(told)),)


async def _chart(told: Sequence[Effect]) -> File | None:
    """The same as a picture, where there is something to see and something to draw it with."""
    if not told:
        return None
    from bot.recommend.chart import effects  # noqa: PLC0415 - with numpy behind it

    drawn = await asyncio.to_thread(effects, told)
    alt = "; ".join(_effect(each) for each in told)
    return None if drawn is None else File.of("digests.png", "image/png", drawn, alt)


def _effect(effect: Effect) -> str:
    names = {"": _("weights unknown"), "shipped": _("the weights I come with")}
    return _(
        "{weights}, since {day}: {threads} shown, {touched} taken up; 👍 {more} · 👎 {less}",
        weights=names.get(effect.blend) or _("own weights {name}", name=effect.blend),
        day=f"{effect.since:%Y-%m-%d}",
        threads=ngettext("{n} thread", "{n} threads", effect.threads),
        touched=effect.touched,
        more=effect.more,
        less=effect.less,
    )


def _told(tally: Tally) -> Sequence[str]:
    return (
        _(
            "{posts}, {threads} shown; {without} without anything new",
            posts=ngettext("{n} post", "{n} posts", tally.slots["posted"]),
            threads=ngettext("{n} thread", "{n} threads", tally.threads),
            without=ngettext("{n} time", "{n} times", tally.slots.total() - tally.slots["posted"]),
        ),
        _(
            "afterwards {members} took part in {touched} of them; 👍 {more} · 👎 {less}",
            members=ngettext("{n} member", "{n} members", tally.members),
            touched=tally.touched,
            more=tally.more,
            less=tally.less,
        ),
    )


async def _vote(context: Context, posted: Posted, post: str, emoji: str) -> None:
    """A member's vote on every thread of a post but their own; a new one takes the place of the old one."""
    services, member = context.services, context.caller
    if services.store.privacy.opted_out(member.identity):
        raise UserError(_("You opted out of being remembered, so I keep no opinion of yours either."))
    who, at = services.store.seal.pseudonym(member.identity), services.now()
    own = {
        (thread.channel, thread.id)
        for channel in {channel for channel, _id in posted.threads}
        for thread in await services.store.threads.known(channel, {id for _c, id in posted.threads})
        if thread.author == who
    }

    def touches(sign: str) -> tuple[Touch, ...]:
        return tuple(
            Touch(channel, id, who, "reaction", at, post, sign)
            for channel, id in posted.threads
            if (channel, id) not in own
        )

    noted = Noted(touched=touches(emoji), untouched=touches(LESS if emoji == MORE else MORE))
    await services.store.threads.write(noted)
    await services.recommendations.fold(noted)


async def _where(context: Context, channel: str, when: str) -> tuple[Channel, str]:
    """Where and when; a schedule without a channel is one for this place."""
    try:
        return await _place(context, channel), when
    except UserError:
        whole = f"{channel} {when}"
        if not _is_schedule(whole, context.services.usual):
            raise
        return await _place(context, "here"), whole


def _is_schedule(words: str, usual: Usual) -> bool:
    """Whether words say when, with or without a time zone behind them."""
    for said_so in (words, words.rpartition(" ")[0]):
        try:
            expression(said_so, usual.at)
        except UserError:
            continue
        return True
    return False


async def _place(context: Context, channel: str) -> Channel:
    place = context.channel if folded(channel) in HERE else await channel_named(context, channel)
    if place.private:
        raise UserError(_("A digest is for a channel of your community. Name one, or write this there."))
    return place


def _elsewhere(context: Context, place: Channel) -> Sequence[str]:
    """A room of Matrix is a community of its own."""
    if place.community_key == context.channel.community_key:
        return ()
    return (_("It belongs to that room: list, post and remove it there."),)


def plan_typed(usual: Usual, when: str, zone: str | None, quiet: str | None) -> Plan:
    """The plan in what was typed; the time zone may stand at the end of the words."""
    words, _space, last = when.strip().rpartition(" ")
    if zone is None and (zone_named(last) is not None or "/" in last.strip("*/0123456789")):
        when, zone = words, last
    zone = usual.zone if zone is None else zone
    if zone is None:
        expression(when, usual.at)
        raise UserError(
            _(
                "In which time zone? Add it at the end, such as `{when} Europe/Berlin`.",
                when=shown(when.strip()),
            )
        )
    never = usual.quiet if quiet is None else quiet_hours(quiet)
    return Plan(expression(when, usual.at), zone_meant(zone), never)


async def _only(context: Context) -> Digest:
    """The digest of a community that has one."""
    found = await context.services.store.digests.of(context.channel.community_key)
    if not found:
        raise UserError(_no_digests(context))
    if len(found) > 1:
        raise UserError(_("Which one? `{prefix}digest list` tells their numbers.", prefix=context.prefix))
    return found[0]


async def _digest(context: Context, number: int) -> Digest:
    found = await context.services.store.digests.get(context.channel.community_key, number)
    if found is None:
        raise UserError(_no_digest(context, number))
    return found


def _no_digests(context: Context) -> str:
    return _(
        "There are no digests here. `{prefix}digest add here every monday 9:00 Europe/Berlin` makes one.",
        prefix=context.prefix,
    )


def _no_digest(context: Context, number: int) -> str:
    return _(
        "There is no digest {number} here. `{prefix}digest list` tells all.",
        number=number,
        prefix=context.prefix,
    )


def _about(topic: Topic) -> str:
    return _(
        "It is only about “{topic}”: of archived channels, the threads that I recognize as such.",
        topic=topic.name,
    )


def _lines(context: Context, digest: Digest, topic: Topic | None) -> Sequence[str]:
    plan = said(plan_of(digest))
    where = _("this channel") if digest.channel.key == context.channel.key else f"`{_name(digest.channel)}`"
    first = _(
        "**{number}** {plan}, {n}, in {where}",
        number=digest.number,
        plan=plan,
        n=at_most(digest.n),
        where=where,
    )
    lines = [f"• {first}", f"  {next_told(context, digest)}"]
    lines += [] if topic is None else [f"  {_about(topic)}"]
    if digest.fate is not None and digest.decided_at is not None:
        last = last_told(digest, digest.fate, digest.decided_at)
        lines.append(f"  {last}")
    if digest.trouble:
        trouble = _("⚠️ It is late, because of this: {trouble}", trouble=shown(digest.trouble))
        lines.append(f"  {trouble}")
    return lines


def next_told(context: Context, digest: Digest) -> str:
    """When a digest comes next."""
    slot = context.services.digesting.next(digest)
    if slot is None:
        return _("It never comes.")
    return _("Next: {when}", when=due(slot, digest.zone))


def last_told(digest: Digest, fate: Fate, at: datetime) -> str:
    """What became of its last slot."""
    return _("Last: {when}, {fate}", when=at_wall(at, digest.zone), fate=_(FATES[fate]))


def at_most(n: int) -> str:
    """How many threads there are in one."""
    return ngettext("{n} thread at most", "{n} threads at most", n)


def _name(place: Channel) -> str:
    return place.id if place.thread is None else f"{place.id}/{place.thread}"
