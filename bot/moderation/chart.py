"""A report as a picture: cases by day and rule, and how often each rule was right.

Words stand in the text and in the picture's description, in the language of who reads them. In the picture
are numbers, dates and names of rules, those in ASCII: the font that comes with matplotlib has no Chinese.
"""

from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING

from bot.core.actions import File
from bot.moderation.report import Report, alt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_RULES = 8
"""More colors nobody tells apart; the others are one."""

_OTHERS, _BY_HAND = "…", "+"


def chart(of: Report) -> File | None:
    """The picture; None without matplotlib, or if there is nothing to show. Takes up to a second."""
    if not of.cases:
        return None
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - optional; without pyplot, which looks for a screen
    except ImportError:
        return None
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    _by_day(of, left)
    _precision(of, right)
    content = BytesIO()
    figure.savefig(content, format="png", dpi=100)
    name = f"moderation-{of.since:%Y-%m-%d}.png"
    return File.of(name, "image/png", content.getvalue(), alt(of))


def _by_day(of: Report, axes: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - see above

    shown = {_shown(rule, of): list(days) for rule, days in list(of.days.items())[:MOST_RULES]}
    rest = list(of.days.values())[MOST_RULES:]
    if rest:
        shown[_OTHERS] = [sum(day) for day in zip(*rest, strict=True)]
    count = len(next(iter(of.days.values())))
    names = [f"{of.since + timedelta(days=n):%m-%d}" for n in range(count)]
    below = [0] * count
    for rule, days in shown.items():
        axes.bar(names, days, bottom=below, label=rule)
        below = [low + n for low, n in zip(below, days, strict=True)]
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(axis="x", rotation=30)
    axes.legend()


def _precision(of: Report, axes: "Axes") -> None:
    said = [(rule, found.precision) for rule in of.rules if (found := of.records[rule]).precision is not None]
    axes.barh(
        [_shown(rule, of) for rule, _share in reversed(said)],
        [100 * (share or 0.0) for _rule, share in reversed(said)],
        color="#5b8db8",
    )
    axes.set_xlim(0, 100)
    axes.set_xlabel("%")


def _shown(rule: str, of: Report) -> str:
    """The number of a rule in the text, and its name if the font has it; what was done by hand is a plus."""
    if not rule:
        return _BY_HAND
    number = of.rules.index(rule) + 1
    return f"{number} {rule}" if rule.isascii() else str(number)
