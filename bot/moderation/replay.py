"""What rules would have done on past messages, and how often they would have been right."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from bot.core.actions import Severity
from bot.core.events import Author, Channel, Message, MessageRef
from bot.core.text import _
from bot.moderation.examined import Scorer
from bot.moderation.judge import Judge, Judgement
from bot.moderation.rule import Rule

APART = timedelta(seconds=10)
"""Between two lines that do not say when they were written."""

MAX_LINE_CHARACTERS = 1_000_000
SHOWN_IDS = 10
"""Messages named of each rule."""

AT_ONCE = 64
"""Messages scored together."""

_FINE = frozenset(("", "0", "false", "no", "ham", "ok", "none", "fine", "harmless", "clean"))
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """A past message; `label` tells whether it is a violation, None if nobody said."""

    message: Message
    label: bool | None = None


@dataclass(slots=True)
class Tally:
    """What one rule did.

    Attributes:
        matches: messages in which it found something.
        decided: those of them in which it was the strongest, by action.
        violations, harmless: matches that carry such a label.
        ids: of the first matches.
    """

    kind: str
    matches: int = 0
    decided: Counter[str] = field(default_factory=Counter)
    violations: int = 0
    harmless: int = 0
    ids: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float | None:
        """Share of violations among labeled matches; None without any."""
        labeled = self.violations + self.harmless
        return self.violations / labeled if labeled else None


@dataclass(slots=True)
class Replay:
    """What a replay found.

    Attributes:
        violations: lines with such a label.
        actions: what would have followed, by the strongest verdict; messages without any are not counted.
        errors: lines that are no messages, with the reason.
        stopped: rules that acted so often within a minute that they were stopped.
    """

    rules: dict[str, Tally]
    messages: int = 0
    violations: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    errors: list[tuple[int, str]] = field(default_factory=list)
    stopped: tuple[str, ...] = ()


class Clock:
    """The time of the past: it goes on with the messages."""

    def __init__(self) -> None:
        self._now = datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        """Now, as far as the replay has come."""
        return self._now

    def reach(self, at: datetime) -> None:
        """Go on to a moment; it never goes back."""
        self._now = max(self._now, at)


def replay(rules: Sequence[Rule], lines: Iterable[str], scorer: Scorer | None = None) -> Replay:
    """Judge past messages, in their order, as if they came now.

    Args:
        lines: JSON objects, see `read_line`; those that are none are named in the result.
        scorer: the classifiers, if rules rest on them.
    """
    clock = Clock()
    judge = Judge(rules, now=clock, scorer=scorer)
    result = Replay({rule.name: Tally(rule.kind) for rule in rules})
    read = _read(lines, result)
    while chunk := list(islice(read, AT_ONCE)):
        judge.foresee(line.message for line in chunk)
        for line in chunk:
            clock.reach(line.message.at)
            _count(result, line, judge.judge(line.message))
    result.stopped = judge.brake.stopped(_PLACE.community_key)
    return result


_PLACE = Channel("replay", "replay", "general")


def read_line(text: str, number: int, after: datetime) -> Line:
    """A message from a line such as `{"id": "1", "text": "hello", "author": "anna", "label": "spam"}`.

    Args:
        number: of the line; authors that are not named differ from line to line.
        after: when the message before was written.

    Raises:
        ValueError: it is none; the text says why.
    """
    if len(text) > MAX_LINE_CHARACTERS:
        raise ValueError(_("the line is too long"))
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(_("this is not JSON")) from error
    if not isinstance(found, dict):
        raise ValueError(_("this is no JSON object"))
    content = found.get("text")
    if not isinstance(content, str):
        raise ValueError(_("`text` is missing or no text"))
    author = _name(found, "author", f"line {number}")
    channel = _name(found, "channel", _PLACE.id)
    ref = MessageRef(Channel(_PLACE.platform, _PLACE.community, channel), _name(found, "id", str(number)))
    at = _time(found["at"]) if found.get("at") is not None else after + APART
    message = Message(ref, Author(_PLACE.platform, author, author), content, at)
    return Line(message, _label(found.get("label")))


def _read(lines: Iterable[str], result: Replay) -> Iterator[Line]:
    after = _BEGAN
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            line = read_line(text, number, after)
        except ValueError as error:
            result.errors.append((number, str(error)))
            continue
        after = line.message.at
        yield line


def _count(result: Replay, line: Line, judgement: Judgement) -> None:
    result.messages += 1
    result.violations += line.label is True
    for name in dict.fromkeys(verdict.rule for verdict in judgement.verdicts):
        tally = result.rules[name]
        tally.matches += 1
        tally.violations += line.label is True
        tally.harmless += line.label is False
        if len(tally.ids) < SHOWN_IDS:
            tally.ids.append(line.message.ref.id)
    strongest = judgement.strongest
    if strongest is not None and strongest.severity > Severity.NONE:
        action = strongest.severity.name.lower()
        result.actions[action] += 1
        result.rules[strongest.rule].decided[action] += 1


def _name(found: Mapping[str, object], key: str, otherwise: str) -> str:
    value = found.get(key)
    match value:
        case None:
            return otherwise
        case str() if value:
            return value
        case int() if not isinstance(value, bool):
            return str(value)
        case _:
            raise ValueError(_("`{key}` is no text", key=key))


def _time(value: object) -> datetime:
    try:
        match value:
            case bool():
                raise ValueError
            case int() | float():
                return datetime.fromtimestamp(value, UTC)
            case str():
                at = datetime.fromisoformat(value)
                return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
            case _:
                raise ValueError
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(_("`at` is no time; write 2026-01-05T12:00:00Z or seconds since 1970")) from error


def _label(value: object) -> bool | None:
    match value:
        case None:
            return None
        case bool() | int() | float():
            return bool(value)
        case str():
            return value.strip().lower() not in _FINE
        case _:
            raise ValueError(_("`label` is neither true, false, a number nor a word"))
