"""How often an answer that nobody asked for would be right: `python -m tests.knowledge.unasked`.

For bounds of confidence: of all questions that would be answered the share whose first source is right, and
of those that can be answered the share that would be, so. The held-back third is told by itself.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.knowledge.answering import ask
from bot.knowledge.evaluation import Question
from bot.knowledge.search import Search
from bot.llm.embedding import available
from bot.llm.minilm import Embedder
from bot.sample.knowledge import END
from tests.knowledge.library import library
from tests.knowledge.questions import calibration, golden

BOUNDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)

SETS = {
    "development": [*golden(held_back=False), *calibration()],
    "held back": golden(held_back=True),
}


async def tell(name: str, search: Search, questions: Sequence[Question]) -> None:
    """Write a line for each bound."""
    answers = [await ask(search, each.question, "", END) for each in questions]
    answerable = sum(bool(each.relevant) for each in questions)
    for bound in BOUNDS:
        said = [
            given.sources[0].id in asked.relevant
            for asked, given in zip(questions, answers, strict=True)
            if not given.abstained and given.confidence >= bound
        ]
        share = sum(said) / len(said) if said else 0.0
        sys.stdout.write(
            f"{name}, from {bound}: {share:.3f} ({sum(said)} of {len(said)}) right, "
            f"{sum(said) / answerable:.3f} of {answerable} answered\n"
        )


async def main() -> None:
    folder = available()
    if folder is None:
        raise SystemExit("The embedding model is not here: llmos models pull all-minilm-l6-v2")
    for way, embedder in (("with the model", Embedder(folder)), ("words alone", None)):
        with TemporaryDirectory() as place:
            async with library(Path(place), embedder) as search:
                for name, questions in SETS.items():
                    await tell(f"{way}, {name}", search, questions)


if __name__ == "__main__":
    asyncio.run(main())
