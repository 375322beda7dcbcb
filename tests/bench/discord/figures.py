"""What the benchmark on Discord prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from tests.bench.figures import Waits


@dataclass(frozen=True, slots=True)
class Late:
    """How long after something else a thing stood, in seconds."""

    mean_s: float
    max_s: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Late":
        """Args: seconds: one or more."""
        return cls(round(mean(seconds), 2), round(max(seconds), 2))


@dataclass(frozen=True, slots=True)
class Starts:
    """From the start of the process until Discord says READY to it; the best and the worst of several."""

    times: int
    best_s: float
    worst_s: float
    peer_best_s: float
    peer_worst_s: float


@dataclass(frozen=True, slots=True)
class Answers:
    """From a mention being sent until the whole answer stands there, without a model.

    Attributes:
        ratio_p50: ours to the peer's.
    """

    questions: int
    ours: Waits
    peer: Waits
    ratio_p50: float


@dataclass(frozen=True, slots=True)
class Crowd:
    """Several members ask at once in one channel, and the model writes for a while for each.

    Attributes:
        at_once: most answers that the model wrote at the same time.
        first_text: from the question until the first words of its answer stand there.
        late: from the model's last word until the whole answer stands there.
        longest_gap_s: between two texts that a member was shown of one answer.
        refused: calls that Discord answered with 429.
        peer_late: the same of a bot that posts each answer once, when it is complete.
    """

    members: int
    model_s: float
    at_once: int
    first_text: Late
    late: Late
    longest_gap_s: float
    calls: int
    refused: int
    peer_late: Late
    peer_refused: int


@dataclass(frozen=True, slots=True)
class Flood:
    """Messages that wait ready to be sent, to our bot and to a bare client that counts.

    Attributes:
        words: of a filter in our rules.
        per_second: until the last one's decision is a row in our database.
        ratio: ours to the peer's.
        cpu_us: processor time of our whole process for a message.
        lost, duplicated: messages without a row, and rows too many.
    """

    messages: int
    words: int
    per_second: float
    peer_per_second: float
    ratio: float
    lost: int
    duplicated: int
    peer_lost: int
    cpu_us: float
    peer_cpu_us: float


@dataclass(frozen=True, slots=True)
class Steady:
    """Messages at a steady rate, with a filter of `words` words in our rules.

    Attributes:
        per_second: what was reached.
        ours: from a message being sent until its decision is durable.
        peer: until a bare client has it.
        cpu_us: the same, the telling included.
    """

    messages: int
    per_second: float
    words: int
    ours: Waits
    peer: Waits
    lost: int
    cpu_us: float
    peer_cpu_us: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Of `llmos run` with the echo engine, in MB.

    Attributes:
        first_mb: idle behind the very first start, which made the database.
        idle_mb: in a guild with a few members, behind any later start.
        members: how many more come to the guild.
        added_mb: what they add, idle.
        heard_mb: what is added when each of them has said something.
        talked_mb: what as many messages of a few members add.
        peer_idle_mb: a bare client, with the caches that discord.py has by default.
        peer_added_mb: what the many members add to it.
    """

    first_mb: float
    idle_mb: float
    members: int
    added_mb: float
    heard_mb: float
    talked_mb: float
    peer_idle_mb: float
    peer_added_mb: float


@dataclass(frozen=True, slots=True)
class Report:
    """The whole document."""

    peer: str
    start: Starts
    answer: Answers
    crowd: Crowd
    flood: Flood
    steady: Steady
    memory: Memory
