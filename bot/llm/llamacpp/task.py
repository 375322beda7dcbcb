"""What the bot tells the llama.cpp process; both sides import it."""

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Task:
    """What to serve.

    Attributes:
        context_tokens: of each slot.
        key: who does not send it as a bearer token is refused; other users of the machine can reach the port.
    """

    path: str
    context_tokens: int
    slots: int
    threads: int
    key: str = field(repr=False)

    def line(self) -> bytes:
        """As it is written to the process."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: str) -> "Task":
        """As the process reads it."""
        return cls(**json.loads(line))
