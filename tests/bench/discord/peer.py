"""The shortest possible bots on discord.py, to measure ours beside them. They store and decide nothing.

`listen` tells when each message is in hand, `count` how many there were when it is asked, `answer` repeats at
once what it is told, `late` does so after some seconds, `hold` keeps the members of its guilds as discord.py
does by default.
"""

import asyncio
import sys

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.bench.programs import READY, tell
from tests.labs.discord import DiscordLab

LISTEN, COUNT, ANSWER, LATE, HOLD = "listen", "count", "answer", "late", "hold"

ASK_COUNT = "how many"


class Peer(discord.Client):
    """A client that does one thing with each message."""

    def __init__(self, kind: str, after_s: float) -> None:
        intents = discord.Intents.default()
        intents.message_content, intents.members = True, kind == HOLD
        super().__init__(
            intents=intents,
            guild_ready_timeout=0.05,
            chunk_guilds_at_startup=kind == HOLD,
            max_messages=1000 if kind == HOLD else None,
        )
        self._kind, self._after_s, self._count = kind, after_s, 0

    async def on_ready(self) -> None:
        """See discord.py."""
        tell(READY)

    async def on_message(self, message: discord.Message) -> None:
        """See discord.py."""
        if message.author == self.user:
            return
        match self._kind:
            case "listen":
                tell(str(message.id))
            case "count" if message.content == ASK_COUNT:
                tell(f"count:{self._count}")
            case "count":
                self._count += 1
            case "answer" | "late":
                await asyncio.sleep(self._after_s)
                tell(f"end:{message.id}")
                await message.reply(message.content.partition(" ")[2])


def command(kind: str, lab: DiscordLab, after_s: float = 0) -> tuple[str, ...]:
    """How it is started; the token is for this run's own Discord."""
    return (__name__, kind, lab.rest_url, lab.gateway_url, lab.settings.token, str(after_s))


def main(kind: str, rest_url: str, gateway_url: str, token: str, after_s: str) -> None:
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = rest_url, yarl.URL(gateway_url)
    Peer(kind, float(after_s)).run(token, log_handler=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
