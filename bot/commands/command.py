"""What a command module imports, and the one place where commands are found, permitted and run."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, Self

from bot.commands import grammar
from bot.commands.conversion import bind, shown
from bot.commands.definition import Answer, Command, OwnWords, Whispered, command
from bot.commands.signature import Completes, Doc, Matching, Range
from bot.conversation.policy import ChannelPolicy
from bot.conversation.quota import Quotas
from bot.conversation.running import Handle, Running
from bot.core.actions import Action, Chunk, Reply
from bot.core.directory import Directory
from bot.core.discovery import modules, plugins
from bot.core.errors import ConfigError, Gone, PlatformError, TooBig, UsageError, UserError
from bot.core.events import Attachment, Author, Channel, Message, MessageRef, Quote
from bot.core.files import Files, NoFiles
from bot.core.permissions import Role
from bot.core.specs import CommandSpec, Complete, ToolSpec
from bot.core.text import _, set_locale
from bot.llm.language_names import Language
from bot.llm.model import Model
from bot.moderation.desk import Desk
from bot.moderation.examined import Scorer
from bot.moderation.review import Review
from bot.recommend.schedule import Usual
from bot.storage.audit import AuditEntry
from bot.storage.settlement import Settlement
from bot.storage.store import Store

if TYPE_CHECKING:  # with numpy behind them they would slow down every start of the command line
    from bot.conversation.climbing import Climbing
    from bot.conversation.hinting import Hinting
    from bot.knowledge.fetching import Fetcher
    from bot.knowledge.index import Index
    from bot.knowledge.search import Search
    from bot.knowledge.topics import Sorting
    from bot.moderation.assessing import Assessing
    from bot.moderation.looking import Looking
    from bot.recommend.digest import Digesting
    from bot.recommend.importing import Importing
    from bot.recommend.worth import Recommendations

__all__ = [
    "Answer",
    "Answers",
    "Command",
    "Commands",
    "Completes",
    "Context",
    "Doc",
    "Matching",
    "Outcome",
    "OwnWords",
    "Range",
    "Services",
    "StatusLine",
    "Whispered",
    "command",
    "reserved",
]

Outcome = tuple[Action, ...] | AsyncIterator[Chunk] | OwnWords | Whispered
"""What an invocation leads to: actions for the outbox, or an answer that grows."""

PLATFORM_TIMEOUT_S, FILE_TIMEOUT_S = 10.0, 60.0
"""How long a platform may take to tell a member's rights before the call is refused."""


class Answers(Protocol):
    """What commands and mentions need of the conversation."""

    def answer(self, question: Message, handle: Handle, policy: ChannelPolicy) -> AsyncIterator[Chunk]:
        """Answer what was said; never raises what a member should hear."""
        ...

    def ask(self, question: Message, handle: Handle, policy: ChannelPolicy) -> AsyncIterator[Chunk]:
        """As `answer`, but say so where it cannot be found; never raises what a member should hear."""
        ...

    def translate(
        self, request: Message, handle: Handle, policy: ChannelPolicy, into: Language
    ) -> AsyncIterator[Chunk]:
        """Translate what is addressed to us; never raises what a member should hear."""
        ...


@dataclass(frozen=True, slots=True)
class StatusLine:
    """One fact about how the bot is doing, for everybody to read."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Services:
    """What commands work with; made once, by the composition root.

    Attributes:
        directory: answers for all platforms, by the author's or channel's platform.
        model: what answers where nothing else was chosen; `models` are all that a channel may choose.
        context_hours: how long messages are kept as context; `evidence_days`: those in which a rule found
            something; `archive_days`: what is said in channels that moderators archive.
        enforces: rules of a new set-up act from the start.
        scorer: the classifiers, for rules that are tried out.
        joins: platforms that say when somebody joins.
        status: the state of platforms and other parts at this moment.
        search: in what communities have written; None where there is none.
        usual: what a digest has of which nothing else was said.
        archives: whether a message is kept to be found, as far as its place and its kind decide.
        index: where documents are added; None where there is none.
        topics: finds what conversations are about; None where there is nothing to find it in.
        fetcher: of pages that are to be added; None where nothing is fetched.
        hinting: what follows from questions that were answered before.
        climbing: what follows from questions that nobody answers.
    """

    commands: "Commands"
    store: Store
    conversation: Answers
    running: Running
    quotas: Quotas
    model: Model
    directory: Directory
    review: Review
    desk: Desk
    recommendations: "Recommendations"
    digesting: "Digesting"
    assessing: "Assessing"
    looking: "Looking"
    importing: "Importing"
    hinting: "Hinting"
    climbing: "Climbing"
    now: Callable[[], datetime]
    version: str
    started_at: datetime
    context_hours: float = 24
    audit_days: float = 365
    evidence_days: float = 30
    archive_days: float = 365
    enforces: bool = False
    scorer: Scorer | None = None
    joins: frozenset[str] = frozenset()
    models: Mapping[str, Model] = field(default_factory=dict)
    files: Files = field(default_factory=NoFiles)
    status: Callable[[], Sequence[StatusLine]] = tuple
    search: "Search | None" = None
    usual: Usual = field(default_factory=Usual)
    archives: Callable[[Message], bool] = lambda message: False
    index: "Index | None" = None
    topics: "Sorting | None" = None
    fetcher: "Fetcher | None" = None


@dataclass(frozen=True, slots=True)
class Context:
    """Who called a command, where, and with what it can work.

    Attributes:
        to: the message or invocation that is answered.
        target: the message it is about: the one replied to, or the one a menu was used on.
        quoted: what `target` says, where the platform sent it along.
        client_locale: the language of the caller's client as the platform tells it, such as "pt-BR".
        prefix: what this member types before a command's name, such as "/" or "!llmos ".
        begin: enters an answer among the running ones; whoever performs the call finishes the handle.
            None: nobody else does, so the answer finishes itself.
        files: that came with the call.
        silent: called by a reaction, whose effect is seen anyway.
        call: a name of this call that no other has; after a kill the same call comes again.
    """

    caller: Author
    channel: Channel
    to: MessageRef
    at: datetime
    services: Services
    target: MessageRef | None = None
    quoted: Quote | None = None
    locale: str = "en"
    client_locale: str | None = None
    prefix: str = ""
    begin: Callable[[MessageRef, Author], Handle] | None = None
    silent: bool = False
    call: str = ""
    files: tuple[Attachment, ...] = ()

    async def given_files(self) -> Sequence[Attachment]:
        """The files that came with the call, else those of the message that it replies to.

        Raises:
            UserError: the platform did not tell.
        """
        if self.files or self.target is None:
            return self.files
        try:
            async with asyncio.timeout(PLATFORM_TIMEOUT_S):
                return await self.services.files.attached(self.target)
        except Gone:
            return ()
        except (PlatformError, TimeoutError) as error:
            raise UserError(
                _("I could not look at that message, so I did nothing. Try again in a minute.")
            ) from error

    async def fetch(self, file: Attachment, most_bytes: int) -> bytes:
        """The content of a file.

        Raises:
            UserError: it is too big, or cannot be read.
        """
        try:
            async with asyncio.timeout(FILE_TIMEOUT_S):
                return await self.services.files.fetch(self.channel.platform, file, most_bytes)
        except TooBig as error:
            raise UserError(
                _(
                    "The file {name} is too big: I take at most {n} bytes.",
                    name=shown(file.name),
                    n=most_bytes,
                )
            ) from error
        except (PlatformError, TimeoutError) as error:
            raise UserError(
                _(
                    "I could not read the file {name}. Send it again, or try again in a minute.",
                    name=shown(file.name),
                )
            ) from error

    def stream(self, written: Callable[[Handle], AsyncIterator[Chunk]]) -> AsyncIterator[Chunk]:
        """An answer that grows, is among the running ones meanwhile, and can be stopped."""
        if self.begin is not None:
            return written(self.begin(self.to, self.caller))
        handle = self.services.running.begin(self.to, self.caller.identity)
        return _finished(written(handle), handle)

    async def role(self, who: Author | None = None, channel: Channel | None = None) -> Role:
        """The role of the caller, or of somebody else, here, or elsewhere, at this moment.

        Raises:
            UserError: the platform did not tell, so nothing may be done.
        """
        try:
            async with asyncio.timeout(PLATFORM_TIMEOUT_S):
                return await self.services.directory.role(who or self.caller, channel or self.channel)
        except (PlatformError, TimeoutError) as error:
            raise UserError(
                _("I could not find out what you may do here, so I did nothing. Try again in a minute.")
            ) from error

    async def moderated(self) -> tuple[str, ...]:
        """The communities that the caller moderates at this moment, as far as they are moderated from here.

        That is the one of this channel, and those whose cards are posted in it: rooms of Matrix are
        communities of their own.

        Raises:
            UserError: the platform did not tell, so nothing may be done.
        """
        places = {self.channel.community_key: self.channel}
        for community in self.services.store.rulebooks.read_in(self.channel):
            platform, _slash, id = community.partition("/")
            places.setdefault(community, Channel(platform, id, id))
        return tuple(
            [
                community
                for community, place in places.items()
                if await self.role(channel=place) >= Role.MODERATOR
            ]
        )

    def reply(self, text: str, *, private: bool = False, personal: bool = False) -> Reply:
        """An answer to the caller, marked as a command's output; see `Reply`."""
        return Reply(self.to, self.caller, text, private=private or personal, notice=True, personal=personal)

    def thanks(self, text: str) -> tuple[Action, ...]:
        """A private word that it was done, except where a reaction shows it."""
        return () if self.silent else (self.reply(text, private=True),)

    async def audit(self, verb: str, detail: str, subject: str = "") -> None:
        """Record, durably, that the caller did something. `detail` is never a message's text."""
        await self.services.store.settle(
            Settlement(
                audit=(
                    AuditEntry(
                        at=self.services.now(),
                        platform=self.channel.platform,
                        community=self.channel.community,
                        channel_key=self.channel.key,
                        actor=self.services.store.seal.pseudonym(self.caller.identity),
                        verb=verb,
                        detail=detail,
                        subject=subject,
                    ),
                )
            )
        )


async def _finished(chunks: AsyncIterator[Chunk], handle: Handle) -> AsyncIterator[Chunk]:
    with handle:
        async for chunk in chunks:
            yield chunk


class Commands:
    """All commands, by name. Nothing else runs one, so nothing else has to check rights."""

    def __init__(self, commands: Iterable[Command]) -> None:
        """Sort them by name.

        Raises:
            ConfigError: two have the same name, or a name is also the name of a group.
        """
        self.all: tuple[Command, ...] = tuple(sorted(commands, key=lambda each: each.spec.path))
        for one, next_one in zip(self.all, self.all[1:], strict=False):
            if one.spec.path == next_one.spec.path[: len(one.spec.path)]:
                raise ConfigError(
                    f"Two commands share the name {one.name!r}: one is in {one.run.__module__}, the other "
                    f"in {next_one.run.__module__}. Uninstall one of the packages, or rename its command."
                )

    @classmethod
    def discover(cls, package: str = "bot.commands") -> Self:
        """Our own commands by package scan, those of other distributions by entry point `llmos.commands`."""
        found = [each for module in modules(package) for each in _defined_in(module)]
        for plugin in plugins("commands"):
            found += _offered(plugin)
        return cls({id(each): each for each in found}.values())

    @property
    def specs(self) -> tuple[CommandSpec, ...]:
        """What there is to call."""
        return tuple(each.spec for each in self.all)

    def offered(self, services: Services) -> tuple[CommandSpec, ...]:
        """What adapters register: `specs`, and what completes arguments while they are typed.

        What is suggested for a command is suggested to nobody who may not call it.
        """
        return tuple(_guarded(each, services) for each in self.all)

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """What models may be offered; call `invoke` with the path of the member's own rights."""
        return tuple(each.tool for each in self.all)

    def find(self, path: Sequence[str], prefix: str = "") -> Command:
        """The command of a name path; UsageError names the nearest if there is none."""
        return grammar.find(path, self.all, prefix)

    def parse(self, line: str, prefix: str = "") -> grammar.Call:
        """Read a line whose prefix was taken off; UsageError says what is wrong with it."""
        return grammar.parse(line, self.all, prefix)

    async def run_line(self, context: Context, line: str) -> Outcome:
        """Parse a line and invoke what it says; what is wrong with it becomes the reply."""
        set_locale(context.locale)
        try:
            call = self.parse(line, context.prefix)
        except UsageError as error:
            return (context.reply(str(error), private=True),)
        return await self.invoke(context, call.path, call.arguments)

    async def invoke(self, context: Context, path: Sequence[str], arguments: Mapping[str, object]) -> Outcome:
        """Check the caller's rights and the arguments, run the command, make actions of what it returns.

        Whatever a member can mend becomes a private reply to that member; all other errors are raised.
        """
        set_locale(context.locale)
        try:
            called = self.find(path, context.prefix)
            await _permit(context, called)
            answer = await called.run(context, **bind(called.arguments, arguments))
        except UserError as error:
            return (context.reply(str(error), private=True),)
        if isinstance(answer, str):
            return (context.reply(answer, private=called.spec.private),)
        return answer


async def _permit(context: Context, called: Command) -> None:
    """Every permission of every command is checked here, by asking the platform now."""
    if called.spec.role is Role.MEMBER:
        return
    if await context.role() >= called.spec.role or (called.at_desk and await context.moderated()):
        return
    await context.audit("refused", called.name)
    raise UserError(reserved(called))


def reserved(command: Command) -> str:
    """What is said to somebody who may not use a command."""
    if command.spec.role is Role.ADMIN:
        return _("`{name}` is for administrators. Ask one of them to do it.", name=command.name)
    return _("`{name}` is for moderators. Ask one of them to do it.", name=command.name)


def _guarded(one: Command, services: Services) -> CommandSpec:
    """A command as platforms are told it; its suggestions are for who may call it at that moment."""
    spec = one.offered(services)
    if spec.role is Role.MEMBER or one.at_desk:
        return spec
    guard = partial(_to_who_may, services, spec.role)
    return replace(
        spec,
        parameters=tuple(
            replace(each, complete=partial(guard, each.complete)) if each.complete is not None else each
            for each in spec.parameters
        ),
    )


async def _to_who_may(
    services: Services, least: Role, complete: Complete, typed: str, caller: Author, channel: Channel
) -> Sequence[str]:
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_S):
            role = await services.directory.role(caller, channel)
    except (PlatformError, TimeoutError):
        return ()  # whoever is not known to be allowed is told nothing
    return await complete(typed, caller, channel) if role >= least else ()


def _defined_in(module: ModuleType) -> Iterator[Command]:
    return (each for each in vars(module).values() if isinstance(each, Command))


def _offered(plugin: object) -> list[Command]:
    if isinstance(plugin, Command):
        return [plugin]
    if isinstance(plugin, ModuleType):
        return list(_defined_in(plugin))
    raise ConfigError(
        f"An installed package offers {plugin!r} under the entry point llmos.commands. It must be a "
        "command, or a module that defines commands. Uninstall the package, or mend its entry point."
    )
