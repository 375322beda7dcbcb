"""Where it may be agreed that messages train the classifiers."""

from bot.core.events import Channel

LEARNS_FROM = frozenset({"matrix"})
"""Platforms whose terms allow it; Discord's Developer Policy, rule 21, does not."""


def can_be_learned_from(channel: Channel) -> bool:
    """Whether a place may ever agree: not where few can read, nor where it is encrypted."""
    return channel.platform in LEARNS_FROM and not (channel.private or channel.hidden or channel.encrypted)
