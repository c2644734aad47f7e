"""Curves over thresholds, risks and uptake: ROC, calibration, decision curves, uptake trend."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from evaluation.analysis import ResultRow
from evaluation.report.accuracy_tables import judged
from evaluation.report.cells import figure_marks, marked, region_name, test_name
from evaluation.report.document import Figure
from evaluation.report.drawing import GREY, INK, LINES, WIDTH, canvas, grid, save, style
from evaluation.report.formats import CONDITIONS, QUANTITIES, UNITS, interval_of, label
from evaluation.report.lookup import Lookup
from evaluation.report.similarity_tables import uptake_rows
from evaluation.report.wording import say

_ERRORS = ("bias", "mae")
_LEGEND_LINE = 0.15  # inches below the axes
Draw = Callable[[Axes, Lookup, pd.DataFrame], None]


def roc_figure(look: Lookup, points: pd.DataFrame, out: Path) -> Figure | None:
    """Write one ROC panel per target condition and unit; None where there is no curve."""
    bands = say("roc.bands") if "tpr_lower" in points else ""
    return _panels(look, points, out, name="roc", draw=_roc, height=4.15, words={"bands": bands})


def calibration_figure(look: Lookup, points: pd.DataFrame, out: Path) -> Figure | None:
    """Write observed shares against estimated risks, one panel per target condition and unit."""
    return _panels(look, points, out, name="calibration", draw=_calibration, height=4.15)


def net_benefit_figure(look: Lookup, points: pd.DataFrame, out: Path) -> Figure | None:
    """Write decision curves, one panel per target condition and unit."""
    return _panels(look, points, out, name="net_benefit", draw=_net_benefit, height=3.2)


def uptake_figure(look: Lookup, out: Path) -> Figure | None:
    """Write mean errors by stratum of reference uptake."""
    rows = [r for r in uptake_rows(look) if r.value is not None]
    quantities = list(dict.fromkeys(r.quantity for r in rows))
    if not quantities:
        return None
    path = Path("figures") / "uptake_trend.svg"
    with style():
        figure = canvas(WIDTH, 2.6)
        for i, quantity in enumerate(quantities, start=1):
            axes = figure.add_subplot(1, len(quantities), i)
            own = [r for r in rows if r.quantity == quantity]
            grid(axes, "y")
            axes.axhline(0, color=GREY, linewidth=0.6)
            for x, r in enumerate(own):
                if r.lower is not None and r.upper is not None:
                    axes.plot([x, x], [r.lower, r.upper], color=INK, linewidth=1.1)
                axes.plot([x], [r.value or 0.0], marker="s", markersize=4.5, color=INK)
            names = [region_name(r.region).removesuffix(" SUV") for r in own]
            axes.set_xticks(range(len(own)), labels=names)
            axes.set_title(f"{label(QUANTITIES, quantity)}{marked(look, own[0])}")
            axes.set_xlabel(say("uptake.xlabel"))
            axes.set_ylabel(say(f"uptake.{quantity if quantity in _ERRORS else 'other'}"))
        save(figure, out / path)
    words = "; ".join(f"{region_name(r.region)} {interval_of(r)}" for r in rows)
    alt = f"{say('uptake.figure')} {words}"
    title = say("uptake.figure") + figure_marks(look, rows)
    return Figure(title, str(path), alt, id="uptake_trend_figure")


def _panels(
    look: Lookup, points: pd.DataFrame, out: Path, *, name: str, draw: Draw, height: float,
    words: dict[str, str] | None = None,
) -> Figure | None:  # fmt: skip
    shown = []
    for condition, unit in judged(look) if len(points) else []:
        mine = points[(points["target_condition"] == condition) & (points["unit"] == unit)]
        if len(mine):
            shown.append((condition, unit, mine))
    if not shown:
        return None
    path = Path("figures") / f"{name}.svg"
    with style():
        lines = (len(shown) + 1) // 2
        most = max(len(_whole_tests(mine)) for _, _, mine in shown)
        figure = canvas(WIDTH, (height + _LEGEND_LINE * most) * lines)
        for i, (condition, unit, mine) in enumerate(shown, start=1):
            axes = figure.add_subplot(lines, 2, i)
            grid(axes)
            draw(axes, look, mine)
            axes.set_title(f"{label(CONDITIONS, condition)}, {say('per')} {UNITS[unit]}")
            axes.set_xlabel(say(f"{name}.xlabel"))
            axes.set_ylabel(say(f"{name}.ylabel"))
        save(figure, out / path)
    panels = "; ".join(f"{label(CONDITIONS, c)} {say('per')} {UNITS[u]}" for c, u, _ in shown)
    id_ = "roc" if name == "roc" else f"{name}_figure"
    areas = [a for _, _, mine in shown for t in _whole_tests(mine) if (a := _area(look, mine, t))]
    title = say(f"{name}.figure", **(words or {})) + figure_marks(look, areas)
    return Figure(title, str(path), say(f"{name}.alt", panels=panels), id=id_)


def _whole_tests(points: pd.DataFrame) -> list[str]:
    """Return the tests without the curves of single readers, which would hide each other."""
    return [name for name in dict.fromkeys(points["test"]) if ":" not in name]


def _area(look: Lookup, points: pd.DataFrame, test: str) -> ResultRow | None:
    condition, unit = str(points["target_condition"].iloc[0]), str(points["unit"].iloc[0])
    return look.get("auc", endpoint=condition, unit=unit, test=test)


def _name(look: Lookup, points: pd.DataFrame, test: str) -> str:
    area = _area(look, points, test)
    return f"{test_name(test)}{marked(look, area) if area else ''}"


def _roc(axes: Axes, look: Lookup, points: pd.DataFrame) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.6)
    for test, (colour, dash) in zip(_whole_tests(points), LINES, strict=False):
        own = points[points["test"] == test]
        area = _area(look, points, test)
        name = f"{_name(look, points, test)}: AUC {interval_of(area)}"
        x = own["fpr"].to_numpy(float)
        axes.plot(x, own["tpr"].to_numpy(float), color=colour, linestyle=dash, linewidth=1.4,
                  label=name)  # fmt: skip
        if "tpr_lower" in own:
            axes.fill_between(
                x, own["tpr_lower"].to_numpy(float), own["tpr_upper"].to_numpy(float),
                color=colour, alpha=0.12, linewidth=0,
            )  # fmt: skip
        if area:
            _cutoff_point(axes, look, area, colour)
    _square(axes)
    _legend(axes)


def _cutoff_point(axes: Axes, look: Lookup, area: ResultRow, colour: str) -> None:
    sensitivity, specificity = look.like(area, "sensitivity"), look.like(area, "specificity")
    if sensitivity and specificity and None not in (sensitivity.value, specificity.value):
        axes.plot([1 - (specificity.value or 0.0)], [sensitivity.value or 0.0], marker="o",
                  markersize=5.5, color=colour, markeredgecolor="white", linestyle="none",
                  zorder=4)  # fmt: skip


def _calibration(axes: Axes, look: Lookup, points: pd.DataFrame) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.6)
    for test, (colour, dash) in zip(_whole_tests(points), LINES, strict=False):
        own = points[points["test"] == test]
        area = _area(look, points, test)
        if area and not look.headline(area):
            continue
        x, y = own["predicted"].to_numpy(float), own["observed"].to_numpy(float)
        axes.plot(x, y, color=colour, linestyle=dash, linewidth=1.1, marker="o", markersize=3.5,
                  label=_name(look, points, test))  # fmt: skip
        if "lower" in own:
            axes.vlines(x, own["lower"].to_numpy(float), own["upper"].to_numpy(float),
                        color=colour, linewidth=0.8)  # fmt: skip
    _square(axes)
    _legend(axes)


def _net_benefit(axes: Axes, look: Lookup, points: pd.DataFrame) -> None:
    axes.axhline(0, color=GREY, linewidth=0.8)
    tests = _whole_tests(points)
    if "treat_all" in points and tests:
        own = points[points["test"] == tests[0]]
        axes.plot(own["threshold"].to_numpy(float), own["treat_all"].to_numpy(float), color=GREY,
                  linewidth=0.8, label=say("net_benefit.treat_all"))  # fmt: skip
    for test, (colour, dash) in zip(tests, LINES, strict=False):
        own = points[points["test"] == test]
        axes.plot(own["threshold"].to_numpy(float), own["net_benefit"].to_numpy(float),
                  color=colour, linestyle=dash, linewidth=1.3, label=_name(look, points, test))  # fmt: skip
    # Acting on all falls without bound; the curves of interest lie near and above zero.
    top = max(float(points["net_benefit"].max()), 0.05)
    axes.set_ylim(-0.35 * top, 1.1 * top)
    _legend(axes)


def _square(axes: Axes) -> None:
    axes.set_aspect("equal")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)


def _legend(axes: Axes) -> None:
    if not axes.get_legend_handles_labels()[0]:
        return  # no curve of a small study was worth drawing
    axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.17), fontsize=6.5, frameon=False,
                borderaxespad=0)  # fmt: skip
