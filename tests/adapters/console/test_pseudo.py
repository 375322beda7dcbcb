"""`llmos chat` in a real terminal, from the first prompt to the last key."""

import os
import signal
import stat
import sys
from pathlib import Path

from tests.adapters.console.pseudo import at_terminal

CTRL_C, CTRL_D = "\x03", "\x04"


def chat(folder: Path) -> list[str]:
    config = folder / "config.toml"
    config.write_text('[llm]\nengine = "echo"\n[bot]\nlocale = "en"\n')
    return [sys.executable, "-m", "bot", "chat", "--config", str(config), "--as", "ann"]


def environ() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    return {**kept, "LANG": "C.UTF-8", "PYTHONPATH": str(Path.cwd())}


def history_mode(folder: Path) -> int:
    return stat.S_IMODE((folder / "data" / "history").stat().st_mode)


async def test_a_conversation_at_a_terminal(tmp_path: Path) -> None:
    async with at_terminal(chat(tmp_path), environ=environ()) as terminal:
        await terminal.sees("/help", "ann>")
        terminal.press("What is the capital of France?\r")
        await terminal.sees("ann> What is the capital of France?\nbot> ")
        terminal.press("/sto")
        await terminal.sees("Stop the answer I am writing")
        terminal.press("p\r")
        await terminal.sees("bot> I am not writing an answer to you here.")
        terminal.press(CTRL_C)
        await terminal.sees("Press Ctrl-C again")
        terminal.press(CTRL_C)
        assert await terminal.left() == 0
    assert history_mode(tmp_path) == 0o600
    assert "Traceback" not in terminal.screen.text


async def test_somebody_else_speaks_at_the_same_terminal(tmp_path: Path) -> None:
    async with at_terminal(chat(tmp_path), environ=environ()) as terminal:
        await terminal.sees("/as NAME TEXT")
        terminal.press("/as mira /privacy show\r")
        await terminal.sees("bot> [@mira] ")
        terminal.press("/as\r")
        await terminal.sees("bot> `/as NAME TEXT` says TEXT here as NAME", "mira.\nann>")
        terminal.press(CTRL_D)
        assert await terminal.left() == 0
    assert "Traceback" not in terminal.screen.text


TALKATIVE = """
import asyncio, sys
from pathlib import Path
from bot.adapters.console import ConsoleAdapter
from bot.app import opened
from bot.config import load
from bot.llm.echo import EchoModel, Script

async def main(config):
    adapter = ConsoleAdapter.terminal("ann", "general", config.parent / "history")
    model = EchoModel(Script("on and", delay_s=0.01, forever=True))
    async with opened(load(config), [adapter], models={"echo": model}) as app:
        await app.run(adapter.progress)

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_ctrl_c_stops_an_answer_without_end_and_the_talk_goes_on(tmp_path: Path) -> None:
    config = chat(tmp_path)[5]
    command = [sys.executable, "-c", TALKATIVE, config]
    async with at_terminal(command, environ=environ()) as terminal:
        await terminal.sees("ann>")
        for times, question in enumerate(("first", "second"), start=1):
            terminal.press(f"{question} question\r")
            await terminal.sees(f"ann> {question} question\nbot> on and")
            terminal.press(CTRL_C)
            stopped = "(stopped)\nbot> I stopped; what I had written stays."
            await terminal.sees("ann> /stop", stopped, times=times)
        assert terminal.process.returncode is None
        terminal.press(CTRL_C)
        assert await terminal.left() == 0
    assert terminal.screen.text.count("(stopped)") == 2
    assert "Traceback" not in terminal.screen.text


async def test_the_terminal_is_left_as_it_was_found(tmp_path: Path) -> None:
    async with at_terminal(chat(tmp_path), environ=environ()) as terminal:
        await terminal.sees("ann>")
        assert terminal.modes() != terminal.found
        terminal.press(CTRL_D)
        assert await terminal.left() == 0
        assert terminal.modes() == terminal.found


async def test_a_signal_counts_as_the_key(tmp_path: Path) -> None:
    async with at_terminal(chat(tmp_path), environ=environ()) as terminal:
        await terminal.sees("ann>")
        terminal.process.send_signal(signal.SIGINT)
        await terminal.sees("Press Ctrl-C again")
        terminal.process.send_signal(signal.SIGINT)
        assert await terminal.left() == 0
        assert terminal.modes() == terminal.found
