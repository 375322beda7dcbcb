"""The names of a community's rules, suggested while one is typed: to who moderates here, and nobody else."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from bot.commands.command import PLATFORM_TIMEOUT_S, Completes, Doc, Services
from bot.commands.conversion import suggested
from bot.commands.rules.book import ALL
from bot.core.errors import PlatformError, UserError
from bot.core.events import Author, Channel
from bot.core.permissions import Role
from bot.moderation.rulebook import read


async def names(
    services: Services, typed: str, caller: Author, channel: Channel, *, beside: Sequence[str] = ()
) -> Sequence[str]:
    """The rules of the community in which it is typed, and what can stand beside them; see `Completes`."""
    book = services.store.rulebooks.of(channel.community_key)
    if not book.rules or not await moderates(services, caller, channel):
        return ()
    try:
        return suggested(typed, (*(rule.name for rule in read(book.rules)), *beside))
    except UserError:  # they cannot be read any more, which the command itself will say
        return ()


async def moderates(services: Services, caller: Author, channel: Channel) -> bool:
    """Whether somebody moderates here, as the platform says now; where it does not say, nothing is shown."""
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_S):
            return await services.directory.role(caller, channel) >= Role.MODERATOR
    except (PlatformError, TimeoutError):
        return False


RuleName = Annotated[str, Completes(names), Doc("The name of a rule.")]
RuleNameOrAll = Annotated[str, Completes(partial(names, beside=(ALL,))), Doc("The name of a rule, or all.")]
