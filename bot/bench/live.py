"""What a member waits for a list, through the database and the living memory: wall time, in milliseconds."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np

from bot.recommend.interactions import Interactions
from bot.recommend.worth import Recommendations
from bot.storage.seal import KEY_FILE_NAME
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from bot.storage.threads import Noted, ThreadRef, Touch

PLATFORM, COMMUNITY, CHANNEL = "memory", "memory/town", "memory/town/general"

ASKED, FOLDED, LENGTH = 200, 200, 5
"""Lists that are asked for, reactions that come in, threads of a list."""

AT_ONCE = 4_000
"""Touches that are written in one transaction."""

BEGIN = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
TICK_S = 0.002


def measured(community: Interactions) -> dict[str, object]:
    """Write a community into a database of its own, then recommend from it as a bot does."""
    with TemporaryDirectory() as folder:
        return asyncio.run(_measured(community, Path(folder)))


async def _measured(community: Interactions, folder: Path) -> dict[str, object]:
    store = await Store.open(f"sqlite:///{folder}/llmos.db", folder / KEY_FILE_NAME)
    try:
        await _fill(store, community)
        recommendations, readable = Recommendations(store, half_life_days=180), {CHANNEL}
        chance = np.random.default_rng(0)
        members = chance.integers(0, len(community.member_ids), ASKED)
        now = _time(float(community.times[-1]) + 60)

        async def ask(member: int) -> tuple[float, float]:
            began, worked = perf_counter(), process_time()
            found = await recommendations.for_member(
                (PLATFORM, f"m{member}"), COMMUNITY, readable, LENGTH, now
            )
            assert len(found) == LENGTH  # noqa: S101 - a list that is empty would be quick
            return perf_counter() - began, process_time() - worked

        stalls = _Stalls()
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(stalls.watch())
            loaded_s, load_cpu_s = await ask(int(members[0]))
            while_loading = stalls.take()
            asked = [await ask(int(member)) for member in members]
            while_asking = stalls.take()
            folded = [await _react(store, recommendations, community, chance, now) for _n in range(FOLDED)]
            watching.cancel()
        return {
            "interactions": len(community),
            "load_seconds": round(loaded_s, 2),
            "load_cpu_seconds": round(load_cpu_s, 2),
            "load_longest_stall_ms": round(while_loading * 1000, 1),
            "recommend_ms": _percentiles([wall for wall, _cpu in asked]),
            "recommend_cpu_ms": _percentiles([cpu for _wall, cpu in asked]),
            "recommend_longest_stall_ms": round(while_asking * 1000, 1),
            "store_and_fold_ms": _percentiles(folded),
            "database_mb": round((folder / "llmos.db").stat().st_size / 1e6),
        }
    finally:
        await store.close()


async def _fill(store: Store, community: Interactions) -> None:
    threads = tuple(
        ThreadRef(COMMUNITY, CHANNEL, f"t{number}", _time(float(born)), f"t{number}", f"thread {number}")
        for number, born in enumerate(community.born)
    )
    for begin in range(0, len(threads), AT_ONCE):
        await store.threads.write(Noted(threads[begin : begin + AT_ONCE]))
    names = [store.seal.pseudonym((PLATFORM, f"m{member}")) for member in range(len(community.member_ids))]
    for begin in range(0, len(community), AT_ONCE):
        await store.threads.write(Noted(touched=tuple(_touches(community, names, begin))))


def _touches(community: Interactions, names: list[str], begin: int) -> Iterator[Touch]:
    some = slice(begin, begin + AT_ONCE)
    for who, what, at in zip(
        community.members[some].tolist(),
        community.threads[some].tolist(),
        community.times[some].tolist(),
        strict=True,
    ):
        yield Touch(CHANNEL, f"t{what}", names[who], "reaction", _time(at), f"t{what}", "👍")


async def _react(
    store: Store,
    recommendations: Recommendations,
    community: Interactions,
    chance: np.random.Generator,
    now: datetime,
) -> float:
    """A reaction comes in, is durable, and counts."""
    member, thread = chance.integers(len(community.member_ids)), chance.integers(len(community.thread_ids))
    who = store.seal.pseudonym((PLATFORM, f"m{member}"))
    noted = Noted(touched=(Touch(CHANNEL, f"t{thread}", who, "reaction", now, f"t{thread}", "🎉"),))
    began = perf_counter()
    await store.settle(Settlement(noted=noted))
    await recommendations.fold(noted)
    return perf_counter() - began


@dataclass(slots=True)
class _Stalls:
    """How long the loop let nothing else happen, at most."""

    longest_s: float = 0.0

    async def watch(self) -> None:
        while True:
            began = perf_counter()
            await asyncio.sleep(TICK_S)
            self.longest_s = max(self.longest_s, perf_counter() - began - TICK_S)

    def take(self) -> float:
        longest, self.longest_s = self.longest_s, 0.0
        return longest


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(BEGIN + seconds, UTC)


def _percentiles(spent_s: list[float]) -> dict[str, float]:
    p50, p95, most = (np.quantile(spent_s, [0.5, 0.95, 1.0]) * 1000).tolist()
    return {"p50": round(p50, 2), "p95": round(p95, 2), "max": round(most, 2)}
