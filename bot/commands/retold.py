"""What was said in the words of a model, each line with links to what it rests on; or why there is none."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from bot.commands.command import Context
from bot.commands.past import Past, telling, where
from bot.conversation import sentences
from bot.conversation.labels import Labels, Names
from bot.conversation.policy import channel_policy
from bot.conversation.quota import Refused
from bot.conversation.retelling import Retelling, Retold, Step
from bot.conversation.running import Handle
from bot.conversation.sourced import one_line
from bot.core.actions import Chunk, Status
from bot.core.errors import ModelError, ModelTimeout
from bot.core.events import Message
from bot.core.text import _, ngettext
from bot.llm.language import language_of
from bot.llm.language_names import language_named
from bot.llm.model import Model

WITHIN_S = 180.0
"""Nobody waits longer for a summary, whatever the model is still writing."""

MOST_LINKS = 3
LINE_CHARS = 400
_SAMPLE_CHARS = 2_000
_THINNER = 0.9  # what says most is longer than the rest

_LABEL = re.compile(r"Member ([A-Z]{1,3})(?![A-Za-z])")

_log = logging.getLogger(__name__)


class NotRetold(Exception):
    """The model did not tell it, or not to its end; the text says why, to the member."""


def teller(context: Context) -> Model | None:
    """The model of this place, if it is able to summarize for the caller."""
    services = context.services
    name = channel_policy(services.store.policies, context.channel).model
    model = services.models.get(name) if name else services.model
    language = language_named(context.locale)
    if model is None or language is None:
        return None
    able, spoken = model.capabilities, model.capabilities.languages
    return model if able.can_answer and able.chat and (not spoken or language.code in spoken) else None


async def retold(
    context: Context, past: Past, model: Model, most: int, handle: Handle
) -> AsyncGenerator[Chunk]:
    """The lines as the model writes them.

    Raises:
        NotRetold: there is nothing that could be shown, or not all of it.
        Stopped: somebody stopped it.
    """
    sample = "\n".join(message.text for message in past.said)[:_SAMPLE_CHARS]
    spoken, said_in = model.capabilities.languages, language_of(sample)
    if spoken and said_in is not None and said_in not in spoken:
        raise NotRetold(_("My language model does not know the language, so these are quotes."))
    said, cast = past.said, Cast(context, past.said)
    retelling = Retelling(model, _language(context), cast.texts(said), most)
    while (share := await retelling.fit()) < 1:
        said = await telling(said, int(len(said) * share * _THINNER))
        if not said:
            raise NotRetold(_("That is too much for my language model, so these are quotes."))
        retelling = Retelling(model, _language(context), cast.texts(said), most)
    allowance = await context.services.quotas.reserve(context.to, context.caller.identity, retelling.expected)
    if isinstance(allowance, Refused):
        handle.alerts += [allowance.alert] if allowance.alert is not None else []
        raise NotRetold(_quotes_instead(allowance.text))
    shown = 0
    try:
        async with aclosing(_in_time(retelling, model, handle)) as lines:
            async for each in lines:
                if isinstance(each, Step):
                    yield Status(_step(each))
                    continue
                shown += 1
                yield await _line(context, cast.named(each.text), [said[at] for at in each.sources])
    except ModelError as error:
        _log.warning("no summary, or half of one: %s", error, extra={"channel": past.place.key})
        raise NotRetold(_quotes_instead(sentences.failure(error, half_way=shown > 0))) from error
    finally:
        await context.services.quotas.settle(allowance, retelling.cost or None)
    if not shown:
        raise NotRetold(_("My language model named no messages for what it wrote, so these are quotes."))
    if len(said) < len(past.said):
        yield _thinned(len(said)) + "\n"


def _quotes_instead(why: str) -> str:
    return why + " " + _("These are quotes:")


def _thinned(messages: int) -> str:
    return ngettext(
        "There was too much for my language model; it read the {n} message that says most.",
        "There was too much for my language model; it read the {n} messages that say most.",
        messages,
    )


class Cast:
    """Who takes part: what a model calls them, and what members do."""

    def __init__(self, context: Context, said: Sequence[Message]) -> None:
        pseudonym = context.services.store.seal.pseudonym
        people = {message.author.id: message.author for message in said}
        pseudonyms = {id: pseudonym(author.identity) for id, author in people.items()}
        names = Names()
        for id, author in people.items():
            names.meet(pseudonyms[id], author.name)
        self._labels = Labels(context.channel.platform, pseudonym, names)
        self._label = {id: self._labels.of(pseudonyms[id]) for id in people}
        self._name = {self._label[id]: author.name for id, author in people.items()}

    def texts(self, said: Sequence[Message]) -> list[str]:
        """Messages as a model reads them: no name and no id."""
        return [f"{self._label[each.author.id]}: {self._labels.replace(each.text)}" for each in said]

    def named(self, text: str) -> str:
        """What a model wrote, with the names of the people it means."""
        return _LABEL.sub(lambda found: self._name.get(found[0], found[0]), text)


def _language(context: Context) -> str:
    language = language_named(context.locale)
    return "English" if language is None else language.name


async def _in_time(retelling: Retelling, model: Model, handle: Handle) -> AsyncGenerator[Retold | Step]:
    """The lines, as long as anybody would wait for them.

    Raises:
        ModelTimeout: it takes too long.
    """
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + WITHIN_S
    async with aclosing(retelling.lines(handle)) as lines:
        try:
            async with asyncio.timeout_at(ends_at):
                await handle.unless_stopped(model.load())
            while True:
                async with asyncio.timeout_at(ends_at):
                    each = await anext(lines, None)
                if each is None:
                    return
                yield each
        except TimeoutError as error:
            raise ModelTimeout(f"{model.name} has not summarized within {WITHIN_S:.0f} seconds") from error


def _step(step: Step) -> str:
    return _("My language model reads part {part} of {of}. `stop` ends it.", part=step.part, of=step.of)


async def _line(context: Context, text: str, sources: Sequence[Message]) -> str:
    links = [await where(context, message) for message in sources[:MOST_LINKS]]
    return f"• {one_line(text, LINE_CHARS)} {' '.join(links)}\n"
