"""Clusters found in a process of its own: what finds them lets nothing else run for seconds."""

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.knowledge.apart import apart
from bot.knowledge.proposals import Proposal

if TYPE_CHECKING:  # numpy is behind it
    from bot.knowledge.vectors import Vector

LONGEST_S = 300.0
"""Some seconds of one core for 5,000 conversations; a busy machine takes longer."""


async def proposed(
    texts: Sequence[str],
    authors: Sequence[str],
    vectors: "Sequence[Vector | None]",
    most: int,
    within_s: float = LONGEST_S,
) -> list[Proposal] | None:
    """See `clusters.proposals`; None if it takes too long, or what it runs in was ended."""
    told = await asyncio.to_thread(_packed, texts, authors, vectors, most)
    async with apart("bot.knowledge.clusters") as process:
        try:
            async with asyncio.timeout(within_s):
                answer, _errors = await process.communicate(told)
        except TimeoutError:
            return None
    if process.returncode != 0:
        return None
    return [Proposal(tuple(words), size) for words, size in json.loads(answer)]


def _packed(
    texts: Sequence[str], authors: Sequence[str], vectors: "Sequence[Vector | None]", most: int
) -> bytes:
    """A line of JSON, then the vectors that there are, float32."""
    has = [vector is not None for vector in vectors]
    header = {"texts": texts, "authors": authors, "has": has, "most": most}
    rows = b"".join(vector.astype("<f4").tobytes() for vector in vectors if vector is not None)
    return json.dumps(header).encode() + b"\n" + rows
