"""A bot's insides for the tests of commands: a real store, a clock set by hand, a platform with roles."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.commands.command import Commands, Context, Outcome, OwnWords, Services, StatusLine, Whispered
from bot.conversation.climbing import Climbing
from bot.conversation.hinting import Hinting
from bot.conversation.policy import ChannelPolicy
from bot.conversation.quota import Quota, Quotas
from bot.conversation.running import Handle, Running
from bot.core.actions import Action, Alert, Chunk, Reply
from bot.core.directory import Past
from bot.core.errors import PlatformError
from bot.core.events import Author, Channel, Message, MessageRef
from bot.core.files import NoFiles
from bot.core.permissions import Role
from bot.knowledge.fetching import Fetcher
from bot.knowledge.index import Index
from bot.knowledge.search import Search, always
from bot.knowledge.topics import Sorting
from bot.llm.echo import EchoModel
from bot.llm.language_names import Language
from bot.llm.model import Capabilities
from bot.moderation.assessing import Assessing
from bot.moderation.brake import Brake
from bot.moderation.desk import Desk
from bot.moderation.late import Late
from bot.moderation.looking import Looking
from bot.moderation.review import Review
from bot.outgoing.keys import named_key
from bot.recommend.digest import Digesting
from bot.recommend.importing import Importing
from bot.recommend.noting import Noting
from bot.recommend.worth import Recommendations
from bot.routing import Router
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.messages import ALICE, BOB, CHANNEL, EPOCH, message
from tests.recommend.shelf import Pen, Shelf

MODERATOR = Author("memory", "mia", "Mia")
MODELS = (
    EchoModel(),
    EchoModel(
        name="large",
        capabilities=Capabilities(tools=True, languages=frozenset({"en", "zh"})),
        context_tokens=32_768,
        is_local=False,
    ),
    EchoModel(name="tiny", capabilities=Capabilities(chat=False, can_answer=False)),
)
"""The models of the house; the first is the configured one."""

THREAD = Channel(CHANNEL.platform, CHANNEL.community, CHANNEL.id, "t1")


COMMANDS = Commands.discover()


@dataclass
class Platform:
    """A Directory over plain dicts; `broken` makes it fail, without `has_links` messages have no address."""

    roles: dict[str, Role] = field(default_factory=lambda: {MODERATOR.id: Role.MODERATOR})
    broken: bool = False
    has_links: bool = True
    forgetful: bool = False
    """It has no history to give."""
    unreadable: bool = False
    """It does not tell which channels somebody may read."""
    forbids: str = ""
    """What the bot lacks to write, if anything."""
    asked: int = 0
    staff: Channel | None = None
    past: list[Message] = field(default_factory=list)
    """What the platform's own history holds; it breaks off after `breaks_after` messages."""
    breaks_after: int | None = None
    open: tuple[tuple[Channel, str], ...] = ()
    """Threads that are open, and their titles."""
    shut_out: set[str] = field(default_factory=set)
    """Ids of who may read nothing."""
    elsewhere: dict[tuple[str, str], Role] = field(default_factory=dict)
    """Roles by (community, id) that differ from `roles`."""

    async def role(self, author: Author, channel: Channel) -> Role:
        self.asked += 1
        if self.broken:
            raise PlatformError("the platform is down")
        usual = self.roles.get(author.id, Role.MEMBER)
        return self.elsewhere.get((channel.community, author.id), usual)

    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]:
        if self.unreadable:
            raise PlatformError("the platform is down")
        return (CHANNEL,)

    async def place(self, author: Author, community: str, id: str) -> Channel | None:
        if self.broken:
            raise PlatformError("the platform is down")
        places = (*await self.readable_channels(author, community), *(place for place, _title in self.open))
        found = (each for each in places if id == (each.thread or each.id) and each.community == community)
        return next((each for each in found if author.id not in self.shut_out), None)

    async def threads(self, author: Author, community: str) -> Sequence[tuple[Channel, str]]:
        return self.open

    async def shared_with(self, channel: Channel) -> Sequence[Channel]:
        if self.broken:
            raise PlatformError("the platform is down")
        return (channel.parent,)

    async def is_shared(self, thread: Channel) -> bool:
        return True

    async def history(self, channel: Channel, since: datetime) -> AsyncIterator[Message]:
        if self.forgetful:
            raise PlatformError("no history")
        for n, said in enumerate(self.past):
            if n == self.breaks_after:
                raise PlatformError("the platform is down")
            is_root = said.ref == MessageRef(channel.parent, channel.thread or "")
            if (said.ref.channel == channel or is_root) and said.at > since:
                yield said

    async def happened(self, channel: Channel, since: datetime, position: str = "") -> AsyncIterator[Past]:
        async for said in self.history(channel, since):
            yield Past((said,), said.ref.id)

    async def threads_with(self, channel: Channel, since: datetime) -> Sequence[Channel]:
        places = dict.fromkeys(said.ref.channel for said in self.past if said.at > since)
        return [place for place in places if place.thread is not None and place.parent == channel]

    async def missing_permissions(self, channel: Channel) -> Sequence[str]:
        return ()

    async def staff_channel(self, channel: Channel) -> Channel | None:
        return self.staff

    async def lacks(self, action: Action) -> str | None:
        return self.forbids or None

    async def link(self, channel: Channel, message_id: str) -> str | None:
        return f"https://chat.example/{channel.key}/{message_id}" if self.has_links else None


@dataclass
class Clock:
    """Time that passes only when told."""

    at: datetime = EPOCH

    def __call__(self) -> datetime:
        return self.at

    def later(self, **age: float) -> None:
        self.at += timedelta(**age)


class Echo:
    """A conversation that repeats the question and keeps what it was given."""

    def __init__(self) -> None:
        self.questions: list[Message] = []
        self.policies: list[ChannelPolicy] = []
        self.languages: list[Language] = []

    async def answer(self, question: Message, handle: Handle, policy: ChannelPolicy) -> AsyncIterator[Chunk]:
        self.questions.append(question)
        self.policies.append(policy)
        for word in question.text.split():
            yield f"{word} "

    async def ask(self, question: Message, handle: Handle, policy: ChannelPolicy) -> AsyncIterator[Chunk]:
        async for chunk in self.answer(question, handle, policy):
            yield chunk

    async def translate(
        self, request: Message, handle: Handle, policy: ChannelPolicy, into: Language
    ) -> AsyncIterator[Chunk]:
        self.languages.append(into)
        async for chunk in self.answer(request, handle, policy):
            yield chunk


@dataclass
class House:
    """The parts, and short ways to use them."""

    store: Store
    platform: Platform
    conversation: Echo
    services: Services
    clock: Clock
    shelf: Shelf
    calls: int = 0

    def context(
        self, caller: Author = ALICE, channel: Channel = CHANNEL, target: str | None = None, call: str = ""
    ) -> Context:
        self.calls += 1
        return Context(
            caller=caller,
            channel=channel,
            to=MessageRef(channel, call or f"call{self.calls}"),
            at=self.clock(),
            services=self.services,
            target=None if target is None else MessageRef(channel, target),
            prefix="/",
            call=call or f"call{self.calls}",
        )

    async def do(
        self, line: str, caller: Author = ALICE, channel: Channel = CHANNEL, target: str | None = None
    ) -> tuple[Action, ...]:
        """Run a line as a member would type it."""
        outcome = await self.services.commands.run_line(self.context(caller, channel, target), line)
        assert isinstance(outcome, tuple)
        return outcome

    async def told(
        self, line: str, caller: Author = ALICE, channel: Channel = CHANNEL, target: str | None = None
    ) -> str:
        """The text of the one reply to a line."""
        replies = [each for each in await self.do(line, caller, channel, target) if isinstance(each, Reply)]
        assert len(replies) == 1
        return replies[0].text

    def fetches(self, fetcher: Fetcher) -> None:
        """From now on pages are fetched like this."""
        self.services = replace(self.services, fetcher=fetcher)

    async def heard(
        self, text: str, outcome: str, *, id: str = "1", author: Author = ALICE, channel: Channel = CHANNEL
    ) -> None:
        """A message that the bot has recorded."""
        said = message(text, id=id, author=author, channel=channel, at=self.clock())
        await self.store.settle(Settlement(messages=((said, outcome),)))

    async def audited(self) -> list[tuple[str, str]]:
        """(verb, detail) of all entries, newest first."""
        entries = await self.store.audit.recent(CHANNEL.platform, CHANNEL.community, 100)
        return [(entry.verb, entry.detail) for entry in entries]


def build(store: Store, clock: Clock) -> House:
    """A house round an open store."""
    platform, conversation, shelf = Platform(), Echo(), Shelf()
    review = Review(store, platform, clock, lambda channel: "standard")
    late = Late(store=store, review=review, brake=Brake(clock), now=clock, key=named_key)
    commands = COMMANDS
    paths = frozenset(spec.path for spec in commands.specs)
    recommendations = Recommendations(store)
    search = Search(Index(store.passages, store.privacy, None))
    topics = Sorting(search.index, store.topics, always)
    quotas = Quotas(
        store.usage,
        store.seal.pseudonym,
        clock,
        settings=store.policies,
        member=Quota(requests=20),
    )
    router = Router(store, prefix="!llmos", commands=paths, now=clock)
    services = Services(
        commands=commands,
        store=store,
        conversation=conversation,
        running=Running(),
        quotas=quotas,
        model=MODELS[0],
        directory=platform,
        review=review,
        desk=Desk(store, review, clock),
        digesting=Digesting(
            store=store,
            directory=platform,
            chooser=shelf,
            now=clock,
            key=named_key,
            locale="en",
            platforms={CHANNEL.platform},
            lacking=platform.lacks,
            introducer=Pen(),
            topics=topics,
        ),
        assessing=Assessing(review=review, late=late, model=MODELS[0], now=clock),
        looking=Looking(files=NoFiles(), review=review, late=late),
        recommendations=recommendations,
        importing=Importing(store, platform, Noting(store), recommendations),
        hinting=Hinting(store, search, platform, quotas, clock),
        climbing=Climbing(
            store=store,
            search=search,
            directory=platform,
            now=clock,
            key=named_key,
            talks=router.talks,
            locale="en",
            platforms={CHANNEL.platform},
        ),
        now=clock,
        version="1.2.3",
        started_at=EPOCH - timedelta(hours=5),
        models={model.name: model for model in MODELS},
        status=lambda: (
            StatusLine("memory", True, "connected"),
            StatusLine("discord", False, "reconnecting"),
        ),
        search=search,
        archives=router.archives,
        index=Index(store.passages, store.privacy, None),
        topics=topics,
    )
    return House(store, platform, conversation, services, clock, shelf)


def growing(outcome: Outcome) -> AsyncIterator[Chunk]:
    """The chunks of an answer that grows."""
    assert not isinstance(outcome, tuple), outcome
    return outcome.chunks if isinstance(outcome, OwnWords | Whispered) else outcome


def alerts(actions: Sequence[Action]) -> list[Alert]:
    """The alerts among actions."""
    return [action for action in actions if isinstance(action, Alert)]


__all__ = [
    "ALICE",
    "BOB",
    "CHANNEL",
    "MODERATOR",
    "THREAD",
    "Clock",
    "House",
    "Platform",
    "alerts",
    "build",
    "growing",
]
