"""How good answers are on questions whose sources are known."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.knowledge.answering import Answer

CUTOFF = 5


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the ids of the documents that answer it; none if it cannot be answered."""

    question: str
    relevant: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """What came of a set of questions; None where there was nothing to measure.

    Attributes:
        recall: the mean share of a question's relevant documents among the first five.
        mrr: the mean of 1/rank of the first relevant document.
        supported: of the answerable questions, the share answered with a relevant document among the sources.
        abstention_precision: of the questions declined, the share that cannot be answered.
        abstention_recall: of the questions that cannot be answered, the share declined.
    """

    questions: int
    unanswerable: int
    recall: float | None
    mrr: float | None
    supported: float | None
    abstention_precision: float | None
    abstention_recall: float | None


def evaluate(questions: Sequence[Question], answers: Sequence[Answer]) -> Scores:
    """Compare answers with what was to be found, in the order of the questions."""
    pairs = list(zip(questions, answers, strict=True))
    known = [(asked, given) for asked, given in pairs if asked.relevant]
    unknown = [given for asked, given in pairs if not asked.relevant]
    declined = [asked for asked, given in pairs if given.abstained]
    return Scores(
        questions=len(pairs),
        unanswerable=len(unknown),
        recall=_mean([_recall(asked, given) for asked, given in known]),
        mrr=_mean([_reciprocal_rank(asked, given) for asked, given in known]),
        supported=_mean([_supported(asked, given) for asked, given in known]),
        abstention_precision=_mean([float(not asked.relevant) for asked in declined]),
        abstention_recall=_mean([float(given.abstained) for given in unknown]),
    )


def _recall(asked: Question, given: Answer) -> float:
    first = set(given.ranked[:CUTOFF])
    return len(first & set(asked.relevant)) / min(len(set(asked.relevant)), CUTOFF)


def _reciprocal_rank(asked: Question, given: Answer) -> float:
    ranks = (rank for rank, id in enumerate(given.ranked, start=1) if id in asked.relevant)
    return 1 / next(ranks, float("inf"))


def _supported(asked: Question, given: Answer) -> float:
    sources = {source.id for source in given.sources}
    return float(not given.abstained and bool(sources & set(asked.relevant)))


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
