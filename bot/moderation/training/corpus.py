"""The labelled files that the classifiers learn from; docs/contributors/classifiers.md describes them."""

import csv
import gzip
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.core.errors import ConfigError
from bot.moderation import data
from bot.moderation.features import prose
from bot.moderation.normalize import Normalized, normalize

_DISCORD = re.compile(r"\bdiscord", re.IGNORECASE)
_PROVENANCE = ("platform", "source", "id", "community", "channel", "author", "link", "url")
"""Columns that can say where a text is from."""

ROOMS = "rooms"
"""The source of what rooms agreed to; it trains, and no threshold is chosen on it."""

_RETWEET = re.compile(r"\bRT\b")


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled text.

    Attributes:
        source: where it is from; the unit of validation.
        kind: the publisher's finer label.
        split: the publisher's part of the data, "" if there is none.
    """

    text: str
    label: int
    source: str
    kind: str = ""
    split: str = ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Examples and what the classifiers see of them."""

    examples: Sequence[Example]
    messages: Sequence[Normalized]

    @property
    def prose(self) -> list[str]:
        """What n-grams are taken from."""
        return [prose(message.text) for message in self.messages]


def corpus(examples: Sequence[Example]) -> Corpus:
    """Normalize the texts."""
    return Corpus(examples, [normalize(example.text) for example in examples])


def rows(folder: Path, name: str) -> list[Example]:
    """The examples of `name`.csv.gz, a column `text` and a column `label` at least.

    Raises:
        ConfigError: the file is missing, has no such columns, or holds what members said on a platform.
    """
    path = folder / f"{name}.csv.gz"
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            return [_example(row, name) for row in csv.DictReader(file)]
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} is missing; the training data is named in docs/contributors/classifiers.md."
        ) from error
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(
            f"{path} is no labelled data: it needs columns text and label ({error})."
        ) from error


def _refuse_members(row: dict[str, str], name: str) -> None:
    """Learn nothing from what members said.

    Source: Discord Developer Policy, rule 21: no training of models on message content. Elsewhere nobody was
    asked.
    """
    if any(_DISCORD.search(row.get(column) or "") for column in _PROVENANCE):
        raise ConfigError(
            f"{name}.csv.gz holds messages from Discord. Its Developer Policy forbids training on them, so "
            "nothing was trained. Take them out."
        )
    if row.get("platform"):
        raise ConfigError(
            f"{name}.csv.gz holds messages of members (its column platform says where from). Nobody agreed "
            "to training on them, so nothing was trained. Take them out."
        )


def _example(row: dict[str, str], name: str) -> Example:
    _refuse_members(row, name)
    text = _RETWEET.sub(" ", html.unescape(html.unescape(row["text"])))
    kind = row.get("fine") or row.get("intent") or ""
    return Example(text, int(row["label"]), row.get("source") or name, kind, row.get("split") or "")


def seeds() -> Iterator[Example]:
    """Examples of our own, for what no data set of ours holds; the kind `spam` is about spam only."""
    text = data.text("seeds.txt")
    for line in text.splitlines():
        if not line.startswith("#"):
            sign, kind, said = line.split(" ", 2)
            yield Example(said, int(sign == "+"), "seeds", kind)


def offensive_words() -> dict[str, float]:
    """How much a word speaks for abuse, as alt-profanity-check learned it from other data (see NOTICE)."""
    text = data.text("offensive_words.tsv")
    pairs = (line.split("\t") for line in text.splitlines())
    return {word: float(weight) for word, weight in pairs}
