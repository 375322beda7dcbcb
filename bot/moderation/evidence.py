"""What a verdict rests on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """The part of a text a verdict rests on; `start` and `end` are code points of the text as posted."""

    start: int
    end: int
    text: str
    why: str
