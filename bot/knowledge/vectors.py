"""Vectors of passages in memory, as float16, looked through exactly; only what may be read is a candidate."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import simsimd
from numpy.typing import NDArray

from bot.storage.passages import StoredVector, readable_in

MOST = 300_000
"""So many are held, the newest ones: 230 MB at 384 dimensions. Older passages are found by their words."""
_RESCORED = 16  # more than asked for: half precision may swap neighbours, which are then compared exactly
_TINY = 1e-6

Vector = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vector]


@dataclass(frozen=True, slots=True)
class Vectors:
    """Never changed, since a search reads them in a thread: others take their place.

    Attributes:
        seqs: numbers of passages, int64 (passages), ascending.
        rows: float16 (passages, dimensions).
        places: where each may be read, int32 (passages), an index into `rooms`.
        rooms: community and key of the channel, each once.
    """

    seqs: NDArray[np.int64]
    rows: NDArray[np.float16]
    places: NDArray[np.int32]
    rooms: tuple[tuple[str, str], ...]

    def near(
        self, vector: Vector, most: int, community: str, channels: Collection[str] | None
    ) -> list[tuple[int, float]]:
        """See `Index.near`."""
        if not len(self):
            return []
        rough = np.asarray(simsimd.cdist(vector.astype(np.float16)[None], self.rows, metric="dot"))[0]
        readable = np.array([readable_in(*room, community, channels) for room in self.rooms])
        rough[~readable[self.places]] = -np.inf
        count = min(most + _RESCORED, len(rough))
        best = np.argpartition(rough, -count)[-count:]
        best = best[rough[best] > -np.inf]
        cosines = self.rows[best].astype(np.float32) @ vector
        order = np.lexsort((best, -cosines))[:most]
        return [(int(self.seqs[best[at]]), float(cosines[at])) for at in order]

    def cosines(self, seqs: Sequence[int], vector: Vector) -> dict[int, float]:
        """See `Index.cosines`."""
        if not len(self):
            return {}
        asked = np.array(seqs, np.int64)
        at = np.minimum(np.searchsorted(self.seqs, asked), len(self) - 1)
        here = self.seqs[at] == asked
        cosines = self.rows[at[here]].astype(np.float32) @ vector
        return dict(zip(asked[here].tolist(), cosines.tolist(), strict=True))

    def means(self, groups: Sequence[Sequence[int]]) -> list[Vector | None]:
        """See `Index.means`."""
        found: list[Vector | None] = []
        for group in groups:
            asked = np.array(group, np.int64)
            at = np.minimum(np.searchsorted(self.seqs, asked), max(len(self) - 1, 0))
            if not len(self) or not (self.seqs[at] == asked).all():
                found.append(None)
                continue
            mean = self.rows[at].astype(np.float32).mean(0)
            found.append(mean / max(float(np.linalg.norm(mean)), _TINY))
        return found

    def only(self, seqs: Sequence[int]) -> "Vectors":
        """Those of these passages."""
        return self._kept(np.isin(self.seqs, np.array(seqs, np.int64)))

    def __len__(self) -> int:
        """How many there are."""
        return len(self.seqs)

    @property
    def newest(self) -> int:
        """The highest number of a passage, 0 for none."""
        return int(self.seqs[-1]) if len(self) else 0

    def _kept(self, which: NDArray[np.bool_] | slice) -> "Vectors":
        return Vectors(self.seqs[which], self.rows[which], self.places[which], self.rooms)


def unpacked(packed: Sequence[StoredVector]) -> Vectors:
    """Vectors as the database keeps them, numbers ascending."""
    rooms: dict[tuple[str, str], int] = {}
    places = [rooms.setdefault((each.community, each.channel), len(rooms)) for each in packed]
    return Vectors(
        np.array([each.seq for each in packed], np.int64),
        np.stack([np.frombuffer(each.packed, "<f2") for each in packed]),
        np.array(places, np.int32),
        tuple(rooms),
    )


def joined(parts: Sequence[Vectors]) -> Vectors:
    """Some after others, whose numbers are higher; at most `MOST`, the newest ones."""
    rooms: dict[tuple[str, str], int] = {}
    places = [
        np.array([rooms.setdefault(room, len(rooms)) for room in part.rooms], np.int32)[part.places]
        for part in parts
    ]
    whole = Vectors(
        np.concatenate([part.seqs for part in parts]),
        np.concatenate([part.rows for part in parts]),
        np.concatenate(places),
        tuple(rooms),
    )
    return whole._kept(slice(-MOST, None))
