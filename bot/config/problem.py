"""One thing that is wrong with a configuration, and how to mend it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bot.core.text import _, ngettext


class Level(Enum):
    """An error stops the bot from starting; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one key.

    Attributes:
        key: dotted path such as "llm.base_url", or "" for the file as a whole.
        what: what is wrong, a sentence.
        mend: what to do about it, a sentence.
        line: line in the file, from 1; None when it comes from elsewhere or is not known.
        variable: the environment variable it comes from, "" for the file.
    """

    key: str
    what: str
    mend: str
    severity: Level = Level.ERROR
    line: int | None = None
    variable: str = ""

    @property
    def place(self) -> str:
        """Where to look, for people: "llm.model (line 4)" or "llm.model (LLMOS_LLM__MODEL)"."""
        at = self.variable or ("" if self.line is None else _("line {line}", line=self.line))
        return f"{self.key} ({at})" if self.key and at else self.key or at

    def __str__(self) -> str:
        """One line: place, what, mend."""
        sentence = f"{self.what} {self.mend}".strip()
        return f"{self.place}: {sentence}" if self.place else sentence


def errors(problems: Sequence[Problem]) -> list[Problem]:
    """Those that stop the bot from starting."""
    return [problem for problem in problems if problem.severity is Level.ERROR]


def summary(source: str, problems: Sequence[Problem]) -> str:
    """All problems as one text, a line each."""
    title = ngettext(
        "The configuration ({source}) has a problem:",
        "The configuration ({source}) has {n} problems:",
        len(problems),
        source=source,
    )
    return "\n".join([title, *(f"  {problem}" for problem in problems)])
