"""People as a model sees them: "Member A", never a name, a nick or an id."""

import re
from collections import OrderedDict
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


MAX_NAMES = 10_000
"""Names of askers kept in memory, to keep them from models; the ones not seen for longest go first."""

_NOT_A_WORD = re.compile(r"[^a-z]")
_SHORTEST_NAME = 3
_SHORTEST_FOREIGN_NAME = 2


class Names:
    """What askers are called at the moment: in memory only, and only in order to be replaced."""

    def __init__(self, size: int = MAX_NAMES) -> None:
        self._size = size
        self._known: OrderedDict[str, str] = OrderedDict()

    def meet(self, pseudonym: str, name: str) -> None:
        """Somebody of this name asks."""
        self._known[pseudonym] = name.strip()
        self._known.move_to_end(pseudonym)
        if len(self._known) > self._size:
            self._known.popitem(last=False)

    def of(self, pseudonym: str) -> str:
        """The name, or "" if nobody knows it."""
        return self._known.get(pseudonym, "")


class Labels:
    """Gives each person of one conversation a letter, in the order they appear."""

    def __init__(
        self, platform: str, pseudonym: Callable[[Identity], str], names: Names | None = None
    ) -> None:
        """Args: pseudonym: the store's; a person mentioned by id and one who wrote get the same letter."""
        self._platform = platform
        self._pseudonym = pseudonym
        self._names = names or Names()
        self._order: dict[str, int] = {}
        self._called: list[tuple[re.Pattern[str], str]] = []

    def of(self, pseudonym: str) -> str:
        """The label of somebody who wrote; from now on `replace` knows the name, too."""
        if pseudonym in self._order:
            return f"Member {_letters(self._order[pseudonym])}"
        self._order[pseudonym] = len(self._order)
        label = f"Member {_letters(self._order[pseudonym])}"
        name = self._names.of(pseudonym)
        if name:
            self._called.append((_called(name), label))
        return label

    def replace(self, text: str) -> str:
        """A text with every id of a person, role or channel replaced, and the names of who takes part."""
        text = _MENTION.sub(self._replacement, text)
        for called, label in self._called:
            text = called.sub(label, text)
        return text

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


def _called(name: str) -> re.Pattern[str]:
    """How somebody is called in a text: with an @ in any case; without it only what is no everyday word."""
    exact = re.escape(name)
    foreign = not name.isascii()
    long_enough = len(name) >= (_SHORTEST_FOREIGN_NAME if foreign else _SHORTEST_NAME)
    bare = rf"|(?<!\w){exact}(?!\w)" if _NOT_A_WORD.search(name) and long_enough else ""
    if foreign and long_enough:
        bare = f"|{exact}"  # Chinese puts no spaces round a name
    return re.compile(rf"(?<!\w)@(?i:{exact})(?!\w){bare}")


def _letters(index: int) -> str:
    """0 -> A, 25 -> Z, 26 -> AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
