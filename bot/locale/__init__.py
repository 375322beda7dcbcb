"""Translations of the words people read, and the tool that collects them."""
