"""Bland-Altman plots; of many lesions their density, so that the file stays small."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from evaluation.analysis import ResultRow
from evaluation.report.cells import figure_marks, marked
from evaluation.report.document import Figure
from evaluation.report.drawing import ACCENT, DENSITY, GREY, INK, WIDTH, canvas, grid, save, style
from evaluation.report.formats import QUANTITIES, interval_of, label
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say

_PANELS = ("suv_peak", "suv_max", "suv_mean", "mtv_41", "tlg_41", "tbr_max")
_CIRCLES = 1500
"""Above this many lesions circles hide each other and weigh megabytes: hexagons are drawn."""


def bland_altman_figure(look: Lookup, pairs: pd.DataFrame, out: Path) -> Figure | None:
    """Write the ratio-scale Bland-Altman panels; None where no pair can be drawn."""
    if pairs.empty:
        return None
    shown = [
        (row, _points(pairs, row))
        for row in look.where(statistic="bias_percent", subgroup="all", region="lesion")
        if row.quantity in _PANELS and row.value is not None
    ]
    shown = [(row, own) for row, own in shown if len(own)]
    if not shown:
        return None
    path = Path("figures") / "bland_altman.svg"
    with style():
        rows = (len(shown) + 1) // 2
        figure = canvas(WIDTH, 2.4 * rows)
        for i, (row, own) in enumerate(shown, start=1):
            _panel(figure.add_subplot(rows, 2, i), look, row, own)
        save(figure, out / path)
    panels = "; ".join(
        say("agreement.alt_panel", name=label(QUANTITIES, row.quantity), bias=interval_of(row))
        for row, _ in shown
    )
    crowded = any(len(own) > _CIRCLES for _, own in shown)
    marks = say("agreement.hexagons" if crowded else "agreement.circles")
    marks += figure_marks(look, (row for row, _ in shown))
    return Figure(
        say("agreement.figure", marks=marks), str(path), say("agreement.alt", panels=panels),
        id="bland_altman",
    )  # fmt: skip


def _points(pairs: pd.DataFrame, row: ResultRow) -> pd.DataFrame:
    own = pairs[(pairs["quantity"] == row.quantity) & (pairs["group"] == row.region)]
    return own[own["difference_percent"].notna()]


def _panel(axes: Axes, look: Lookup, row: ResultRow, own: pd.DataFrame) -> None:
    x, y = own["mean"].to_numpy(float), own["difference_percent"].to_numpy(float)
    grid(axes)
    axes.axhline(0, color=GREY, linewidth=0.6)
    if len(own) > _CIRCLES:
        axes.hexbin(
            x, y, gridsize=(44, 26), xscale="log", mincnt=1, cmap=DENSITY, bins="log",
            linewidths=0.1, edgecolors="face", zorder=1,
        )  # fmt: skip
    else:
        axes.scatter(x, y, s=10, facecolors="none", edgecolors=ACCENT, linewidths=0.7)
    for name, dash in (
        ("bias_percent", "-"),
        ("loa_lower_percent", "--"),
        ("loa_upper_percent", "--"),
    ):
        _level(axes, look.like(row, name), dash)
    axes.set_xscale("log")
    _log_ticks(axes, float(x.max() / x.min()))
    axes.set_title(f"{label(QUANTITIES, row.quantity)}{marked(look, row)}  (n = {len(own):,})")
    axes.set_xlabel(say("agreement.xlabel"))
    axes.set_ylabel(say("agreement.ylabel"))


def _log_ticks(axes: Axes, span: float) -> None:
    # Three labels a decade collide where the axis spans several decades.
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if span < 200 else (1.0,)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _level(axes: Axes, line: ResultRow | None, dash: str) -> None:
    if line is None or line.value is None:
        return
    axes.axhline(line.value, color=INK, linestyle=dash, linewidth=1.0, zorder=3)
    if line.lower is not None and line.upper is not None:
        axes.axhspan(line.lower, line.upper, color=GREY, alpha=0.16, linewidth=0)
