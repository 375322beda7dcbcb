"""How sure it is that what was found answers a question: a logistic regression on three signals.

Its weights are fitted by `python -m tests.knowledge.calibrate` on questions about the sample community.
"""

import math
from collections.abc import Mapping, Sequence

from bot.knowledge.cite import Told
from bot.knowledge.search import Finding, Query

ENOUGH = 0.5
"""Below this, "I could not find this" is the better answer."""

Weights = Mapping[str, float]

BY_MEANING: Weights = {"bias": -3.866, "statement": 8.509, "title": 3.447, "unknown_name": -3.141}
BY_WORDS: Weights = {"bias": -1.494, "related": 0.050, "score": 2.163, "unknown_name": -2.582}
BY_CHARACTERS: Weights = {"bias": -3.853, "related": 1.330, "score": 3.831, "unknown_name": -2.870}


def confidence(query: Query, findings: Sequence[Finding], told: Sequence[Told], title: float) -> float:
    """The chance that the first finding answers the question, 0..1; 0 if nothing was found.

    Args:
        told: the sentences of the first finding.
        title: the cosine of its title, 0 where that is not known.
    """
    if not findings:
        return 0.0
    seen, weights = signals(query, findings, told, title), weights_for(query)
    return 1 / (1 + math.exp(-(weights["bias"] + sum(weights[name] * seen[name] for name in seen))))


def weights_for(query: Query) -> Weights:
    """Which weights count: meanings were compared, or words alone, of English or of Chinese."""
    if query.vector is not None:
        return BY_MEANING
    return BY_CHARACTERS if query.characters else BY_WORDS


def signals(
    query: Query, findings: Sequence[Finding], told: Sequence[Told], title: float
) -> dict[str, float]:
    """What is known about the first finding.

    `unknown_name`: the question names something that stands nowhere. `title`, `statement`: how near its title
    and its nearest statement are. `score`, `related`: see `search`.
    """
    seen = {"unknown_name": float(bool(query.unknown & query.names))}
    if query.vector is None:
        related = max(hit.related for hit in findings[0].hits)
        return seen | {"score": findings[0].score, "related": float(related)}
    statements = [each.cosine for each in told if each.states] or [each.cosine for each in told]
    return seen | {"title": title, "statement": max(statements, default=0.0)}
