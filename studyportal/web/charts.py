"""Small charts as numbers for an SVG template; each page shows the same numbers as a table too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 480, 200, 44, 26, 12, 10


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class LineChart:
    """A stepped line within a frame, in units of the picture."""

    points: str
    across: list[Tick]
    up: list[Tick]
    last: int
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    floor: int = _HEIGHT - _BOTTOM
    top: int = _TOP


def cumulative_chart(curve: Sequence[tuple[date, int]], *, until: date) -> LineChart | None:
    """Return the line of a growing number from the day before the first until today; None without a day."""
    if not curve:
        return None
    first, last = curve[0][0] - timedelta(days=1), max(until, curve[-1][0])
    days = max((last - first).days, 1)
    step = _round_step(curve[-1][1])
    highest = step * -(-curve[-1][1] // step)

    def x(day: date) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (day - first).days / days

    def y(count: int) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * count / highest

    corners, before = [(float(_LEFT), y(0))], 0
    for day, count in curve:
        corners += [(x(day), y(before)), (x(day), y(count))]
        before = count
    corners.append((float(_WIDTH - _RIGHT), y(before)))
    return LineChart(
        points=" ".join(f"{across:.1f},{up:.1f}" for across, up in corners),
        across=[Tick(x(day), f"{day:%Y-%m-%d}") for day in dict.fromkeys((first, last))],
        up=[Tick(y(count), str(count)) for count in range(0, highest + 1, step)],
        last=curve[-1][1],
    )


def _round_step(highest: int) -> int:
    """A step of 1, 2 or 5 times a power of ten that gives at most five marks."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power * 5 >= highest:
                return factor * power
        power *= 10
