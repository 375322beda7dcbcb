"""Places as the keys by which they are stored."""

from bot.core.events import Channel


def place_of(community: str, channel_key: str, place: str) -> Channel:
    """The place of three keys, each of which begins with the one before."""
    platform, _slash, id = community.partition("/")
    thread = place.removeprefix(f"{channel_key}/") if place != channel_key else None
    return Channel(platform, id, channel_key.removeprefix(f"{community}/"), thread)
