"""The console: one person, one terminal (or a pipe), and the same way through the bot as everywhere."""

from bot.adapters.console.adapter import ConsoleAdapter

__all__ = ["ConsoleAdapter"]
