"""The figures by which classifiers are compared."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

Floats = NDArray[np.float64]

PRECISION = 0.95
FALSE_POSITIVES = 0.05


@dataclass(frozen=True, slots=True)
class Measures:
    """Of one scored set.

    Attributes:
        recall_at_precision: the highest recall where 95 % of what is found is right.
        recall_at_false_positives: recall where 5 % of what is harmless is found too.
    """

    texts: int
    auroc: float
    best_f1: float
    recall_at_precision: float
    recall_at_false_positives: float

    def __str__(self) -> str:
        """One line of a table."""
        shown = (self.auroc, self.best_f1, self.recall_at_precision, self.recall_at_false_positives)
        return " | ".join([f"{self.texts:,}", *(f"{value:.3f}" for value in shown)])


def measure(labels: Floats, decided: Floats) -> Measures:
    """Compare decisions with labels of 0 and 1; both must occur."""
    precision, recall, _ = precision_recall_curve(labels, decided)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    false, true, _ = roc_curve(labels, decided)
    return Measures(
        len(labels),
        float(roc_auc_score(labels, decided)),
        float(f1.max()),
        float(recall[precision >= PRECISION].max(initial=0.0)),
        float(true[false <= FALSE_POSITIVES].max(initial=0.0)),
    )
