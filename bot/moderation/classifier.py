"""The shipped classifiers: how likely a text is abuse, spam or an unanswerable request, and by which words.

Scores are 0..1, on scales chosen on texts of unseen sources. None of them is a reason to punish: see
docs/contributors/classifiers.md.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.llm.language import language_of
from bot.moderation.features import BUCKETS, Features, prose, read
from bot.moderation.normalize import Normalized
from bot.moderation.quality import Quality
from bot.moderation.rule import Evidence
from bot.moderation.signs import signs
from bot.moderation.weights import EMBEDDING, HEADS, File, HeadAbout, unpack

FILE = "classifiers.safetensors"
_MOST_EVIDENCE = 5
_TELLING = 0.3  # of the strongest word's share: what is weaker explains nothing
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+(?:['*-][^\W\u3400-\u9fff]+)*")


@dataclass(frozen=True, slots=True)
class Head:
    """One linear classifier over the n-grams, and over the signs where it has weights for them."""

    weights: NDArray[np.float32]
    signs: NDArray[np.float32] | None
    bias: float
    slope: float
    offset: float

    def decide(self, features: Features, of_texts: NDArray[np.float32] | None) -> NDArray[np.float64]:
        """Before calibration, any number; (texts,)."""
        decided = features.dot(self.weights) + self.bias
        if self.signs is not None and of_texts is not None:
            decided = decided + of_texts @ self.signs
        return decided

    def probabilities(self, features: Features, of_texts: NDArray[np.float32] | None) -> NDArray[np.float64]:
        """Calibrated, 0..1; (texts,)."""
        return _logistic(self.slope * self.decide(features, of_texts) + self.offset)


def _logistic(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return result


Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts as vectors by meaning, (texts, dimensions)."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What vectors by meaning add to a decision by n-grams."""

    weights: NDArray[np.float32]
    bias: float
    slope: float
    offset: float

    def probabilities(
        self, decided: NDArray[np.float64], vectors: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Of the sum of both, calibrated."""
        return _logistic(self.slope * (decided + vectors @ self.weights + self.bias) + self.offset)


@dataclass(frozen=True, slots=True)
class Scored:
    """A message and how likely it is each thing.

    Attributes:
        scores: name -> 0..1.
        judges: name -> which classifier said so; each has thresholds of its own.
    """

    message: Normalized
    language: str | None
    scores: dict[str, float]
    judges: dict[str, str]


class Classifier:
    """Scores messages; made once, used by one thread at a time.

    Attributes:
        seldom: how much each n-gram tells of what a text is about, float32 (2 * BUCKETS,).
    """

    def __init__(
        self,
        heads: Mapping[str, Head],
        quality: Quality,
        meaning: Meaning | None,
        thresholds: Mapping[str, Mapping[str, float]],
        seldom: NDArray[np.float32],
        embed: Embed | None = None,
    ) -> None:
        self._heads = dict(heads)
        self._quality = quality
        self._meaning = meaning
        self._embed = embed
        self._thresholds = dict(thresholds)
        self.seldom = seldom

    def score(self, messages: Sequence[Normalized]) -> list[dict[str, float]]:
        """The scores of each message by name, in the order of the messages; see `examine`."""
        return [scored.scores for scored in self.examine(messages)]

    def examine(
        self, messages: Sequence[Normalized], languages: Sequence[str | None] | None = None
    ) -> list[Scored]:
        """How likely each message is abuse, spam, or a request nobody can answer; in their order.

        Args:
            languages: ISO 639-1 codes; found out where not given.
        """
        if not messages:
            return []
        said = [prose(message.text) for message in messages]
        features = read(said)
        of_texts = signs(messages)
        known = list(languages or map(_language, messages))
        chinese = np.array([language == "zh" for language in known])
        toxic = self._heads["toxicity.en"].probabilities(features, of_texts)
        if chinese.any():
            toxic[chinese] = self._heads["toxicity.zh"].probabilities(features, of_texts)[chinese]
        meant = [at for at, language in enumerate(known) if language == "en"]
        embed = self._embed
        if embed is None or self._meaning is None:
            meant = []
        elif meant:
            decided = self._heads["toxicity.en"].decide(features, of_texts)[meant]
            toxic[meant] = self._meaning.probabilities(decided, embed([said[at] for at in meant]))
        judges = ["toxicity.zh" if one else "toxicity.en" for one in chinese]
        for at in meant:
            judges[at] = "embedding"
        spam = self._heads["spam"].probabilities(features, of_texts)
        return [
            Scored(
                message,
                known[at],
                {
                    "toxicity": float(toxic[at]),
                    "spam": float(spam[at]),
                    "quality": self._quality.low_effort(message),
                },
                {"toxicity": judges[at], "spam": "spam", "quality": "quality"},
            )
            for at, message in enumerate(messages)
        ]

    def threshold(self, message: Normalized, score: str) -> float:
        """From which score on somebody should look, chosen on sources the classifier had not seen."""
        if score != "toxicity":
            return max(self._thresholds[score].values())
        language = _language(message)
        judge = "toxicity.zh" if language == "zh" else "toxicity.en"
        if language == "en" and self._embed is not None and self._meaning is not None:
            judge = "embedding"
        return max(self._thresholds[judge].values())

    def evidence(self, message: Normalized, score: str, language: str | None = None) -> tuple[Evidence, ...]:
        """The words of the text as posted that speak most for a score, the strongest first."""
        if score == "quality":
            return self._quality.evidence(message)
        judge = score
        if score == "toxicity":
            judge += ".zh" if (language or _language(message)) == "zh" else ".en"
        head = self._heads[judge]
        text = prose(message.text)
        shares = _shares(read([text]), head.weights, len(text))
        found = [
            (float(shares[each.start() : each.end()].sum()), each.span()) for each in _WORD.finditer(text)
        ]
        found = sorted((share for share in found if share[0] > 0), reverse=True)
        telling = [place for share, place in found if share >= _TELLING * found[0][0]]
        return tuple(_as_posted(message, *place, score) for place in telling[:_MOST_EVIDENCE])


def _as_posted(message: Normalized, start: int, end: int, score: str) -> Evidence:
    first, last = message.span(start, end)
    return Evidence(first, last, message.original[first:last], score)


def _language(message: Normalized) -> str | None:
    return "en" if message.text.isascii() else language_of(message.original)


def _shares(features: Features, weights: NDArray[np.float32], length: int) -> NDArray[np.float64]:
    """What each character of one text adds to a decision: the n-grams over it, spread evenly."""
    slope = np.zeros(length + 2)
    for grams, part in ((features.words, weights[:BUCKETS]), (features.characters, weights[BUCKETS:])):
        share = part[grams.buckets] / (grams.ends - grams.starts) / np.sqrt(max(len(grams.rows), 1))
        np.add.at(slope, np.maximum(grams.starts, 0), share)
        np.subtract.at(slope, np.minimum(grams.ends, length), share)
    return np.cumsum(slope)[:length]


def load(path: Path, embed: Embed | None = None) -> Classifier:
    """Read what `llmos moderate train` wrote.

    Args:
        embed: for the embedding stage, which knows English; left out without it.

    Raises:
        ConfigError: it cannot be read, or is no such file.
    """
    file = File.at(path)
    about = file.about
    heads = {name: _head(about.heads[name], file.tensors[name]) for name in HEADS}
    meant = about.heads.get(EMBEDDING)
    meaning = None
    if meant is not None:
        vector = file.tensors[EMBEDDING].astype(np.float32)
        meaning = Meaning(vector, meant.bias, meant.slope, meant.offset)
    quality = Quality(about.quality.weights, about.quality.bias)
    seldom = file.tensors["seldom"].astype(np.float32) / np.float32(about.seldom_levels)
    return Classifier(heads, quality, meaning, about.thresholds, seldom, embed)


def _head(about: HeadAbout, levels: NDArray[np.generic]) -> Head:
    weighed = None if about.signs is None else np.array(about.signs, np.float32)
    weights = unpack(levels.astype(np.int8), about.largest)
    return Head(weights, weighed, about.bias, about.slope, about.offset)


def shipped(embed: Embed | None = None) -> Classifier:
    """The one that comes with the bot; see `load`."""
    with as_file(files("bot.moderation.data").joinpath(FILE)) as path:
        return load(path, embed)
