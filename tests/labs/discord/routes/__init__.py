"""REST handlers, one module a resource; importing this package registers them all."""

from tests.labs.discord.routes import (
    automod,
    channels,
    commands,
    guilds,
    identity,
    interactions,
    members,
    messages,
    reactions,
    threads,
)
from tests.labs.discord.routes.registry import ROUTES, Call

__all__ = [
    "ROUTES",
    "Call",
    "automod",
    "channels",
    "commands",
    "guilds",
    "identity",
    "interactions",
    "members",
    "messages",
    "reactions",
    "threads",
]
