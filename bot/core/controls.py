"""What a reader can press below a message: each control calls a command in the reader's name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from bot.core.text import _

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Control:
    """A button, or a reaction where a platform has no buttons.

    Whoever uses it calls the command with their own rights, which are checked then like those of any call.

    Attributes:
        emoji: one emoji, different for each control of a message.
        label: what it does, in a word or two for people.
        command: name path, such as ("stop",).
        arguments: by parameter name, of the declared types.
        grave: it takes something away from somebody, so platforms that can warn do.
    """

    emoji: str
    label: str
    command: tuple[str, ...]
    arguments: Mapping[str, Value] = field(default_factory=dict)
    grave: bool = False

    @property
    def line(self) -> str:
        """The same call as people type it, without a prefix."""
        return " ".join((*self.command, *map(str, self.arguments.values())))

    def translated(self) -> Self:
        """The same control with its label, an English source text, in the language of the reader."""
        return replace(self, label=_(self.label))


def same_emoji(one: str, other: str) -> bool:
    """Whether two emojis look alike: clients send them with or without U+FE0F, "show as emoji"."""
    return one.replace("\ufe0f", "") == other.replace("\ufe0f", "")
