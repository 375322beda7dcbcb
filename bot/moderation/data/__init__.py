"""Word lists and weights that ship with the bot."""
