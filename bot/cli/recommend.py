"""`llmos recommend`: how well threads would be recommended, and learning it from a community's own past."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.cli.options import ConfigOption, JsonFlag, print_json, print_line, speak_operators_language
from bot.core.text import _

if TYPE_CHECKING:
    from bot.config import Config
    from bot.recommend.evaluate import Comparison, Quality, Report, Shown
    from bot.recommend.learning import Learned

command = App(name="recommend", help="Recommend threads.")

BASELINES = ("newest", "hn", "recent_popularity")
"""Always told first: what a recommender has to beat."""


@command.command
def evaluate(
    *,
    interactions: Path,
    threads: Path | None = None,
    split: Annotated[float, Parameter(validator=Number(gt=0, lt=1))] = 0.8,
    kind: tuple[str, ...] = (),
    min_threads: Annotated[int, Parameter(validator=Number(gte=1))] = 2,
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 0,
    plot: Path | None = None,
    json: JsonFlag = False,
) -> None:
    """Replay past interactions and score every recommender on what members chose next.

    Args:
        interactions: a file with the columns user, thread, timestamp (unix seconds); .csv or .csv.gz.
        threads: a file with the columns thread and, where known, created_at and author.
        split: the share of the time span that is learned from; the rest is scored.
        kind: only interactions of this kind, such as like; may be given several times.
        min_threads: members who touched fewer threads are not scored.
        seed: of all chance.
        plot: writes a chart, such as chart.png.
    """
    speak_operators_language()
    from bot.recommend import chart  # noqa: PLC0415 - imports numpy
    from bot.recommend import evaluate as evaluation  # noqa: PLC0415
    from bot.recommend.interactions import read  # noqa: PLC0415

    if plot is not None:
        chart.check(plot)
    past = read(interactions, threads, kind)
    with _bar() as shown:
        report = evaluation.evaluate(past, evaluation.Settings(split, min_threads, seed), shown)
    if plot is not None:
        chart.draw(report, plot)
    if json:
        print_json(_document(report))
    else:
        _print(report)


@command.command
def fit(*, config: ConfigOption = None, json: JsonFlag = False) -> None:
    """Learn every community's own weights now from what its members chose; a running bot does it by itself.

    Weights that prove no better on the last quarter of the choices than those in use, or than Hacker News'
    formula, are not taken. A bot that runs meanwhile uses what was learned here from its next start on.
    """
    speak_operators_language()
    from bot.config import load  # noqa: PLC0415 - with the database, slow to import

    found = asyncio.run(_fit(load(config, secrets=False)))
    if json:
        print_json({name: _learned(each) for name, each in found.items()})
        return
    if not found:
        print_line(_("No community has threads yet, so there is nothing to learn from."))
    for name, each in found.items():
        print_line(f"{name}: {_outcome(each)}")


async def _fit(settings: "Config") -> dict[str, "Learned"]:
    from bot.recommend.worth import Recommendations  # noqa: PLC0415 - imports numpy
    from bot.storage.seal import KEY_FILE_NAME  # noqa: PLC0415
    from bot.storage.store import Store  # noqa: PLC0415

    if settings.storage.path is not None and not settings.storage.path.exists():
        return {}
    store = await Store.open(settings.storage.full_url(), settings.bot.data_dir / KEY_FILE_NAME)
    try:
        recommendations = Recommendations(store, settings.recommend.half_life_days)
        names, now = await store.threads.communities(), datetime.now(UTC)
        return {name: await recommendations.fit(name, now) for name in sorted(names)}
    finally:
        await store.close()


def _learned(each: "Learned") -> dict[str, object]:
    return {
        "choices": each.choices,
        "new": each.is_new,
        "ndcg@10": None if each.gain is None else round(each.gain, 4),
        "ndcg@10_before": None if each.before is None else round(each.before, 4),
        "weights": {name: round(value, 4) for name, value in each.weights.model_dump().items()},
    }


def _outcome(each: "Learned") -> str:
    if each.gain is None or each.before is None:
        return _("{n} choices are too few to learn from; the weights stay as they are", n=each.choices)
    if not each.is_new:
        return _("{n} choices; the weights stay as they are, nothing was better", n=each.choices)
    return _(
        "{n} choices; new weights, nDCG@10 {gain:.3f} instead of {before:.3f}",
        n=each.choices,
        gain=each.gain,
        before=each.before,
    )


@contextmanager
def _bar() -> Iterator["Shown"]:
    """A progress bar on stderr, if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)


def _document(report: "Report") -> dict[str, object]:
    """As docs/operators/recommend.md describes it."""
    return {
        "events": {"train": report.train, "scored": report.scored, "skipped": dict(report.skipped)},
        "digests": report.digests,
        "models": {name: _quality(quality) for name, quality in report.models.items()},
        "comparisons": [_comparison(each) for each in report.comparisons],
        "blend_weights": report.weights.model_dump(),
    }


def _quality(quality: "Quality") -> dict[str, object]:
    return {
        "ndcg@10": round(quality.ndcg, 4),
        "ndcg@10_ci95": _rounded(quality.ndcg_ci95),
        "hit@10": round(quality.hit, 4),
        "coverage": round(quality.coverage, 4),
        "gini": round(quality.gini, 4),
        "diversity": round(quality.diversity, 4),
        "digest_ndcg@10": None if quality.digest_ndcg is None else round(quality.digest_ndcg, 4),
        "digest_hit@10": None if quality.digest_hit is None else round(quality.digest_hit, 4),
        "fit_seconds": round(quality.fit_seconds, 3),
        "us_per_query": round(quality.us_per_query, 1),
    }


def _comparison(each: "Comparison") -> dict[str, object]:
    return {
        "a": each.a,
        "b": each.b,
        "metric": "ndcg@10",
        "delta": round(each.delta, 4),
        "ci95": _rounded(each.ci95),
        "n_users": each.members,
    }


def _rounded(interval: tuple[float, float]) -> list[float]:
    return [round(bound, 4) for bound in interval]


def _print(report: "Report") -> None:
    skipped = ", ".join(f"{name} {count:,}" for name, count in report.skipped.items()) or "0"
    print_line(_("{n} interactions to learn from, {m} choices scored.", n=report.train, m=report.scored))
    print_line(_("Not scored: {skipped}.", skipped=skipped))
    print_line()
    console = Console(highlight=False)
    console.print(_models_table(report))
    console.print()
    console.print(_comparisons_table(report))


def _models_table(report: "Report") -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=True, header_style="bold")
    table.add_column(_("model"), no_wrap=True)
    headings = "nDCG@10", "Hit@10", _("coverage"), "Gini", _("diversity"), _("digest"), _("fit"), _("query")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for name in (*BASELINES, *sorted(report.models.keys() - set(BASELINES))):
        quality = report.models[name]
        table.add_row(
            name,
            f"{quality.ndcg:.3f}",
            f"{quality.hit:.3f}",
            f"{quality.coverage:.3f}",
            f"{quality.gini:.3f}",
            f"{quality.diversity:.3f}",
            "–" if quality.digest_ndcg is None else f"{quality.digest_ndcg:.3f}",
            f"{quality.fit_seconds:.1f} s",
            f"{quality.us_per_query / 1000:.1f} ms",
        )
    return table


def _comparisons_table(report: "Report") -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=True, header_style="bold")
    table.add_column(_("difference in nDCG@10"), no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column(_("95 %, by member"), justify="right", no_wrap=True)
    for each in report.comparisons:
        low, high = each.ci95
        table.add_row(f"{each.a} - {each.b}", f"{each.delta:+.3f}", f"{low:+.3f} … {high:+.3f}")
    return table
