"""The console with a person at it: a prompt that is always there, and answers that grow above it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output
from prompt_toolkit.shortcuts import print_formatted_text
from prompt_toolkit.styles import Style

from bot.adapters.console.harmless import harmless
from bot.adapters.console.piped import INDENT, PREFIX
from bot.adapters.console.rows import Row, Rows
from bot.adapters.console.typed import CommandCompleter, TypedLines
from bot.core.actions import Chunk, Status
from bot.core.specs import CommandSpec
from bot.core.text import _

_STYLE = Style.from_dict(
    {
        "label": "ansigreen bold",
        "you": "ansicyan bold",
        "dim": "ansibrightblack",
        "alert": "ansiyellow",
        "heading": "bold",
        "bold": "bold",
        "code": "ansicyan",
        "fence": "ansibrightblack",
        "quote": "ansibrightblack",
        "mark": "ansiyellow",
    }
)
_REDRAW_S = 0.05
_BAR_CELLS = 20
_STOP = "/stop"
_LEAVE = frozenset({"/quit", "/exit", "quit", "exit"})
"""Lines that are meant for every other program at a terminal; a model would only chat about them."""


class Terminal:
    """A prompt at the bottom; above it the answer that is being written, above that all that was said.

    Ctrl-C stops the answer, a second one (or Ctrl-D, or /quit) leaves.
    """

    one_at_a_time = False

    def __init__(
        self,
        name: str,
        history: Path,
        source: Input | None = None,
        sink: Output | None = None,
        *,
        more: str = "",
    ) -> None:
        """Args: more: what is to be told at the beginning besides how it is used."""
        self._more = more
        self._name = harmless(name).replace("\n", " ")
        self._completer = CommandCompleter()
        self._session: PromptSession[str] = PromptSession(
            self._prompt,
            history=TypedLines(history),
            completer=self._completer,
            complete_while_typing=True,
            key_bindings=self._keys(),
            style=_STYLE,
            input=source,
            output=sink,
        )
        self._app = self._session.app
        self._app.min_redraw_interval = _REDRAW_S
        self._session.default_buffer.on_text_changed += lambda _buffer: self._calm_down()
        self._answers: deque[_Growing] = deque()
        self._hint = self._draft = ""
        self._doing = ("", 1.0)
        self._leaving = self._interrupted = self._stopping = False
        self._printed_at = 0.0

    async def lines(self) -> AsyncIterator[str]:
        """See `Screen`."""
        self._print(self._remark("class:dim", "\n".join(filter(None, (_welcome(), self._more)))))
        with self._app.input.raw_mode():  # also between two prompts a key is a key
            while not self._leaving:
                draft, self._draft = self._draft, ""
                try:
                    line = await self._session.prompt_async(default=draft)
                except EOFError:
                    break
                if line.strip().casefold() in _LEAVE:
                    break
                if not self._interrupted:
                    self._hint = ""
                self._interrupted = False
                yield line.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if self._answers and not self._leaving and not self._stopping:
            yield _STOP

    def write(self) -> "_Growing":
        """See `Screen`."""
        self._stopping = False
        growing = _Growing(self, self._rows())
        self._answers.append(growing)
        return growing

    async def show(self, text: str) -> None:
        """See `Screen`; it does not wait for an answer that is being written."""
        rows = self._rows()
        rows.feed(text)
        rows.finish()
        self._print(rows.take())
        for growing in self._answers:
            growing.rows.interrupted()

    def note(self, text: str) -> None:
        """See `Screen`."""
        self._print(self._remark("class:alert", text, "! "))

    def offer(self, commands: tuple[CommandSpec, ...]) -> None:
        """See `Screen`."""
        self._completer.commands = commands

    def progress(self, doing: str, share: float) -> None:
        """See `Screen`."""
        self._doing = (doing, max(share, 0.0))
        self._app.invalidate()

    def close(self) -> None:
        """See `Screen`."""
        self._leaving = True
        if self._app.is_running and not self._app.is_done:
            self._app.exit(exception=EOFError())

    def grown(self) -> None:
        """An answer has a new text or status: show it, whole rows for good."""
        now = asyncio.get_running_loop().time()
        if now - self._printed_at >= _REDRAW_S:
            self._print_ready()
        self._app.invalidate()

    def ended(self) -> None:
        """An answer is complete; those that waited for it are next."""
        self._print_ready()
        while self._answers and self._answers[0].complete:
            self._answers.popleft()
            self._print_ready()
        self._app.invalidate()

    def _print_ready(self) -> None:
        ready = self._answers[0].rows.take() if self._answers else []
        if ready:
            self._print(ready)
            self._printed_at = asyncio.get_running_loop().time()

    def _print(self, rows: Iterable[Row]) -> None:
        """Write rows above the prompt, which is drawn again below them."""
        is_drawn = self._app.is_running
        if is_drawn:
            self._app.renderer.erase()
        text = FormattedText(part for row in rows for part in [*row, ("", "\n")])
        print_formatted_text(text, end="", style=_STYLE, output=self._app.output)
        if is_drawn:
            self._app.renderer.reset()
            self._app.renderer.request_absolute_cursor_position()
            self._app.invalidate()

    def _prompt(self) -> FormattedText:
        """What stands before the cursor; on what scrolls away only the name stays."""
        live = [] if self._app.is_done else self._live()
        return FormattedText(
            [*(part for row in live for part in [*row, ("", "\n")]), ("class:you", f"{self._name}> ")]
        )

    def _live(self) -> list[Row]:
        rows: list[Row] = []
        if self._answers:
            first, *others = self._answers
            rows += first.rows.waiting()
            if first.status and not first.visible:
                rows.append([("class:label", PREFIX), ("class:dim", first.status)])
            if others:
                waiting = _("… and {n} more being written", n=len(others))
                rows.append([("class:dim", INDENT + waiting)])
        rows += [[("class:dim", line)] for line in (self._bar(), self._hint) if line]
        return rows[-max(3, self._app.output.get_size().rows - 4) :]

    def _remark(self, style: str, text: str, mark: str = "") -> list[Row]:
        """Rows of one style for what is not part of the conversation."""
        rows = Rows(self._app.output.get_size().columns, mark, " " * len(mark))
        rows.feed(text)
        rows.finish()
        return [[(style, "".join(part for _style, part in row))] for row in rows.take()]

    def _bar(self) -> str:
        """What is being done; translated here, as the thread that does it has no language."""
        doing, share = self._doing
        if share >= 1:
            return ""
        cells = int(share * _BAR_CELLS)
        return f"{harmless(_(doing))} {'█' * cells}{'░' * (_BAR_CELLS - cells)} {share:4.0%}"

    def _rows(self) -> Rows:
        return Rows(self._app.output.get_size().columns, PREFIX, INDENT)

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("c-c")
        @keys.add("<sigint>")
        def interrupt(event: KeyPressEvent) -> None:
            self._interrupt()

        return keys

    def _interrupt(self) -> None:
        if self._hint:
            self._app.exit(exception=EOFError())
            return
        typed = self._session.default_buffer.text
        if self._answers:
            self._draft, self._interrupted, self._stopping = typed, True, True
            self._session.default_buffer.text = _STOP
            self._app.exit(result=_STOP)
        else:
            self._session.default_buffer.reset()
        self._hint = _("Press Ctrl-C again, or Ctrl-D, to leave.")
        self._app.invalidate()

    def _calm_down(self) -> None:
        """Whoever types does not want to leave."""
        self._hint = ""


class _Growing:
    """An answer that is being written."""

    def __init__(self, terminal: Terminal, rows: Rows) -> None:
        self.rows = rows
        self.status = "…"
        self.complete = False
        self._terminal = terminal
        self._has_text = False

    @property
    def visible(self) -> bool:
        """See `Writing`."""
        return self._has_text

    async def add(self, chunk: Chunk) -> None:
        """See `Writing`."""
        if isinstance(chunk, Status):
            self.status = harmless(chunk.text).replace("\n", " ")
        else:
            self._has_text = self._has_text or not (not chunk or chunk.isspace())
            self.rows.feed(chunk)
        self._terminal.grown()

    async def end(self) -> None:
        """See `Writing`."""
        self.rows.finish()
        self.complete = True
        self._terminal.ended()


def _welcome() -> str:
    how = _("Type a question, or /help. Ctrl-C stops an answer, Ctrl-D or /quit leaves.")
    return how + "\n" + _("/as NAME TEXT says something as another member.")
