"""Pictures that are fetched and looked at after their message was decided, a few at a time.

Nobody waits for it, and what waits is in memory, as with policies: a restart forgets it. Of a picture nothing
is kept; once it is looked at, its bytes are gone.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.errors import PlatformError, StorageError, Unreadable
from bot.core.events import Attachment, Identity, Message, MessageRef
from bot.core.files import Files, content_of
from bot.moderation.examined import Examined
from bot.moderation.judge import verdict_of
from bot.moderation.late import Late
from bot.moderation.likeness import MOST_BYTES, Likeness, is_picture, likeness
from bot.moderation.past import Past
from bot.moderation.review import Review
from bot.moderation.rule import Rule, Verdict

log = logging.getLogger(__name__)

MOST_WAITING = 200
"""More messages do not wait: pictures that come in while we are that far behind are not looked at."""

MOST_PICTURES = 10
"""Of a message; Discord takes no more (Discord, "Create Message")."""

AT_ONCE = 4
"""So many messages are fetched for: a server of somebody's that answers slowly holds up only its own."""

WITHIN_S = 30.0
"""For all pictures of a message; then those that came decide."""


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """A message, and the names of the rules that want to see its pictures."""

    message: Message
    rules: tuple[str, ...]


class Looking:
    """Looks at pictures for the rules that want to see them."""

    def __init__(self, *, files: Files, review: Review, late: Late, within_s: float = WITHIN_S) -> None:
        self._files, self._review, self._late, self._within_s = files, review, late, within_s
        self._waiting: OrderedDict[MessageRef, _Wanted] = OrderedDict()
        self._begun: dict[MessageRef, _Wanted] = {}
        self._awake = asyncio.Event()
        self._unpacking = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """Messages of which no picture is judged yet."""
        return len(self._waiting) + len(self._begun)

    def consider(self, message: Message, rules: Sequence[Rule]) -> None:
        """Look at the pictures of a message later, and no more at those of an earlier version of it."""
        self.withdraw(message.ref)
        if not rules or not any(map(is_picture, message.attachments)):
            return
        if len(self._waiting) >= MOST_WAITING:
            log.warning("pictures come faster than they are looked at, so some are not")
            return
        self._waiting[message.ref] = _Wanted(message, tuple(rule.name for rule in rules))
        self._awake.set()

    def withdraw(self, message: MessageRef) -> None:
        """A message is gone: nothing comes of what is seen in it."""
        self._waiting.pop(message, None)
        self._begun.pop(message, None)

    def forget(self, member: Identity) -> None:
        """Forget what a member posted."""
        for waiting in (self._waiting, self._begun):
            for ref in [ref for ref, each in waiting.items() if each.message.author.identity == member]:
                del waiting[ref]

    async def keep(self) -> None:
        """Look at what comes, for as long as the bot runs.

        Raises:
            StorageError: the database failed; nothing can go on without it.
        """
        async with asyncio.TaskGroup() as tasks:
            for n in range(AT_ONCE):
                tasks.create_task(self._work(), name=f"look at pictures {n}")

    async def seen_in(self, ref: MessageRef, files: Sequence[Attachment]) -> Sequence[Likeness]:
        """What is seen on the pictures among a message's files, as far as they can be had and read."""
        found: list[Likeness] = []
        try:
            async with asyncio.timeout(self._within_s):
                for file in list(filter(is_picture, files))[:MOST_PICTURES]:
                    seen = await self._seen(ref, file)
                    if seen is not None:
                        found.append(seen)
        except TimeoutError:
            log.warning("pictures were too slow to be looked at", extra={"channel": ref.channel.key})
        return found

    async def likeness(self, content: bytes) -> Likeness:
        """What is seen on a picture; one at a time is unpacked, so that memory holds one.

        Raises:
            Unreadable: it is none, or cannot be told from others; the text says why.
        """
        async with self._unpacking:
            return await asyncio.to_thread(likeness, content)

    async def _work(self) -> None:
        while True:
            await self._awake.wait()
            if not self._waiting:
                self._awake.clear()
                continue
            ref, wanted = self._waiting.popitem(last=False)
            self._begun[ref] = wanted
            try:
                await self._judge(wanted)
            except StorageError:
                raise
            except Exception:  # one job: the others wait for the same eyes
                log.exception("looking at pictures failed", extra={"event_id": ref.id})
            if self._begun.get(ref) is wanted:
                del self._begun[ref]

    async def _judge(self, wanted: _Wanted) -> None:
        """Judge a message by the rules as they are then, unless it changed or went meanwhile."""
        message = wanted.message
        pictures = await self.seen_in(message.ref, message.attachments)
        if not pictures:
            return
        for name in wanted.rules:
            if self._begun.get(message.ref) is not wanted:
                return
            rule = self._review.rules(message.ref.channel).find(name)
            if rule is None or not rule.looks_at_pictures:
                continue
            struck = self._review.strikes(message) if rule.escalation else 0.0
            verdict = verdict_on(message, rule, pictures, struck)
            if verdict is not None:
                await self._late.conclude(message, rule, verdict)

    async def _seen(self, ref: MessageRef, file: Attachment) -> Likeness | None:
        try:
            return await self.likeness(await content_of(self._files, ref, file, MOST_BYTES))
        except (Unreadable, PlatformError) as error:
            log.info("a picture is not looked at: %s", error, extra={"channel": ref.channel.key})
            return None


def verdict_on(
    message: Message, rule: Rule, pictures: Sequence[Likeness], struck: float = 0.0
) -> Verdict | None:
    """What a rule makes of the pictures of a message."""
    seen = Examined(message)
    seen.pictures = pictures
    finding = rule.check(seen, Past())
    return None if finding is None else verdict_of(rule, finding, struck)
