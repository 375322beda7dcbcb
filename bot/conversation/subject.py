"""Which question a hint, an answer or a card is about, by the number in what can be pressed below it."""

from collections import OrderedDict
from collections.abc import Collection

from bot.core.actions import Action, Post, Reply

NUMBER = "number"
"""The argument of a control that says it."""

_MOST_GONE = 10_000


class Gone:
    """Questions that went a moment ago: what was about to be said to them is not, or is taken back.

    The database knows for ever; this is for what is being carried out meanwhile.

    Args:
        commands: those behind the controls that carry a question's number.
    """

    def __init__(self, commands: Collection[tuple[str, ...]]) -> None:
        self._commands = commands
        self._numbers: OrderedDict[int, None] = OrderedDict()

    def add(self, number: int) -> None:
        """A question went."""
        self._numbers[number] = None
        if len(self._numbers) > _MOST_GONE:
            self._numbers.popitem(last=False)

    def __contains__(self, number: int) -> bool:
        return number in self._numbers

    def holds(self, action: Action) -> bool:
        """Whether an action is about a question that went."""
        return subject(action, self._commands) in self._numbers


def subject(action: Action, commands: Collection[tuple[str, ...]]) -> int | None:
    """The number of the question that an action is about; None for any other action."""
    controls = action.controls if isinstance(action, Reply | Post) else ()
    found = next((each for each in controls if each.command in commands), None)
    number = None if found is None else found.arguments.get(NUMBER)
    return number if isinstance(number, int) else None
