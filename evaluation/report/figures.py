"""Bland-Altman, forest and ROC figures, drawn from result rows and the points behind them."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from evaluation.analysis import ResultRow
from evaluation.report.accuracy_tables import UNITS, judged
from evaluation.report.document import Lookup
from evaluation.report.drawing import ACCENT, GREY, INK, LINES, canvas, grid, save, style
from evaluation.report.formats import CONDITIONS, QUANTITIES, TESTS, interval_of, label

_WIDTH = 8.6  # inches; printed at the width of the page, which makes 8 points about 6.5
_PANELS = ("suv_peak", "suv_max", "suv_mean", "mtv_41", "tlg_41", "tbr_max")


def draw_bland_altman(look: Lookup, pairs: pd.DataFrame, path: Path) -> str | None:
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
    with style():
        rows = (len(shown) + 1) // 2
        figure = canvas(_WIDTH, 2.5 * rows)
        for i, (row, own) in enumerate(shown, start=1):
            _bland_altman(figure.add_subplot(rows, 2, i), look, row, own)
        save(figure, path)
    return "Bland–Altman plots: " + "; ".join(
        f"{label(QUANTITIES, row.quantity)} bias {interval_of(row)} %" for row, _ in shown
    )


def draw_forest(look: Lookup, path: Path) -> str | None:
    """Write per-site forest plots of SSIM, PSNR, SUVpeak bias and sensitivity."""
    subgroups = ["all", *look.subgroups()]
    panels = [
        row
        for row in _forest_rows(look)
        if row is not None and any(_value(look, row, name) is not None for name in subgroups)
    ]
    if not panels:
        return None
    with style():
        lines = (len(panels) + 1) // 2
        figure = canvas(_WIDTH, (0.75 + 0.24 * len(subgroups)) * lines)
        for i, row in enumerate(panels, start=1):
            _forest(figure.add_subplot(lines, 2, i), look, row, subgroups)
        save(figure, path)
    return "Forest plots by site of " + ", ".join(
        _panel_title(row).replace("\n", " ") for row in panels
    )


def draw_roc(look: Lookup, points: pd.DataFrame, path: Path) -> str | None:
    """Write one ROC panel per target condition and unit; None where there is no curve."""
    if points.empty:
        return None
    panels = []
    for condition, unit in judged(look):
        mine = points[(points["target_condition"] == condition) & (points["unit"] == unit)]
        if len(mine):
            panels.append((condition, unit, mine))
    if not panels:
        return None
    with style():
        lines = (len(panels) + 1) // 2
        figure = canvas(_WIDTH, 4.1 * lines)
        for i, (condition, unit, mine) in enumerate(panels, start=1):
            axes = figure.add_subplot(lines, 2, i)
            _roc(axes, look, mine, endpoint=condition, unit=unit)
        save(figure, path)
    return "ROC curves of " + "; ".join(
        f"{label(CONDITIONS, condition)} per {UNITS[unit]}" for condition, unit, _ in panels
    )


def _points(pairs: pd.DataFrame, row: ResultRow) -> pd.DataFrame:
    own = pairs[(pairs["quantity"] == row.quantity) & (pairs["group"] == row.region)]
    return own[own["difference_percent"].notna()]


def _bland_altman(axes: Axes, look: Lookup, row: ResultRow, own: pd.DataFrame) -> None:
    grid(axes)
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.scatter(
        own["mean"].to_numpy(float), own["difference_percent"].to_numpy(float), s=11,
        facecolors="none", edgecolors=ACCENT, linewidths=0.8,
    )  # fmt: skip
    for name, dash in (
        ("bias_percent", "-"),
        ("loa_lower_percent", "--"),
        ("loa_upper_percent", "--"),
    ):
        line = look.like(row, name)
        if line is None or line.value is None:
            continue
        axes.axhline(line.value, color=INK, linestyle=dash, linewidth=1.0)
        if line.lower is not None and line.upper is not None:
            axes.axhspan(line.lower, line.upper, color=GREY, alpha=0.16, linewidth=0)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_title(label(QUANTITIES, row.quantity))
    axes.set_xlabel("Geometric mean of both images")
    axes.set_ylabel("Synthetic − reference, %")


def _forest_rows(look: Lookup) -> list[ResultRow | None]:
    sensitivity = look.where(statistic="sensitivity", test="spet_suvpeak", subgroup="all")
    return [
        look.get("mean", endpoint="ssim", quantity="ssim", region="body"),
        look.get("mean", endpoint="psnr", quantity="psnr", region="body"),
        look.get("bias_percent", endpoint="metabolic_consistency", quantity="suv_peak",
                 region="lesion", unit="lesion"),
        *sensitivity[:3],
    ]  # fmt: skip


def _value(look: Lookup, row: ResultRow, subgroup: str) -> float | None:
    found = look.like(row, row.statistic, subgroup=subgroup)
    return found.value if found else None


def _panel_title(row: ResultRow) -> str:
    if row.statistic == "sensitivity":
        return (
            f"Sensitivity, {label(CONDITIONS, row.target_condition).lower()}\nper {UNITS[row.unit]}"
        )
    name = label(QUANTITIES, row.quantity)
    return f"{name}, bias (%)" if row.statistic == "bias_percent" else f"{name}, mean"


def _forest(axes: Axes, look: Lookup, row: ResultRow, subgroups: list[str]) -> None:
    grid(axes, "x")
    names = []
    for y, subgroup in enumerate(subgroups):
        r = look.like(row, row.statistic, subgroup=subgroup)
        name = "All" if subgroup == "all" else subgroup.removeprefix("site:")
        if r is None or r.value is None:
            names.append(f"{name}  (not estimable)")
            continue
        names.append(f"{name}  (n = {r.n})")
        if r.lower is not None and r.upper is not None:
            axes.plot([r.lower, r.upper], [y, y], color=INK, linewidth=1.1, solid_capstyle="butt")
        whole = subgroup == "all"
        axes.plot([r.value], [y], marker="D" if whole else "s", markersize=6 if whole else 4.5,
                  color=ACCENT if whole else INK, linestyle="none")  # fmt: skip
        if whole:
            axes.axvline(r.value, color=ACCENT, linestyle=":", linewidth=0.8)
    axes.set_yticks(range(len(subgroups)), labels=names)
    axes.set_ylim(len(subgroups) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_title(_panel_title(row))


def _roc(axes: Axes, look: Lookup, points: pd.DataFrame, *, endpoint: str, unit: str) -> None:
    grid(axes)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.6)
    tests = [name for name in dict.fromkeys(points["test"]) if ":" not in name]
    for test, (colour, dash) in zip(tests, LINES, strict=False):
        own = points[points["test"] == test]
        area = look.get("auc", endpoint=endpoint, unit=unit, test=test)
        name = f"{label(TESTS, test)}\nAUC {interval_of(area)}"
        axes.plot(own["fpr"].to_numpy(float), own["tpr"].to_numpy(float), color=colour,
                  linestyle=dash, linewidth=1.4, label=name)  # fmt: skip
        _cutoff_point(axes, look, (endpoint, unit, test), colour)
    axes.set_aspect("equal")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_title(f"{label(CONDITIONS, endpoint)}, per {UNITS[unit]}")
    axes.set_xlabel("1 − specificity")
    axes.set_ylabel("Sensitivity")
    axes.legend(loc="lower right", fontsize=6, frameon=True, framealpha=0.9, edgecolor="none")


def _cutoff_point(axes: Axes, look: Lookup, place: tuple[str, str, str], colour: str) -> None:
    endpoint, unit, test = place
    sensitivity = look.get("sensitivity", endpoint=endpoint, unit=unit, test=test)
    specificity = look.get("specificity", endpoint=endpoint, unit=unit, test=test)
    if sensitivity and specificity and None not in (sensitivity.value, specificity.value):
        axes.plot([1 - (specificity.value or 0.0)], [sensitivity.value or 0.0], marker="o",
                  markersize=5, color=colour, markeredgecolor="white", linestyle="none")  # fmt: skip
