"""From a question to an answer that grows: what is asked, of which model, and what is said if that fails."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import assert_never

from bot.conversation import sentences
from bot.conversation.asking import asks
from bot.conversation.cited import Cited
from bot.conversation.draft import Draft
from bot.conversation.files import NOTHING_GIVEN, SHARE, Attached, Given, fitted
from bot.conversation.grounded import grounded_of
from bot.conversation.history import Line, history_of
from bot.conversation.knowledge import NEAR, Knowledge
from bot.conversation.labels import Labels, Names
from bot.conversation.personas import NOBODY, Persona, persona_of
from bot.conversation.policy import ChannelPolicy
from bot.conversation.prompt import Prompt, Request, budget_of, build
from bot.conversation.quota import Allowance, Quotas, Refused
from bot.conversation.quoting import may_quote
from bot.conversation.running import Handle, Running, Stopped
from bot.conversation.sentences import Voice
from bot.conversation.sourced import not_found, quotes
from bot.conversation.translation import translation_of
from bot.core.actions import Chunk, Status
from bot.core.errors import BotError, ModelEmpty, ModelError, ModelTimeout, StorageError
from bot.core.events import Attachment, Message, MessageRef
from bot.core.files import Files, NoFiles
from bot.core.text import current_locale, speaking
from bot.knowledge.answering import Answer, Source
from bot.llm.language import language_of
from bot.llm.language_names import Language
from bot.llm.model import Limits, Model, Piece, Queued, Reading, Turn
from bot.storage.store import Store

log = logging.getLogger(__name__)

LOADS_UNNOTICED_S = 0.3
"""A model that is ready by then needs no line about loading."""

READS_UNNOTICED_TOKENS = 512
"""What is read of a question in a second or two needs no line about it."""

QUOTES = "quotes:"
"""The outcome of an answer in the words of its sources; behind it stands how many."""

LOADS_AT_MOST_S = 15 * 60.0
"""Nobody waits longer for an answer; a large model that is fetched for the first time takes minutes."""


@dataclass(slots=True)
class _Work:
    """One question being answered.

    Attributes:
        said: what is asked, without the mention of the bot; or what is to be translated.
        language: of what is said.
        into: the language to translate into; None for a question.
        persona: who answers.
        model: the one that is asked, once it is chosen.
        percent_read: of the question, as the member was told last; whole tens.
        insists: it is to be looked up, whatever it is.
        found: what is known about it, if it was looked up where anything is.
        cited: what a model writes from sources passes it.
        given: the files that came along, `cut` the names of those that do not fit the model.
        words: to be translated, without the files; in `said` what these say stands behind them.
    """

    question: Message
    handle: Handle
    policy: ChannelPolicy
    said: str
    language: str | None
    voice: Voice
    into: Language | None = None
    persona: Persona = NOBODY
    model: Model | None = None
    draft: Draft = field(default_factory=Draft)
    percent_read: int = -1
    insists: bool = False
    found: Answer | None = None
    cited: Cited | None = None
    given: Given = NOTHING_GIVEN
    words: str = ""
    cut: tuple[str, ...] = ()

    @property
    def visible(self) -> bool:
        """Something that the model wrote was shown."""
        return self.draft.visible if self.cited is None else bool(self.cited.cited)

    def feed(self, piece: str) -> str:
        """What may be shown after this piece of the model's."""
        text = self.draft.feed(piece)
        return text if self.cited is None else self.cited.feed(text)

    def finish(self) -> str:
        """The rest of what the model wrote."""
        rest = self.draft.finish()
        return rest if self.cited is None else self.cited.feed(rest) + self.cited.finish()


class _Declined(Exception):
    """No model is asked; carries what the member is told instead."""

    def __init__(self, outcome: str, sentence: Callable[[], str]) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.sentence = sentence


class Conversation:
    """Answers questions, each with what belongs to it and nothing else."""

    def __init__(
        self,
        *,
        store: Store,
        model: Model,
        running: Running,
        quotas: Quotas,
        limits: Limits,
        name: str,
        now: Callable[[], datetime],
        suggest: Callable[[frozenset[str]], str | None],
        models: Callable[[str], Model],
        knowledge: Knowledge | None = None,
        files: Files | None = None,
    ) -> None:
        """Make a conversation.

        Args:
            model: answers where a channel names no other one.
            name: what the bot is called.
            suggest: the name of a model that speaks all of these languages, or None.
            models: the model of a name that a channel chose; raises a ConfigError or ModelError for none.
            knowledge: what communities have written; None where there is none.
            files: where files of messages come from; None where there are none.
        """
        self._store = store
        self._model = model
        self._running = running
        self._quotas = quotas
        self._limits = limits
        self._name = name
        self._now = now
        self._suggest = suggest
        self._models = models
        self._knowledge = knowledge
        self._attached = Attached(store, files or NoFiles())
        self._names = Names()

    async def answer(self, question: Message, handle: Handle, policy: ChannelPolicy) -> AsyncGenerator[Chunk]:
        """Answer what was said; whatever goes wrong with a model is told in a sentence and never raised.

        A question that what is known here answers is answered from there. The answer to a question that is
        deleted just ends. `handle.outcome` and `handle.alerts` are set before the last chunk.

        Raises:
            StorageError: the database failed.
        """
        async with aclosing(self._told(_question(question, handle, policy))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def ask(self, question: Message, handle: Handle, policy: ChannelPolicy) -> AsyncGenerator[Chunk]:
        """As `answer`, but where anything is known, what is not found there is said not to be.

        Raises:
            StorageError: the database failed.
        """
        work = _question(question, handle, policy)
        work.insists |= question.quoted is None  # else it may be about that message
        async with aclosing(self._told(work)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def translate(
        self, request: Message, handle: Handle, policy: ChannelPolicy, into: Language
    ) -> AsyncGenerator[Chunk]:
        """Translate what is addressed to us; otherwise as `answer`, but nothing else belongs to it.

        Raises:
            StorageError: the database failed.
        """
        async with aclosing(self._told(_translation(request, handle, policy, into))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _told(self, work: _Work) -> AsyncGenerator[Chunk]:
        """What the model writes, and what has to be said besides it or instead of it."""
        handle = work.handle
        outcome, last, above = "answered", "", ""
        try:
            async with aclosing(self._take_in(work)) as statuses:
                async for status in statuses:
                    yield status
            await self._look_up(work)
            above = _above(work)
            async with aclosing(self._written(work)) as chunks:
                async for chunk in chunks:
                    if above and not isinstance(chunk, Status):
                        chunk, above = above + chunk, ""
                    yield chunk
            rest = work.finish()
            if not work.visible:
                raise ModelEmpty("the model wrote nothing that can be seen")
            outcome = f"sources:{len(work.cited.cited)}" if work.cited is not None else "answered"
        except Stopped:
            rest, outcome = work.finish(), "stopped"
            last = sentences.note(work.voice(sentences.stopped))
        except (_Declined, ModelError) as error:
            rest = work.finish()
            outcome, last = _instead(work, error)
        handle.outcome = handle.reason or outcome
        handle.sources = _resting_on(work, outcome)
        if handle.reason != "deleted":
            ending = (above if work.visible else "") + rest + _below(work, last)
            if ending:
                yield ending

    async def _take_in(self, work: _Work) -> AsyncGenerator[Status]:
        """Read the files that belong to a question."""
        question = work.question
        found: Sequence[Attachment] = question.attachments
        if work.into is None:
            found = () if not work.said else await work.handle.unless_stopped(self._attached.find(question))
        if found:
            yield Status(work.voice(sentences.reading_files))
            work.given = await work.handle.unless_stopped(self._read(work, found))
        if work.into is not None and work.given.texts:
            work.said = "\n\n".join(filter(None, (work.words, *(each.text for each in work.given.texts))))
            work.language = language_of(work.said)

    async def _read(self, work: _Work, found: Sequence[Attachment]) -> Given:
        try:
            sees = work.into is None and self._chosen(work).capabilities.vision
        except _Declined:
            sees = False
        with speaking(work.voice(current_locale)):
            return await self._attached.read(work.question.author.platform, found, sees=sees)

    async def _look_up(self, work: _Work) -> None:
        """Look for an answer in what is known, and decide who gives it: the sources, a model, or nobody.

        A question about a file that came along is not looked up, except where nothing else is answered.
        """
        if work.into is not None or not work.said or not (work.insists or asks(work.said)):
            return
        if work.given.is_read and not work.persona.only_known:
            return
        able = self._is_able(work)
        if work.persona.by_itself and able and not work.insists:
            return
        found = await self._find(work)
        if work.persona.only_known and (found is None or found.abstained):
            raise _unknown(work, found)
        if found is None:
            return
        work.found = found
        if not found.abstained and able:
            work.cited = Cited(found.sources)
        elif not found.abstained or found.confidence >= NEAR or (work.insists and not able):
            raise _from_sources(found)

    async def _find(self, work: _Work) -> Answer | None:
        if self._knowledge is None:
            return None
        return await work.handle.unless_stopped(self._knowledge.find(work.question, work.said))

    def _is_able(self, work: _Work) -> bool:
        """Whether the model of this place is trusted with an answer of its own, in this language."""
        try:
            model = self._chosen(work)
        except _Declined:
            return False
        return model.capabilities.chat and model.capabilities.can_answer

    async def _written(self, work: _Work) -> AsyncGenerator[Chunk]:
        """Everything up to the model's last piece."""
        model = work.model = self._chosen(work)
        async with aclosing(self._ready(model, work)) as statuses:
            async for status in statuses:
                yield status
        if work.into is not None:
            prompt = self._to_translate(model, work, work.into)
        elif work.cited is not None:
            prompt = self._from_sources(model, work, work.cited)
        else:
            prompt = await self._prompt(model, work)
        limits = work.draft.expect(model, self._limits, prompt.tokens)
        allowance = await self._reserved(work, prompt.tokens + limits.max_new_tokens)
        try:
            async with aclosing(model.stream(prompt.turns, limits)) as pieces:
                while not work.draft.ended:
                    piece = await work.handle.unless_stopped(anext(pieces, None))
                    if piece is None:
                        break
                    chunk = _shown(piece, work)
                    if chunk:
                        yield chunk
        finally:
            await self._quotas.settle(allowance, work.draft.cost(model))

    def _chosen(self, work: _Work) -> Model:
        """The model of this place, if it may be asked."""
        if not work.said and work.into is not None and work.question.attachments:
            raise _Declined("answered", sentences.nothing_to_translate)
        if not work.said and work.question.attachments:
            raise _Declined("answered", sentences.nothing_asked_about_files)
        if not work.said:
            raise _Declined("answered", sentences.nothing_asked)
        try:
            model = self._models(work.policy.model) if work.policy.model else self._model
        except StorageError:
            raise
        except BotError as error:
            log.warning("a channel's model cannot be used: %s", error)
            raise _Declined("refused:model", sentences.no_such_model) from error
        needed = frozenset({code for code in (work.language, work.into and work.into.code) if code})
        able = model.capabilities.can_answer and model.capabilities.chat
        spoken = model.capabilities.languages
        if (work.into is not None and not able) or (spoken and not needed <= spoken):
            other = self._suggest(needed)
            raise _refused(work, other)
        return model

    async def _ready(self, model: Model, work: _Work) -> AsyncGenerator[Status]:
        """Wait until the model is loaded, and until the answer that is replied to is complete."""
        if not await _loaded(model, work.handle, LOADS_UNNOTICED_S):
            yield Status(work.voice(lambda: sentences.loading(0)))
            if not await _loaded(model, work.handle, LOADS_AT_MOST_S):
                raise ModelTimeout(f"{model.name} is still loading after {LOADS_AT_MOST_S:.0f} seconds")
        channel, replied_to = work.question.ref.channel, work.question.reply_to
        if replied_to is not None and self._running.is_writing(channel, replied_to):
            yield Status(work.voice(sentences.finishing))
            await work.handle.unless_stopped(self._running.wait_for(channel, replied_to))

    async def _prompt(self, model: Model, work: _Work) -> Prompt:
        question, pseudonym = work.question, self._store.seal.pseudonym
        asker = pseudonym(question.author.identity)
        self._names.meet(asker, question.author.name)
        quoted = self._quoted(question)
        lines = await history_of(self._store.messages, question, asker, self._now(), quoted)
        room = self._limits.max_new_tokens
        given, work.cut = fitted(model, work.given, int(SHARE * budget_of(model, room)))
        request = Request(
            name=self._name,
            persona=work.persona.words(lines),
            today=self._now().astimezone(UTC).date(),
            asker=asker,
            lines=lines,
            question=work.said,
            files=given.texts,
            images=tuple(each.image for each in given.pictures),
        )
        labels = Labels(question.author.platform, pseudonym, self._names)
        return build(model, request, labels, room)

    def _from_sources(self, model: Model, work: _Work, cited: Cited) -> Prompt:
        asker, pseudonym = work.question.author, self._store.seal.pseudonym
        self._names.meet(pseudonym(asker.identity), asker.name)
        labels = Labels(asker.platform, pseudonym, self._names)
        labels.of(pseudonym(asker.identity))
        prompt = grounded_of(model, work.said, cited.sources, labels, self._limits.max_new_tokens)
        if prompt is None:
            raise ModelError(f"the context of {model.name} is too small for a source and a question")
        return prompt

    def _to_translate(self, model: Model, work: _Work, into: Language) -> Prompt:
        """A translation is about as long as its text, so both have to find room."""
        asker, pseudonym = work.question.author, self._store.seal.pseudonym
        self._names.meet(pseudonym(asker.identity), asker.name)
        labels = Labels(asker.platform, pseudonym, self._names)
        labels.of(pseudonym(asker.identity))
        prompt = translation_of(model, work.said, into.name, labels)
        room = self._limits.max_new_tokens
        tokens = model.count_tokens([Turn("user", work.said)])
        over = max(tokens / room, prompt.tokens / budget_of(model, room))
        if over > 1 and work.words and work.given.texts:
            work.cut = tuple(each.name for each in work.given.texts)
            work.said, work.given = work.words, replace(work.given, texts=())
            return self._to_translate(model, work, into)
        if over > 1:
            most = int(len(work.said) / over)
            raise _Declined("refused:long", lambda: sentences.too_long_to_translate(most))
        return prompt

    def _quoted(self, question: Message) -> Line | None:
        """What came along with a question, if it may be used."""
        quote, replied_to = question.quoted, question.reply_to
        if quote is None or replied_to is None:
            return None
        if not may_quote(self._store, MessageRef(question.ref.channel, replied_to), quote):
            return None
        speaker = self._store.seal.pseudonym(quote.author.identity)
        self._names.meet(speaker, quote.author.name)
        return Line(speaker, quote.text)

    async def _reserved(self, work: _Work, tokens: int) -> Allowance:
        question = work.question
        allowance = await self._quotas.reserve(question.ref, question.author.identity, tokens)
        if isinstance(allowance, Refused):
            refused = allowance
            if refused.alert is not None:
                work.handle.alerts.append(refused.alert)
            raise _Declined("refused:quota", lambda: refused.text)
        return allowance


async def _loaded(model: Model, handle: Handle, within_s: float) -> bool:
    """Load a model, or wait for whoever loads it; whether it is ready in time."""
    try:
        async with asyncio.timeout(within_s) as scope:
            await handle.unless_stopped(model.load())
    except TimeoutError:
        if not scope.expired():
            raise
        return False
    return True


def _question(question: Message, handle: Handle, policy: ChannelPolicy) -> _Work:
    said = _said(question)
    language, persona = language_of(said), persona_of(policy.persona)
    work = _Work(
        question, handle, policy, said, language, Voice(language or question.locale), persona=persona
    )
    work.insists = persona.only_known
    return work


def _translation(request: Message, handle: Handle, policy: ChannelPolicy, into: Language) -> _Work:
    """Sentences of ours are in the language of who asks, not in that of the text."""
    said = _said(request)
    return _Work(request, handle, policy, said, language_of(said), Voice(request.locale), into, words=said)


def _said(message: Message) -> str:
    return (message.text if message.addressed is None else message.addressed).strip()


def _refused(work: _Work, other: str | None) -> _Declined:
    """The model cannot do what is asked; `other` would."""
    if work.into is None:
        return _Declined("refused:language", lambda: sentences.wrong_language(other))
    return _Declined("refused:translation", lambda: sentences.cannot_translate(other))


def _shown(piece: Piece, work: _Work) -> Chunk:
    """What a member sees of a piece; nothing is an empty text."""
    match piece:
        case Queued(place=place):
            return Status(work.voice(lambda: sentences.waiting(place)))
        case Reading():
            return _reading(piece, work)
        case str():
            return work.feed(piece)
        case _:
            assert_never(piece)


def _reading(piece: Reading, work: _Work) -> Chunk:
    """A line about a long question, each time that another tenth of it is read."""
    percent = 10 * (10 * piece.read // piece.of)
    if piece.of - piece.read < READS_UNNOTICED_TOKENS or percent == work.percent_read:
        return ""
    work.percent_read = percent
    return Status(work.voice(lambda: sentences.reading(percent)))


def _from_sources(found: Answer) -> _Declined:
    """No model is asked, since there are quotes that answer it; or nothing does."""
    if found.abstained:
        return _Declined("not-found", lambda: not_found(found.sources))
    return _Declined(f"{QUOTES}{len(found.sources)}", lambda: quotes(found.sources))


def _unknown(work: _Work, found: Answer | None) -> _Declined:
    """Nothing is known of it, where nothing else is answered; talk gets a word about that."""
    if not asks(work.said):
        return _Declined("not-found", sentences.only_known)
    return _Declined("not-found", sentences.not_found) if found is None else _from_sources(found)


def _instead(work: _Work, error: "_Declined | ModelError") -> tuple[str, str]:
    """The outcome, and what is said where the model wrote nothing, or broke off.

    Where there are sources nobody needs to hear of a model that does not answer. Who asks in a language that
    it does not speak hears what was looked for as well.
    """
    found, place = work.found, work.question.ref.channel.key
    if found is not None and not work.visible and (work.insists or not found.abstained):
        log.info("the sources answer without a model: %s", error, extra={"channel": place})
        error = _from_sources(found)
    if isinstance(error, _Declined):
        said = work.voice(error.sentence)
        if found is not None and error.outcome == "refused:language":
            return "not-found", f"{work.voice(lambda: not_found(found.sources))}\n\n{said}"
        return error.outcome, said
    log.warning("no answer, or half of one: %s", error, extra={"channel": place})
    return f"failed:{type(error).__name__}", _failure(work, error)


def _resting_on(work: _Work, outcome: str) -> tuple[tuple[int, Source], ...]:
    """The sources that an answer quotes, or that a model cites in it."""
    found, cited = work.found, work.cited
    if found is None:
        return ()
    numbered = tuple(enumerate(found.sources, start=1))
    if outcome.startswith(QUOTES):
        return numbered
    return tuple(pair for pair in numbered if cited is not None and pair[0] in cited.cited)


def _failure(work: _Work, error: ModelError) -> str:
    half_way = work.visible
    text = work.voice(lambda: sentences.failure(error, half_way))
    return sentences.note(text) if half_way else text


def _above(work: _Work) -> str:
    """What stands above the model's text."""
    found = work.found
    if not work.insists or found is None or not found.abstained:
        return ""
    return work.voice(lambda: f"{not_found(found.sources)}\n\n{sentences.from_model()}\n\n")


def _below(work: _Work, last: str) -> str:
    """What stands below the model's text: each remark in a paragraph of its own."""
    paragraphs = [*([last] if last else []), *map(sentences.note, _remarks(work))]
    return "".join(f"\n\n{each}" for each in paragraphs) if work.visible else "\n\n".join(paragraphs)


def _remarks(work: _Work) -> Iterator[str]:
    """What a member should know about the text above."""
    yield from work.given.remarks
    for name in work.cut:
        yield work.voice(partial(sentences.read_in_part, name, work.voice(sentences.rest_does_not_fit)))
    if not work.visible or work.model is None or work.cited is not None:
        return
    if work.draft.too_long:
        yield work.voice(sentences.too_long)
    if not work.model.capabilities.can_answer:
        yield work.voice(sentences.small_model)
    if work.found is not None and not work.insists:
        yield work.voice(sentences.unsourced)
