"""Why a thread is shown, as data; words are found where it is shown."""

from dataclasses import dataclass
from typing import Literal

Cause = Literal["recency", "reactions", "readers"]
"""It is new; others reacted to it; it shares readers with threads that the member touched."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a thread is recommended.

    Attributes:
        share: this cause's part of everything that speaks for the thread, 0..1.
        age_s: for `recency`, how old the thread is, in seconds.
        members: for `reactions`, how many others touched it.
        threads: for `readers`, ids of at most three threads the member touched, weightiest first.
    """

    cause: Cause
    share: float
    age_s: float | None = None
    members: int | None = None
    threads: tuple[str, ...] = ()
