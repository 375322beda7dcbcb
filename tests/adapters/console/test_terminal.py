"""A person talks to the bot: what they type, press and see."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from bot.adapters.console import ConsoleAdapter
from bot.core.actions import Alert, Chunk, Reply, Status, StreamedReply
from bot.core.events import Message
from bot.core.specs import CommandSpec, Kind, Parameter
from tests.adapters.console.screen import VirtualScreen

CTRL_C, CTRL_D, ENTER, UP, TAB = "\x03", "\x04", "\r", "\x1b[A", "\t"
COMMANDS = (
    CommandSpec(("help",), "List what you can do here."),
    CommandSpec(
        ("channel", "set"),
        "Change a setting.",
        (Parameter("setting", Kind.STRING, "which", choices=("model", "persona")),),
    ),
)


class Sitting:
    """A person before a terminal: types keys, and looks at the screen until it shows something."""

    def __init__(self, adapter: ConsoleAdapter, keys: PipeInput, screen: "Watched") -> None:
        self.adapter, self.screen = adapter, screen
        self.typed: asyncio.Queue[Message] = asyncio.Queue()
        self.left = asyncio.Event()
        self._keys = keys

    async def serve(self) -> None:
        """Take what is typed, as the pipeline does."""
        async for batch in self.adapter.events({}):
            for event in batch.events:
                assert isinstance(event, Message)
                self.typed.put_nowait(event)
        self.left.set()

    def press(self, *keys: str) -> None:
        for key in keys:
            self._keys.send_text(key)

    def press_bytes(self, keys: bytes) -> None:
        self._keys.send_bytes(keys)

    async def ask(self, text: str) -> Message:
        self.press(text, ENTER)
        return await self.typed.get()

    async def sees(self, *texts: str) -> None:
        """Wait until all of these stand on the screen."""
        async with asyncio.timeout(20):
            while not all(text in self.screen.text for text in texts):
                await self.screen.written()

    async def misses(self, text: str) -> None:
        """Wait until this stands on the screen no more."""
        async with asyncio.timeout(20):
            while text in self.screen.text:
                await self.screen.written()


class Watched(VirtualScreen):
    """A screen that tells when something was written to it."""

    def __init__(self, columns: int) -> None:
        super().__init__(columns)
        self._news = asyncio.Event()

    def write(self, text: str) -> int:
        self._news.set()
        self._news = asyncio.Event()
        return super().write(text)

    async def written(self) -> None:
        await self._news.wait()


@asynccontextmanager
async def sitting(history: Path, columns: int = 60) -> AsyncIterator[Sitting]:
    screen = Watched(columns)
    output = Vt100_Output(screen, lambda: Size(24, columns), term="xterm", enable_cpr=False)  # type: ignore[arg-type]
    with create_pipe_input() as keys, create_app_session(keys, output):
        adapter = ConsoleAdapter.terminal("ann", "general", history, source=keys, sink=output)
        await adapter.offer(COMMANDS)
        person = Sitting(adapter, keys, screen)
        async with asyncio.TaskGroup() as group:
            group.create_task(person.serve())
            await person.sees("ann>")
            yield person
            await adapter.close()


class Answer:
    """A model that says what the test tells it to."""

    def __init__(self) -> None:
        self._chunks: asyncio.Queue[Chunk | None] = asyncio.Queue()

    def say(self, *chunks: Chunk) -> None:
        for chunk in chunks:
            self._chunks.put_nowait(chunk)

    def end(self) -> None:
        self._chunks.put_nowait(None)

    async def chunks(self) -> AsyncIterator[Chunk]:
        while (chunk := await self._chunks.get()) is not None:
            yield chunk


@pytest.fixture
def history(tmp_path: Path) -> Path:
    return tmp_path / "data" / "console_history"


def mode_of(history: Path) -> int:
    return stat.S_IMODE(history.stat().st_mode)


def keep(text: str, history: Path) -> None:
    history.parent.mkdir()
    history.write_text(text)


def kept(history: Path) -> bytes:
    return history.read_bytes()


async def test_an_answer_grows_on_the_screen_below_its_question(history: Path) -> None:
    async with sitting(history) as person, asyncio.TaskGroup() as group:
        question = await person.ask("Why?")
        answer = Answer()
        group.create_task(
            person.adapter.perform(StreamedReply(question.ref, question.author, answer.chunks()), "k")
        )
        answer.say(Status("1 question before yours …"))
        await person.sees("bot> 1 question before yours …")
        answer.say("Because ")
        await person.sees("bot> Because")
        assert "before yours" not in person.screen.text
        answer.say("it is so.\n\nReally.")
        await person.sees("Really.")
        answer.end()
        await person.sees("ann> Why?\nbot> Because it is so.\n\n  Really.\nann>")
    assert question.addressed == "Why?"
    assert person.screen.text.count("Because") == 1


async def test_a_long_answer_is_wrapped_at_words_and_nothing_is_lost(history: Path) -> None:
    text = "".join(f"word{n} 中文字 " for n in range(200))
    async with sitting(history, columns=40) as person:
        question = await person.ask("Why?")

        async def chunks() -> AsyncIterator[Chunk]:
            for start in range(0, len(text), 7):
                await asyncio.sleep(0)
                yield text[start : start + 7]

        await person.adapter.perform(StreamedReply(question.ref, question.author, chunks()), "k")
        await person.sees("word199")
    lines = person.screen.lines
    answered = lines[lines.index("ann> Why?") + 1 : -1]
    assert "".join(line[2:] for line in answered).replace(" ", "") == "t>" + text.replace(" ", "")
    assert all(line.startswith("  ") for line in answered[1:])
    assert not any(line.endswith(("wor", "word")) for line in answered)


async def test_a_command_is_answered_while_an_answer_is_written(history: Path) -> None:
    async with sitting(history) as person, asyncio.TaskGroup() as group:
        question = await person.ask("Why?")
        answer = Answer()
        group.create_task(
            person.adapter.perform(StreamedReply(question.ref, question.author, answer.chunks()), "k")
        )
        answer.say("First line.\nSecond ")
        await person.sees("First line.", "Second")
        command = await person.ask("/help")
        await person.adapter.perform(Reply(command.ref, command.author, "Use your words."), "c")
        answer.say("line.")
        answer.end()
        await person.sees("bot> Use your words.\nbot> Second line.\nann>")


async def test_several_answers_appear_one_after_the_other(history: Path) -> None:
    async with sitting(history) as person, asyncio.TaskGroup() as group:
        answers = [Answer(), Answer()]
        for number, answer in enumerate(answers):
            question = await person.ask(f"question {number}")
            group.create_task(
                person.adapter.perform(
                    StreamedReply(question.ref, question.author, answer.chunks()), str(number)
                )
            )
        answers[1].say("second")
        answers[1].end()
        answers[0].say("first")
        await person.sees("bot> first", "1 more being written")
        answers[0].end()
        await person.sees("bot> first\nbot> second\nann>")


async def test_ctrl_c_stops_the_answer_keeps_what_was_typed_and_only_the_second_leaves(history: Path) -> None:
    async with sitting(history) as person, asyncio.TaskGroup() as group:
        question = await person.ask("Why?")
        answer = Answer()
        group.create_task(
            person.adapter.perform(StreamedReply(question.ref, question.author, answer.chunks()), "k")
        )
        answer.say("Half an ans")
        await person.sees("Half an ans")
        person.press("next que")
        await person.sees("next que")
        person.press(CTRL_C)
        stop = await person.typed.get()
        assert (stop.text, stop.addressed) == ("/stop", "/stop")
        answer.end()
        await person.sees("Half an ans", "ann> /stop", "Press Ctrl-C again", "ann> next que")
        assert not person.left.is_set()
        person.press(CTRL_C)
        await person.left.wait()
    assert person.typed.empty()


async def test_ctrl_c_without_an_answer_asks_for_a_second_one(history: Path) -> None:
    async with sitting(history) as person:
        person.press("half a thought")
        await person.sees("half a thought")
        person.press(CTRL_C)
        await person.sees("Press Ctrl-C again")
        await person.misses("half a thought")
        person.press("a")
        await person.misses("Press Ctrl-C again")
        person.press(CTRL_C)
        await person.sees("Press Ctrl-C again")
        assert not person.left.is_set()
        person.press(CTRL_C)
        await person.left.wait()


async def test_ctrl_d_stops_what_is_being_written_and_leaves(history: Path) -> None:
    async with sitting(history) as person, asyncio.TaskGroup() as group:
        question = await person.ask("Why?")
        answer = Answer()
        group.create_task(
            person.adapter.perform(StreamedReply(question.ref, question.author, answer.chunks()), "k")
        )
        answer.say("Half an ans")
        await person.sees("Half an ans")
        person.press(CTRL_D)
        assert (await person.typed.get()).text == "/stop"
        await person.left.wait()
        answer.say("wer")
        answer.end()
        await person.sees("bot> Half an answer")


@pytest.mark.parametrize("line", ["/quit", "/exit", "quit", " Exit "])
async def test_the_words_that_leave_other_programs_leave_this_one(history: Path, line: str) -> None:
    async with sitting(history) as person:
        person.press(line, ENTER)
        await person.left.wait()
        assert person.typed.empty()


async def test_leaving_while_an_answer_is_being_stopped_asks_for_no_second_stop(history: Path) -> None:
    async with sitting(history) as person, asyncio.TaskGroup() as group:
        question = await person.ask("Why?")
        answer = Answer()
        group.create_task(
            person.adapter.perform(StreamedReply(question.ref, question.author, answer.chunks()), "k")
        )
        answer.say("Half an ans")
        await person.sees("Half an ans")
        person.press(CTRL_C)
        assert (await person.typed.get()).text == "/stop"
        await person.sees("Press Ctrl-C again")
        person.press(CTRL_C)
        await person.left.wait()
        assert person.typed.empty()
        answer.end()


async def test_the_model_loads_behind_the_prompt(history: Path) -> None:
    async with sitting(history) as person:
        await asyncio.to_thread(person.adapter.progress, "Loading smollm2", 0.25)
        await person.sees("Loading smollm2 █████░░░░░░░░░░░░░░░  25%")
        question = await person.ask("Ready?")
        assert question.text == "Ready?"
        await asyncio.to_thread(person.adapter.progress, "Loading smollm2", 1.0)
        await person.misses("Loading")


async def test_commands_are_completed(history: Path) -> None:
    async with sitting(history) as person:
        person.press("/")
        await person.sees("List what you can do here.", "Change a setting.")
        person.press("ch")
        await person.misses("List what you can do here.")
        person.press(TAB)
        await person.sees("ann> /channel set")
        person.press(" ")
        await person.sees("model", "persona")
        person.press("per")
        await person.misses("model")
        person.press(TAB)
        await person.sees("ann> /channel set persona")
        person.press(ENTER)
        assert (await person.typed.get()).text == "/channel set persona"


async def test_arrow_keys_bring_back_what_was_typed_also_after_a_restart(history: Path) -> None:
    async with sitting(history) as person:
        await person.ask("first question")
        await person.ask("second question")
    assert mode_of(history) == 0o600
    async with sitting(history) as person:
        person.press(UP)
        await person.sees("ann> second question")
        person.press(UP)
        await person.sees("ann> first question")
        person.press(ENTER)
        assert (await person.typed.get()).text == "first question"


@pytest.mark.parametrize("call", ["/privacy", "privacy", "／privacy", "!llmos privacy", "/llmos Privacy"])
async def test_forgetting_empties_the_history_too(history: Path, call: str) -> None:
    async with sitting(history) as person:
        await person.ask("my secret canary")
        assert b"canary" in kept(history)
        await person.ask(f"{call} forget")
        assert b"canary" in kept(history), "that only asks whether it is meant"
        await person.ask(f"{call} forget yes")
        assert b"canary" not in kept(history)
        person.press(UP, ENTER)
        assert await person.ask("next") is not None
    assert b"canary" not in kept(history)
    assert "canary" not in "".join(person.screen.lines[-3:])


async def test_a_history_that_cannot_be_written_costs_only_the_history(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    async with sitting(tmp_path / "file" / "history") as person:
        assert (await person.ask("Why?")).text == "Why?"
    assert "is not remembered" in caplog.text


async def test_a_huge_history_keeps_its_newest_part(history: Path) -> None:
    keep("".join(f"\n# day\n+line {n} {'x' * 100}\n" for n in range(5000)), history)
    async with sitting(history) as person:
        person.press(UP)
        await person.sees("ann> line 4999")
    assert len(kept(history)) < 1 << 18


async def test_nothing_that_is_said_commands_the_terminal(history: Path) -> None:
    async with sitting(history) as person:
        person.press_bytes(b"\xff?\r")
        question = await person.typed.get()
        assert question.text == "\ufffd?"
        hostile = "\x1b[2J\x1b[1;1H\x9b31m\x07\u202eevil\r\ndone"
        await person.adapter.perform(Alert(question.ref.channel, hostile), "a")
        await person.adapter.perform(Reply(question.ref, question.author, hostile), "b")

        async def chunks() -> AsyncIterator[Chunk]:
            yield Status(hostile)
            for character in hostile:
                await asyncio.sleep(0)
                yield character

        await person.adapter.perform(StreamedReply(question.ref, question.author, chunks()), "c")
        shown = "␛[2J␛[1;1H\ufffd31m␇\ufffdevil"
        await person.sees(f"! {shown}\n  done\nbot> {shown}\n  done\nbot> {shown}\n  done\nann>")
    assert person.screen.bells == 0


async def test_a_megabyte_in_one_line_is_shown_in_rows(history: Path) -> None:
    async with sitting(history, columns=120) as person:
        question = await person.ask("Why?")
        await person.adapter.perform(Reply(question.ref, question.author, "x" * 1_000_000), "k")
        await person.sees("xxx\nann>")
    assert person.screen.text.count("x") == 1_000_000


async def test_marks_of_markdown_are_colored_and_none_is_removed(history: Path) -> None:
    text = "# Title\nSome **bold** and `code`\n- item\n> quote\n```py\n**x**\n```\nEnd"
    async with sitting(history) as person:
        question = await person.ask("Why?")
        await person.adapter.perform(Reply(question.ref, question.author, text), "k")
        await person.sees("End\nann>")
    lines = person.screen.lines
    assert [line[2:] for line in lines[lines.index("ann> Why?") + 2 : -1]] == text.split("\n")[1:]
    assert "\x1b[0;1m# Title" in person.screen.received
    assert "\x1b[0;36m**x**" in person.screen.received
    assert "\x1b[0;36m`code`" in person.screen.received.replace("\x1b[0;36mcode\x1b[0;36m`", "code`")
