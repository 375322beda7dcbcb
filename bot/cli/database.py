"""The bot's database, for commands that look into it or change it while the bot runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.config import load
from bot.core.errors import StorageError
from bot.core.text import _
from bot.storage.seal import KEY_FILE_NAME
from bot.storage.store import Store


@asynccontextmanager
async def opened(config: Path | None) -> AsyncIterator[Store]:
    """Open it.

    Raises:
        StorageError: there is none yet, or it cannot be used.
    """
    settings = load(config, secrets=False)
    if settings.storage.path is not None and not settings.storage.path.exists():
        raise StorageError(
            _("There is no database at {path} yet, so nothing is stored.", path=settings.storage.path)
        )
    store = await Store.open(settings.storage.full_url(), settings.bot.data_dir / KEY_FILE_NAME)
    try:
        yield store
    finally:
        await store.close()
