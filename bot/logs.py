"""Logging: one line per record on stderr, for people or as JSON, without secrets and without members' words.

Modules log with the standard library and put facts into `extra=`. Message texts may be logged at DEBUG only.
"""

import hashlib
import hmac
import json
import logging
import re
import secrets
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import IO, Literal

Form = Literal["console", "json"]

FACTS = (
    "platform",
    "channel",
    "community",
    "event_id",
    "author",
    "command",
    "model",
    "rule",
    "outcome",
    "key",
    "attempt",
    "count",
    "duration_ms",
)
"""Names for `extra=`; other names are shown as well, after these."""

TEXT_FACTS = frozenset({"text", "body", "question", "answer", "prompt"})
"""Facts that hold what somebody wrote: dropped above DEBUG."""

AUTHOR_FACTS = frozenset({"author", "asker", "member"})
"""Facts that hold an identity: shown as a keyed hash."""

MASK = "***"
_LOOKS_SECRET = re.compile(
    r"(?i)(?<=bearer )[\w.~+/=-]{8,}"  # Authorization headers
    r"|\bsk-[\w-]{16,}"  # keys of OpenAI and those who copied the form
    r"|\bhf_\w{16,}"  # Hugging Face
    r"|\bsyt_\w+"  # Synapse access tokens
    r"|\b[\w-]{23,28}\.[\w-]{6}\.[\w-]{27,}"  # Discord bot tokens
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user:password in a URL
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LINE_BREAKS = str.maketrans({"\n": "\\n", "\r": "\\r", "\x1b": "\\x1b"})


class Redaction(logging.Filter):
    """Masks secrets, hashes authors and drops texts, in every record that passes a handler."""

    def __init__(self, known: Iterable[str] = (), key: bytes | None = None) -> None:
        """Args: known: secret values of this configuration. key: for hashes of authors; random if None."""
        super().__init__()
        self._known = sorted((value for value in known if len(value) >= 4), key=len, reverse=True)
        self._key = secrets.token_bytes(32) if key is None else key

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean a record in place; never drops one."""
        record.msg, record.args = self.mask(record.getMessage()), None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = self.mask(logging.Formatter().formatException(record.exc_info))
        record.__dict__.update(self._clean(facts_of(record), record.levelno))
        return True

    def mask(self, text: str) -> str:
        """The text with every known secret, and everything that looks like one, replaced."""
        for value in self._known:
            text = text.replace(value, MASK)
        return _LOOKS_SECRET.sub(MASK, text)

    def _clean(self, facts: dict[str, object], level: int) -> dict[str, object]:
        cleaned: dict[str, object] = {}
        for name, value in facts.items():
            if name in TEXT_FACTS and level > logging.DEBUG:
                cleaned[name] = None
            elif name in AUTHOR_FACTS and value is not None:
                cleaned[name] = self._hashed(str(value))
            else:
                cleaned[name] = self.mask(value) if isinstance(value, str) else value
        return cleaned

    def _hashed(self, identity: str) -> str:
        return hmac.new(self._key, identity.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:12]


class JsonLines(logging.Formatter):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        """Time (UTC), level, logger, message, then the facts."""
        document: dict[str, object] = {
            "time": _time(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_present(record),
        }
        if record.exc_text:
            document["exception"] = record.exc_text
        return json.dumps(document, ensure_ascii=True, default=str)


class ConsoleLines(logging.Formatter):
    """A line that people read: time, level, message, facts. A record cannot forge a second line."""

    def format(self, record: logging.LogRecord) -> str:
        """Message first, facts as name=value behind it; a traceback on lines of its own."""
        facts = " ".join(f"{name}={value}" for name, value in _present(record).items())
        time = _time(record).astimezone().strftime("%H:%M:%S")
        text = " ".join(filter(None, (record.getMessage(), facts))).translate(_LINE_BREAKS)
        line = f"{time} {record.levelname.lower():<7} {text}"
        return f"{line}\n{record.exc_text}" if record.exc_text else line


def facts_of(record: logging.LogRecord) -> dict[str, object]:
    """What a record was given by `extra=`, the well-known names first."""
    given = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    first = {name: given.pop(name) for name in FACTS if name in given}
    return first | given


def set_up(
    level: int = logging.INFO,
    form: Form = "console",
    *,
    secret_values: Iterable[str] = (),
    key: bytes | None = None,
    stream: IO[str] | None = None,
) -> logging.Handler:
    """Send all logging of this process to one stream (stderr), and return its handler.

    Args:
        secret_values: what must never be shown, whatever logs it.
        key: makes hashes of authors equal across restarts; without it they change with each start.
    """
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.addFilter(Redaction(secret_values, key))
    handler.setFormatter(JsonLines() if form == "json" else ConsoleLines())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name, quietest in _CHATTY.items():
        logging.getLogger(name).setLevel(max(level, quietest))
    logging.captureWarnings(capture=True)
    return handler


_CHATTY = {
    "httpx": logging.WARNING,
    "httpx2": logging.WARNING,
    "httpcore": logging.WARNING,
    "openai": logging.WARNING,  # its DEBUG prints requests, prompts included
    "aiohttp.access": logging.WARNING,
    "huggingface_hub": logging.WARNING,
    "alembic": logging.WARNING,
    "asyncio": logging.WARNING,
}
"""Libraries that say too much at INFO or DEBUG, and the least level heard from each."""


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, tz=UTC)


def _present(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in facts_of(record).items() if value is not None}
