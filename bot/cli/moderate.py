"""`llmos moderate`: score messages of a pipe as the bot would, try rules, and train the classifiers."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import App, Parameter

from bot.cli.moderation.replay import rules_of
from bot.cli.options import ClassifiersOption, ConfigOption, print_line, speak_operators_language
from bot.core.actions import Severity
from bot.core.errors import ConfigError, UserError
from bot.core.events import Author, Channel, Message, MessageRef
from bot.core.text import _, ngettext
from bot.llm.embedding import available
from bot.llm.minilm import Embedder
from bot.moderation import classifier
from bot.moderation.classifier import Classifier, Embed, Scored
from bot.moderation.judge import verdict_of
from bot.moderation.normalize import Normalized, normalize
from bot.moderation.past import Past
from bot.moderation.rule import Verdict
from bot.moderation.ruleset import Ruleset
from bot.moderation.topics import Topics, Vectors, sketches

command = App(name="moderate", help="Try rules and classifiers on messages of files.")
command.command(
    "bot.cli.moderation.replay:command",
    name="replay",
    help="Tell what rules would have done on past messages.",
)

_NOWHERE = MessageRef(Channel("pipe", "pipe", "pipe"), "line")
_SOMEBODY = Author("pipe", "somebody", "somebody")
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_NOTHING_BEFORE = Past(lambda: _AT)

_AT_ONCE = 128
_DIGITS = 9  # of a printed score: fewer would make equals of what is almost certain

Fast = Annotated[bool, Parameter(negative="", help="Leave the embedding stage out.")]


@dataclass(frozen=True, slots=True)
class _Line:
    id: str
    text: str


@command.command
def score(
    *,
    rules: Annotated[str, Parameter(help="A file of rules, or relaxed, standard or strict.")] = "standard",
    lang: Annotated[str | None, Parameter(help="ISO 639-1 code of all messages; else found out.")] = None,
    fast: Fast = False,
    examples: Annotated[
        Path | None,
        Parameter(help="Lines of what belongs in the channel, with text and topic; adds off_topic."),
    ] = None,
    classifiers: ClassifiersOption = None,
) -> None:
    """Read JSON lines with id and text, write one line each: scores, verdicts, and what would follow."""
    speak_operators_language()
    ruleset = Ruleset(rules_of(rules))
    embed = None if fast else _embed()
    scorer = classifier.shipped(embed) if classifiers is None else classifier.load(classifiers, embed)
    belongs = None if examples is None else _learned(examples, scorer, embed)
    for lines in _batches(_read(sys.stdin, _message)):
        messages = [normalize(line.text) for line in lines]
        scored = scorer.examine(messages, None if lang is None else [lang] * len(lines))
        far = [None] * len(lines) if belongs is None else belongs(messages)
        for line, one, off_topic in zip(lines, scored, far, strict=True):
            verdicts = alone(ruleset, line.text, one, scorer)
            sys.stdout.write(json.dumps(_told(line, one, off_topic, verdicts), ensure_ascii=False) + "\n")
        sys.stdout.flush()


@command.command
def train(
    *,
    data: Annotated[Path, Parameter(help="The folder with the labelled files.")],
    out: Annotated[Path, Parameter(help="The file to write.")],
    fast: Fast = False,
    rooms: Annotated[
        bool, Parameter(negative="", help="Learn from Matrix rooms that agreed to it, too.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Train the classifiers; print how they do on sources they never saw, and on words that name groups."""
    speak_operators_language()
    from bot.moderation.training.train import train as train_all  # noqa: PLC0415 - scikit-learn takes seconds

    embed = None if fast else _embed()
    if not rooms:
        train_all(data, out, _tell, embed)
        return
    from bot.cli.moderation.rooms import agreed  # noqa: PLC0415 - the database is for this option only

    more = agreed(config)
    _tell(
        ngettext(
            "{n} verdict of rooms that agreed to it.", "{n} verdicts of rooms that agreed to it.", len(more)
        )
    )
    train_all(data, out, _tell, embed, more)


def _tell(line: str) -> None:
    print_line(line)
    sys.stdout.flush()


def _embed() -> Embed | None:
    folder = available()
    return None if folder is None else Embedder(folder).embed


def alone(ruleset: Ruleset, said: str, scored: Scored, scorer: Classifier) -> Sequence[Verdict]:
    """What rules make of a message of which nobody knows what came before, who wrote it and where."""
    seen = ruleset.examine(Message(_NOWHERE, _SOMEBODY, said, _AT), scorer=scorer)
    seen.take(scored.message, scored.scores)
    found = ((rule, rule.check(seen, _NOTHING_BEFORE)) for rule in ruleset.concerned(seen))
    return [verdict_of(rule, finding) for rule, finding in found if finding is not None]


def _told(
    line: _Line, scored: Scored, off_topic: float | None, verdicts: Sequence[Verdict]
) -> dict[str, object]:
    scores = scored.scores if off_topic is None else {**scored.scores, "off_topic": off_topic}
    strongest = max((verdict.severity for verdict in verdicts), default=Severity.NONE)
    return {
        "id": line.id,
        "scores": {name: round(value, _DIGITS) for name, value in scores.items()},
        "verdicts": [
            {
                "rule": verdict.rule,
                "score": round(verdict.score, _DIGITS),
                "evidence": [asdict(part) for part in verdict.evidence],
                "actions": [verdict.severity.name.lower()],
            }
            for verdict in verdicts
        ],
        "action": strongest.name.lower(),
    }


def _learned(path: Path, judge: Classifier, embed: Embed | None) -> Callable[[list[Normalized]], list[float]]:
    """How far messages are from the examples of a file."""

    def vectors(messages: list[Normalized]) -> Vectors:
        sketched = sketches(messages, judge.seldom)
        if embed is None:
            return sketched
        meant = embed([message.text for message in messages])
        return np.hstack([sketched, meant]).astype(np.float32) / np.float32(np.sqrt(2))

    try:
        with path.open(encoding="utf-8") as file:
            read = list(_read(file, _example))
    except OSError as error:
        raise ConfigError(_("{path} cannot be read: {reason}.", path=path, reason=error.strerror)) from error
    topics = Topics(vectors([normalize(each.text) for each in read]), [each.id for each in read])
    return lambda messages: [float(far) for far in topics.off_topic(vectors(messages))]


def _message(fields: dict[str, object]) -> _Line | None:
    match fields:
        case {"id": str() | int() as number, "text": str() as text}:
            return _Line(str(number), text)
        case _:
            return None


def _example(fields: dict[str, object]) -> _Line | None:
    match fields:
        case {"text": str() as text, "topic": str() as topic}:
            return _Line(topic, text)
        case {"text": str() as text}:
            return _Line("", text)
        case _:
            return None


def _read(lines: Iterable[str], parse: Callable[[dict[str, object]], _Line | None]) -> Iterator[_Line]:
    """JSON lines; empty ones are skipped.

    Raises:
        UserError: a line is no JSON object with the fields that are needed; the text names its number.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except ValueError as error:
            raise UserError(_("Line {number} is not JSON: {reason}", number=number, reason=error)) from error
        found = parse(fields) if isinstance(fields, dict) else None
        if found is None:
            needed = "text" if parse is _example else "id, text"
            raise UserError(
                _("Line {number} lacks fields: {needed}, each a string.", number=number, needed=needed)
            )
        yield found


def _batches(lines: Iterator[_Line]) -> Iterator[list[_Line]]:
    """In the order they came. What was read before a broken line is given before that is told."""
    batch: list[_Line] = []
    try:
        for line in lines:
            batch.append(line)
            if len(batch) == _AT_ONCE:
                yield batch
                batch = []
    except UserError:
        yield batch
        raise
    yield batch
