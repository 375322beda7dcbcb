"""Questions that nobody answers climb: to an answer with sources, to one helper, to the moderators' list.

Each step is one transaction together with what is said, so a kill doubles none and loses none. What a
question says, whether it still stands and whether somebody answered is read from the platform at that moment:
nothing of its words is kept, and what was said while the bot was away counts too.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from bot.conversation import sentences
from bot.conversation.audience import EVERYBODY, everybodys, readable
from bot.conversation.hinting import opened_title
from bot.conversation.policy import Unanswered, can_be_archived, channel_policy
from bot.conversation.sentences import Voice
from bot.conversation.sourced import entry_of, one_line, quotes
from bot.conversation.subject import NUMBER, Gone, subject
from bot.core.actions import Action, Delete, Post, Reply, Update
from bot.core.controls import Control
from bot.core.directory import Directory
from bot.core.errors import PlatformError, StorageError
from bot.core.events import Identity, Message, MessageRef
from bot.core.text import N_, _, speaking
from bot.knowledge.answering import Answer, ask
from bot.knowledge.questions import asks_for_help
from bot.knowledge.search import Search
from bot.llm.language import language_of
from bot.storage.helpers import Helper
from bot.storage.hints import STANDING
from bot.storage.outbox import NewOutboxRow
from bot.storage.passages import Passage
from bot.storage.store import Store
from bot.storage.unanswered import Question, Rung

log = logging.getLogger(__name__)

ANSWERED, PASS, NO_MORE = ("knowledge", "answered"), ("helper", "pass"), ("helper", "off")
"""The commands behind what is pressed below an answer, and below what a helper is asked."""

SURE = 0.8
"""From this confidence on an answer is given that nobody asked us for; see docs/performance.md."""

AT_ONCE = 50
"""Questions that climb in one look; the others are due at the next one."""

AGAIN_AFTER = timedelta(minutes=5)
"""After a platform did not tell what stands there."""

_BELOW = (ANSWERED, PASS)
_HISTORY_S = 30.0
_MOST_READ = 1_000
_WORDS_CHARS = 200
_RUNGS: dict[Unanswered, tuple[Rung, ...]] = {
    "off": (),
    "list": ("list",),
    "helpers": ("helper", "list"),
    "answer": ("answer", "helper", "list"),
}
_ORDER: tuple[Rung, ...] = ("new", "answer", "helper", "list")

Begin = Callable[[NewOutboxRow], None]
"""Carries out an outbox row that is stored already."""


class Climbing:
    """Follows questions from when they are asked until somebody answers.

    Args:
        key: makes an outbox key from the name of something that happens once.
        talks: whether people say a message to each other.
        locale: the language of what moderators, and helpers of no known language, read.
        platforms: those that this process serves.
    """

    def __init__(
        self,
        *,
        store: Store,
        search: Search | None,
        directory: Directory,
        now: Callable[[], datetime],
        key: Callable[[str], str],
        talks: Callable[[Message], bool],
        locale: str,
        platforms: Collection[str],
    ) -> None:
        self._store, self._search, self._directory, self._now = store, search, directory, now
        self._key, self._talks, self._locale, self._platforms = key, talks, locale, platforms
        self._begin: Begin = lambda row: None
        self._gone = Gone(_BELOW)

    def hand_to(self, begin: Begin) -> None:
        """From now on what is said is carried out by this as soon as it is stored."""
        self._begin = begin

    # What happens to a question

    async def begin(self, question: Message) -> None:
        """Follow a new question, where moderators want that; durable on return."""
        ref = question.ref
        policy = channel_policy(self._store.policies, ref.channel)
        if policy.unanswered == "off" or not can_be_archived(ref.channel):
            return
        if self._store.privacy.opted_out(question.author.identity):
            return
        stored = await self._store.messages.get(ref)
        title = await opened_title(self._store, ref)
        if stored is None or title is None or not asks_for_help(title, stored.text):
            return
        due = question.at + timedelta(seconds=policy.patience_s)
        await self._store.unanswered.add(ref, question.author, question.at, due)

    async def heard(self, said: Message) -> tuple[Action, ...]:
        """Somebody wrote: what they answer climbs no further. What follows for a helper who was asked."""
        place, found = said.ref.channel, self._store.unanswered
        around = found.open_in(place.parent) if place.thread is not None else ()
        here = found.open_in(place)
        if not (here or around) or not self._talks(said):
            return ()
        author = self._store.seal.pseudonym(said.author.identity)
        others = [each for each in here if each.asker != author]
        actions: list[Action] = []
        for each in (*others, *(each for each in around if each.asker != author)):
            newest = bool(others) and each is others[-1]
            room = place.parent if each in around else place
            if is_answer(MessageRef(room, each.id), said, newest=newest):
                actions += await self._over(each.number, said.author.identity)
        return tuple(actions)

    async def changed(self, message: Message) -> tuple[Action, ...]:
        """A message has a new text: if that asks no more, it climbs no further."""
        question = await self._open(message.ref)
        if question is None:
            return ()
        if asks_for_help(await opened_title(self._store, message.ref) or "", message.text):
            return ()
        return await self._taken_back(
            question, lambda: _("The question was changed: there is nothing to do.")
        )

    async def deleted(self, ref: MessageRef) -> tuple[Action, ...]:
        """A message is gone, and what we said to it goes too."""
        question = await self._open(ref)
        if question is None:
            return ()
        return await self._taken_back(
            question, lambda: _("The question was deleted: there is nothing to do.")
        )

    async def solved(self, question: Question) -> tuple[Action, ...]:
        """Whoever asked, or a moderator, says that it needs no answer any more."""
        return tuple(await self._over(question.number, None))

    async def go_on(self, question: Question) -> None:
        """An answer of ours did not help: it does not wait for its time to climb on."""
        if question.rung == "answer":
            await self._store.unanswered.put_off(question, self._now())

    async def passed(self, question: Question) -> tuple[Action, ...]:
        """The helper who was asked leaves it to others: the moderators see it now."""
        await self._store.unanswered.climb(question, "list", None)
        helper = await self._store.helpers.get(question.community, question.helper)
        return self._told(question, helper, lambda: _("You left this one to others. That is fine."))

    async def still(self, action: Action) -> bool:
        """Whether an action may be carried out: always, but for words to a question that is over."""
        number = subject(action, _BELOW)
        if number is None:
            return True
        question = await self._store.unanswered.get(number)
        if question is None or number in self._gone:
            return False
        return question.rung == ("answer" if isinstance(action, Reply) else "helper")

    def is_gone(self, action: Action) -> bool:
        """Whether a question went while words to it were carried out."""
        return self._gone.holds(action)

    # Climbing

    async def look(self) -> None:
        """Let every question climb on whose time has come.

        Raises:
            StorageError: the database failed.
        """
        for question in await self._store.unanswered.due(self._now(), AT_ONCE):
            if question.ref.channel.platform not in self._platforms:
                continue
            try:
                await self._climb(question)
            except StorageError:
                raise
            except (PlatformError, TimeoutError) as error:
                log.warning("a question has to wait: %s", error, extra={"question": question.number})
                await self._store.unanswered.put_off(question, self._now() + AGAIN_AFTER)

    async def _climb(self, question: Question) -> None:
        place, policy = question.ref.channel, channel_policy(self._store.policies, question.ref.channel)
        rungs = [each for each in _RUNGS[policy.unanswered] if _above(each, question.rung)]
        wanted = can_be_archived(place) and not self._store.privacy.opted_out(question.asker.identity)
        asked = await self._standing(question) if rungs and wanted else None
        if asked is None:
            await self._store.unanswered.climb(question, "over", None)
            return
        due = self._now() + timedelta(seconds=policy.patience_s)
        if rungs[0] == "answer":
            await self._answer(question, asked, due)
        elif rungs[0] == "list" or not await self._offer(question, asked, due):
            await self._store.unanswered.climb(question, "list", None)

    async def _standing(self, question: Question) -> Message | None:
        """The question as it stands on its platform; None if it is gone, asks no more, or was answered."""
        asked: Message | None = None
        newest, read = True, 0
        async with asyncio.timeout(_HISTORY_S):
            async for said in self._directory.history(
                question.ref.channel, question.at - timedelta(seconds=2)
            ):
                read += 1
                if said.ref.id == question.ref.id:
                    asked = said
                elif (
                    asked is not None and said.author.identity != asked.author.identity and self._talks(said)
                ):
                    if is_answer(question.ref, said, newest=newest):
                        return None
                    newest = newest and not (said.reply_to is None and asks_for_help("", said.text))
                if read >= _MOST_READ:
                    break
        title = await opened_title(self._store, question.ref)
        if asked is None or not asks_for_help(title or "", asked.text):
            return None
        return asked

    async def _answer(self, question: Question, asked: Message, due: datetime) -> None:
        """Answer in the words of others, if that is sure enough and was not done already."""
        number = self._store.hints.number(question.ref)
        hint = None if number is None else await self._store.hints.get(number)
        found = None
        if hint is None or hint.state not in STANDING:
            found = await self._find(question, asked)
        row = None if found is None else self._row(question, "answer", _answer(question, asked, found))
        if await self._store.unanswered.climb(question, "answer", due, row) and row is not None:
            self._begin(row)

    async def _find(self, question: Question, asked: Message) -> Answer | None:
        """An answer from what everybody who reads there may read, and what somebody else said before."""
        place, search = question.ref.channel, self._search
        if search is None:
            return None
        community, channels = place.community_key, await everybodys(self._directory, place)
        if not await search.index.passages.any(community, channels):
            return None
        asker = self._store.seal.pseudonym(question.asker.identity)

        def counts(passage: Passage) -> bool:
            return passage.at < question.at and passage.author != asker

        title = await opened_title(self._store, question.ref) or ""
        said = title if asks_for_help(title, "") else asked.text
        found = await ask(search, said, community, self._now(), channels, counts)
        return None if found.abstained or found.confidence < SURE else found

    async def _offer(self, question: Question, asked: Message, due: datetime) -> bool:
        """Ask whoever's turn it is among the helpers who may read it now; False if there is nobody."""
        for helper in await self._store.helpers.in_turn(question.community):
            if helper.author.identity == question.asker.identity or not await self._may_read(
                helper, question
            ):
                continue
            link = await self._directory.link(question.ref.channel, question.ref.id)
            with speaking(helper.locale):
                offer = _offer(question, asked, helper, link or "")
            row = self._row(question, "helper", offer)
            if await self._store.unanswered.climb(question, "helper", due, row, helper):
                self._begin(row)
                return True
            if await self._open(question.ref) is None:
                return True
        return False

    async def _may_read(self, helper: Helper, question: Question) -> bool:
        channels = await readable(self._directory, helper.author, question.ref.channel)
        return question.ref.channel.key in channels and channels != {EVERYBODY}

    def _row(self, question: Question, rung: Rung, action: Action) -> NewOutboxRow:
        key = self._key(f"unanswered {question.community} {question.number} {rung} {question.due}")
        return NewOutboxRow(key, question.ref.channel, None, action)

    # The end

    async def _open(self, ref: MessageRef) -> Question | None:
        """The question that a message is, if it is not over."""
        number = next(
            (each.number for each in self._store.unanswered.open_in(ref.channel) if each.id == ref.id), None
        )
        return None if number is None else await self._store.unanswered.get(number)

    async def _over(self, number: int, by: Identity | None) -> Sequence[Action]:
        question = await self._store.unanswered.get(number)
        if question is None or question.rung == "over":
            return ()
        await self._store.unanswered.end(question)
        helper = await self._store.helpers.get(question.community, question.helper)
        if helper is not None and helper.author.identity == by:
            return self._told(question, helper, lambda: _("You answered this one. Thank you!"))
        return self._told(question, helper, lambda: _("This one is answered now: there is nothing to do."))

    async def _taken_back(self, question: Question, why: Callable[[], str]) -> tuple[Action, ...]:
        self._gone.add(question.number)
        await self._store.unanswered.end(question)
        helper = await self._store.helpers.get(question.community, question.helper)
        said = self._store.controls.about(ANSWERED, NUMBER, question.number)
        return (*(Delete(ref, "withdrawn") for ref in said), *self._told(question, helper, why))

    def _told(self, question: Question, helper: Helper | None, what: Callable[[], str]) -> tuple[Update, ...]:
        """What stands in a helper's private conversation instead of the question."""
        with speaking(self._locale if helper is None else helper.locale):
            text = what()
        return tuple(Update(ref, text) for ref in self._store.controls.about(PASS, NUMBER, question.number))


def is_answer(question: MessageRef, said: Message, *, newest: bool) -> bool:
    """Whether what somebody else says is taken for an answer: rather too often than to bother helpers.

    Args:
        newest: it is the last question of its channel, so whoever replies to nothing else may mean it.
    """
    place, here = question.channel, said.ref.channel
    if here.thread is not None:
        return here.key == place.key or (here.thread == question.id and here.parent.key == place.key)
    if here.key != place.key:
        return False
    if said.reply_to is not None:
        return said.reply_to == question.id
    return newest and not asks_for_help("", said.text)


def _above(rung: Rung, reached: Rung) -> bool:
    return _ORDER.index(rung) > _ORDER.index(reached)


def _answer(question: Question, asked: Message, found: Answer) -> Reply:
    controls = (
        Control("✅", N_("That solved it"), ANSWERED, {NUMBER: question.number, "verdict": "yes"}),
        Control("👎", N_("Not helpful"), ANSWERED, {NUMBER: question.number, "verdict": "no"}),
    )
    voice = Voice(language_of(asked.text))
    return Reply(
        question.ref,
        question.asker,
        voice(lambda: f"{sentences.nobody_answered()}\n{quotes(found.sources)}"),
        controls=tuple(voice(each.translated) for each in controls),
        sources=tuple(entry_of(number, each) for number, each in enumerate(found.sources, start=1)),
    )


def _offer(question: Question, asked: Message, helper: Helper, link: str) -> Post:
    """What a helper reads, privately: nobody sees whether they help."""
    controls = (
        Control("➖", N_("Not this one"), PASS, {NUMBER: question.number}),
        Control("🔕", N_("Ask me no more"), NO_MORE),
    )
    words = f"“{one_line(asked.text, _WORDS_CHARS)}”"
    text = _(
        "Nobody has answered this question yet. Do you know, or know who does?\n{question}\n"
        "If not, never mind: nobody sees that I asked you.",
        question=" ".join(filter(None, (words, link))),
    )
    return Post(
        question.ref.channel,
        text,
        title=_("A question is waiting"),
        controls=tuple(each.translated() for each in controls),
        to=helper.author,
        private=True,
    )
