"""Numbers as pictures, by matplotlib. Its fonts know no Chinese: charts are in English."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bot.core.errors import ConfigError
from bot.core.text import _

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bot.recommend.evaluate import Report
    from bot.storage.digests import Effect

STRETCHES = 12
"""Points of the line over time."""

_BAR, _COLORS = 0.2, ("#5b8db8", "#3a7d44", "#e0a030", "#b04a4a")

OVER_TIME = ("blend", "blend_without_cf", "hn", "newest")


def check(path: Path) -> None:
    """Find out before minutes of work whether a chart can be written.

    Raises:
        ConfigError: no matplotlib, no such folder, or the name ends in no kind of picture.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - only here
    except ImportError as error:
        told = _("A chart needs matplotlib: pip install 'llmos-bot[plot]'")
        raise ConfigError(told) from error
    kinds = sorted(FigureCanvasAgg.get_supported_filetypes())
    if path.suffix.lower().lstrip(".") not in kinds:
        told = _(
            "A chart's name ends in one of {kinds}, not as {path} does.", kinds=", ".join(kinds), path=path
        )
        raise ConfigError(told)
    if not path.absolute().parent.is_dir():
        raise ConfigError(_("{folder}: there is no such folder.", folder=path.absolute().parent))


def draw(report: "Report", path: Path) -> None:
    """Write the models side by side, and how the blend and the baselines do as time goes on.

    Raises:
        ConfigError: the file cannot be written.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - without pyplot, which looks for a screen

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    _side_by_side(report, left)
    _over_time(report, right)
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise ConfigError(_("{file}: it cannot be written: {why}", file=path, why=error.strerror)) from error


def _side_by_side(report: "Report", axes: "Axes") -> None:
    names = sorted(report.models, key=lambda name: report.models[name].ndcg)
    qualities = [report.models[name] for name in names]
    values = np.array([quality.ndcg for quality in qualities])
    low, high = np.array([quality.ndcg_ci95 for quality in qualities]).T
    axes.barh(names, values, xerr=[values - low, high - values], color="#5b8db8", ecolor="#333333")
    axes.set_xlabel("nDCG@10, 95 %")


def _over_time(report: "Report", axes: "Axes") -> None:
    stretches = np.array_split(np.arange(len(report.times)), min(STRETCHES, len(report.times)))
    days = [np.datetime64(int(report.times[each].mean()), "s") for each in stretches]
    for name in OVER_TIME:
        axes.plot(days, [report.gains[name][each].mean() for each in stretches], label=name)
    axes.set_ylabel("nDCG@10")
    axes.tick_params(axis="x", rotation=30)
    axes.legend()


def effects(told: "Sequence[Effect]") -> bytes | None:
    """What members made of what each blend chose, as a PNG; None without matplotlib."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - as above
        from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - as above
    except ImportError:
        return None
    series = {
        "shown": [each.threads for each in told],
        "taken up": [each.touched for each in told],
        "more like this": [each.more for each in told],
        "less like this": [each.less for each in told],
    }
    figure = Figure(figsize=(max(6.0, 1.6 * len(told)), 4.0), layout="constrained")
    axes, places = figure.subplots(), np.arange(len(told))
    for n, (name, values) in enumerate(series.items()):
        bars = axes.bar(places + (n - 1.5) * _BAR, values, _BAR, label=name, color=_COLORS[n])
        axes.bar_label(bars)
    axes.set_xticks(places, [f"{each.blend or 'unknown'}\nsince {each.since:%Y-%m-%d}" for each in told])
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("threads, votes")
    axes.margins(y=0.1)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=len(series), frameon=False)
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=100)
    return drawn.getvalue()
