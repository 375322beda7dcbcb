"""What was typed: the history behind the arrow keys, and the completion of commands."""

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory

from bot.core.specs import CommandSpec, Parameter
from bot.core.text import _

_FORGETS = re.compile(r"\s*(?:[/／]as\s+\S+\s+)?(?:\S+\s+|[/／])?privacy\s+forget\s+\S", re.IGNORECASE)
"""The command in every form that works here: bare, after a slash, after a prefix of any word."""
_MOST_BYTES = 1 << 18

_log = logging.getLogger(__name__)


class TypedLines(FileHistory):
    """A history in a file that only its owner reads; it forgets when the bot is told to.

    A file that cannot be written costs the history and nothing else.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(str(file))
        self._file = file
        self._usable = self._open()

    def load_history_strings(self) -> Iterable[str]:
        """See `History`."""
        return super().load_history_strings() if self._usable else ()

    def store_string(self, string: str) -> None:
        """See `History`."""
        if _FORGETS.match(string):
            self._forget()
        elif self._usable:
            self._attempt(lambda: super(TypedLines, self).store_string(string))

    def _open(self) -> bool:
        return self._attempt(self._prepare)

    def _prepare(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600))
        self._file.chmod(0o600)
        if self._file.stat().st_size > _MOST_BYTES:
            self._keep_newest()

    def _keep_newest(self) -> None:
        newest = self._file.read_bytes()[-_MOST_BYTES // 2 :]
        self._file.write_bytes(newest[newest.find(b"\n#") + 1 :])

    def _forget(self) -> None:
        self._loaded_strings.clear()
        if self._usable:
            self._attempt(lambda: self._file.write_bytes(b""))

    def _attempt(self, work: Callable[[], object]) -> bool:
        try:
            work()
        except OSError as error:
            _log.warning("what is typed is not remembered: %s", error)
            self._usable = False
            return False
        return True


class CommandCompleter(Completer):
    """Completes `/name`, and the values of parameters that have choices."""

    def __init__(self) -> None:
        self.commands: tuple[CommandSpec, ...] = ()

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """See `Completer`."""
        typed = document.text_before_cursor
        if not typed.startswith("/") or "\n" in typed:
            return
        typed = typed[1:]
        for spec in self.commands:
            if spec.name.startswith(typed):
                yield Completion(spec.name, start_position=-len(typed), display_meta=_(spec.summary))
            elif typed.startswith(f"{spec.name} "):
                yield from _values(spec, typed[len(spec.name) + 1 :])


def _values(spec: CommandSpec, arguments: str) -> Iterator[Completion]:
    *before, word = arguments.split(" ")
    parameter: Parameter | None = spec.parameters[len(before)] if len(before) < len(spec.parameters) else None
    for choice in parameter.choices if parameter is not None else ():
        if choice.startswith(word):
            yield Completion(choice, start_position=-len(word))
