"""From an outbox row to the platform: plain actions, commands and answers."""
