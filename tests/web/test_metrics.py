"""What the counters say after things happened."""

import re
from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from bot.core.events import Author, Channel, Message, MessageRef, Reaction
from bot.web.metrics import Metrics

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PLACE = MessageRef(Channel("console", "home", "general"), "1")
ANNA = Author("console", "anna", "Anna")


def hello(platform: str) -> Message:
    return Message(MessageRef(Channel(platform, "home", "general"), "1"), ANNA, "hello", NOON)


def test_each_event_is_counted_under_its_platform_and_kind() -> None:
    metrics = Metrics()
    for event in (hello("console"), hello("console"), Reaction(PLACE, ANNA, "👍", True, NOON)):
        metrics.event(event)
    assert metrics.value("llmos_events_total", platform="console", kind="Message") == 2
    assert metrics.value("llmos_events_total", platform="console", kind="Reaction") == 1


def test_a_decision_lands_in_the_bucket_of_its_latency() -> None:
    metrics = Metrics()
    metrics.decided(hello("memory"), 0.004)
    metrics.decided(hello("memory"), 0.2)
    assert metrics.value("llmos_decision_seconds_count", platform="memory") == 2
    assert metrics.value("llmos_decision_seconds_bucket", platform="memory", le="0.005") == 1


def test_an_answer_is_counted_by_outcome_and_timed() -> None:
    metrics = Metrics()
    metrics.first_text("console", 0.7)
    metrics.answered("console", "answered", 3.0)
    metrics.answered("console", "failed", 60.0)
    assert metrics.value("llmos_answers_total", platform="console", outcome="failed") == 1
    assert metrics.value("llmos_answer_seconds_sum", platform="console") == 63.0
    assert metrics.value("llmos_first_text_seconds_count", platform="console") == 1


def test_tokens_add_up_and_gauges_show_the_last_value() -> None:
    metrics = Metrics()
    metrics.tokens(100, 20)
    metrics.tokens(50, 5)
    metrics.queue("model", 4)
    metrics.queue("model", 1)
    metrics.outbox("console", 3)
    assert metrics.value("llmos_model_tokens_total", direction="read") == 150
    assert metrics.value("llmos_model_tokens_total", direction="written") == 25
    assert metrics.value("llmos_queue_length", queue="model") == 1
    assert metrics.value("llmos_outbox_open", platform="console") == 3


def test_two_bots_in_one_process_do_not_share_counters() -> None:
    one, other = Metrics(), Metrics()
    one.event(hello("console"))
    assert other.value("llmos_events_total", platform="console", kind="Message") is None


def test_the_exposition_is_what_prometheus_reads() -> None:
    metrics = Metrics()
    metrics.event(hello("console"))
    body, content_type = metrics.exposition()
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    assert content_type.startswith("text/plain")
    assert families["llmos_events"].samples[0].value == 1
    assert all(family.documentation for family in families.values())


def test_no_label_could_hold_a_person_a_channel_or_a_text() -> None:
    metrics = Metrics()
    metrics.event(hello("console"))
    metrics.decided(hello("console"), 0.1)
    metrics.first_text("console", 1)
    metrics.answered("console", "answered", 1)
    metrics.tokens(1, 1)
    metrics.queue("undecided", 1)
    metrics.outbox("console", 1)
    text = metrics.exposition()[0].decode()
    labels = set(re.findall(r'[{,](\w+)="', text))
    assert labels == {"platform", "kind", "outcome", "direction", "queue", "version", "le"}
