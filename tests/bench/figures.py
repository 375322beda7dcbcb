"""What the benchmark prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True, slots=True)
class Waits:
    """How long something took, in milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Waits":
        """Args: seconds: two or more."""
        cuts = quantiles(seconds, n=100, method="inclusive")
        return cls(*(round(cuts[percent - 1] * 1000, 1) for percent in (50, 95, 99)))


@dataclass(frozen=True, slots=True)
class Answers:
    """From a mention being sent until another member's client shows the whole answer, without a model.

    Attributes:
        ratio_p50: ours to the peer's.
    """

    questions: int
    ours: Waits
    nio: Waits
    ratio_p50: float


@dataclass(frozen=True, slots=True)
class Decisions:
    """From a message being sent until our decision about it is durable, and until a bare nio loop has it.

    Attributes:
        added: ours behind nio's, message by message.
        lost, nio_lost: messages never decided, never seen.
    """

    messages: int
    per_second: float
    ours: Waits
    nio: Waits
    ratio_p50: float
    ratio_p99: float
    added: Waits
    lost: int
    nio_lost: int


@dataclass(frozen=True, slots=True)
class Sustained:
    """Many people send as fast as the homeserver takes it, to `llmos run` and a bare nio loop at once.

    Attributes:
        per_second: from the first message until the last one is a row in our database.
        behind_ms: from the last message being accepted until it is a row.
        lost, duplicated: messages without a row, and rows too many.
    """

    people: int
    messages: int
    per_second: float
    behind_ms: float
    lost: int
    duplicated: int
    nio_lost: int
    cpu_us_per_event: float
    nio_cpu_us_per_event: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Of `llmos run` with the echo engine, in MB.

    Attributes:
        rooms: it is in so many.
        loaded_rss_mb: behind the answers and the sustained load.
    """

    rooms: int
    idle_rss_mb: float
    loaded_rss_mb: float


@dataclass(frozen=True, slots=True)
class Report:
    """The whole document."""

    homeserver: str
    answer: Answers
    encrypted_answer: Answers
    decision: Decisions
    sustained: Sustained
    memory: Memory


def ratio(ours: float, peer: float) -> float:
    """Ours in units of the peer's."""
    return round(ours / peer, 2)
