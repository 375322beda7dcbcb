"""A command: one typed async function from which every way to call it is made.

    @command("privacy forget", private=True, examples=("privacy forget yes",))
    async def forget(context: Context, confirm: Literal["yes"] | None = None) -> str:
        '''Erase everything that is stored about me.'''

The text grammar, the help, the permission, the JSON schema for models and the neutral `CommandSpec` from
which adapters register slash commands all come from that signature and nothing else.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.commands.signature import Argument, arguments_of
from bot.core.actions import Action, Chunk
from bot.core.permissions import Role
from bot.core.specs import CommandSpec, Kind, ToolSpec


@dataclass(frozen=True, slots=True)
class OwnWords:
    """An answer that grows and is our own text, no model's: like a reply, it is not judged."""

    chunks: AsyncIterator[Chunk]


@dataclass(frozen=True, slots=True)
class Whispered:
    """An answer that grows and that nobody but the caller may ever read.

    Attributes:
        judged: a model writes some of it.
    """

    chunks: AsyncIterator[Chunk]
    judged: bool


Answer = str | tuple[Action, ...] | AsyncIterator[Chunk] | OwnWords | Whispered
"""What a command returns: one reply's text, actions, or an answer that grows."""

MOST_FIELDS = 5
"""Of a form. Source: Discord, "Component Reference"."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command as the core sees it.

    Attributes:
        arguments: the parameters of `spec` with what only the core needs to know of them.
        examples: lines without prefix, in English source text, shown by `help`.
        run: called with a Context and the arguments by name.
        at_desk: also for moderators of the communities whose cards are posted where it is called; it looks
            itself at what they may do there.
    """

    spec: CommandSpec
    arguments: tuple[Argument, ...]
    examples: tuple[str, ...]
    run: Callable[..., Awaitable[Answer]]
    at_desk: bool = False

    def offered(self, services: object) -> CommandSpec:
        """The spec as platforms are told it; `services` are for what completes arguments."""
        return replace(self.spec, parameters=tuple(each.offered(services) for each in self.arguments))

    @property
    def name(self) -> str:
        """The path as people type it."""
        return self.spec.name

    @property
    def usage(self) -> str:
        """The name and its parameters: `report [message] REASON`, `digest add NAME [n=NUMBER]`."""
        return " ".join((self.name, *(argument.usage for argument in self.arguments)))

    @property
    def tool(self) -> ToolSpec:
        """The command as a function that a model may call; it is checked like a member's call."""
        parameters = self.spec.parameters
        schema: Mapping[str, object] = {
            "type": "object",
            "properties": {argument.parameter.name: argument.schema for argument in self.arguments},
            "required": [parameter.name for parameter in parameters if parameter.required],
            "additionalProperties": False,
        }
        return ToolSpec("_".join(self.spec.path), self.spec.summary, schema)


def command(
    path: str,
    *,
    role: Role = Role.MEMBER,
    private: bool = False,
    slow: bool = False,
    menu: str | None = None,
    form: Sequence[str] = (),
    file: str = "",
    examples: Sequence[str] = (),
    at_desk: bool = False,
) -> Callable[[Callable[..., Awaitable[Answer]]], Command]:
    """Make a command of an async function; the first line of its docstring is the summary.

    Args:
        path: one or two names, such as "ask" or "privacy forget".
        role: the least role that may call it.
        private: the answer is for the caller only.
        slow: it may take longer than a second.
        menu: title of a message context menu; the command then finds the message in `context.target`.
        form: names of parameters, free texts, that the menu asks for first; platforms without forms do not.
        file: what a file that comes with a call is, marked with `N_`; the command finds it with
            `context.given_files`.
        examples: lines that `help` shows, marked with `N_`.
        at_desk: see `Command`.

    Raises:
        TypeError: the function cannot be a command; the text says why.
    """

    def define(function: Callable[..., Awaitable[Answer]]) -> Command:
        names = tuple(path.split())
        summary = (inspect.getdoc(function) or "").split("\n")[0].strip()
        if not 1 <= len(names) <= 2 or path != path.lower():
            raise TypeError(f"command {path!r}: a path is one or two lower-case names")
        if not summary:
            raise TypeError(f"command {path!r}: its docstring is its help, and there is none")
        arguments = arguments_of(function)
        _check_form(path, menu, form, arguments)
        spec = CommandSpec(
            path=names,
            summary=summary,
            parameters=tuple(argument.parameter for argument in arguments),
            role=role,
            private=private,
            slow=slow,
            menu=menu,
            form=tuple(form),
            file=file,
        )
        return Command(spec, arguments, tuple(examples), function, at_desk)

    return define


def _check_form(path: str, menu: str | None, form: Sequence[str], arguments: Sequence[Argument]) -> None:
    """A menu gives nothing but its message and what its form asks for.

    Raises:
        TypeError: the form asks for what is no free text, or the menu could never make a whole call.
    """
    asked = set(form)
    texts = {
        each.parameter.name
        for each in arguments
        if each.parameter.kind is Kind.STRING and not each.parameter.choices and each.matching is None
    }
    if len(form) > MOST_FIELDS or asked - texts or (form and menu is None):
        raise TypeError(
            f"command {path!r}: a form belongs to a menu and asks for free texts, at most {MOST_FIELDS}"
        )
    needed = {each.parameter.name for each in arguments if each.parameter.required}
    if menu is not None and needed - asked:
        raise TypeError(f"command {path!r}: its menu gives no {', '.join(sorted(needed - asked))}")
