"""Commands and tools as data: what adapters register, help prints and models are offered."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from bot.core.events import Author, Channel
from bot.core.permissions import Role


class Kind(Enum):
    """The type of a parameter, by the names of JSON schema."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


Complete = Callable[[str, Author, Channel], Awaitable[Sequence[str]]]
"""Autocomplete: what was typed so far, by whom and where -> at most 25 suggestions."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a command.

    Attributes:
        description: an English text; adapters translate it per locale through `bot.core.text`.
        choices: the only values allowed, or () for any.
        greedy: takes the rest of the line in the text grammar.
    """

    name: str
    kind: Kind
    description: str
    required: bool = True
    default: str | int | float | bool | None = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    greedy: bool = False
    complete: Complete | None = None


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command as platforms see it.

    Attributes:
        path: ("privacy", "forget"); one or two names.
        summary: one English line; adapters translate it.
        role: the least role that may call it, checked again at the moment of use.
        private: the answer concerns only the caller.
        slow: it may take longer than a second, so platforms with deadlines show progress.
        menu: title of a message context menu that calls it too, or None.
        form: names of the texts that its menu asks for first, where the platform has forms.
        file: what a file that comes with a call is, an English text; "" where none is taken.
    """

    path: tuple[str, ...]
    summary: str
    parameters: tuple[Parameter, ...] = ()
    role: Role = Role.MEMBER
    private: bool = False
    slow: bool = False
    menu: str | None = None
    form: tuple[str, ...] = ()
    file: str = ""

    @property
    def name(self) -> str:
        """The path as people type it."""
        return " ".join(self.path)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A function a model may call; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, object]
