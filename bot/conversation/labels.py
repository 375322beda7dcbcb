"""People as a model sees them: "Member A", never a name, a nick or an id."""

import re
from collections.abc import Callable

from bot.core.events import Identity

_MENTION = re.compile(
    r"<@!?(?P<discord>\d{1,25})>"
    r"|(?P<role><@&\d{1,25}>)"
    r"|(?P<channel><#\d{1,25}>)"
    r"|<a?:(?P<emoji>\w{1,64}):\d{1,25}>"
    r"|(?<![\w@.])(?:@|%40)(?P<local>[a-z0-9._=\-/+]{1,200}?)(?::|%3[Aa])"
    r"(?P<server>[a-zA-Z0-9.\-]{1,200}(?::\d{1,5})?)"
)
"""Discord mentions (https://discord.com/developers/docs/reference#message-formatting) and Matrix user ids,
which also stand percent-encoded in links (https://spec.matrix.org/v1.12/appendices/#user-identifiers)."""


class Labels:
    """Gives each person of one conversation a letter, in the order they appear."""

    def __init__(self, platform: str, pseudonym: Callable[[Identity], str]) -> None:
        """Args: pseudonym: the store's; a person mentioned by id and one who wrote get the same letter."""
        self._platform = platform
        self._pseudonym = pseudonym
        self._order: dict[str, int] = {}

    def of(self, pseudonym: str) -> str:
        """The label of somebody who wrote."""
        return f"Member {_letters(self._order.setdefault(pseudonym, len(self._order)))}"

    def replace(self, text: str) -> str:
        """A text with every id of a person, role or channel replaced."""
        return _MENTION.sub(self._replacement, text)

    def _replacement(self, found: re.Match[str]) -> str:
        if found["discord"]:
            return self.of(self._pseudonym((self._platform, found["discord"])))
        if found["local"]:
            return self.of(
                self._pseudonym((self._platform, f"@{found['local']}:{found['server'].rstrip('.')}"))
            )
        if found["emoji"]:
            return f":{found['emoji']}:"
        return "a role" if found["role"] else "a channel"


def _letters(index: int) -> str:
    """0 -> A, 25 -> Z, 26 -> AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
