"""A house for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.adapters.discord.house import House
from tests.labs.discord import DiscordLab
from tests.labs.discord.people import Server


@pytest.fixture
def house(discord: DiscordLab, tmp_path: Path) -> Iterator[House]:
    known = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield House(tmp_path, discord, Server(discord), token=discord.settings.token)
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = known
