"""Reading the files of archived messages: in the background, one at a time, and never more than fits.

Whatever is not read now is written down, so a process that is killed takes it up at its next start.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from bot.core.errors import Gone, PlatformError, TooBig, Unreadable, Unsupported
from bot.core.events import Attachment
from bot.core.files import Files, content_of
from bot.knowledge.extracting import PAGES, PROSE, Limits, extract
from bot.storage.archive import Archive
from bot.storage.attachments import Filed

LIMITS = Limits(bytes=10 * 1024 * 1024, characters=200_000, pages=500)
"""Of a file; some 500 passages. Most members of Discord can send no larger ones (Discord, "Uploading Files").
"""

NAME_CHARS = 80
"""Of a name, so many are shown."""

TRIES = 5
FIRST_PAUSE = timedelta(minutes=1)
"""Before the second try; before each further one it is four times as long, five hours in all."""

_FETCH_S = 60.0
_LOOK_S = 20.0
_AT_ONCE = 8

_NAMES = re.compile(
    r".*\.(adoc|bash|bat|c|cc|cfg|conf|cpp|cs|css|csv|diff|env|go|gradle|h|hpp|html?|ini|java|jsx?|json|jsonl|kt|lock"
    r"|log|lua|markdown|md|org|patch|pdf|php|pl|properties|ps1|py|r|rb|rs|rst|scala|sh|sql|srt|svelte|swift|tex|toml"
    r"|tsx?|tsv|txt|vue|xhtml|xml|ya?ml|zig)",
    re.IGNORECASE | re.DOTALL,
)
_TYPES = re.compile(
    r"text/.*|application/(json|pdf|sql|toml|x-httpd-php|(x-)?javascript|x-sh|(x-)?yaml|(xhtml\+)?xml)\b.*",
    re.IGNORECASE | re.DOTALL,
)

_NO_NAME = re.compile(r"[^\w.,+&()\u3000-\u303f\uff08\uff09-]+")
_WITH_HEADINGS = PROSE | PAGES | {"", ".pdf"}

_log = logging.getLogger(__name__)


def is_text(file: Attachment) -> bool:
    """Whether a file is of a kind that has words: text, code, a page or a PDF, as its name or sender says."""
    return bool(_NAMES.fullmatch(file.name) or _TYPES.fullmatch(file.content_type.strip()))


def has_headings(file: Attachment) -> bool:
    """Whether a line of its text that begins with # may be a heading, as in Markdown; in code it is none."""
    suffix = PurePosixPath(file.name).suffix.lower()
    return suffix in _WITH_HEADINGS or file.content_type.startswith("text/markdown")


def shown_name(file: Attachment) -> str:
    """The name of a file as people and models see it: nothing in it calls, links or encloses."""
    return " ".join(_NO_NAME.sub(" ", file.name).split())[:NAME_CHARS] or "…"


def told_type(file: Attachment) -> str:
    """What is said of the type of a file; "" where that says nothing, so that its name counts."""
    return "" if file.content_type.startswith("application/octet-stream") else file.content_type


class FileReader:
    """Reads what files of archived messages say, when there are any."""

    def __init__(self, archive: Archive, files: Files, now: Callable[[], datetime]) -> None:
        self._archive, self._files, self._now = archive, files, now

    async def work(self) -> None:
        """Wait for something to read, for a while, and read it."""
        try:
            async with asyncio.timeout(_LOOK_S):
                await self._archive.attachments.news.wait()
        except TimeoutError:
            pass  # some may be due again meanwhile
        await self.catch_up()

    async def catch_up(self) -> None:
        """Read everything that is due."""
        attachments = self._archive.attachments
        attachments.news.clear()
        while some := await attachments.due(self._now(), _AT_ONCE):
            for file in some:
                await self._read(file)

    async def _read(self, file: Filed) -> None:
        """Read a file; the next try is noted first, so that none that ends the process is tried for ever."""
        attachments, about = self._archive.attachments, file.about
        text = ""
        if is_text(about) and about.size_bytes <= LIMITS.bytes and file.tries < TRIES:
            await attachments.later(file, self._now() + FIRST_PAUSE * 4**file.tries)
            try:
                content = await self._fetched(file)
                text = (await extract(content, about.name, told_type(about), LIMITS)).text
            except (Gone, TooBig, Unsupported, Unreadable) as error:
                _log.info("a file is found by its name only: %s", error, extra={"channel": file.channel_key})
            except (PlatformError, TimeoutError) as error:
                _log.warning("a file cannot be read now: %s", error, extra={"channel": file.channel_key})
                return
        if await attachments.read(file, text):
            self._archive.news.set()

    async def _fetched(self, file: Filed) -> bytes:
        async with asyncio.timeout(_FETCH_S):
            return await content_of(self._files, file.ref, file.about, LIMITS.bytes)
