"""The composition root: from a configuration to running parts. Only this module knows all of them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from bot import __version__
from bot.adapters.adapter import Adapter
from bot.adapters.directories import Directories
from bot.commands.command import Commands, Services, StatusLine
from bot.config import Config, Engine, Recommend
from bot.conversation.climbing import Climbing
from bot.conversation.conversation import Conversation
from bot.conversation.hinting import Hinting
from bot.conversation.introducing import Introducing
from bot.conversation.knowledge import Known
from bot.conversation.loops import LoopGuard
from bot.conversation.policy import channel_policy
from bot.conversation.quota import Quota, Quotas
from bot.conversation.running import Running
from bot.core.errors import ConfigError, ModelError
from bot.core.events import Author, Channel, Event, Message, MessageRef
from bot.core.text import _, set_locale
from bot.knowledge.archiving import Archiver
from bot.knowledge.attached import FileReader
from bot.knowledge.document import Document
from bot.knowledge.fetching import Fetcher
from bot.knowledge.index import Embedding, Index
from bot.knowledge.public import public_and
from bot.knowledge.search import Search
from bot.knowledge.topics import Sorting
from bot.knowledge.waking import Waking
from bot.llm import embedding
from bot.llm.catalogue import choose
from bot.llm.model import Limits, Model, Progress, no_progress
from bot.llm.selection import EngineSpec, choices
from bot.moderation import phishing
from bot.moderation.asking import talks_to_the_judge
from bot.moderation.assessing import Assessing
from bot.moderation.classifiers import Classifiers
from bot.moderation.desk import Desk
from bot.moderation.judge import Judge
from bot.moderation.ladder import nothing_on
from bot.moderation.late import Late
from bot.moderation.looking import Looking
from bot.moderation.review import Review
from bot.moderation.weekly import Weekly
from bot.outgoing.answering import Answering
from bot.outgoing.delivering import Deliverer
from bot.outgoing.keys import named_key
from bot.outgoing.performer import Performer
from bot.pipeline import Pipeline
from bot.pressing import Presses
from bot.recommend.digest import Chooser, Digesting
from bot.recommend.importing import Importing
from bot.recommend.noting import Noting
from bot.recommend.phrases import quiet_hours
from bot.recommend.schedule import Usual
from bot.recommend.worth import Recommendations
from bot.routing import Router
from bot.schedule import every
from bot.storage.seal import KEY_FILE_NAME
from bot.storage.store import Store
from bot.web.metrics import Metrics

log = logging.getLogger(__name__)

RETENTION_EVERY = timedelta(minutes=10)
ARCHIVE_EVERY = timedelta(seconds=0.2)
"""Between two looks at what was archived: what comes meanwhile is put into the index together."""
CLIMB_EVERY = timedelta(seconds=1)
"""How often it is looked which unanswered questions climb on."""
REPORT_EVERY = timedelta(minutes=5)
"""How often it is looked whether a week is over."""
FIT_EVERY = timedelta(minutes=10)
"""How often it is looked which communities' recommendations are to be learned anew."""
GAUGES_EVERY = timedelta(seconds=5)
"""How often numbers that are read rather than counted reach /metrics."""


def utc_now() -> datetime:
    """The clock everything uses unless a test brings its own."""
    return datetime.now(UTC)


def engine_spec(config: Config, engine: Engine) -> EngineSpec:
    """What an engine section means to the model layer; secrets are read here, at the moment of use."""
    return EngineSpec(
        engine=engine.engine,
        model=engine.model,
        base_url=engine.base_url or "",
        api_key=engine.api_key.reveal() if engine.api_key is not None else None,
        max_new_tokens=engine.max_new_tokens,
        temperature=engine.temperature,
        context_tokens=engine.context_tokens,
        concurrency=engine.concurrency,
        timeout_s=config.llm.timeout_s,
        vision=engine.vision,
    )


def usual_digest(recommend: Recommend) -> Usual:
    """What the configuration says about digests of which nothing else was said."""
    at = None if recommend.time is None else datetime.strptime(recommend.time, "%H:%M").time()  # noqa: DTZ007 - a time of day
    quiet = None if recommend.quiet is None else quiet_hours(recommend.quiet)
    return Usual(recommend.zone, at, recommend.n, quiet)


def models_for(config: Config) -> Mapping[str, Model]:
    """The configured models by name, the default first; nothing is loaded yet."""
    first, *others = (engine_spec(config, engine) for engine in config.llm.engines)
    return choices(first, others)


def speaker_of(languages: frozenset[str]) -> str | None:
    """The name of the smallest chat model in the catalogue that can answer in all of these languages."""
    able = choose(lambda entry: entry.kind == "chat" and entry.can_answer and languages <= entry.languages)
    return able[0].name if able else None


class Loading:
    """How far the default model is: shown while it loads, asked by /readyz and `admin status`."""

    def __init__(self, model: Model, progress: Progress = no_progress) -> None:
        self._model = model
        self._progress = progress
        self._share: float | None = 0.0
        self._error = ""

    async def run(self) -> None:
        """Load the model behind everything else; when that fails, members are told when they ask."""
        try:
            await self._model.load(self._note)
            self._share = None
        except ModelError as error:
            self._error = str(error)
            self._progress("", 1.0)  # what shows it can stop
            log.error("the model cannot be loaded: %s", error, extra={"model": self._model.name})

    async def probe(self) -> str | None:
        """See `bot.web.health.Probe`."""
        if self._error:
            return self._error
        return None if self._share is None else f"loading, {self._share:.0%} done"

    def line(self) -> StatusLine:
        """For `admin status`."""
        if self._error:
            return StatusLine(_("model"), ok=False, detail=_("cannot be loaded; my log says why"))
        if self._share is not None:
            detail = _("loading, {percent} % done", percent=int(self._share * 100))
            return StatusLine(_("model"), ok=False, detail=detail)
        return StatusLine(_("model"), ok=True, detail=self._model.name)

    def _note(self, doing: str, share: float) -> None:
        self._share = min(max(share, 0.0), 1.0)
        self._progress(doing, share)


class App:
    """A bot whose parts are made and whose platforms are not connected yet."""

    def __init__(
        self,
        config: Config,
        store: Store,
        models: Mapping[str, Model],
        adapters: Mapping[str, Adapter],
        *,
        judge: Judge | None,
        chooser: Chooser | None = None,
        classifiers: Classifiers,
        metrics: Metrics,
        embedder: Embedding | None,
        fetcher: Fetcher,
        now: Callable[[], datetime],
    ) -> None:
        """Args: models: by name, the default first. adapters: by platform. judge: with rules of its own.

        chooser: of threads for digests; None for the recommender.
        """
        self.config = config
        self.store = store
        self.metrics = metrics
        self._models = models
        self._model = next(iter(models.values()))
        self._adapters = adapters
        self._now = now
        self._directory = Directories(adapters)
        self._review = Review(store, self._directory, now, self._moderation_level)
        self._classifiers = classifiers
        self._judge = judge or Judge(
            self._review.rules,
            now=now,
            strikes_of=self._review.strikes,
            acts=self._review.acts,
            follow=nothing_on,
            scorer=self._classifiers,
            off_topic=self._classifiers.off_topic,
        )
        self._late = Late(store=store, review=self._review, brake=self._judge.brake, now=now, key=named_key)
        self._assessing = Assessing(review=self._review, late=self._late, model=self._model, now=now)
        self._looking = Looking(files=self._directory, review=self._review, late=self._late)
        store.privacy.forgets(self._assessing.forget)
        store.privacy.forgets(self._looking.forget)
        self._weekly = Weekly(
            store=store, now=now, key=named_key, locale=config.bot.locale, platforms=frozenset(adapters)
        )
        self._noting = Noting(store)
        self._recommendations = Recommendations(store, config.recommend.half_life_days)
        store.privacy.forgets(self._judge.forget)
        self._fetcher = fetcher
        self._index = Index(store.passages, store.privacy, embedder if store.passages.supported else None)
        self._waking = Waking(self._index)
        self._search = Search(self._index, self._waking.ready) if store.passages.supported else None
        self._topics = (
            Sorting(self._index, store.topics, self._waking.ready) if store.passages.supported else None
        )
        self._archiver = Archiver(store.archive, self._index, self._directory, now)
        self._file_reader = FileReader(store.archive, self._directory, now)
        store.privacy.forgets(self._noting.forget)
        store.privacy.when_erased(self._noting.look_again)
        self._quotas = self._capped()
        self._introducing = self._introduces()
        self._digesting = Digesting(
            store=store,
            directory=self._directory,
            chooser=chooser or self._recommendations,
            now=now,
            key=named_key,
            locale=config.bot.locale,
            platforms=frozenset(adapters),
            lacking=lambda action: adapters[action.channel.platform].lacking(action),
            introducer=self._introducing,
            topics=self._topics,
        )
        self._connected: dict[str, bool] = dict.fromkeys(adapters, False)

    async def run(
        self, progress: Progress = no_progress, past: Mapping[str, Iterable[Event]] = MappingProxyType({})
    ) -> None:
        """Serve all platforms until each of them ends, and everything they brought is done.

        Cancel it to stop: what is being written stays as it is and is taken up at the next start.

        Args:
            progress: told how far the default model is.
            past: by platform, what happened before; it is recorded like everything else.

        Raises:
            PlatformError: an operator has to mend something.
            StorageError: the database failed.
        """
        set_locale(self.config.bot.locale)
        loading = Loading(self._model, progress)
        async with asyncio.TaskGroup() as tasks:
            commands = Commands.discover()
            services = self._services(commands, loading)
            pipeline = self._wire(tasks, services)
            self._digesting.hand_to(pipeline.carry_out)
            self._late.hand_to(pipeline.carry_out)
            self._weekly.hand_to(pipeline.carry_out)
            services.climbing.hand_to(pipeline.carry_out)
            background = [
                tasks.create_task(self._load(loading), name="load models"),
                tasks.create_task(pipeline.keep_opening(), name="open what was locked"),
                tasks.create_task(self._digesting.keep(), name="digests"),
                tasks.create_task(self._digesting.keep_ahead(), name="digests ahead"),
                tasks.create_task(self._assessing.keep(), name="judge by policy"),
                tasks.create_task(self._looking.keep(), name="look at pictures"),
                tasks.create_task(every(REPORT_EVERY, self._weekly.look), name="weekly report"),
                tasks.create_task(every(CLIMB_EVERY, services.climbing.look), name="unanswered"),
                tasks.create_task(every(RETENTION_EVERY, self._retain), name="retention"),
                tasks.create_task(every(ARCHIVE_EVERY, self._archiver.work), name="archive"),
                tasks.create_task(every(ARCHIVE_EVERY, self._file_reader.work), name="files"),
                tasks.create_task(every(GAUGES_EVERY, self._gauge(pipeline)), name="gauges"),
                tasks.create_task(every(FIT_EVERY, self._fit), name="fit"),
            ]
            if self.config.metrics.address is not None:
                watched = self._watch(self.config.metrics.address, loading)
                background.append(tasks.create_task(watched, name="web"))
            async with asyncio.TaskGroup() as platforms:
                for adapter in self._adapters.values():
                    await adapter.offer(commands.offered(services))
                    before = past.get(adapter.platform, ())
                    served = self._serve(adapter, pipeline, before)
                    platforms.create_task(served, name=f"listen {adapter.platform}")
            await pipeline.settled()
            pipeline.put_off()
            for task in background:
                task.cancel()

    @property
    def recommendations(self) -> Recommendations:
        """What is worth reading, in every community."""
        return self._recommendations

    async def learn(self, community: str, documents: Iterable[Document]) -> None:
        """Answer a community from documents too; those that are known by their ids stay as they are."""
        if self._search is not None:
            known = {shelf.document for shelf in await self.store.passages.documents(community)}
            new = (each for each in documents if each.id not in known)
            await self._index.add(community, new, with_vectors=False)

    @property
    def introducing(self) -> Introducing:
        """What writes lines about threads."""
        return self._introducing

    @property
    def noting(self) -> Noting:
        """What reads threads out of events."""
        return self._noting

    def model_named(self, name: str) -> Model:
        """A configured model.

        Raises:
            ConfigError: no engine is configured under this name.
        """
        if name not in self._models:
            raise ConfigError(f"No configured model is called {name!r}; there are {', '.join(self._models)}.")
        return self._models[name]

    async def _load(self, loading: Loading) -> None:
        """One model after the other: two at once would import the same libraries at once."""
        await loading.run()
        await self._waking.keep()

    async def _serve(self, adapter: Adapter, pipeline: Pipeline, past: Iterable[Event]) -> None:
        """Take in the past, so that whoever asks first hears of it, then what happens."""
        await pipeline.recall(adapter.platform, past)
        self._connected[adapter.platform] = True
        try:
            await pipeline.listen(adapter)
        finally:
            self._connected[adapter.platform] = False

    def _learns(self, channel: Channel) -> bool:
        return channel_policy(self.store.policies, channel).learning

    def _services(self, commands: Commands, loading: Loading) -> Services:
        running, quotas = Running(), self._quotas
        locale, router = self.config.bot.locale, self._router(commands)
        return Services(
            commands=commands,
            store=self.store,
            conversation=self._conversation(running, quotas),
            running=running,
            quotas=quotas,
            model=self._model,
            directory=self._directory,
            files=self._directory,
            review=self._review,
            desk=Desk(self.store, self._review, self._now, locale, self._learns),
            hinting=Hinting(self.store, self._search, self._directory, quotas, self._now, locale),
            climbing=Climbing(
                store=self.store,
                search=self._search,
                directory=self._directory,
                now=self._now,
                key=named_key,
                talks=router.talks,
                locale=locale,
                platforms=frozenset(self._adapters),
            ),
            digesting=self._digesting,
            assessing=self._assessing,
            looking=self._looking,
            now=self._now,
            version=__version__,
            started_at=self._now(),
            context_hours=self.config.privacy.context_hours,
            evidence_days=self.config.privacy.evidence_days,
            archive_days=self.config.privacy.archive_days,
            enforces=self.config.moderation.mode == "enforce",
            scorer=self._judge.scorer,
            joins=frozenset(name for name, adapter in self._adapters.items() if adapter.tells_joins),
            models=self._models,
            recommendations=self._recommendations,
            importing=Importing(self.store, self._directory, self._noting, self._recommendations),
            status=lambda: (*self._platform_lines(), loading.line()),
            search=self._search,
            usual=usual_digest(self.config.recommend),
            archives=router.archives,
            index=self._index,
            topics=self._topics,
            fetcher=self._fetcher,
        )

    def _wire(self, tasks: asyncio.TaskGroup, services: Services) -> Pipeline:
        config, store, loops = self.config, self.store, LoopGuard(self._now)
        router = self._router(services.commands)
        deliverer = Deliverer(store, self._adapters)
        answering = Answering(
            store=store,
            deliverer=deliverer,
            judge=self._judge,
            loops=loops,
            metrics=self.metrics,
            now=self._now,
        )
        presses = Presses(store, self._now)
        performer = Performer(
            store=store,
            adapters=self._adapters,
            services=services,
            deliverer=deliverer,
            answering=answering,
            route=router,
            early=presses.early,
            prefix=config.bot.command_prefix,
            locale=config.bot.locale,
        )
        return Pipeline(
            store=store,
            judge=self._judge,
            review=self._review,
            assessing=self._assessing,
            looking=self._looking,
            route=router,
            loops=loops,
            performer=performer,
            presses=presses,
            metrics=self.metrics,
            tasks=tasks,
            adapters=self._adapters,
            noting=self._noting,
            recommendations=self._recommendations,
            hinting=services.hinting,
            climbing=services.climbing,
        )

    def _router(self, commands: Commands) -> Router:
        paths = frozenset(spec.path for spec in commands.specs)
        return Router(self.store, prefix=self.config.bot.command_prefix, commands=paths, now=self._now)

    def _conversation(self, running: Running, quotas: Quotas) -> Conversation:
        return Conversation(
            store=self.store,
            model=self._model,
            running=running,
            quotas=quotas,
            limits=Limits(self.config.llm.max_new_tokens, self.config.llm.temperature),
            name=self.config.bot.name,
            now=self._now,
            suggest=speaker_of,
            models=self.model_named,
            knowledge=Known(self._search, self._directory, self._now) if self._search is not None else None,
            files=self._directory,
        )

    def _introduces(self) -> Introducing:
        return Introducing(
            store=self.store,
            settings=self.store.policies,
            model=self._model,
            models=self.model_named,
            directory=self._directory,
            quotas=self._quotas,
            may_say=self._may_say,
            orders=talks_to_the_judge,
        )

    def _may_say(self, place: Channel, text: str) -> bool:
        us = Author(place.platform, "", self.config.bot.name, is_bot=True)
        return self._judge.stopped_by(Message(MessageRef(place, ""), us, text, self._now())) is None

    def _moderation_level(self, channel: Channel) -> str:
        return channel_policy(self.store.policies, channel).moderation

    def _capped(self) -> Quotas:
        def quota(level: str) -> Quota:
            return Quota(self.config.cap(f"{level}_requests"), self.config.cap(f"{level}_tokens"))

        return Quotas(
            self.store.usage,
            self.store.seal.pseudonym,
            self._now,
            member=quota("member"),
            channel=quota("channel"),
            community=quota("community"),
            settings=self.store.policies,
        )

    async def _retain(self) -> None:
        keep = self.config.privacy
        removed = await self.store.privacy.purge(
            self._now(),
            keep.context_hours,
            evidence_days=keep.evidence_days,
            archive_days=keep.archive_days,
            half_life_days=self.config.recommend.half_life_days,
        )
        if removed:
            log.info("retention removed rows", extra={"rows": removed})

    async def _fit(self) -> None:
        await self._recommendations.refit(self._now())

    def _gauge(self, pipeline: Pipeline) -> Callable[[], Awaitable[None]]:
        async def gauge() -> None:
            self.metrics.queue("undecided", pipeline.waiting)
            for platform in self._adapters:
                self.metrics.outbox(platform, pipeline.unfinished(platform))

        return gauge

    async def _watch(self, address: tuple[str, int], loading: Loading) -> None:
        from bot.web.health import serving  # noqa: PLC0415 - a chat serves nothing and should start at once

        probes = {"database": self._database_probe, "model": loading.probe}
        async with serving(address, self.metrics, probes):
            await asyncio.Event().wait()

    async def _database_probe(self) -> str | None:
        await self.store.inbox.cursors("")
        return None

    def _platform_lines(self) -> Sequence[StatusLine]:
        return tuple(self._platform_line(platform, on) for platform, on in self._connected.items())

    def _platform_line(self, platform: str, on: bool) -> StatusLine:
        trouble = self._adapters[platform].trouble()
        if on and trouble is None:
            return StatusLine(platform, ok=True, detail=self._state_of(platform))
        return StatusLine(platform, ok=False, detail=trouble or _("not connected"))

    def _state_of(self, platform: str) -> str:
        if platform == "discord" and not self.config.discord.message_content:
            return _("connected; reads only what is said to it (message_content is off)")
        return _("connected")


@asynccontextmanager
async def opened(
    config: Config,
    adapters: Sequence[Adapter],
    *,
    models: Mapping[str, Model] | None = None,
    judge: Judge | None = None,
    chooser: Chooser | None = None,
    metrics: Metrics | None = None,
    embedder: Embedding | None = None,
    fetcher: Fetcher | None = None,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[App]:
    """Make the parts, and put them away when the context ends.

    Args:
        models: by name, the default first; None for the configured ones.
        judge: with rules of its own; None for one that has those of each community.
        chooser: of threads for digests; None for the recommender.
        embedder: compares meanings; None for the installed one, or none with models that are given.
        fetcher: of what moderators name; None for one that reaches what is public or configured.

    Raises:
        ConfigError, StorageError: nothing was started.
    """
    await asyncio.to_thread(phishing.use_newest, config.bot.data_dir)
    classifiers = Classifiers(config.moderation.classifiers)
    await asyncio.to_thread(classifiers.check)
    store = await Store.open(config.storage.full_url(), config.bot.data_dir / KEY_FILE_NAME)
    try:
        if store.rulebooks.any():
            await asyncio.to_thread(classifiers.ready)
        used = models_for(config) if models is None else models
        try:
            by_platform = {adapter.platform: adapter for adapter in adapters}
            yield App(
                config,
                store,
                used,
                by_platform,
                judge=judge,
                chooser=chooser,
                classifiers=classifiers,
                metrics=metrics or Metrics(),
                embedder=embedding.found() if models is None else embedder,
                fetcher=fetcher or Fetcher(allowed=public_and(config.knowledge.allow)),
                now=now,
            )
        finally:
            for adapter in adapters:
                await adapter.close()
            for model in used.values():
                await model.close()
    finally:
        await store.close()
