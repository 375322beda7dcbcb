"""Files that come with a question, just before it, or with what it replies to: read for it, and kept nowhere.

What they say goes to the model as data. What is left out is told to the member, with why.
"""

import asyncio
import logging
import mimetypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.conversation import sentences
from bot.conversation.history import JUST_BEFORE
from bot.conversation.quoting import may_quote
from bot.core.errors import Gone, PlatformError, TooBig, Unreadable
from bot.core.events import Attachment, Message, MessageRef
from bot.core.files import Files
from bot.knowledge.attached import shown_name, told_type
from bot.knowledge.extracting import Limits, extract, too_large
from bot.llm.model import Image, Model, Turn
from bot.storage.store import Store

MOST_FILES = 4
LIMITS = Limits(bytes=5 * 1024 * 1024, characters=60_000, pages=100, seconds=10)
"""Of a file; 60,000 characters fill the context of most models."""

SHARE = 0.5
"""Of what a model can read at once, at most; the rest is for the question and what belongs to it."""

_LEAST_FOR_TEXTS = 4  # a quarter of it, however many pictures there are
_SEARCHED = 20  # messages
_FETCH_S = 30.0
_LOOK_S = 10.0
_SOUNDS = re.compile(r"(audio|video)/.*", re.IGNORECASE | re.DOTALL)
_PICTURES = re.compile(r"image/(?!svg).*", re.IGNORECASE | re.DOTALL)
_MAGIC = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
)
"""How the pictures begin that models take (OpenAI, "Images and vision", "Image input requirements")."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Text:
    """What a file says."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture for a model that sees."""

    name: str
    image: Image


@dataclass(frozen=True, slots=True)
class Given:
    """What came with a question.

    Attributes:
        remarks: what the member should know about what was left out.
    """

    texts: tuple[Text, ...] = ()
    pictures: tuple[Picture, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def is_read(self) -> bool:
        """The model gets something of it."""
        return bool(self.texts or self.pictures)


NOTHING_GIVEN = Given()


class Attached:
    """Finds and reads the files of questions."""

    def __init__(self, store: Store, files: Files) -> None:
        self._store, self._files = store, files

    async def find(self, question: Message) -> Sequence[Attachment]:
        """The files of a question, and those of the message it replies to, if that may be used."""
        ref = await self._heard(question)
        if ref is None:
            return question.attachments
        try:
            async with asyncio.timeout(_LOOK_S):
                return (*question.attachments, *await self._files.attached(ref))
        except (PlatformError, TimeoutError) as error:
            _log.info("which files it has is unknown: %s", error, extra={"channel": ref.channel.key})
            return question.attachments

    async def read(self, platform: str, found: Sequence[Attachment], *, sees: bool) -> Given:
        """Read some files, one after the other.

        Args:
            sees: the model can look at pictures.
        """
        texts, pictures, remarks = list[Text](), list[Picture](), list[str]()
        for file in found[:MOST_FILES]:
            name = shown_name(file)
            try:
                if _PICTURES.fullmatch(_kind(file)):
                    pictures.append(Picture(name, await self._image(platform, file, sees=sees)))
                    continue
                if _SOUNDS.fullmatch(_kind(file)):
                    raise Unreadable(sentences.not_a_text())
                content = await self._fetched(platform, file)
                said = await extract(content, file.name, told_type(file), LIMITS)
            except Unreadable as error:
                remarks.append(sentences.left_out(name, str(error)))
                continue
            texts.append(Text(name, said.text))
            if said.left_out:
                remarks.append(sentences.read_in_part(name, said.left_out))
        if len(found) > MOST_FILES:
            remarks.append(sentences.too_many_files(MOST_FILES, len(found) - MOST_FILES))
        return Given(tuple(texts), tuple(pictures), tuple(remarks))

    async def _heard(self, question: Message) -> MessageRef | None:
        """What is replied to, unless it is ours, was taken away, or its author wants nothing kept."""
        channel, id = question.ref.channel, question.reply_to
        if id is None:
            return None if question.attachments else await self._just_before(question)
        for place in dict.fromkeys((channel, channel.parent)):
            ref = MessageRef(place, id)
            heard = await self._store.messages.get(ref)
            if heard is not None:
                return None if heard.ours or heard.outcome.startswith("moderated:") else ref
        ref = MessageRef(channel, id)
        return ref if question.quoted is not None and may_quote(self._store, ref, question.quoted) else None

    async def _just_before(self, question: Message) -> MessageRef | None:
        """What the asker sent last, a moment ago and without a word: it must be a file."""
        channel = question.ref.channel
        recent = await self._store.messages.before(channel, question.at, _SEARCHED)
        asker = self._store.seal.pseudonym(question.author.identity)
        own = [
            each for each in recent if each.author == asker and not each.ours and each.id != question.ref.id
        ]
        if not own or own[-1].text.strip() or question.at - own[-1].at > JUST_BEFORE:
            return None
        return None if own[-1].outcome.startswith("moderated:") else MessageRef(channel, own[-1].id)

    async def _image(self, platform: str, file: Attachment, *, sees: bool) -> Image:
        if not sees:
            raise Unreadable(sentences.cannot_see())
        content = await self._fetched(platform, file)
        kind = next((kind for kind, begins in _MAGIC if begins.match(content)), None)
        if kind is None:
            raise Unreadable(sentences.no_such_picture())
        return Image(kind, content)

    async def _fetched(self, platform: str, file: Attachment) -> bytes:
        """The content.

        Raises:
            Unreadable: it could not be had, with what a member should know.
        """
        try:
            async with asyncio.timeout(_FETCH_S):
                return await self._files.fetch(platform, file, LIMITS.bytes)
        except TooBig as error:
            raise too_large(LIMITS.bytes) from error
        except Gone as error:
            raise Unreadable(sentences.file_gone()) from error
        except (PlatformError, TimeoutError) as error:
            _log.warning("a file of a question cannot be fetched: %s", error)
            raise Unreadable(sentences.file_not_fetched()) from error


def _kind(file: Attachment) -> str:
    """The type of a file, as its sender or else its name says."""
    return told_type(file) or mimetypes.guess_type(f"file{PurePosixPath(file.name).suffix}")[0] or ""


def fitted(model: Model, given: Given, most_tokens: int) -> tuple[Given, tuple[str, ...]]:
    """What came along in about so many tokens, and the names of what is cut or left out for that."""
    pictures = list(given.pictures)
    while pictures and _tokens(model, pictures) > most_tokens:
        pictures.pop()
    taken = _tokens(model, pictures) if pictures else 0
    texts, longest = _cut(model, given.texts, max(most_tokens - taken, most_tokens // _LEAST_FOR_TEXTS))
    cut = [each.name for each in given.texts if len(each.text) > longest]
    names = (*cut, *(each.name for each in given.pictures[len(pictures) :]))
    return Given(texts, tuple(pictures), given.remarks), names


def _tokens(model: Model, pictures: Sequence[Picture]) -> int:
    return model.count_tokens([Turn("user", "", tuple(each.image for each in pictures))])


def _cut(model: Model, texts: Sequence[Text], most_tokens: int) -> tuple[tuple[Text, ...], int]:
    """The beginnings of texts, and how long the longest is."""
    keep = max((len(each.text) for each in texts), default=0)
    while keep:
        tokens = model.count_tokens([Turn("user", each.text[:keep]) for each in texts])
        if tokens <= most_tokens:
            break
        keep = min(keep - 1, keep * most_tokens // tokens * 9 // 10)
    return tuple(Text(each.name, each.text[:keep]) for each in texts), keep
