"""From archived messages to passages, behind the conversation: words at once, vectors when it is quiet."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.core.directory import Directory
from bot.core.errors import PlatformError
from bot.core.events import MessageRef
from bot.knowledge.attached import has_headings, shown_name
from bot.knowledge.document import Document, Section
from bot.knowledge.index import Index
from bot.storage.archive import VECTORS, WORDS, Archive, Run
from bot.storage.attachments import Filed

AT_ONCE = 32
"""Runs that are read and stored together."""
FILES_AT_ONCE = 8
EMBEDDED_AT_ONCE = 2
"""A few hundred milliseconds of one core; a question that waits for the model comes next."""

QUIET = timedelta(minutes=1)
"""A run gets its vectors when it has not grown for so long, so that it gets them once."""
_LOOK_S = 20.0
_LINK_S = 5.0


class Archiver:
    """Keeps the index what the archive says. Stopped anywhere, it takes up what is left."""

    def __init__(
        self, archive: Archive, index: Index, directory: Directory, now: Callable[[], datetime]
    ) -> None:
        self._archive, self._index, self._directory, self._now = archive, index, directory, now

    async def work(self) -> None:
        """Wait for something to do, for a while, and do it."""
        try:
            async with asyncio.timeout(_LOOK_S):
                await self._archive.news.wait()
        except TimeoutError:
            pass  # runs have become quiet meanwhile
        await self.catch_up()

    async def catch_up(self) -> None:
        """Do everything that can be done now."""
        while True:
            self._archive.news.clear()
            while await self._archive.arrange():
                pass
            while await self._shelve(await self._archive.changed(AT_ONCE), WORDS):
                pass
            while await self._shelve_files(await self._archive.attachments.changed(FILES_AT_ONCE), WORDS):
                pass
            await self._index.refresh()
            if self._index.embedder is None or not await self._give_vectors():
                return

    async def _give_vectors(self) -> bool:
        """A little of what is found by words only; False when there is nothing."""
        files = await self._archive.attachments.without_vectors(1)
        return await self._shelve(await self._quiet(), VECTORS) or await self._shelve_files(files, VECTORS)

    async def _quiet(self) -> Sequence[Run]:
        return await self._archive.without_vectors(self._now() - QUIET, EMBEDDED_AT_ONCE)

    async def _shelve(self, runs: Sequence[Run], state: int) -> bool:
        """Make passages of runs; those that change meanwhile come again."""
        communities: defaultdict[str, list[Run]] = defaultdict(list)
        for run in runs:
            communities[run.community].append(run)
        for community, its in communities.items():
            documents = [await self._document(run) for run in its]
            still = self._archive.shelved(its, state)
            await self._index.shelve(community, documents, still, with_vectors=state == VECTORS)
        return bool(runs)

    async def _shelve_files(self, files: Sequence[Filed], state: int) -> bool:
        """Make passages of files, one by one: some are long."""
        for file in files:
            still = self._archive.attachments.shelved([file], state)
            document = await self._of_file(file)
            await self._index.shelve(file.community, [document], still, with_vectors=state == VECTORS)
        return bool(files)

    async def _of_file(self, file: Filed) -> Document:
        """A file as a document; one that has no text says its name."""
        name = shown_name(file.about)
        section = Section(file.text or name, file.at, await self._link(file.ref), file.author)
        plain = not (file.text and has_headings(file.about))
        return Document(file.document, name, (section,), file.channel_key, plain)

    async def _document(self, run: Run) -> Document:
        """A run as a document; it has no title, for that would be the words of one shown as another's."""
        sections = [
            Section(each.text, each.at, await self._link(each.ref), each.author)
            for each in run.messages
            if each.text.strip()
        ]
        return Document(run.document, "", tuple(sections), run.channel_key)

    async def _link(self, ref: MessageRef) -> str:
        try:
            async with asyncio.timeout(_LINK_S):
                return await self._directory.link(ref.channel, ref.id) or ""
        except (PlatformError, TimeoutError):
            return ""
