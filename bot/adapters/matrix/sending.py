"""Carrying out actions in rooms.

Answers are `m.text` and tell their asker once; output of commands and posts are `m.notice`. What nobody but
the asker may read goes to a room for two; other private output stands where it was asked, since Matrix cannot
hide it. All messages of the account share one budget of edits.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, assert_never

from bot.adapters.attaching import shown
from bot.adapters.cards import as_text, with_alt
from bot.adapters.delivery import Delivery, part_key
from bot.adapters.matrix.attention import Attention
from bot.adapters.matrix.calls import Calls, is_duplicate
from bot.adapters.matrix.direct import DirectRooms
from bot.adapters.matrix.envelope import Envelope
from bot.adapters.matrix.frame import MESSAGE_BYTES, Frame, reaction
from bot.adapters.matrix.moderating import Moderating
from bot.adapters.matrix.mutes import Mutes
from bot.adapters.matrix.rooms import Rooms
from bot.adapters.matrix.settings import Settings
from bot.adapters.matrix.transport import RoomTransport
from bot.adapters.pacing import Bucket, EditBudget, Limit, Priority
from bot.core.actions import (
    Action,
    Alert,
    Archive,
    Ban,
    Delete,
    File,
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
from bot.core.controls import Control
from bot.core.errors import Closed, Forbidden, Gone, PlatformError, RateLimited, Unsupported
from bot.core.events import Author, Channel, MessageRef
from bot.core.permissions import Role
from bot.core.text import _

if TYPE_CHECKING:  # without encryption its packages are not needed
    from bot.adapters.matrix.encryption.encryption import Encryption

MESSAGES_PER_S, BURST = 0.2, 10
"""What a homeserver allows an account (Synapse, `rc_message`, as it comes)."""

SENT_PRIVATELY = "📨"
"""The reaction that says: look into our room for two."""

_MODERATORS = 3  # as many are told where no room of theirs is configured
_RESERVE = 3  # messages that edits leave for first and final texts

_log = logging.getLogger(__name__)


def stock_limit() -> Limit:
    """The limit of a homeserver whose operator changed nothing."""
    return Bucket(MESSAGES_PER_S, BURST)


class Sender:
    """Carries out the actions of one account.

    Args:
        message_bytes: how much text goes into one message.
        limit: what placeholders and edits on the way keep to; final texts wait for real refusals only.
        now: the clock, in aware UTC datetimes.
    """

    def __init__(
        self,
        calls: Calls,
        rooms: Rooms,
        settings: Settings,
        encryption: "Encryption | None" = None,
        *,
        message_bytes: int = MESSAGE_BYTES,
        limit: Callable[[], Limit] = stock_limit,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._calls = calls
        self._rooms, self._encryption = rooms, encryption
        self._grants, self._moderators_room = settings.grants, settings.moderators_room
        self._message_bytes = message_bytes
        self._budget = EditBudget(limit(), _RESERVE, finals_at_once=True)
        self._direct = DirectRooms(self._calls, rooms, encryption=encryption is not None)
        self._attention = Attention(self._calls)
        self._markdown = ThreadPoolExecutor(1, "matrix-markdown")
        self.mutes = Mutes(self._calls, now)
        self._moderating = Moderating(self._calls, lambda: self._count(Priority.FIRST))

    async def close(self) -> None:
        """No action comes any more."""
        await asyncio.to_thread(self._markdown.shutdown)

    async def perform(
        self, action: Action, key: str, resume: Receipt | None = None, report: Report = no_report
    ) -> Receipt:
        """See `Adapter.perform`."""
        match action:
            case StreamedReply(to=to, author=author, chunks=chunks) if action.personal:
                async with self._attention.on(to, writes=True):
                    return await self._to_reader(
                        to,
                        author,
                        "m.text",
                        key,
                        resume,
                        report,
                        lambda by, seen: by.stream(chunks, key, resume, seen, afterwards=action.afterwards),
                    )
            case StreamedReply(to=to, author=author, chunks=chunks):
                frame = Frame("m.text", to.id, to.channel.thread, author.id)
                async with self._attention.on(to, writes=True):
                    delivery = await self._delivery(to.channel.id, frame)
                    return await delivery.stream(chunks, key, resume, report, afterwards=action.afterwards)
            case Reply():
                return await self._reply(action, key, resume, report)
            case Post():
                return await self._post(action, key, resume, report)
            case Update(ref=ref):
                made = resume if resume is not None and resume.message_ids else Receipt((ref.id,))
                return await self._say(ref.channel.id, Frame("m.notice"), as_text(action), key, made, report)
            case Alert(channel=channel, text=text):
                return await self._alert(channel, text, key)
            case OpenThread():
                return await self._thread(action, key, resume, report)
            case Delete() | Hide() | Timeout() | Kick() | Ban() | React():
                await self._act(action, key)
                return Receipt()
            case Purge() | Pin() | Lock() | SlowMode() | Archive() | Unban():
                await self._moderating.act(action, key)
                return Receipt()
            case _:
                assert_never(action)

    # Words

    async def _reply(self, reply: Reply, key: str, resume: Receipt | None, report: Report) -> Receipt:
        kind = "m.notice" if reply.notice else "m.text"
        place = reply.to.channel
        async with self._attention.on(reply.to, writes=False):
            if not reply.personal:
                frame = Frame(kind, reply.to.id, place.thread, reply.author.id)
                return await self._say(place.id, frame, as_text(reply), key, resume, report, reply.file)
            text = with_alt(reply)
            return await self._to_reader(
                reply.to,
                reply.author,
                kind,
                key,
                resume,
                report,
                lambda by, seen: by.reply(text, key, resume, seen),
            )

    async def _to_reader(
        self,
        to: MessageRef,
        reader: Author,
        kind: str,
        key: str,
        resume: Receipt | None,
        report: Report,
        show: Callable[[Delivery, Report], Awaitable[Receipt]],
    ) -> Receipt:
        """What nobody but its reader may read: where only the two of us are, or in a room for two."""
        place = to.channel
        public = Frame(kind, to.id, place.thread, reader.id)
        if await self._is_private(place):
            return await show(await self._delivery(place.id, public), report)
        room_id = await self._reader_room(to, reader, resume)
        if room_id is None:
            return await self._say(place.id, public, _not_here(), key, resume, report)
        room = replace((await self._rooms.get(room_id)).channel(), private=True)

        async def exists(receipt: Receipt) -> None:
            await report(replace(receipt, channel=room))

        receipt = await show(await self._delivery(room_id, Frame(kind, mentioned=reader.id)), exists)
        try:
            await self._react(to, SENT_PRIVATELY, f"p{key}")
        except PlatformError as error:
            _log.info("not shown where the answer is: %s", error)
        return replace(receipt, channel=room)

    async def _post(self, post: Post, key: str, resume: Receipt | None, report: Report) -> Receipt:
        if post.reader is not None:
            return await self._privately(post, post.reader, key, resume, report)
        frame = Frame("m.notice", thread=post.channel.thread)
        if post.to is not None:
            frame = Frame("m.text", thread=post.channel.thread, mentioned=post.to.id)
        receipt = await self._say(post.channel.id, frame, as_text(post), key, resume, report, post.file)
        await self._offer(post.channel, receipt, post.controls, key)
        return receipt

    async def _privately(
        self, post: Post, reader: Author, key: str, resume: Receipt | None, report: Report
    ) -> Receipt:
        """A post for one member, in the room for two."""
        try:
            room_id = await self._direct.room(reader.id, encrypted=post.channel.encrypted)
        except (Forbidden, Unsupported) as error:
            raise Closed(f"there is no room for two: {error}") from error
        room = replace((await self._rooms.get(room_id)).channel(), private=True)

        async def exists(receipt: Receipt) -> None:
            await report(replace(receipt, channel=room))

        frame = Frame("m.text", mentioned=reader.id)
        made = await self._say(room_id, frame, as_text(post), key, resume, exists, post.file)
        await self._offer(room, made, post.controls, key)
        return replace(made, channel=room)

    async def _reader_room(self, to: MessageRef, reader: Author, resume: Receipt | None) -> str | None:
        """The room for two with a reader; None if there can be none."""
        if resume is not None and resume.message_ids:
            return resume.channel.id if resume.channel is not None else None
        try:
            return await self._direct.room(reader.id, encrypted=to.channel.encrypted)
        except (Forbidden, Unsupported) as error:
            _log.warning("no room for two with %s: %s", reader.id, error)
            return None

    async def _thread(self, action: OpenThread, key: str, resume: Receipt | None, report: Report) -> Receipt:
        """A thread is there when its first message is: the title, on a message or by itself."""
        if action.channel.thread is not None:
            raise Unsupported("a thread on Matrix has no threads in it")
        on = action.at.id if isinstance(action.at, MessageRef) else None
        frame = Frame("m.notice", thread=on)
        title = action.title if action.title.strip() else "…"
        made = await self._say(action.channel.id, frame, title, key, resume, report)
        return replace(made, channel=replace(action.channel, thread=on or made.message_ids[0]))

    async def _say(
        self,
        room_id: str,
        frame: Frame,
        text: str,
        key: str,
        resume: Receipt | None,
        report: Report,
        file: File | None = None,
    ) -> Receipt:
        transport = await self._transport(room_id, frame)
        by = Delivery(transport, self._budget)

        async def attach(file: File, key: str) -> str:
            await self._count()
            return await transport.attach(file, key)

        return await shown(
            file,
            lambda before, exists: by.reply(text, key, before, exists),
            attach,
            key,
            resume,
            report,
        )

    async def _delivery(self, room_id: str, frame: Frame) -> Delivery:
        return Delivery(await self._transport(room_id, frame), self._budget)

    async def _transport(self, room_id: str, frame: Frame) -> RoomTransport:
        envelope = Envelope(await self._rooms.get(room_id), self._encryption)
        return RoomTransport(self._calls, self._markdown, room_id, frame, envelope, self._message_bytes)

    async def _is_private(self, place: Channel) -> bool:
        return place.private and (await self._rooms.get(place.id)).private

    # Alerts

    async def _alert(self, channel: Channel, text: str, key: str) -> Receipt:
        """Tell the moderators: all of them in their room, or the strongest each in a room for two."""
        if self._moderators_room is not None:
            return await self._say(self._moderators_room, Frame("m.notice"), text, key, None, no_report)
        if channel.private:
            return await self._say(channel.id, Frame("m.notice"), text, key, None, no_report)
        told: list[str] = []
        for user_id in await self._moderators(channel.id):
            try:
                room_id = await self._direct.room(user_id, encrypted=channel.encrypted)
                own = blake2b(f"{key}>{user_id}".encode(), digest_size=9).hexdigest()
                receipt = await self._say(room_id, Frame("m.text"), text, own, None, no_report)
            except (Forbidden, Gone, Unsupported) as error:
                _log.warning("a moderator cannot be told: %s", error)
            else:
                told += receipt.message_ids
        if not told:
            raise Unsupported(
                f"nobody moderates {channel.id} whom I could tell; set [matrix] moderators_room"
            )
        return Receipt(tuple(told))

    async def _moderators(self, room_id: str) -> Sequence[str]:
        powers = await self._calls.powers(room_id)
        named = powers.named | self._grants.moderators | self._grants.admins
        found = [
            user_id
            for user_id in sorted(named, key=lambda user_id: (-powers.of(user_id), user_id))
            if user_id != self._calls.user_id
            and self._grants.role(user_id, powers.of(user_id)) >= Role.MODERATOR
            and await self._calls.membership(room_id, user_id) == "join"
        ]
        return found[:_MODERATORS]

    # Acts

    async def _act(self, action: Delete | Hide | Timeout | Kick | Ban | React, key: str) -> None:
        match action:
            case React(ref=ref, emoji=emoji):
                await self._react(ref, emoji, key)
            case Delete(ref=ref, reason=reason) | Hide(ref=ref, reason=reason):
                await self._count()
                await self._calls.redact(ref.channel.id, ref.id, key, reason)
            case Timeout(channel=channel, author=author, duration_s=duration_s):
                await self.mutes.mute(channel.id, author.id, duration_s)
            case Kick(channel=channel, author=author, reason=reason):
                if await self._calls.membership(channel.id, author.id) in ("join", "invite", "knock"):
                    await self._calls.remove("kick", channel.id, author.id, reason)
            case Ban(channel=channel, author=author, reason=reason):
                if await self._calls.membership(channel.id, author.id) != "ban":
                    await self._calls.remove("ban", channel.id, author.id, reason)
            case _:
                assert_never(action)

    async def _offer(self, channel: Channel, receipt: Receipt, controls: Sequence[Control], key: str) -> None:
        """Put what can be pressed below a message, so that a tap is enough; typing the emoji does it too."""
        said = receipt.message_ids[:-1] if receipt.file else receipt.message_ids
        for n, control in enumerate(controls):
            ref = MessageRef(channel, said[-1])
            try:
                await self._react(ref, control.emoji, part_key(key, n, edition=1))
            except (Forbidden, Gone) as error:
                _log.info("nothing to tap below a message: %s", error)
                return

    async def _react(self, ref: MessageRef, emoji: str, key: str) -> None:
        await self._count()
        try:
            await self._calls.send(ref.channel.id, "m.reaction", reaction(ref.id, emoji), key)
        except RateLimited:
            raise
        except PlatformError as error:
            if not is_duplicate(error):
                raise

    async def _count(self, priority: Priority = Priority.FINAL) -> None:
        """An event counts like a message, and waits like a final text unless it is in no hurry."""
        lane = self._budget.lane()
        try:
            await lane.turn(priority)
        finally:
            lane.close()


def _not_here() -> str:
    return _(
        "My answer is for you alone, and I cannot invite you to a room for the two of us. "
        "Please invite me to one, and ask me there."
    )
