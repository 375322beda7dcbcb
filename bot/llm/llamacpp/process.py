"""A llama.cpp process of ours: started, asked for token counts, ended."""

import asyncio
import json
import sys
from asyncio import StreamWriter
from asyncio.subprocess import DEVNULL, PIPE, Process
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from bot.core.errors import ModelUnavailable
from bot.llm.llamacpp.task import Task

LOADING_S = 600.0
"""A model of 10 GB on a slow disk takes minutes."""

_GOODBYE_S = 5.0
_ASKING_S = 2.0


class LlamaCpp:
    """The running process.

    Attributes:
        base_url: where it speaks OpenAI's chat completions, with the task's key.
    """

    def __init__(self, process: Process, stdin: StreamWriter, address: str, key: str) -> None:
        """Args: address: "http://127.0.0.1:PORT"."""
        self.base_url = f"{address}/v1"
        self._process = process
        self._stdin = stdin
        self._key = key
        parts = urlsplit(address)
        self._host, self._port = str(parts.hostname), int(parts.port or 0)

    @property
    def runs(self) -> bool:
        """False once it has ended, for whatever reason."""
        return self._process.returncode is None

    def tokens(self, text: str) -> int:
        """How many tokens a text is. Blocks for milliseconds.

        Raises:
            ModelUnavailable: it does not answer.
        """
        clean = text.encode("utf-8", "replace").decode()
        found = self._post("/tokenize", {"content": clean, "parse_special": True}).get("tokens")
        return len(found) if isinstance(found, list) else 0

    def rendered(self, messages: list[dict[str, str]]) -> str:
        """The messages as the model reads them, in its own template. Raises as `tokens` does."""
        return str(self._post("/apply-template", {"messages": messages}).get("prompt"))

    def _post(self, path: str, document: object) -> dict[str, object]:
        connection = HTTPConnection(self._host, self._port, timeout=_ASKING_S)
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
            connection.request("POST", path, json.dumps(document), headers)
            answer = json.loads(connection.getresponse().read())
        except (OSError, HTTPException, ValueError) as error:
            raise ModelUnavailable(f"llama.cpp does not answer: {type(error).__name__}") from error
        finally:
            connection.close()
        return answer if isinstance(answer, dict) else {}

    async def end(self) -> None:
        """End it: it goes by itself when its input ends."""
        await _end(self._process, self._stdin)


async def start(task: Task) -> LlamaCpp:
    """Start a process and wait until it has loaded the model.

    Raises:
        ModelUnavailable: it could not.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "bot.llm.llamacpp.server"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        start_new_session=True,  # Ctrl-C in a terminal stops an answer, not the model
    )
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        raise ModelUnavailable("llama.cpp was started without pipes")
    ready = False
    try:
        async with asyncio.timeout(LOADING_S):
            stdin.write(task.line())
            answer = json.loads(await stdout.readline() or b"{}")
        if "address" not in answer:
            raise ModelUnavailable(
                f"llama.cpp cannot load {task.path} ({answer.get('error', 'it crashed')}). The file may be "
                "damaged, of a kind it does not know, or too large for the free memory."
            )
        ready = True
        return LlamaCpp(process, stdin, str(answer["address"]), task.key)
    except (TimeoutError, OSError) as error:
        raise ModelUnavailable(f"llama.cpp did not load {task.path}: {type(error).__name__}") from error
    finally:
        if not ready:  # also when whoever waits is cancelled
            await asyncio.shield(_end(process, stdin))


async def _end(process: Process, stdin: StreamWriter) -> None:
    stdin.close()
    try:
        async with asyncio.timeout(_GOODBYE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
