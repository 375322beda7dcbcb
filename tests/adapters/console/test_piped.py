"""A program talks to the bot: lines in, whole answers out, in order, whatever the bytes."""

import asyncio
import errno
import io
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.console import ConsoleAdapter
from bot.adapters.console.harmless import harmless
from bot.adapters.console.piped import block, read_lines
from bot.core.actions import Alert, Chunk, Lock, Post, React, Receipt, Reply, Status, StreamedReply, Update
from bot.core.controls import Control
from bot.core.errors import Gone, PlatformError, Unsupported
from bot.core.events import Author, Channel, Message
from bot.core.permissions import Role

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


async def given_lines(lines: Iterable[bytes]) -> AsyncIterator[bytes]:
    for line in lines:
        yield line


class Piped:
    """A console with its input and output at hand."""

    def __init__(self, *lines: bytes, out: io.TextIOBase | None = None) -> None:
        self.out, self.notes = io.StringIO(), io.StringIO()
        self.adapter = ConsoleAdapter.piped(
            "ann",
            "general",
            given_lines(lines),
            out if out is not None else self.out,  # type: ignore[arg-type]
            self.notes,
            now=lambda: NOON,
        )

    async def messages(self) -> list[Message]:
        batches = [batch async for batch in self.adapter.events({})]
        return [event for batch in batches for event in batch.events if isinstance(event, Message)]

    async def answer(self, reply: Callable[[Message], str]) -> str:
        """Answer each line when it comes, as the pipeline does for an adapter that takes one at a time."""
        async for batch in self.adapter.events({}):
            for message in batch.events:
                assert isinstance(message, Message)
                await self.adapter.perform(
                    StreamedReply(message.ref, message.author, chunks(reply(message))), f"k{message.ref.id}"
                )
        return self.out.getvalue()


async def chunks(*script: Chunk | BaseException) -> AsyncIterator[Chunk]:
    for step in script:
        if isinstance(step, BaseException):
            raise step
        await asyncio.sleep(0)
        yield step


async def test_every_line_is_a_message_to_the_bot_by_the_person_at_the_keyboard() -> None:
    console = Piped(b"What is the capital of France?", b"/help ask")
    first, second = await console.messages()
    assert (first.text, first.addressed) == ("What is the capital of France?",) * 2
    assert (second.text, second.addressed) == ("/help ask",) * 2
    assert first.ref.channel == Channel("console", "console", "general")
    assert first.author.identity == ("console", "ann")
    assert not first.author.is_bot
    assert first.at == NOON
    assert console.adapter.command_prefix == "/"
    assert console.adapter.one_at_a_time


async def test_where_channels_were_brought_along_a_line_can_be_said_to_everybody_in_one() -> None:
    lines = (b"#help How do I mute an alert?", b"#nowhere hello", b"#help", b"#helpful hints", b"How?")
    alone = await Piped(*lines).messages()
    assert [message.addressed for message in alone] == [line.decode() for line in lines]
    console = Piped(*lines)
    console.adapter.beside({"general": Role.MEMBER, "help": Role.MEMBER}, {})
    asked, *others = await console.messages()
    assert (asked.ref.channel.id, asked.text, asked.addressed) == ("help", "How do I mute an alert?", None)
    assert asked.reply_to is None
    assert [message.addressed for message in others] == [line.decode() for line in lines[1:]]
    await console.adapter.perform(Reply(asked.ref, asked.author, "in two words"), "a")
    assert console.out.getvalue() == "bot> [#help] in two words\n"


async def test_answers_come_in_order_marked_and_indented() -> None:
    console = Piped(b"one", b"two", b"three")
    written = await console.answer(lambda message: f"{message.text}!\nreally\n\nyes")
    assert written == "".join(f"bot> {n}!\n  really\n  \n  yes\n" for n in ("one", "two", "three"))


async def test_blank_lines_are_skipped() -> None:
    assert [m.text for m in await Piped(b"", b"one", b" \t", b"\r", b"two").messages()] == ["one", "two"]


async def test_a_line_continues_the_last_answer_and_no_command_output() -> None:
    console = Piped(b"one", b"/help", b"two", b"three")
    replied_to: list[str | None] = []
    receipts: list[Receipt] = []
    async for batch in console.adapter.events({}):
        (message,) = batch.events
        assert isinstance(message, Message)
        replied_to.append(message.reply_to)
        if message.text.startswith("/"):
            await console.adapter.perform(Reply(message.ref, message.author, "help"), message.text)
        else:
            answer = StreamedReply(message.ref, message.author, chunks("so"))
            receipts.append(await console.adapter.perform(answer, message.text))
    first, second = receipts[0].message_ids[0], receipts[1].message_ids[0]
    assert replied_to == [None, first, first, second]


async def test_ids_are_new_in_every_process() -> None:
    runs = [await Piped(b"one", b"two").messages() for _ in range(3)]
    assert len({message.ref.id for messages in runs for message in messages}) == 6


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"half \xe4\xbd", "half \ufffd"),
        (b"\xff\xfe\x00\x80", "\ufffd\ufffd\0\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (b"text\r", "text"),
        (b"a\rb", "a\rb"),
        (b"x" * 1_000_000, "x" * 1_000_000),
    ],
    ids=["utf-8", "half", "nul", "surrogate", "crlf", "cr", "megabyte"],
)
async def test_a_line_may_hold_any_bytes(line: bytes, text: str) -> None:
    assert [message.text for message in await Piped(line).messages()] == [text]


@given(st.lists(st.binary(max_size=60).filter(lambda line: b"\n" not in line), max_size=8))
def test_whatever_is_typed_and_said_again_keeps_the_prefix_rule(lines: list[bytes]) -> None:
    written = asyncio.run(Piped(*lines).answer(lambda message: message.text))
    asked = [line for line in lines if line.removesuffix(b"\r").decode("utf-8", "replace").strip()]
    assert all(line.startswith(("bot> ", "  ")) for line in written.split("\n")[:-1])
    assert written.split("\n") == [*written.splitlines(), ""]
    assert sum(line.startswith("bot> ") for line in written.splitlines()) == len(asked)


@given(st.text())
def test_no_control_character_reaches_the_output(text: str) -> None:
    clean = harmless(text)
    assert all(c in "\t\n" or not ("\0" <= c < " " or "\x7f" <= c < "\xa0") for c in clean)
    assert not any("\ud800" <= c <= "\udfff" or c in "\u202e\u2066\u2028" for c in clean)
    assert harmless(clean) == clean


def test_escape_sequences_stay_visible_and_do_nothing() -> None:
    assert block("\x1b[2J\x1b]0;title\x07red\x9b31m\r\nnext\rline") == (
        "bot> ␛[2J␛]0;title␇red\ufffd31m\n  next\n  line\n"
    )


async def test_status_is_not_part_of_an_answer_and_an_empty_answer_is_no_message() -> None:
    console = Piped(b"one")
    (message,) = await console.messages()
    receipts = [
        await console.adapter.perform(StreamedReply(message.ref, message.author, chunks(*script)), key)
        for key, script in {"a": (Status("wait"), "Yes."), "b": (Status("wait"), "\n"), "c": ()}.items()
    ]
    assert console.out.getvalue() == "bot> Yes.\n"
    assert [len(receipt.message_ids) for receipt in receipts] == [1, 0, 0]


async def test_alerts_go_to_the_operator_and_posts_elsewhere_say_where() -> None:
    console = Piped()
    here, there = console.adapter.channel, Channel("console", "console", "news")
    await console.adapter.perform(Alert(here, "look\nhere"), "1")
    await console.adapter.perform(Alert(here, "look\nhere"), "1")
    await console.adapter.perform(Post(here, "digest"), "2")
    await console.adapter.perform(Post(there, "digest"), "3")
    assert console.notes.getvalue() == "look\nhere\n"
    assert console.out.getvalue() == "bot> digest\nbot> [#news] digest\n"


async def test_what_a_console_cannot_do_is_unsupported() -> None:
    console = Piped(b"one")
    (message,) = await console.messages()
    for action in (Lock(message.ref.channel, True, "raid"), React(message.ref, "👀")):
        with pytest.raises(Unsupported):
            await console.adapter.perform(action, "key")


async def test_a_card_says_how_to_call_what_could_be_pressed_elsewhere() -> None:
    console = Piped(b"one")
    (message,) = await console.messages()
    controls = (Control("✅", "Approve", ("mod", "resolve"), {"case": 7, "verdict": "approve"}),)
    await console.adapter.perform(Post(message.ref.channel, "Rude?", "Case 7", controls), "a")
    await console.adapter.perform(Update(message.ref, "Approved by mia.", "Case 7"), "b")
    assert console.out.getvalue().splitlines() == [
        "bot> **Case 7**",
        "  ",
        "  Rude?",
        "  ",
        "  ✅ Approve: `/mod resolve 7 approve`",
        "bot> **Case 7**",
        "  ",
        "  Approved by mia.",
    ]


async def test_a_question_of_another_terminal_is_not_answered_here() -> None:
    console, other = Piped(b"one"), Piped(b"two")
    (message,) = await other.messages()
    closed = []

    async def endless() -> AsyncIterator[Chunk]:
        try:
            while True:
                yield "word "
        finally:
            closed.append(True)

    answer = endless()
    await anext(answer)
    with pytest.raises(Gone, match="closed"):
        await console.adapter.perform(StreamedReply(message.ref, message.author, answer), "key")
    with pytest.raises(Gone, match="closed"):
        await console.adapter.perform(Reply(message.ref, message.author, "hi"), "key")
    assert closed == [True]
    assert console.out.getvalue() == ""


async def test_the_person_at_the_keyboard_may_do_everything_and_nobody_else() -> None:
    console = Piped(b"one")
    (message,) = await console.messages()
    directory = console.adapter.directory
    stranger = Author("console", "eve", "eve")
    assert await directory.role(message.author, message.ref.channel) is Role.ADMIN
    assert await directory.role(stranger, message.ref.channel) is Role.MEMBER
    assert await directory.readable_channels(message.author, "console") == [message.ref.channel]
    assert await directory.readable_channels(message.author, "elsewhere") == []
    assert await directory.shared_with(message.ref.channel) == [message.ref.channel]
    assert [m async for m in directory.history(message.ref.channel, NOON)] == []
    assert await directory.missing_permissions(message.ref.channel) == ()
    assert await directory.link(message.ref.channel, message.ref.id) is None


class Broken(io.StringIO):
    """An output that fails."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


async def test_when_nobody_reads_any_more_no_further_line_is_taken() -> None:
    console = Piped(b"one", b"two", out=Broken(errno.EPIPE))
    asked = 0
    async for batch in console.adapter.events({}):
        (message,) = batch.events
        assert isinstance(message, Message)
        asked += 1
        with pytest.raises(Gone, match="nobody reads"):
            await console.adapter.perform(Reply(message.ref, message.author, "hi"), "key")
    assert asked == 1


@pytest.mark.parametrize("lines", [(b"one",), (b"one", b"two")])
async def test_a_full_disk_behind_the_output_is_the_operators_to_mend(lines: tuple[bytes, ...]) -> None:
    console = Piped(*lines, out=Broken(errno.ENOSPC))

    async def talk() -> None:
        async for batch in console.adapter.events({}):
            (message,) = batch.events
            assert isinstance(message, Message)
            with pytest.raises(Gone):
                await console.adapter.perform(Reply(message.ref, message.author, "hi"), "key")

    with pytest.raises(PlatformError, match=r"cannot be written.*No space"):
        await talk()


async def test_an_output_without_chinese_gets_question_marks() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    console = Piped(b"one", out=out)
    await console.answer(lambda _message: "你好 ok")
    assert raw.getvalue() == b"bot> ?? ok\n"


async def test_after_close_no_further_line_is_taken() -> None:
    console = Piped(b"one", b"two")
    texts = []
    async for batch in console.adapter.events({}):
        texts += [event.text for event in batch.events if isinstance(event, Message)]
        await console.adapter.close()
    assert texts == ["one"]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"one", [b"one"]),
        (b"one\n", [b"one"]),
        (b"one\n\ntwo\r\n", [b"one", b"", b"two\r"]),
        (b"x" * 200_000 + b"\ny", [b"x" * 200_000, b"y"]),
        (b"z" * (17 << 20), [b"z" * (16 << 20), b"z" * (1 << 20)]),
    ],
    ids=["nothing", "no end", "end", "blank", "long", "too long"],
)
async def test_lines_are_read_from_files_and_pipes(
    content: bytes, lines: list[bytes], tmp_path: Path
) -> None:
    file = tmp_path / "lines"
    file.write_bytes(content)
    fd = os.open(file, os.O_RDONLY)
    try:
        assert [line async for line in read_lines(fd)] == lines
    finally:
        os.close(fd)
    process = subprocess.Popen(["/bin/cat", file], stdout=subprocess.PIPE)  # noqa: ASYNC220 - returns at once
    with process:
        assert process.stdout is not None
        assert [line async for line in read_lines(process.stdout.fileno())] == lines


async def test_an_input_that_cannot_be_read_is_told_to_the_operator(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(PlatformError, match="cannot be read"):
            await anext(read_lines(fd))
    finally:
        os.close(fd)


_PROGRAM = """
import asyncio, sys
from bot.adapters.console import ConsoleAdapter
from bot.adapters.console.piped import read_lines
from bot.core.actions import Reply
async def main():
    adapter = ConsoleAdapter.piped("ann", "general", read_lines(), sys.stdout, sys.stderr)
    async for batch in adapter.events({}):
        message = batch.events[0]
        if message.text == "leave":
            return
        try:
            await adapter.perform(Reply(message.ref, message.author, message.text), message.ref.id)
        except Exception as error:
            print(type(error).__name__, error, file=sys.stderr)
asyncio.run(main())
assert not any(name.startswith(("prompt_toolkit", "rich")) for name in sys.modules), "slow to load"
"""


def test_a_program_that_still_holds_the_input_does_not_keep_the_process_from_ending() -> None:
    command = [sys.executable, "-c", _PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"hello\nleave\nmore\n")
        process.stdin.flush()
        assert process.wait(30) == 0
        assert process.stdout.read() == b"bot> hello\n"


def test_a_reader_that_leaves_ends_the_talk_without_a_traceback() -> None:
    command = [sys.executable, "-c", _PROGRAM]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]
        process.stdout.close()
        process.stdin.write(b"hello\nagain\n")
        process.stdin.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == b"Gone nobody reads the answers any more\n"


async def test_what_is_typed_before_anybody_listens_waits() -> None:
    adapter = ConsoleAdapter.piped(
        "anna", "general", given_lines([b"one", b"two"]), io.StringIO(), io.StringIO()
    )
    async with asyncio.TaskGroup() as tasks:
        adapter.begin(tasks)
    events = [event async for batch in adapter.events({}) for event in batch.events]
    assert [event.text for event in events if isinstance(event, Message)] == ["one", "two"]
