"""A loopback Discord: real HTTP (REST v10) and a real WebSocket (gateway v10) for tests.

The lab keeps one in-memory world, serves it to an unmodified client and is driven from the same
event loop: `lab.send(alice, channel, "hi")`, `lab.slash(...)`, `lab.drop()`. Every REST call
is checked against Discord's own OpenAPI document, and so are the lab's own answers. What the
document describes and the lab lacks answers 501 and is counted in `lab.unimplemented`.
"""

from tests.labs.discord.constants import ALL_PERMS, COMPONENTS_V2, EPHEMERAL, EVERYONE_PERMS, PERMS
from tests.labs.discord.lab import DiscordLab
from tests.labs.discord.people import Person, Server, Shown
from tests.labs.discord.records import ApiError, Fault, Interaction, Json, Request, Settings, Violation

__all__ = [
    "ALL_PERMS",
    "COMPONENTS_V2",
    "EPHEMERAL",
    "EVERYONE_PERMS",
    "PERMS",
    "ApiError",
    "DiscordLab",
    "Fault",
    "Interaction",
    "Json",
    "Person",
    "Request",
    "Server",
    "Settings",
    "Shown",
    "Violation",
]
