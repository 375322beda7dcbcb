"""The vocabulary every part shares; it imports nothing else of bot."""
