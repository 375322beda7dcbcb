"""A conversation as the bot would hold it: a real store, a clock set by hand, models that follow scripts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.conversation.conversation import Conversation
from bot.conversation.knowledge import Knowledge
from bot.conversation.policy import channel_policy
from bot.conversation.quota import UNLIMITED, Quota, Quotas
from bot.conversation.running import Handle, Running
from bot.conversation.sourced import entry_of
from bot.core.actions import Chunk, Status
from bot.core.below import with_sources
from bot.core.errors import ConfigError
from bot.core.events import Attachment, Author, Channel, Message
from bot.core.files import Files
from bot.llm.echo import EchoModel
from bot.llm.model import Limits, Model, Turn
from bot.storage.messages import SaidMessage
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.messages import ALICE, CHANNEL, EPOCH, message

THREAD = Channel(CHANNEL.platform, CHANNEL.community, CHANNEL.id, "t1")
PRIVATE = Channel("memory", "home", "dm", None, private=True)


@dataclass
class Clock:
    """Time that passes only when told."""

    at: datetime = EPOCH

    def __call__(self) -> datetime:
        return self.at

    def later(self, **age: float) -> None:
        self.at += timedelta(**age)


@dataclass
class Talk:
    """The parts of a conversation, and short ways to use them."""

    store: Store
    clock: Clock
    model: Model
    conversation: Conversation
    running: Running
    quotas: Quotas
    others: dict[str, Model] = field(default_factory=dict)
    ids: int = 0

    async def hear(
        self,
        text: str,
        *,
        author: Author = ALICE,
        channel: Channel = CHANNEL,
        reply_to: str | None = None,
        to_us: bool = False,
        attachments: tuple[Attachment, ...] = (),
        id: str | None = None,
        outcome: str = "opened",
    ) -> Message:
        """A message arrives and is recorded, a second after the last one."""
        self.ids += 1
        self.clock.later(seconds=1)
        said = message(
            text,
            id=id or str(self.ids),
            author=author,
            channel=channel,
            reply_to=reply_to,
            to_us=to_us,
            at=self.clock(),
        )
        said = replace(said, attachments=attachments)
        await self.store.settle(Settlement(messages=((said, outcome),)))
        return said

    def begin(self, question: Message) -> Handle:
        return self.running.begin(question.ref, question.author.identity)

    async def chunks(self, question: Message, handle: Handle) -> list[Chunk]:
        policy = channel_policy(self.store.policies, question.ref.channel)
        return [chunk async for chunk in self.conversation.answer(question, handle, policy)]

    async def record(self, question: Message, text: str, *, parts: int = 1, id: str | None = None) -> str:
        """The answer stands; returns the id of its first message."""
        self.ids += 1
        first = id or f"a{self.ids}"
        self.clock.later(seconds=1)
        said = tuple(
            SaidMessage(
                replace(question.ref, id=f"{first}.{part}" if part else first),
                text if part == 0 else "",
                question.ref.id,
                self.clock(),
                question.author.identity,
            )
            for part in range(parts)
        )
        await self.store.settle(Settlement(said=said))
        return said[0].ref.id

    async def answer(self, question: Message) -> tuple[str, Handle]:
        """The whole text of an answer, not recorded."""
        with self.begin(question) as handle:
            chunks = await self.chunks(question, handle)
        return text_of(chunks), handle

    async def asked(self, question: Message) -> tuple[str, str]:
        """The whole text of an answer to `ask`, not recorded, and its outcome."""
        policy = channel_policy(self.store.policies, question.ref.channel)
        with self.begin(question) as handle:
            chunks = [chunk async for chunk in self.conversation.ask(question, handle, policy)]
        return shown(text_of(chunks), handle), handle.outcome

    async def ask(
        self,
        text: str,
        *,
        author: Author = ALICE,
        channel: Channel = CHANNEL,
        reply_to: str | None = None,
        id: str | None = None,
    ) -> str:
        """A question is asked, answered, and the answer is recorded; returns the answer's id."""
        question = await self.hear(text, author=author, channel=channel, reply_to=reply_to, to_us=True, id=id)
        answer, _handle = await self.answer(question)
        return await self.record(question, answer)

    @property
    def prompt(self) -> str:
        """Everything the model was given last, as one text."""
        return "\n".join(turn.text for turn in self.turns)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns the model was given last."""
        assert isinstance(self.model, EchoModel)
        return self.model.asked[-1]

    @property
    def dialogue(self) -> list[tuple[str, str]]:
        """The last turns without the system's."""
        return [(turn.role, turn.text) for turn in self.turns if turn.role != "system"]


def shown(text: str, handle: Handle) -> str:
    """An answer with what it rests on below it."""
    return with_sources(text, [entry_of(*source) for source in handle.sources])


def talk(
    store: Store,
    clock: Clock,
    model: Model,
    *,
    member: Quota = UNLIMITED,
    channel: Quota = UNLIMITED,
    max_new_tokens: int = 200,
    suggest: Callable[[frozenset[str]], str | None] = lambda languages: "qwen3-1.7b",
    models: Mapping[str, Model] | None = None,
    knowledge: Knowledge | None = None,
    files: Files | None = None,
) -> Talk:
    """A conversation round an open store."""
    others = dict(models or {})

    def named(name: str) -> Model:
        if name not in others:
            raise ConfigError(f"no model is called {name!r}")
        return others[name]

    running = Running()
    quotas = Quotas(
        store.usage, store.seal.pseudonym, clock, member=member, channel=channel, settings=store.policies
    )
    conversation = Conversation(
        store=store,
        model=model,
        running=running,
        quotas=quotas,
        limits=Limits(max_new_tokens=max_new_tokens),
        name="LLMOS",
        now=clock,
        suggest=suggest,
        models=named,
        knowledge=knowledge,
        files=files,
    )
    return Talk(store, clock, model, conversation, running, quotas, others)


def text_of(chunks: list[Chunk]) -> str:
    """The text of an answer."""
    return "".join(chunk for chunk in chunks if not isinstance(chunk, Status))


def statuses(chunks: list[Chunk]) -> list[str]:
    """The lines shown before there was text."""
    return [chunk.text for chunk in chunks if isinstance(chunk, Status)]
