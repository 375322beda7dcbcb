"""Work that repeats."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.core.errors import StorageError

log = logging.getLogger(__name__)


async def every(pause: timedelta, job: Callable[[], Awaitable[None]]) -> None:
    """Run a job now and after each pause, for ever; a run that fails is logged and does not end the series.

    Raises:
        StorageError: the database failed; nothing can go on without it.
    """
    while True:
        try:
            await job()
        except StorageError:
            raise
        except Exception:  # one job: the next run may succeed
            log.exception("a scheduled job failed")
        await asyncio.sleep(pause.total_seconds())
