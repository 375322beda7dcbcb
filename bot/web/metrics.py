"""What is counted and timed. Other parts call plain methods and never see the metrics library."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from bot import __version__
from bot.core.events import Event, place_of

_DECISION_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_TEXT_BUCKETS_S = (0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300)


class Metrics:
    """Counters and timings of one process, with a registry of their own.

    No label ever holds a person, a channel or a text: labels are few and fixed.
    """

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self._events = Counter(
            "llmos_events", "Events taken from platforms.", ("platform", "kind"), registry=registry
        )
        self._decisions = Histogram(
            "llmos_decision_seconds",
            "From an event's arrival to its decision being durable.",
            ("platform",),
            buckets=_DECISION_BUCKETS_S,
            registry=registry,
        )
        self._answers = Counter(
            "llmos_answers", "Answers by how they ended.", ("platform", "outcome"), registry=registry
        )
        self._first_text = Histogram(
            "llmos_first_text_seconds",
            "From a question's arrival to the first text of its answer.",
            ("platform",),
            buckets=_TEXT_BUCKETS_S,
            registry=registry,
        )
        self._answer_time = Histogram(
            "llmos_answer_seconds",
            "From a question's arrival to the end of its answer.",
            ("platform",),
            buckets=_TEXT_BUCKETS_S,
            registry=registry,
        )
        self._tokens = Counter(
            "llmos_model_tokens", "Tokens read and written by models.", ("direction",), registry=registry
        )
        self._queues = Gauge("llmos_queue_length", "Things that wait.", ("queue",), registry=registry)
        self._outbox = Gauge(
            "llmos_outbox_open", "Replies and actions not finished yet.", ("platform",), registry=registry
        )
        Gauge("llmos_info", "The running version.", ("version",), registry=registry).labels(__version__).set(
            1
        )
        self._decision_of: dict[str, Histogram] = {}
        self._event_of: dict[tuple[str, str], Counter] = {}

    def event(self, event: Event) -> None:
        """An event was taken; it is counted under its platform and the name of its class."""
        platform, kind = place_of(event).platform, type(event).__name__
        child = self._event_of.get((platform, kind))
        if child is None:
            child = self._event_of[platform, kind] = self._events.labels(platform, kind)
        child.inc()

    def decided(self, event: Event, seconds: float) -> None:
        """What to do with an event was decided and is durable, `seconds` after it arrived."""
        platform = place_of(event).platform
        child = self._decision_of.get(platform)
        if child is None:
            child = self._decision_of[platform] = self._decisions.labels(platform)
        child.observe(seconds)

    def first_text(self, platform: str, seconds: float) -> None:
        """The first text of an answer appeared, `seconds` after the question arrived."""
        self._first_text.labels(platform).observe(seconds)

    def answered(self, platform: str, outcome: str, seconds: float) -> None:
        """An answer ended, `seconds` after its question arrived.

        Args:
            outcome: one of a few fixed words, such as "answered", "stopped", "failed", "refused".
        """
        self._answers.labels(platform, outcome).inc()
        self._answer_time.labels(platform).observe(seconds)

    def tokens(self, read: int, written: int) -> None:
        """A model read and wrote so many tokens."""
        self._tokens.labels("read").inc(read)
        self._tokens.labels("written").inc(written)

    def queue(self, name: str, length: int) -> None:
        """So many things wait in a queue now."""
        self._queues.labels(name).set(length)

    def outbox(self, platform: str, unfinished: int) -> None:
        """So many replies and actions of a platform are not finished now."""
        self._outbox.labels(platform).set(unfinished)

    def value(self, name: str, **labels: str) -> float | None:
        """The current value of a sample, such as ("llmos_events_total", platform="console"); for tests."""
        return self._registry.get_sample_value(name, labels)

    def exposition(self) -> tuple[bytes, str]:
        """Everything in the Prometheus text format, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
