"""Carrying out actions: answers in channels and of interactions, and what moderators do.

Nothing mentions anybody but the asker, who is told once. What nobody but the asker may read is shown by
Discord to them alone, when they ask with a slash command. An interaction can be answered for fifteen minutes:
then an answer that others see goes on in the channel, and of one that they do not see a sentence says so.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from bot.adapters.attaching import shown
from bot.adapters.delivery import Delivery
from bot.adapters.discord.calls import Calls, Expired
from bot.adapters.discord.interactions import Interactions
from bot.adapters.discord.long import LongAnswer, no_thread, threads_in
from bot.adapters.discord.moderating import Moderating, short
from bot.adapters.discord.places import PLATFORM, id_of
from bot.adapters.discord.rights import Rights
from bot.adapters.discord.threads import open_thread
from bot.adapters.discord.transport import (
    LIMIT,
    CardTransport,
    ChannelTransport,
    InteractionTransport,
    ThreadTransport,
)
from bot.adapters.pacing import EditBudget, FixedWindow
from bot.core.actions import (
    Action,
    Alert,
    Archive,
    Ban,
    Delete,
    Hide,
    Kick,
    Lock,
    OpenThread,
    Pin,
    Post,
    Purge,
    React,
    Receipt,
    Reply,
    Report,
    SlowMode,
    StreamedReply,
    Timeout,
    Unban,
    Update,
    no_report,
)
from bot.core.below import NOTHING, Below
from bot.core.errors import Closed, Forbidden, Gone, Unsupported
from bot.core.events import Author, Channel, MessageRef
from bot.core.text import _

CALLS, SECONDS = 5, 5.0
"""Edits that a channel takes, seen by many and published by nobody; discord.py obeys what Discord says."""

MOST_BUDGETS = 5_000
_LONGEST_TIMEOUT = timedelta(days=28)


class Sender:
    """Carries out the actions of one account.

    Args:
        us: our user id, once we are logged in.
        moderators_channel: where alerts go; None for nowhere.
        now: the clock, in aware UTC datetimes.
    """

    def __init__(
        self,
        calls: Calls,
        interactions: Interactions,
        moderating: Moderating,
        rights: Rights,
        us: Callable[[], str],
        moderators_channel: str | None,
        now: Callable[[], datetime],
    ) -> None:
        self._calls, self._interactions, self._us = calls, interactions, us
        self._moderating, self._rights = moderating, rights
        self._moderators_channel, self._now = moderators_channel, now
        self._budgets: dict[str, EditBudget] = {}

    async def perform(
        self, action: Action, key: str, resume: Receipt | None = None, report: Report = no_report
    ) -> Receipt:
        """See `Adapter.perform`."""
        match action:
            case StreamedReply(to=to, author=author, chunks=chunks, meanwhile=meanwhile):
                if action.personal and self._is_seen_by_all(to):
                    await self._reply(Reply(to, author, "", personal=True), key, resume, no_report)
                    raise Gone("only the asker may read it, which they were told")
                return await self._shown(
                    to,
                    author,
                    key,
                    lambda by: by.stream(chunks, key, resume, report, meanwhile, action.afterwards),
                    tells=True,
                )
            case Reply():
                return await self._reply(action, key, resume, report)
            case Post():
                return await self._post(action, key, resume, report)
            case Update(ref=ref, text=text, title=title, controls=controls):
                made = resume if resume is not None and resume.message_ids else Receipt((ref.id,))
                where = self._in(ref.channel, title=title)
                return await where.reply(text, key, made, report, Below(controls))
            case Alert(text=text):
                return await self._alert(text, key, resume, report)
            case OpenThread():
                return await self._thread(action, key, resume, report)
            case Delete() | Hide() | Timeout() | Kick() | Ban() | React():
                await self._act(action)
                return Receipt()
            case Purge() | Pin() | Lock() | SlowMode() | Archive() | Unban():
                await self._moderating.act(action)
                return Receipt()
            case _:
                assert_never(action)

    async def _post(self, post: Post, key: str, resume: Receipt | None, report: Report) -> Receipt:
        if post.reader is not None:
            return await self._privately(post, post.reader, key, resume, report)
        if post.to is None:
            by, text = self._in(post.channel, title=post.title), post.text
        else:
            by, text = self._in(post.channel, names=post.to.id), f"<@{post.to.id}> {post.text}"
        return await self._posted(post, by, text, post.channel, key, resume, report)

    async def _posted(
        self,
        post: Post,
        by: Delivery,
        text: str,
        place: Channel,
        key: str,
        resume: Receipt | None,
        report: Report,
    ) -> Receipt:
        return await shown(
            post.file,
            lambda before, exists: by.reply(text, key, before, exists, Below(post.controls)),
            ChannelTransport(self._calls, id_of(place), self._us(), None, tells=False).attach,
            key,
            resume,
            report,
        )

    async def _privately(
        self, post: Post, reader: Author, key: str, resume: Receipt | None, report: Report
    ) -> Receipt:
        """A post for one member, in the private conversation with them."""
        try:
            id = await self._calls.private_with(reader.id)
            room = Channel(PLATFORM, id, id, private=True)

            async def exists(receipt: Receipt) -> None:
                await report(replace(receipt, channel=room))

            by = self._in(room, title=post.title)
            made = await self._posted(post, by, post.text, room, key, resume, exists)
            return replace(made, channel=room)
        except (Forbidden, Unsupported) as error:
            raise Closed(f"Discord brings no private message to {reader.id}: {error}") from error

    async def _reply(self, reply: Reply, key: str, resume: Receipt | None, report: Report) -> Receipt:
        hidden = reply.private or reply.personal
        text = reply.text
        if reply.personal and self._is_seen_by_all(reply.to):
            text = _(
                "Only you may read this. Please use the slash command: Discord shows its answer to you alone."
            )
        is_here = text == reply.text
        below = Below(reply.controls, reply.sources) if is_here else NOTHING
        file = reply.file if is_here else None

        async def show(by: LongAnswer) -> Receipt:
            return await shown(
                file,
                lambda before, exists: by.reply(text, key, before, exists, below),
                by.attach,
                key,
                resume,
                report,
            )

        return await self._shown(
            reply.to,
            reply.author,
            key,
            show,
            tells=not reply.notice,
            hidden=hidden,
        )

    def _is_seen_by_all(self, to: MessageRef) -> bool:
        """Whether others would read an answer: only an interaction is answered to one member alone."""
        return self._interactions.of(to.id) is None and not to.channel.private

    async def _shown(
        self,
        to: MessageRef,
        author: Author,
        key: str,
        show: Callable[[LongAnswer], Awaitable[Receipt]],
        *,
        tells: bool,
        hidden: bool = False,
    ) -> Receipt:
        """An answer to a message or to an interaction.

        Raises:
            Gone: only the asker was to see it, and it is too late for that; they were told.
        """
        known, place, cards = self._interactions.known(to.id), id_of(to.channel), self._cards(to.channel)
        if known is None:
            head = self._in(to.channel, to.id, tells=tells)
            threads = threads_in(self._calls, self._rights, to.channel)
            files = ChannelTransport(self._calls, place, self._us(), to.id, tells=tells, cards=cards)
            return await show(LongAnswer(head, self._rest, threads, files))
        hidden = hidden or known.hidden
        late = ChannelTransport(self._calls, place, self._us(), to.id, tells=tells, cards=cards)
        transport = InteractionTransport(
            self._calls,
            to.id,
            lambda: self._interactions.of(to.id),
            late if to.channel.private or not hidden else None,
            hidden=hidden,
            cards=cards,
        )
        try:
            head = Delivery(transport, self._budget(f"interaction {to.id}"))
            return await show(LongAnswer(head, self._rest, no_thread, transport))
        except Gone as error:
            if hidden and (isinstance(error, Expired) or self._interactions.of(to.id) is None):
                await self._too_late(to, author, key)
            raise

    async def _too_late(self, to: MessageRef, author: Author, key: str) -> None:
        """Say in the channel that an answer for one member alone cannot be shown any more."""
        place = id_of(to.channel)
        said = _(
            "{member} That took longer than Discord lets me answer to you alone. Please ask me again.",
            member=f"<@{author.id}>",
        )
        transport = ChannelTransport(self._calls, place, self._us(), to.id, tells=False, names=author.id)
        await Delivery(transport, self._budget(place)).reply(said, key, Receipt())

    def _rest(self, thread: Channel) -> Delivery:
        place = id_of(thread)
        transport = ThreadTransport(self._calls, place, self._us(), cards=self._cards(thread))
        return Delivery(transport, self._budget(place), self._budget(f"new {place}"))

    def _in(
        self,
        channel: Channel,
        question: str | None = None,
        *,
        tells: bool = False,
        title: str | None = None,
        names: str | None = None,
    ) -> Delivery:
        place = id_of(channel)
        cards = self._cards(channel)
        transport = ChannelTransport(
            self._calls, place, self._us(), question, tells=tells, names=names, cards=cards
        )
        if title is not None:
            transport = CardTransport(self._calls, place, self._us(), title)
        return Delivery(transport, self._budget(place), self._budget(f"new {place}"))

    def _cards(self, channel: Channel) -> bool:
        return channel.private or self._rights.allow(channel, "embed_links")

    def _budget(self, name: str) -> EditBudget:
        while name not in self._budgets and len(self._budgets) >= MOST_BUDGETS:
            del self._budgets[next(iter(self._budgets))]
        return self._budgets.setdefault(name, EditBudget(FixedWindow(CALLS, SECONDS)))

    async def _alert(self, text: str, key: str, resume: Receipt | None, report: Report) -> Receipt:
        if self._moderators_channel is None:
            raise Unsupported("nobody can be told; set [discord] moderators_channel")
        transport = ChannelTransport(self._calls, self._moderators_channel, self._us(), None, tells=False)
        budget = self._budget(self._moderators_channel)
        return await Delivery(transport, budget).reply(text, key, resume, report)

    async def _thread(self, action: OpenThread, key: str, resume: Receipt | None, report: Report) -> Receipt:
        """A thread in a channel hangs on a message with its title, the same one every time by its nonce."""
        if isinstance(action.at, MessageRef):
            return Receipt((), await open_thread(self._calls, action.channel, action.at.id, action.title))
        if action.channel.thread is not None or action.channel.private:
            raise Unsupported("threads hang on messages of channels only")
        made = await self._in(action.at).reply(action.title[:LIMIT], key, resume, report)
        place = await open_thread(self._calls, action.at, made.message_ids[0], action.title)
        return Receipt(made.message_ids, place)

    async def _act(self, action: Delete | Hide | Timeout | Kick | Ban | React) -> None:
        match action:
            case React(ref=ref, emoji=emoji):
                await self._calls.react(id_of(ref.channel), ref.id, emoji)
            case Delete(ref=ref, reason=reason) | Hide(ref=ref, reason=reason):
                try:
                    await self._calls.delete(id_of(ref.channel), ref.id, short(reason))
                except Gone:
                    return  # it is what was wanted
            case Timeout(channel=channel, author=author, duration_s=duration_s, reason=reason):
                until = self._now() + timedelta(seconds=min(duration_s, _LONGEST_TIMEOUT.total_seconds()))
                guild, user = _in_guild(channel, author)
                end = until.isoformat() if duration_s > 0 else None
                await self._calls.time_out(guild, user, end, short(reason))
            case Kick(channel=channel, author=author, reason=reason):
                try:
                    await self._calls.kick(*_in_guild(channel, author), short(reason))
                except Gone:
                    return  # they left before
            case Ban(channel=channel, author=author, reason=reason):
                await self._calls.ban(*_in_guild(channel, author), short(reason))
            case _:
                assert_never(action)


def _in_guild(channel: Channel, author: Author) -> tuple[str, str]:
    if channel.private:
        raise Unsupported("a private conversation has no members to be sent away")
    return channel.community, author.id
