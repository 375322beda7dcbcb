"""Discord: guilds and private conversations, through discord.py."""

from bot.adapters.discord.adapter import DiscordAdapter
from bot.adapters.discord.settings import Grants, Settings

__all__ = ["DiscordAdapter", "Grants", "Settings"]
