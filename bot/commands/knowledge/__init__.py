"""`knowledge ...`: what the bot answers from, as moderators fill it."""
