"""What events say about threads: which there are, and who touched them. Events of one channel at a time.

A thread is one of the platform's, or a message of a channel that somebody answered or reacted to. Of a
message that is not kept any more nobody knows here who wrote it and when, so nothing begins with it: it would
be called new. `bot.recommend.importing` learns of those from the platform's history.
"""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core.events import (
    Author,
    Channel,
    Deletion,
    Edit,
    Event,
    Identity,
    Join,
    Message,
    Reaction,
    ThreadClosed,
    ThreadOpened,
    place_of,
)
from bot.storage.store import Store
from bot.storage.threads import NOTHING_NOTED, Noted, ThreadRef, Touch, TouchKind

NO_WORDS_KEPT = frozenset({"discord"})
"""Platforms whose messages' words are no titles: as little as is needed is kept of them."""

TITLE_CHARS = 80

NEWCOMER = timedelta(days=1)
"""Who joined less long ago cannot vote by reacting yet: accounts made to push a thread mostly act at once."""

YOUNG = timedelta(days=7)
"""The same for accounts that were made less long ago, where the platform tells that."""

_THREADS, _NEWCOMERS = 20_000, 20_000
"""So many are known in memory."""

_TALK = frozenset({"ignored", "shadow", "noted"})
"""What becomes of messages between members that moderation lets stand, by what stands before the colon."""


@dataclass(frozen=True, slots=True)
class Root:
    """A message from which a thread may begin."""

    author: str
    at: datetime
    text: str


@dataclass(slots=True)
class _Page:
    """What is known about one channel with its threads, and what some events there say, in order.

    Attributes:
        known: threads by id.
        begun_by: messages with which a thread begins that has another id.
        within: messages that belong to a thread, by its id.
    """

    room: Channel
    known: dict[str, ThreadRef] = field(default_factory=dict)
    begun_by: dict[str, str] = field(default_factory=dict)
    within: dict[str, str] = field(default_factory=dict)
    roots: dict[str, Root] = field(default_factory=dict)
    opened: dict[str, ThreadRef] = field(default_factory=dict)
    touches: dict[tuple[str, ...], tuple[Touch, bool]] = field(default_factory=dict)
    gone: list[tuple[str, str]] = field(default_factory=list)

    @property
    def channel(self) -> str:
        return self.room.key

    def open(self, thread: ThreadRef) -> None:
        """There is a thread, or more is known of it."""
        is_new = thread.id not in self.known
        self.opened[thread.id] = self.known[thread.id] = thread
        if thread.first_message is not None:
            self.begun_by[thread.first_message] = thread.id
        if is_new and thread.author:
            begin = thread.first_message or thread.id
            self.touch(thread.id, thread.author, "opening", thread.opened_at, begin)

    def touch(
        self, thread: str, member: str, kind: TouchKind, at: datetime, message: str, emoji: str = ""
    ) -> None:
        touch = Touch(self.channel, thread, member, kind, at, message, emoji)
        self.touches[touch.name] = (touch, True)

    def take_back(self, touch: Touch) -> None:
        self.touches[touch.name] = (touch, False)

    def thread_of(self, place: Channel, message: str) -> str | None:
        """The thread that a message belongs to or begins, opened now if need be."""
        if place.thread is not None:
            return self.begin(place.thread, in_channel=False)
        found = self.begun_by.get(message) or self.within.get(message)
        return found if found is not None else self.begin(message, in_channel=True)

    def existing(self, place: Channel, message: str) -> str | None:
        """The same, but nothing is opened."""
        if place.thread is not None:
            return place.thread
        found = self.begun_by.get(message) or self.within.get(message)
        return found if found is not None else (message if message in self.known else None)

    def end(self, message: str) -> None:
        """A message was deleted: what was said about it goes, and the thread that began with it."""
        thread = self.begun_by.get(message, message)
        if thread in self.known:
            self.gone.append((self.channel, thread))
            self.opened.pop(thread, None)
            self.known.pop(thread)
        for touch, _came in tuple(self.touches.values()):
            if touch.message == message or touch.thread == thread:
                self.take_back(touch)
        self.roots.pop(message, None)
        self.within.pop(message, None)

    def close(self, thread: str | None, *, closed: bool) -> None:
        """Nobody can write in a thread any more, or everybody again."""
        known = self.known.get(thread or "")
        if known is not None and known.closed != closed:
            self.open(replace(known, closed=closed))

    def reword(self, message: Message) -> None:
        """A message has another text, and so has the thread that is called by it."""
        id, root = message.ref.id, self.roots.get(message.ref.id)
        if root is not None:
            self.roots[id] = replace(root, text=message.text)
        known, title = self.known.get(id), titled(self.room, message.text)
        if known is not None and title and known.title:
            self.open(replace(known, title=title))

    def noted(self) -> Noted:
        return Noted(
            tuple(self.opened.values()),
            tuple(touch for touch, came in self.touches.values() if came),
            tuple(touch for touch, came in self.touches.values() if not came),
            tuple(self.gone),
        )

    def begin(self, id: str, *, in_channel: bool) -> str | None:
        """A thread by id, opened now if a message is kept that it can begin with."""
        if id in self.known:
            return id
        root = self.roots.get(id)
        if root is None:
            return None
        self.open(
            ThreadRef(
                community=self.room.community_key,
                channel=self.channel,
                id=id,
                opened_at=root.at,
                first_message=id,
                title=titled(self.room, root.text),
                author=root.author,
                in_channel=in_channel,
                fleeting=self.room.encrypted,
            )
        )
        return id


class Noting:
    """Reads threads and touches out of events, looking up what came before in the database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._threads: OrderedDict[tuple[str, str], ThreadRef] = OrderedDict()
        self._joined: OrderedDict[tuple[str, Identity], datetime] = OrderedDict()

    async def note(self, decided: Sequence[tuple[Event, str]], roots: dict[str, Root] | None = None) -> Noted:
        """What some events of one channel and its threads, in order, say about threads.

        Args:
            decided: each event and what became of it.
            roots: messages by id with which a thread may begin; those of these events are added.
        """
        telling = [event for event, _outcome in decided if _tells(event)]
        talk = {event.key for event, outcome in decided if _is_talk(outcome)}
        if not telling or place_of(telling[0]).private:
            return NOTHING_NOTED
        page = _Page(place_of(telling[0]).parent, roots={} if roots is None else roots)
        await self._look_up(page, telling)
        for event in telling:
            self._take(page, event, is_talk=event.key in talk)
        self._remember(page)
        return page.noted()

    def forget(self, identity: Identity) -> None:
        """Forget a member who asked for it."""
        who = self._store.seal.pseudonym(identity)
        for key in [key for key, thread in self._threads.items() if thread.author == who]:
            del self._threads[key]
        for joined in [each for each in self._joined if each[1] == identity]:
            del self._joined[joined]

    async def look_again(self) -> None:
        """Something was erased or expired: what is remembered may be gone."""
        self._threads.clear()

    # One event

    def _take(self, page: _Page, event: Event, *, is_talk: bool) -> None:
        match event:
            case Message(addressed=None, notice=False) if is_talk:
                self._message(page, event)
            case Message() if event.ref.channel.thread is not None:
                _begins(page, event, page.begin(event.ref.channel.thread, in_channel=False))
            case Edit(message=message):
                page.reword(message)
            case Reaction():
                self._reaction(page, event)
            case ThreadOpened():
                self._opened(page, event)
            case ThreadClosed(channel=channel, closed=closed):
                page.close(channel.thread, closed=closed)
            case Deletion(ref=ref):
                page.end(ref.id)
            case Join():
                self._meet(event)
            case _:
                pass

    def _message(self, page: _Page, message: Message) -> None:
        if not self._counts(message.author, message.at):
            return
        who = self._store.seal.pseudonym(message.author.identity)
        page.roots[message.ref.id] = Root(who, message.at, message.text)
        place = message.ref.channel
        about = message.ref.id if place.thread is not None else message.reply_to
        thread = page.thread_of(place, about) if about is not None else None
        if thread is None:
            return
        page.within[message.ref.id] = thread
        _begins(page, message, thread)
        if message.ref.id not in (page.known[thread].first_message, thread):
            page.touch(thread, who, "reply", message.at, message.ref.id)

    def _reaction(self, page: _Page, reaction: Reaction) -> None:
        who, message = self._store.seal.pseudonym(reaction.author.identity), reaction.ref.id
        if not reaction.added:
            thread = page.existing(reaction.ref.channel, message)
            if thread is not None:
                at, emoji = reaction.at, reaction.emoji
                page.take_back(Touch(page.channel, thread, who, "reaction", at, message, emoji))
            return
        if self._is_new(reaction) or not self._counts(reaction.author, reaction.at):
            return
        root = page.roots.get(message)
        if root is not None and root.author == who:
            return
        thread = page.thread_of(reaction.ref.channel, message)
        if thread is not None and page.known[thread].author != who:
            page.touch(thread, who, "reaction", reaction.at, message, reaction.emoji)

    def _opened(self, page: _Page, opened: ThreadOpened) -> None:
        thread = opened.channel.thread
        if thread is None or opened.author.is_bot or self._store.messages.opened_thread(opened.channel):
            return
        known = page.known.get(thread)
        if known is None and thread in page.roots and page.begin(thread, in_channel=False):
            known = page.known[thread]  # it hangs on a message of the channel, which is how it begins
        title = shortened(opened.title)
        if known is not None:
            page.open(replace(known, title=title, in_channel=False))
            return
        who = self._store.seal.pseudonym(opened.author.identity)
        if self._store.privacy.refuses(who, opened.at):
            return
        page.open(
            ThreadRef(
                community=opened.channel.community_key,
                channel=page.channel,
                id=thread,
                opened_at=opened.at,
                title=title,
                author=who,
                fleeting=opened.channel.encrypted,
            )
        )

    def _counts(self, author: Author, at: datetime) -> bool:
        """Whether what somebody does is a vote: not of bots, nor of who opted out."""
        pseudonym = self._store.seal.pseudonym(author.identity)
        return not author.is_bot and not self._store.privacy.refuses(pseudonym, at)

    def _is_new(self, reaction: Reaction) -> bool:
        """Whether who reacted came just now; who writes is seen by moderation, so that counts at once."""
        since = reaction.author.since
        if since is not None and reaction.at - since < YOUNG:
            return True
        joined = self._joined.get((reaction.ref.channel.community_key, reaction.author.identity))
        return joined is not None and joined <= reaction.at < joined + NEWCOMER

    def _meet(self, join: Join) -> None:
        self._joined[join.channel.community_key, join.author.identity] = join.at
        if len(self._joined) > _NEWCOMERS:
            self._joined.popitem(last=False)

    # What came before

    async def _look_up(self, page: _Page, events: Sequence[Event]) -> None:
        wanted, deleted = _wanted(events)
        for id in wanted:
            thread = self._threads.get((page.channel, id))
            if thread is not None:
                page.known[id] = thread
        unknown = (wanted - page.known.keys()) | deleted
        if not unknown:
            return
        await self._learn(page, unknown)
        unknown -= page.known.keys() - deleted
        for touch in await self._store.threads.touches(page.channel, unknown):
            if touch.kind == "reply":
                page.within[touch.message] = touch.thread
            if touch.message in deleted:
                page.take_back(touch)
        await self._learn(page, set(page.within.values()) - page.known.keys())
        page.within = {message: id for message, id in page.within.items() if id in page.known}
        unknown -= page.within.keys()
        await self._look_for_roots(page, unknown - deleted)

    async def _learn(self, page: _Page, ids: Collection[str]) -> None:
        """Threads that have some ids, or begin with those messages."""
        for thread in await self._store.threads.known(page.channel, ids) if ids else ():
            page.known[thread.id] = thread
            if thread.first_message is not None:
                page.begun_by[thread.first_message] = thread.id

    async def _look_for_roots(self, page: _Page, ids: Collection[str]) -> None:
        """Messages that are kept as context and may be what a thread begins with."""
        if not ids:
            return
        for message in await self._store.messages.several(page.room, ids):
            if not message.ours and not message.addressed and _is_talk(message.outcome):
                page.roots.setdefault(message.id, Root(message.author, message.at, message.text))

    def _remember(self, page: _Page) -> None:
        for id, thread in page.known.items():
            self._threads[page.channel, id] = thread
            self._threads.move_to_end((page.channel, id))
        for gone in page.gone:
            self._threads.pop(gone, None)
        while len(self._threads) > _THREADS:
            self._threads.popitem(last=False)


def _wanted(events: Sequence[Event]) -> tuple[set[str], set[str]]:
    """Ids of threads and messages that events are about, and of messages that were deleted."""
    wanted, deleted = set[str](), set[str]()
    for event in events:
        about = place_of(event).thread
        match event:
            case Deletion(ref=ref):
                deleted.add(ref.id)
                continue
            case Reaction(ref=ref):
                about = about or ref.id
            case Message(reply_to=reply_to):
                about = about or reply_to
            case Edit(message=message):
                about = about or message.ref.id
            case _:
                pass
        if about is not None:
            wanted.add(about)
    return wanted, deleted


def _tells(event: Event) -> bool:
    """Whether an event can say anything about threads that every reader of their channel may read."""
    kinds = Message | Edit | Deletion | Reaction | ThreadOpened | ThreadClosed | Join
    return isinstance(event, kinds) and not place_of(event).hidden


def _begins(page: _Page, message: Message, thread: str | None) -> None:
    """Note with which message a thread begins, whatever moderation makes of it: it looks there."""
    known = page.known.get(thread) if thread is not None else None
    if known is not None and known.first_message is None:
        page.open(replace(known, first_message=message.ref.id))


def _is_talk(outcome: str) -> bool:
    return outcome.partition(":")[0] in _TALK


def titled(place: Channel, text: str) -> str:
    """What a thread is called that begins with a message: nothing where its words may not be kept."""
    return "" if place.platform in NO_WORDS_KEPT else shortened(text)


def shortened(text: str) -> str:
    """One line of at most 80 characters."""
    line = " ".join(text.split())
    return line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 1].rstrip() + "…"
