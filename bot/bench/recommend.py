"""What recommending costs as a community grows, beside `implicit`'s ALS, and whether reasons are true.

Times are processor time of one thread, in this process. The communities are drawn: activity of members and
popularity of threads follow Zipf's law, threads are born evenly over a year, and touches come soon after.
"""

import importlib.util
import resource
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from time import process_time
from typing import TypeVar

import numpy as np
import scipy.linalg  # noqa: F401 - only a library of linear algebra that is loaded can be held to one thread
from threadpoolctl import threadpool_limits

from bot.llm.model import Progress, no_progress
from bot.recommend.interactions import Interactions, read
from bot.recommend.models.blend import Blend
from bot.recommend.models.ease import Ease
from bot.recommend.recommender import Recommender, recommender
from bot.recommend.rows import Floats
from bot.recommend.signals import DAY_S
from bot.recommend.votes import Vote, Votes

MEMBERS, THREADS, INTERACTIONS = 1_000, 2_000, 100_000
"""Of a community of size 1; size 10 has ten times as many of each."""

SPAN_S = 365 * DAY_S
ASKED, FOLDED = 200, 2_000
"""Members who are recommended something, and reactions that are folded in, for each size."""

ALS_FACTORS, ALS_ITERATIONS = 64, 15

EXPLAINED, CITED = 500, 3
"""Members whose reasons are checked by taking away so many threads."""

EXPLAINING = ("blend", "item_knn", "ease")

SEED = 0

T = TypeVar("T")


def run(
    sizes: Sequence[int],
    interactions: Path | None = None,
    threads: Path | None = None,
    progress: Progress = no_progress,
) -> dict[str, object]:
    """Measure everything.

    Args:
        sizes: multiples of 1,000 members, 2,000 threads and 100,000 reactions.
        interactions, threads: files of a community whose reasons are checked; a drawn one without them.
    """
    steps = len(sizes) + 1
    with threadpool_limits(1):
        costs = {}
        for number, size in enumerate(sizes):
            progress(f"{size * INTERACTIONS:,} interactions", number / steps)
            costs[str(size)] = _costs(drawn(size))
        community = read(interactions, threads) if interactions is not None else drawn(min(sizes))
        checked = {}
        for number, name in enumerate(EXPLAINING):
            progress(f"reasons of {name}", (len(sizes) + number / len(EXPLAINING)) / steps)
            checked[name] = _reasons(community, recommender(name))
    return {"sizes": costs, "reasons": checked}


def drawn(size: int) -> Interactions:
    """A community drawn by chance."""
    chance = np.random.default_rng(SEED)
    members, threads, count = size * MEMBERS, size * THREADS, size * INTERACTIONS
    born = np.sort(chance.uniform(0, SPAN_S, threads))
    who = chance.choice(members, 2 * count, p=_zipf(members, chance))
    what = chance.choice(threads, 2 * count, p=_zipf(threads, chance))
    pairs = np.unique(who * threads + what, return_index=True)[1]
    kept = chance.permutation(pairs)[:count]
    when = born[what[kept]] + chance.exponential(2 * DAY_S, len(kept))
    order = np.argsort(when, kind="stable")
    return Interactions(
        tuple(f"m{number}" for number in range(members)),
        tuple(f"t{number}" for number in range(threads)),
        who[kept][order],
        what[kept][order],
        when[order],
        born,
        np.full(threads, -1, np.int64),
    )


def _zipf(count: int, chance: np.random.Generator) -> Floats:
    odds = chance.permutation(1 / np.arange(10, count + 10) ** 0.7)
    return np.asarray(odds / odds.sum(), np.float64)


def _costs(community: Interactions) -> dict[str, object]:
    chance = np.random.default_rng(SEED)
    votes, fill_s = _timed(lambda: Votes.of(community))
    blend = Blend()
    _none, fit_s = _timed(lambda: blend.fit(votes))
    now = votes.latest + 1
    asked = [f"m{number}" for number in chance.choice(len(community.member_ids), ASKED, replace=False)]
    lists = [_timed(partial(blend.recommend, member, now)) for member in asked]
    explained = [
        _timed(partial(blend.explain, votes.member(member), votes.thread(chosen[0].thread), now))
        for member, (chosen, _spent) in zip(asked, lists, strict=True)
    ]
    new = [
        Vote(
            f"m{chance.integers(len(community.member_ids))}",
            f"t{chance.integers(len(community.thread_ids))}",
            now,
        )
        for _number in range(FOLDED)
    ]
    folded = [_timed(partial(votes.add, vote))[1] for vote in new]
    dropped = [_timed(partial(votes.drop, vote.member, vote.thread))[1] for vote in new]
    ease = Ease()
    _none, ease_s = _timed(lambda: ease.fit(votes))
    return {
        "members": len(community.member_ids),
        "threads": len(community.thread_ids),
        "interactions": len(community),
        "fill_seconds": round(fill_s, 2),
        "refit_seconds": round(fit_s, 2),
        "add_ms": _percentiles(folded),
        "drop_ms": _percentiles(dropped),
        "recommend_ms": _percentiles([spent for _list, spent in lists]),
        "explain_ms": _percentiles([spent for _told, spent in explained]),
        "ease_refit_seconds": round(ease_s, 2),
        "rss_mb": round(_peak_rss_bytes() / 1e6),
        "als": _als(community, asked),
    }


def _als(community: Interactions, asked: Sequence[str]) -> dict[str, object] | None:
    """The same with implicit: a fit, a list, and a member's factors anew after a reaction."""
    if importlib.util.find_spec("implicit") is None:
        return None
    from implicit.als import AlternatingLeastSquares  # noqa: PLC0415 - a peer, not installed for everybody
    from scipy.sparse import csr_matrix  # noqa: PLC0415

    shape = len(community.member_ids), len(community.thread_ids)
    ones = np.ones(len(community), np.float32)
    matrix = csr_matrix((ones, (community.members, community.threads)), shape)
    als = AlternatingLeastSquares(ALS_FACTORS, iterations=ALS_ITERATIONS, num_threads=1, random_state=SEED)
    _none, fit_s = _timed(lambda: als.fit(matrix, show_progress=False))
    numbers = [int(member[1:]) for member in asked]
    lists = [_timed(partial(als.recommend, one, matrix[one], N=10))[1] for one in numbers]
    anew = [_timed(partial(als.partial_fit_users, [one], matrix[one]))[1] for one in numbers]
    return {
        "factors": ALS_FACTORS,
        "refit_seconds": round(fit_s, 2),
        "add_ms": _percentiles(anew),
        "recommend_ms": _percentiles(lists),
    }


def _reasons(community: Interactions, model: Recommender) -> dict[str, object]:
    """How often a list changes when the threads a reason cites are taken away, and when others are."""
    votes = Votes.of(community)
    model.fit(votes)
    chance = np.random.default_rng(SEED)
    names = chance.permutation(community.member_ids).tolist()
    found = (_checked(votes, model, name, chance) for name in names)
    checks = list(islice((check for check in found if check is not None), EXPLAINED))
    told: dict[str, object] = {"lists": len(checks)}
    for place, what in enumerate(("changes_cited", "changes_random", "leaves_cited", "leaves_random")):
        told[what] = round(float(np.mean([check[place] for check in checks])), 3) if checks else None
    return told


def _checked(
    votes: Votes, model: Recommender, name: str, chance: np.random.Generator
) -> tuple[bool, bool, bool, bool] | None:
    """For a thread of a member's list: what it does to take the threads away that its reason cites.

    Returns:
        Whether the list changes without the cited threads, without random ones; whether the thread leaves it.
    """
    now, member = votes.latest + 1, votes.member(name)
    history = votes.history(member, now)
    before = {each.thread for each in model.recommend(name, now)}
    for thread in sorted(before):
        parts = model.explain(member, votes.thread(thread), now).parts
        cited = [each.thread for part in parts for each in part.cited[:CITED] if each.value > 0]
        others = np.setdiff1d(history, cited)
        if len(cited) == CITED <= len(others):
            without_cited = _without(votes, model, name, cited)
            without_random = _without(
                votes, model, name, chance.choice(others, CITED, replace=False).tolist()
            )
            return (
                without_cited != before,
                without_random != before,
                thread not in without_cited,
                thread not in without_random,
            )
    return None


def _without(votes: Votes, model: Recommender, name: str, threads: Sequence[int]) -> set[str]:
    """A member's list as if they had not touched some threads, which are not shown instead."""
    now = votes.latest + 1
    candidates = votes.candidates(votes.member(name), now)
    taken = [vote for vote in votes.votes_of(name) if votes.thread(vote.thread) in threads]
    for vote in taken:
        votes.drop(vote.member, vote.thread)
    after = {each.thread for each in model.recommend(name, now, among=candidates)}
    for vote in taken:
        votes.add(vote)
    return after


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """What something returns, and the processor seconds it took."""
    began = process_time()
    done = work()
    return done, process_time() - began


def _percentiles(spent_s: Sequence[float]) -> dict[str, float]:
    """Milliseconds."""
    p50, p95 = np.quantile(spent_s, [0.5, 0.95]) * 1000
    return {"p50": round(float(p50), 3), "p95": round(float(p95), 3)}


def _peak_rss_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
