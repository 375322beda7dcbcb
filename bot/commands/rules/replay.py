"""`rules replay`: what rules would have done, read from the platform's own history; no text is kept."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated

from bot.commands.command import PLATFORM_TIMEOUT_S, Context, Doc, Matching, OwnWords, command
from bot.commands.rules.book import ALL, book_of, readable, rule_named, rules_in
from bot.commands.rules.named import RuleNameOrAll
from bot.commands.rules.places import channel_named
from bot.commands.rules.shown import not_replayed
from bot.conversation.running import Handle, Stopped
from bot.core.actions import Chunk, Severity, Status
from bot.core.errors import PlatformError, UserError
from bot.core.events import Channel, Identity, Message, MessageRef
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.moderation.cards import ACTIONS
from bot.moderation.ruleset import Ruleset
from bot.moderation.trial import BREATHE_EVERY, PER_CHANNEL, Histories, Trial

EXAMPLES = 5
STATUS_EVERY = 100
"""Messages between two lines of progress."""

MOST_ROLES = 500
"""Authors of whom it is asked whether they moderate; of later ones nobody asks."""

MOST_NAMED = 20

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
SINCE = Matching(r"[1-9]\d{0,2}[hdw]?", N_("a time such as 12h, 7d or 2w"))


class Replay:
    """Rules read over a history.

    Attributes:
        would: what would have been done, how often.
        spared: messages of moderators, whom rules leave alone.
    """

    def __init__(self, context: Context, rules: Ruleset) -> None:
        self._context, self.rules = context, rules
        self._roles: dict[Identity, Role] = {}
        self.trial = Trial(rules, context.services.scorer)
        self.would: Counter[Severity] = Counter()
        self.by_rule: Counter[str] = Counter()
        self.examples: list[MessageRef] = []
        self.spared = 0

    async def look(self, message: Message) -> None:
        """Look at the next message."""
        verdicts = self.trial.look(message)
        if not verdicts:
            return
        if await self._role(message) >= Role.MODERATOR:
            self.spared += 1
            return
        self.would[max(verdict.severity for verdict in verdicts)] += 1
        self.by_rule.update({verdict.rule for verdict in verdicts})
        if len(self.examples) < EXAMPLES:
            self.examples.append(message.ref)

    @property
    def matched(self) -> int:
        """In how many messages something was found."""
        return sum(self.would.values())

    async def _role(self, message: Message) -> Role:
        who = message.author.identity
        if who not in self._roles and len(self._roles) < MOST_ROLES:
            try:
                async with asyncio.timeout(PLATFORM_TIMEOUT_S):
                    role = await self._context.services.directory.role(message.author, message.ref.channel)
            except (PlatformError, TimeoutError):
                role = Role.MEMBER
            self._roles[who] = role
        return self._roles.get(who, Role.MEMBER)


@command(
    "rules replay",
    role=Role.MODERATOR,
    slow=True,
    examples=(N_("rules replay rude"), N_("rules replay rude 2w"), N_("rules replay all 24h #help")),
)
async def replay(
    context: Context,
    rule: RuleNameOrAll,
    since: Annotated[str, SINCE, Doc("How far back.")] = "7d",
    channel: Annotated[str | None, Doc("Only in this channel; otherwise in all that you may read.")] = None,
) -> OwnWords:
    """Read the history and tell what a rule would have done; `stop` ends it."""
    rules = rules_in(book_of(context))
    chosen = Ruleset(rules if rule == ALL else (rule_named(context, rules, rule),))
    places = await readable(context) if channel is None else (await _place(context, channel),)
    unit = since[-1] if since[-1] in _UNITS else "d"
    from_when = context.services.now() - int(since.rstrip("hdw")) * _UNITS[unit]
    replayed = Replay(context, chosen)
    return OwnWords(
        context.stream(lambda handle: _replayed(replayed, places, from_when, context, handle, rule))
    )


async def _place(context: Context, name: str) -> Channel:
    """A channel of this community.

    Raises:
        UserError: there is none of that name.
    """
    place = await channel_named(context, name)
    if place.community_key != context.channel.community_key:
        raise UserError(_("That channel belongs to another community, which has rules of its own."))
    return place


async def _replayed(
    replayed: Replay,
    places: Sequence[Channel],
    since: datetime,
    context: Context,
    handle: Handle,
    rule: str,
) -> AsyncIterator[Chunk]:
    histories = Histories(lambda place: context.services.directory.history(place, since), places)
    messages = histories.messages()
    stopped = False
    yield Status(_progress(replayed, places))
    try:
        while (message := await handle.unless_stopped(anext(messages, None))) is not None:
            await replayed.look(message)
            if replayed.trial.read % BREATHE_EVERY == 0:
                await asyncio.sleep(0)
            if replayed.trial.read % STATUS_EVERY == 0:
                yield Status(_progress(replayed, places))
    except Stopped:
        stopped = True
    handle.outcome = "command"
    await context.audit("rules replay", f"{rule} {replayed.trial.read} messages")
    yield await _report(replayed, histories, places, context, stopped=stopped)


def _progress(replayed: Replay, places: Sequence[Channel]) -> str:
    return _(
        "Reading the history of {places} channel(s): {read} messages, {found} found. `stop` ends it.",
        places=len(places),
        read=replayed.trial.read,
        found=replayed.matched,
    )


async def _report(
    replayed: Replay,
    histories: Histories,
    places: Sequence[Channel],
    context: Context,
    *,
    stopped: bool,
) -> str:
    read, found = replayed.trial.read, replayed.matched
    lines = [_("You stopped it; so far:")] if stopped else []
    lines.append(
        _(
            "I read {read} messages of {places} channel(s); in {found} of them something is found "
            "({percent} %).",
            read=read,
            places=len(places),
            found=found,
            percent=f"{100 * found / read:.1f}" if read else "0",
        )
    )
    lines += [
        f"• {_(ACTIONS[severity])}: {count}"
        for severity, count in sorted(replayed.would.items(), reverse=True)
    ]
    if len(replayed.by_rule) > 1:
        named = replayed.by_rule.most_common(MOST_NAMED)
        lines.append(_("By rule: {rules}.", rules=", ".join(f"`{name}` {count}" for name, count in named)))
    if replayed.spared:
        lines.append(
            ngettext(
                "{n} more is a moderator's and would be left alone.",
                "{n} more are moderators' and would be left alone.",
                replayed.spared,
            )
        )
    if replayed.examples:
        links = [await _link(context, ref) for ref in replayed.examples]
        lines += [_("For example:"), *(f"• {link}" for link in links)]
    lines += _left_out(histories)
    if replayed.rules.looking:
        lines.append(not_replayed(replayed.rules.looking))
    lines.append(
        _("Nothing was done, and no text was kept. Strikes and newcomers are not known of the past.")
    )
    return "\n".join(lines)


async def _link(context: Context, ref: MessageRef) -> str:
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_S):
            link = await context.services.directory.link(ref.channel, ref.id)
    except (PlatformError, TimeoutError):
        link = None
    return link or _("message {id} in {channel}", id=ref.id, channel=ref.channel.id)


def _left_out(histories: Histories) -> Sequence[str]:
    lines = []
    if histories.cut:
        lines.append(
            ngettext(
                "Of {n} channel I read only the first {most} messages of that time.",
                "Of {n} channels I read only the first {most} messages of that time each.",
                len(histories.cut),
                most=PER_CHANNEL,
            )
        )
    if histories.failed:
        lines.append(
            ngettext(
                "The history of {n} channel I was not given (to the end).",
                "The histories of {n} channels I was not given (to the end).",
                len(histories.failed),
            )
        )
    return lines
