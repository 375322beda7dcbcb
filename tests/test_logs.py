"""What reaches the log: facts, never secrets, never members' words, never a forged line."""

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator

import pytest

from bot.logs import FACTS, Form, set_up

SECRET = "correct-horse-battery-staple"
TOKENS = [
    "sk-proj-abcdefghijklmnop1234",
    "hf_ABCDEFGHIJKLMNOPQRSTUVWX",
    "syt_Ym90_abcdefghijklmnop_1a2b3c",
    "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789AB",
]

Start = Callable[..., io.StringIO]


@pytest.fixture
def start() -> Iterator[Start]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in ("httpx", "openai", "bot.test")}

    def begin(form: Form = "json", level: int = logging.INFO, key: bytes | None = None) -> io.StringIO:
        stream = io.StringIO()
        set_up(level, form, secret_values=[SECRET, "abc"], key=key, stream=stream)
        return stream

    yield begin
    logging.captureWarnings(capture=False)
    root.handlers[:] = before
    root.setLevel(level)
    for name, old in quiet.items():
        logging.getLogger(name).setLevel(old)


log = logging.getLogger("bot.test")


def documents(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_json_object_with_its_facts(start: Start) -> None:
    stream = start()
    log.info("answered %s", "well", extra={"duration_ms": 12, "platform": "console", "unusual": 1})
    (document,) = documents(stream)
    assert document["message"] == "answered well"
    assert (document["level"], document["logger"]) == ("info", "bot.test")
    assert (document["platform"], document["duration_ms"], document["unusual"]) == ("console", 12, 1)
    assert str(document["time"]).endswith("+00:00")
    assert list(document)[4:] == ["platform", "duration_ms", "unusual"]


def test_people_read_one_line_per_record(start: Start) -> None:
    stream = start("console")
    log.warning("slow", extra={"platform": "console", "duration_ms": 12})
    assert stream.getvalue().endswith("warning slow platform=console duration_ms=12\n")


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_secret_is_written_wherever_it_hides(start: Start, form: Form) -> None:
    stream = start(form)
    log.error("refused with %s", SECRET, extra={"model": f"key {SECRET}"})
    try:
        raise ValueError(f"bad token {SECRET}")
    except ValueError:
        log.exception("failed")
    for token in TOKENS:
        log.error("got %s", token)
    log.error("Authorization: Bearer abcdefgh12345678")
    log.error("cannot connect to postgresql://ada:pa55word@db/llmos")
    written = stream.getvalue()
    for secret in (SECRET, *TOKENS, "abcdefgh12345678", "pa55word"):
        assert secret not in written
    assert "postgresql://***@db/llmos" in written
    assert "ValueError" in written


def test_a_secret_too_short_to_be_one_does_not_hide_words(start: Start) -> None:
    stream = start()
    log.info("the abc of it")
    assert documents(stream)[0]["message"] == "the abc of it"


def test_texts_of_members_appear_at_debug_only(start: Start) -> None:
    stream = start(level=logging.DEBUG)
    log.info("asked", extra={"question": "private words"})
    assert "private words" not in stream.getvalue()
    log.debug("asked", extra={"question": "private words"})
    assert "private words" in stream.getvalue()


def test_an_author_is_the_same_stranger_everywhere(start: Start) -> None:
    stream = start(key=b"k" * 32)
    for author in ("alice", "alice", "bob", "\ud800"):
        log.info("asked", extra={"author": author})
    again = start(key=b"k" * 32)
    log.info("asked", extra={"author": "alice"})
    other = start(key=b"o" * 32)
    log.info("asked", extra={"author": "alice"})
    first, second, bob, broken = (document["author"] for document in documents(stream))
    assert first == second == documents(again)[0]["author"]
    assert len({first, bob, broken, documents(other)[0]["author"]}) == 4
    assert "alice" not in stream.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_message_forges_a_line_or_colors_a_terminal(start: Start, form: Form) -> None:
    stream = start(form)
    log.info("name\n12:00:00 error forged\r\x1b[31m", extra={"channel": "x\ny"})
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_what_cannot_be_json_is_written_all_the_same(start: Start) -> None:
    stream = start()
    log.info("lone \ud800", extra={"count": {1, 2}, "key": object})
    assert documents(stream)[0]["count"] == "{1, 2}"


def test_libraries_that_log_prompts_are_hushed(start: Start) -> None:
    stream = start(level=logging.DEBUG)
    logging.getLogger("openai").debug("Request options: private words")
    logging.getLogger("httpx").info("HTTP Request: POST")
    assert stream.getvalue() == ""


def test_warnings_of_libraries_are_logged(start: Start) -> None:
    stream = start()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert "old" in stream.getvalue()


def test_setting_up_twice_writes_once(start: Start) -> None:
    start()
    stream = start()
    log.info("once")
    assert len(documents(stream)) == 1


def test_well_known_facts_have_one_name_each() -> None:
    assert len(set(FACTS)) == len(FACTS)
