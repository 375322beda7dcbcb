"""The text form of commands: from a line without its prefix to a command and its arguments.

    report https://discord.com/channels/1/2/3 "this is spam", don't you think?
    channel set answer never where=community

Words are separated by white space and may stand in quotes of any kind; a quote that is never closed is just a
character. `name=value` gives an argument by its name. The last free text is taken as it stands. Every
function here is pure, linear in the line's length, and raises nothing but UsageError whatever is typed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.commands.conversion import LONGEST_NAME, Value, folded, from_text, missing, nearest, shown
from bot.commands.definition import Command
from bot.commands.signature import Argument
from bot.core.errors import UsageError
from bot.core.text import _

QUOTES = {
    '"': '"',
    "'": "'",
    "“": "”",
    "”": "”",
    "„": "“",
    "‘": "’",
    "«": "»",
    "「": "」",
    "『": "』",
    "＂": "＂",
}
"""Opening quote -> the closing one; the kinds that phones and Chinese keyboards write are among them."""

_WORD = re.compile(r"\S+")
_CLOSING = {quote: re.compile(rf"(?<!\\){quote}(?=\s|\Z)") for quote in QUOTES.values()}
"""A closing quote stands before white space or at the end, and no backslash stands before it."""
_OPTION = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,63})[=＝]")


@dataclass(frozen=True, slots=True)
class Call:
    """A command and the arguments that were given; defaults are filled in when it is invoked."""

    command: Command
    arguments: dict[str, Value]

    @property
    def path(self) -> tuple[str, ...]:
        """The command's name path."""
        return self.command.spec.path


@dataclass(frozen=True, slots=True)
class Word:
    """A word without its quotes, and where the line goes on."""

    text: str
    start: int
    end: int


@dataclass(slots=True)
class _Reading:
    """How far a line was read, what was found, and why the first argument did not want the next word."""

    line: str
    at: int
    values: dict[str, Value] = field(default_factory=dict)
    passed_by: UsageError | None = None

    def word(self) -> Word | None:
        return next_word(self.line, self.at)


def next_word(line: str, at: int = 0) -> Word | None:
    """The word, or quoted words, that begin at `at` or after the white space there."""
    found = _WORD.search(line, at)
    if found is None:
        return None
    start = found.start()
    quoted = _quoted(line, start)
    return Word(found.group(), start, found.end()) if quoted is None else Word(*quoted)


def _quoted(line: str, start: int) -> tuple[str, int, int] | None:
    """A quoted text; a quote that is never closed is none."""
    closing = QUOTES.get(line[start])
    if closing is None:
        return None
    found = _CLOSING[closing].search(line, start + 1)
    if found is None:
        return None
    return line[start + 1 : found.start()].replace(f"\\{closing}", closing), start, found.end()


def parse(line: str, commands: Sequence[Command], prefix: str = "") -> Call:
    """Read a line such as `channel set answer never`; `prefix` is only repeated in errors.

    Raises:
        UsageError: no such command, or arguments it does not take; the text says what would be right.
    """
    command, at = _command(line, commands, prefix)
    try:
        return Call(command, _arguments(command, line, at))
    except UsageError as error:
        raise UsageError(f"{error}\n{usage(command, prefix)}") from None


def usage(command: Command, prefix: str = "") -> str:
    """How a command is typed; this line ends every error about arguments."""
    return _("Usage: `{usage}`", usage=f"{prefix}{command.usage}")


def find(words: Sequence[str], commands: Sequence[Command], prefix: str = "") -> Command:
    """The command with that name path, in any case of letters.

    Raises:
        UsageError: there is none; the text names the nearest, or what the group has.
    """
    names = tuple(folded(word) for word in words[:2])
    for path in (names, names[:1]):
        for command in commands:
            if command.spec.path == path:
                return command
    group = [command.spec.path[1] for command in commands if command.spec.path[:1] == names[:1]]
    if group and len(names) == 1:
        raise UsageError(_("`{name}` needs one more word: {choices}.", name=names[0], choices=_listed(group)))
    if group:
        raise UsageError(
            _("`{name}` has no `{word}`.", name=names[0], word=shown(words[1]))
            + " "
            + _suggestion(names[1], group, f"{prefix}{names[0]}")
        )
    raise UsageError(_unknown(words, commands, prefix))


def _unknown(words: Sequence[str], commands: Sequence[Command], prefix: str) -> str:
    near = nearest(words[0], sorted({command.spec.path[0] for command in commands})) if words else None
    text = _("There is no command `{name}`.", name=shown(words[0] if words else ""))
    if near is not None:
        return text + " " + _("Did you mean `{name}`?", name=f"{prefix}{near}")
    return text + " " + _("`{help}` lists all commands.", help=f"{prefix}help")


def _suggestion(word: str, group: Sequence[str], name: str) -> str:
    near = nearest(word, group)
    if near is not None:
        return _("Did you mean `{name}`?", name=f"{name} {near}")
    return _("It has: {choices}.", choices=_listed(group))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _command(line: str, commands: Sequence[Command], prefix: str) -> tuple[Command, int]:
    first = next_word(line)
    if first is None:
        raise UsageError(_("Which command? `{help}` lists all of them.", help=f"{prefix}help"))
    second = next_word(line, first.end)
    words = [word.text for word in (first, second) if word is not None]
    command = find(words, commands, prefix)
    read = first if len(command.spec.path) == 1 or second is None else second
    return command, read.end


def _arguments(command: Command, line: str, at: int) -> dict[str, Value]:
    reading = _Reading(line, at)
    _take_last_options(reading, command.arguments)
    waiting = [argument for argument in command.arguments if not argument.named_only]
    while waiting or reading.word() is not None:
        if _take_option(reading, command.arguments):
            continue
        waiting = [argument for argument in waiting if argument.parameter.name not in reading.values]
        if not waiting:
            break
        _take(reading, waiting.pop(0), waiting)
    left = reading.word()
    if left is not None:
        raise UsageError(_("I do not know what to do with “{text}”.", text=shown(line[left.start :].strip())))
    for argument in command.arguments:
        if argument.parameter.required and argument.parameter.name not in reading.values:
            raise missing(argument)
    return reading.values


def _take(reading: _Reading, argument: Argument, later: Sequence[Argument]) -> None:
    """Give an argument the next word, or leave the word to a later argument that may have it."""
    word = reading.word()
    if word is None:
        return
    if argument.parameter.greedy:
        reading.values[argument.parameter.name] = reading.line[word.start :].rstrip()
        reading.at = len(reading.line)
        return
    try:
        reading.values[argument.parameter.name] = from_text(argument, word.text)
    except UsageError as error:
        if argument.parameter.required or not later:
            raise reading.passed_by or error from None
        reading.passed_by = reading.passed_by or error
    else:
        reading.at, reading.passed_by = word.end, None


def _take_option(reading: _Reading, arguments: Sequence[Argument]) -> bool:
    """Read `name=value` if a parameter of that name is still free."""
    start = _start(reading.line, reading.at)
    found = _OPTION.match(reading.line, start)
    argument = None if found is None else _named(found.group(1), arguments)
    if found is None or argument is None or argument.parameter.name in reading.values:
        return False
    at = found.end()
    quoted = _quoted(reading.line, at) if at < len(reading.line) else None
    word = _WORD.match(reading.line, at)
    if quoted is not None:
        text, end = quoted[0], quoted[2]
    elif argument.parameter.greedy:
        text, end = reading.line[at:].strip(), len(reading.line)
    else:
        text, end = (word.group(), word.end()) if word is not None else ("", at)
    reading.values[argument.parameter.name] = from_text(argument, text)
    reading.at = end
    return True


def _take_last_options(reading: _Reading, arguments: Sequence[Argument]) -> None:
    """Options that only have a name may also end the line, after the free text: people type them there."""
    named_only = [argument for argument in arguments if argument.named_only]
    while named_only:
        rest = reading.line[reading.at :].rstrip()
        last = rest.rsplit(None, 1)[-1] if rest else ""
        found = _OPTION.match(last)
        argument = None if found is None else _named(found.group(1), named_only)
        if found is None or argument is None:
            return
        reading.values[argument.parameter.name] = from_text(argument, last[found.end() :])
        reading.line = reading.line[: reading.at] + rest[: len(rest) - len(last)]
        named_only.remove(argument)


def _start(line: str, at: int) -> int:
    found = _WORD.search(line, at)
    return len(line) if found is None else found.start()


def _named(name: str, arguments: Sequence[Argument]) -> Argument | None:
    wanted = folded(name[:LONGEST_NAME])
    return next((argument for argument in arguments if argument.parameter.name == wanted), None)
