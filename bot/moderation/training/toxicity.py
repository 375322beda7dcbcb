"""Training what is abusive or harmful: English and Chinese."""

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bot.moderation import words
from bot.moderation.features import BUCKETS, read
from bot.moderation.training.corpus import ROOMS, Corpus, Example, corpus, offensive_words, rows, seeds
from bot.moderation.training.measures import measure
from bot.moderation.training.solver import Floats, anchored, calibrate, fit, matrix, seldomness

MOST_OF_A_KIND = 5000
"""Texts of one source and label; the larger sets would only repeat themselves."""

SHARES = {
    ("davidson", 1): 1.0,
    ("davidson", 0): 1.0,
    ("edos", 1): 1.0,
    ("edos", 0): 1.0,
    ("toxic_spans", 1): 1.2,
    ("context_toxicity", 1): 0.1,
    ("context_toxicity", 0): 3.0,
    ("seeds", 1): 0.4,
    ("seeds", 0): 0.4,
    ("intents_oos", 0): 1.0,
    ("ham", 0): 0.4,
    (ROOMS, 1): 0.4,
    (ROOMS, 0): 0.4,
}
"""How much each source and label counts, whatever its size."""

ENGLISH_STRENGTH, ENGLISH_STEPS = 0.5, 30
CHINESE_STRENGTH, CHINESE_STEPS = 2.0, 40
OTHER_DATA = 1.5
"""Weight of what alt-profanity-check learned elsewhere, against what is learned here; both of spread 1."""

LEXICON = {"sexual": 9.0, "self_harm": 9.0, "violence": 3.0, "slur": 15.0, "profanity": 8.0, "insult": 8.0}
"""The least such words weigh; our sets hold little of the first three. What is `harmless` weighs nothing:
the model that the words are from had met laughter and greetings in quarrels only."""

CHINESE_LEXICON = 2.0
"""What each word of the Chinese lexicon adds, against what is learned, which has a spread of 1. The data set
is about groups of people, and plain insults are seldom in it; more would cost what it teaches."""

SUSPICIOUS = 0.35  # share of abusive texts that sound milder than a "not sexist" one that is left out
ORDINARY = {
    "Wikipedia talk": ("context_toxicity",),
    "requests to an assistant": ("intents_oos",),
}
FOLDS: dict[str, tuple[str, ...]] = {
    "davidson": ("davidson",),
    "edos": ("edos",),
    "toxic_spans + context_toxicity": ("toxic_spans", "context_toxicity"),
    "intents_oos": ("intents_oos",),
}
HARMFUL = (("davidson",), ("edos",), ("toxic_spans", "context_toxicity"))
HALVES = 2
"""Of ordinary texts: each is scored by a model that knows the other, as the shipped one knows such texts."""

ACTING_FALSE_POSITIVES = 0.0025
ACTING_WITH_MEANING = 0.0015
"""Of ordinary texts that the embedding stage may act on by models that know half of them; of unknown talk it
acts on about twice as many."""

NOTED_FALSE_POSITIVES = 0.02

IDENTITY = (
    *(
        "gay",
        "lesbian",
        "bisexual",
        "trans",
        "queer",
        "muslim",
        "islam",
        "jewish",
        "jew",
        "jews",
        "christian",
    ),
    *("black", "white", "asian", "mexican", "chinese", "indian", "immigrant", "immigrants", "women", "woman"),
    *("girl", "girls", "feminist", "men", "man", "deaf", "blind", "disabled", "old"),
)


Embed = Callable[[Sequence[str]], NDArray[np.float32]]
EMBEDDED_OF_A_KIND, ORDINARY_EMBEDDED = 900, 2500
"""Texts of one source and label that are read for their meaning; of ordinary ones more."""
EMBEDDING_STRENGTH, EMBEDDING_STEPS = 3.0, 200
EMBEDDING_SHARE = 0.8
"""Weight of meaning against n-grams, both of spread 1."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A head: weights of the n-grams, bias, and the way to probabilities."""

    weights: Floats
    bias: float
    slope: float
    offset: float
    thresholds: Mapping[str, float]
    report: tuple[str, ...]
    embedded: "Embedded | None" = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """What meaning adds to a decision by n-grams, and the way from the sum to probabilities."""

    weights: Floats
    bias: float
    slope: float
    offset: float
    thresholds: Mapping[str, float]


def english_examples(folder: Path, more: Sequence[Example] = ()) -> list[Example]:
    """What English is learned from, at most so many of a source and label."""
    found = rows(folder, "toxicity_en")
    found += [Example(each.text, 0, each.source) for each in rows(folder, "intents_oos")]
    found += [Example(each.text, 0, "ham") for each in rows(folder, "spam") if not each.label]
    found += [each for each in seeds() if each.kind != "spam" and each.text.isascii()]
    found += more
    groups: dict[tuple[str, int], list[Example]] = {}
    for each in found:
        groups.setdefault((each.source, each.label), []).append(each)
    chance = random.Random(1)  # noqa: S311 - which texts are left out is no secret
    return [
        each
        for group in groups.values()
        for each in (chance.sample(group, MOST_OF_A_KIND) if len(group) > MOST_OF_A_KIND else group)
    ]


def english(
    folder: Path, tell: Callable[[str], None], embed: Embed | None = None, more: Sequence[Example] = ()
) -> Trained:
    """Train, and score each source by a model that never saw it."""
    texts = corpus(english_examples(folder, more))
    labels = np.array([each.label for each in texts.examples], float)
    sources = np.array([each.source for each in texts.examples])
    grams = matrix(texts.prose)
    known = other_data()
    sounds = grams @ known
    mild = np.quantile(sounds[(labels == 1) & ~np.isin(sources, ("seeds", ROOMS))], SUSPICIOUS)
    kept = ~((sources == "edos") & (labels == 0) & (sounds > mild))
    tell(f"English: {len(labels):,} texts, {int((~kept).sum()):,} of them left out: not sexist, but abusive")
    seldom = seldomness(grams)
    scaled = (grams @ sparse.diags(seldom)).tocsr()

    def model(chosen: NDArray[np.bool_]) -> tuple[Floats, float]:
        at = np.flatnonzero(chosen & kept)
        weights = _weights(labels[at], sources[at])
        solved = fit(scaled[at], labels[at], weights, strength=ENGLISH_STRENGTH, steps=ENGLISH_STEPS)
        learned, bias = solved[:-1] * seldom, solved[-1]
        spread = (grams[at] @ learned).std()
        other = known / (grams[at] @ known).std()
        middle = OTHER_DATA * float(np.average(grams[at] @ other, weights=weights))
        return learned / spread + OTHER_DATA * other, bias / spread - middle

    unseen = np.zeros(len(labels))
    report = []
    for name, left_out in FOLDS.items():
        scored = np.isin(sources, left_out)
        weights, bias = model(~scored)
        unseen[scored] = grams[scored] @ weights + bias
        if len(set(labels[scored])) == 2:
            report.append(f"{name} | {measure(labels[scored], unseen[scored])}")
            tell(report[-1])
    acting = _acting(model, grams, texts, labels, sources)
    report += [*acting.report, *_identity(texts, labels, acting.above)]
    weights, bias = model(np.ones(len(labels), bool))
    slope, offset = anchored(acting.noted, acting.level)
    for line in report[3:]:
        tell(line)
    thresholds = {
        "queue": _probability(slope * acting.level + offset),
        "log": _probability(slope * acting.noted + offset),
    }
    embedded = None
    if embed is not None:
        embedded = _embedded(texts, labels, sources, unseen, acting.decided, kept, embed, tell)
    return Trained(weights, bias, slope, offset, thresholds, tuple(report), embedded)


@dataclass(frozen=True, slots=True)
class _Acting:
    """Where to act, judged by models that know other texts of the ordinary sources.

    Attributes:
        level, noted: decisions from which on something follows, or is noted.
        decided: of each text; ordinary ones by a model that knows the other half of their sources only.
        above: how far each text is above the level of a model that never saw it; harmful sources are left
            out as a whole.
    """

    level: float
    noted: float
    decided: Floats
    above: Floats
    report: tuple[str, ...]


def _acting(
    model: Callable[[NDArray[np.bool_]], tuple[Floats, float]],
    grams: sparse.csr_matrix,
    texts: Corpus,
    labels: Floats,
    sources: NDArray[np.str_],
) -> _Acting:
    """Find the levels that so few ordinary texts reach, and how much of unseen harmful sources does."""
    ordinary = {name: np.isin(sources, of) & (labels == 0) for name, of in ORDINARY.items()}
    any_ordinary = np.any(list(ordinary.values()), axis=0)
    hashes = [hashlib.sha256(message.text.encode()).digest()[0] for message in texts.messages]
    half = np.array(hashes) % HALVES

    def decide(left_out: NDArray[np.bool_]) -> Floats:
        decided = np.zeros(len(labels))
        for number in range(HALVES):
            scored = half == number
            weights, bias = model(~left_out & ~(scored & any_ordinary))
            decided[scored] = grams[scored] @ weights + bias
        return decided

    def reached(decided: Floats, share: float) -> float:
        return max(float(np.quantile(decided[of], 1 - share)) for of in ordinary.values())

    decided = decide(np.zeros(len(labels), bool))
    level, noted = (reached(decided, share) for share in (ACTING_FALSE_POSITIVES, NOTED_FALSE_POSITIVES))
    report = [
        f"{name}: {(decided[of] >= level).mean():.2%} at the acting threshold, "
        f"{(decided[of] >= noted).mean():.2%} noted"
        for name, of in ordinary.items()
    ]
    above = decided - level
    for left_out in HARMFUL:
        scored = np.isin(sources, left_out) & ~any_ordinary
        without = decide(scored)
        above[scored] = without[scored] - reached(without, ACTING_FALSE_POSITIVES)
        for source in left_out:
            found = above[(sources == source) & (labels == 1)] >= 0
            report.append(f"{source}: {found.mean():.1%} of what is harmful at the acting threshold")
    return _Acting(level, noted, decided, above, tuple(report))


def _embedded(
    texts: Corpus,
    labels: Floats,
    sources: NDArray[np.str_],
    unseen: Floats,
    by_halves: Floats,
    kept: NDArray[np.bool_],
    embed: Embed,
    tell: Callable[[str], None],
) -> Embedded:
    """A head on the vectors of a part of the texts, and how it does with the n-grams on unseen sources."""
    chosen = [
        at
        for source, label in SHARES
        for at in np.flatnonzero((sources == source) & (labels == label) & kept)[
            : ORDINARY_EMBEDDED if _is_ordinary(source, label) else EMBEDDED_OF_A_KIND
        ]
    ]
    prose_of = texts.prose
    vectors = np.asarray(embed([prose_of[at] for at in chosen]), float)
    labels, sources, unseen, known = labels[chosen], sources[chosen], unseen[chosen], by_halves[chosen]

    def model(those: NDArray[np.bool_]) -> Floats:
        rows_of = sparse.csr_matrix(vectors[those])
        weights = _weights(labels[those], sources[those])
        solved = fit(rows_of, labels[those], weights, strength=EMBEDDING_STRENGTH, steps=EMBEDDING_STEPS)
        scaled: Floats = EMBEDDING_SHARE * solved / (vectors[those] @ solved[:-1]).std()
        return scaled

    mixed = unseen.copy()
    for name, left_out in FOLDS.items():
        scored = np.isin(sources, left_out)
        solved = model(~scored)
        mixed[scored] += vectors[scored] @ solved[:-1] + solved[-1]
        if len(set(labels[scored])) == 2:
            tell(f"{name}, part, n-grams alone | {measure(labels[scored], unseen[scored])}")
            tell(f"{name}, part, with meaning | {measure(labels[scored], mixed[scored])}")
    solved = model(np.ones(len(labels), bool))
    ordinary = [np.isin(sources, of) & (labels == 0) for of in ORDINARY.values()]
    for number in range(HALVES):
        scored = np.any(ordinary, axis=0) & (np.arange(len(labels)) % HALVES == number)
        without = model(~scored)
        known[scored] += vectors[scored] @ without[:-1] + without[-1]
    noted, acting = (
        max(float(np.quantile(known[of], 1 - share)) for of in ordinary)
        for share in (NOTED_FALSE_POSITIVES, ACTING_WITH_MEANING)
    )
    found = known[np.isin(sources, "toxic_spans") & (labels == 1)] >= acting
    tell(f"with meaning, toxic_spans, partly known: {found.mean():.1%} at the acting threshold")
    slope, offset = anchored(noted, acting)
    thresholds = {"queue": _probability(slope * acting + offset), "log": _probability(slope * noted + offset)}
    return Embedded(solved[:-1], float(solved[-1]), slope, offset, thresholds)


def other_data() -> Floats:
    """What was learned elsewhere, as weights of the buckets: words of other models and of the lexicon."""
    weights = offensive_words()
    for kind, least in LEXICON.items():
        weights |= {word: max(least, weights.get(word, 0.0)) for word in words.lexicon()[kind]}
    weights = {word: weight for word, weight in weights.items() if word not in words.lexicon()["harmless"]}
    strongest_last = sorted(weights, key=lambda word: (abs(weights[word]), word))
    found = read(strongest_last).words
    buckets = np.zeros(2 * BUCKETS)
    for row, bucket in zip(found.rows, found.buckets, strict=True):
        buckets[bucket] = weights[strongest_last[row]]
    return buckets


def _weights(labels: Floats, sources: NDArray[np.str_]) -> Floats:
    """Of the texts: sources count as `SHARES` says, both labels the same; in sum the number of texts."""
    weights = np.zeros(len(labels))
    for (source, label), share in SHARES.items():
        those = (sources == source) & (labels == label)
        weights[those] = share / max(those.sum(), 1)
    for label in (0, 1):
        weights[labels == label] *= len(labels) / 2 / weights[labels == label].sum()
    return weights


def _is_ordinary(source: str, label: int) -> bool:
    return label == 0 and any(source in of for of in ORDINARY.values())


def _probability(logit: float) -> float:
    return round(float(1 / (1 + np.exp(-logit))), 4)


def _identity(texts: Corpus, labels: Floats, above: Floats) -> Iterator[str]:
    """False positives among harmless texts that name a group."""
    harmless = np.array(
        [
            label == 0 and each.source not in ("edos", ROOMS)
            for label, each in zip(labels, texts.examples, strict=True)
        ]
    )
    found = {term: [] for term in IDENTITY}  # type: dict[str, list[int]]
    for at, message in enumerate(texts.messages):
        if harmless[at]:
            for term in {*IDENTITY} & {*message.text.split()}:
                found[term].append(at)
    for term in IDENTITY:
        if found[term]:
            wrong = int((above[found[term]] >= 0).sum())
            yield f"identity term {term}: {wrong} of {len(found[term])} harmless texts found"


def chinese(folder: Path, tell: Callable[[str], None], more: Sequence[Example] = ()) -> Trained:
    """Train on all, score each topic by a model that never saw it, and the publisher's second part."""
    examples = [*rows(folder, "toxicity_zh"), *more]
    texts = corpus(examples)
    labels = np.array([each.label for each in examples], float)
    topics = np.array([each.kind for each in examples])
    grams = matrix(texts.prose)
    report = []

    insults = chinese_insults()

    def model(chosen: NDArray[np.bool_]) -> Floats:
        at = np.flatnonzero(chosen)
        solved = fit(grams[at], labels[at], np.ones(len(at)), strength=CHINESE_STRENGTH, steps=CHINESE_STEPS)
        scaled: Floats = solved / (grams[at] @ solved[:-1]).std()
        scaled[:-1] += CHINESE_LEXICON * insults
        return scaled

    unseen = np.zeros(len(labels))
    for topic in sorted({*topics} - {ROOMS}):
        scored = topics == topic
        solved = model(~scored)
        unseen[scored] = grams[scored] @ solved[:-1] + solved[-1]
        report.append(f"Chinese, topic {topic} | {measure(labels[scored], unseen[scored])}")
        tell(report[-1])
    second = np.array([each.split != "train" for each in examples])
    solved = model(~second)
    decided = grams[second] @ solved[:-1] + solved[-1]
    macro = _macro_f1(labels[second], decided)
    report.append(f"Chinese, publisher's dev | {measure(labels[second], decided)} | macro-F1 {macro:.3f}")
    tell(report[-1])
    solved = model(np.ones(len(labels), bool))
    known = topics != ROOMS
    slope, offset = calibrate(unseen[known], labels[known], np.ones(int(known.sum())))
    harmless = unseen[known & (labels == 0)]
    levels = {
        name: float(np.quantile(harmless, 1 - share)) for name, share in (("queue", 0.03), ("log", 0.1))
    }
    thresholds = {name: _probability(slope * level + offset) for name, level in levels.items()}
    return Trained(solved[:-1], float(solved[-1]), slope, offset, thresholds, tuple(report))


def chinese_insults() -> Floats:
    """1 for the n-gram that is a word of the lexicon, letter for letter; (2 * BUCKETS,)."""
    found = np.zeros(2 * BUCKETS)
    for word in sorted(words.lexicon()["chinese"]):
        features = read([word])
        for grams, first in ((features.words, 0), (features.characters, BUCKETS)):
            whole = (grams.starts == 0) & (grams.ends == len(word))
            found[first + grams.buckets[whole]] = 1.0
    return found


def _macro_f1(labels: Floats, decided: Floats) -> float:
    found = decided > 0
    scores = []
    for label in (0, 1):
        right = ((labels == label) & (found == label)).sum()
        scores.append(2 * right / max((labels == label).sum() + (found == label).sum(), 1))
    return float(np.mean(scores))
