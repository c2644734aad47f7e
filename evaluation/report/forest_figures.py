"""Forest plots by site and by subgroup: name, n, bar, printed estimate."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes

from evaluation.analysis import ResultRow
from evaluation.report.cells import figure_marks, marked, statistic_name
from evaluation.report.document import Figure
from evaluation.report.drawing import ACCENT, INK, WIDTH, canvas, grid, save, style
from evaluation.report.formats import (
    CONDITIONS,
    QUANTITIES,
    UNITS,
    interval_of,
    label,
    n_of,
    withheld,
)
from evaluation.report.lookup import Lookup
from evaluation.report.subgroup_tables import (
    events_of,
    interaction,
    levels_of,
    subgroup_estimates,
    subgroup_title,
)
from evaluation.report.wording import say

_PANELS = 6


@dataclass(frozen=True)
class _Line:
    name: str
    row: ResultRow | None
    whole: bool = False
    heading: bool = False


def site_forest(look: Lookup, out: Path) -> Figure | None:
    """Write per-site forest plots of SSIM, PSNR, SUVpeak bias and sensitivity."""
    places = ["all", *look.sites()]
    panels = []
    for whole in _site_rows(look):
        lines = [_site_line(look, whole, place) for place in places]
        if any(line.row and line.row.value is not None for line in lines):
            panels.append((whole, lines))
    return _figure(look, panels, out, name="forest", key="sites", id_="forest")


def subgroup_forest(look: Lookup, out: Path) -> Figure | None:
    """Write forest plots by subgroup of the first estimates that the plan splits."""
    panels = []
    split = subgroup_estimates(look)
    for whole in [r for r in _site_rows(look) if r in split][:_PANELS] or split[:_PANELS]:
        lines = [_Line(say("all"), whole, whole=True)]
        for kind, levels in levels_of(look, whole).items():
            p = interaction(look, whole, kind)
            lines.append(_Line(_heading(subgroup_title(look, kind), p), None, heading=True))
            for row in levels:
                events = events_of(look, row)
                n = f"{events} / {n_of(row)}" if events else n_of(row)
                lines.append(_Line(f"{row.subgroup.partition(':')[2]}  ({n})", row))
        if any(line.row and line.row.value is not None for line in lines[1:]):
            panels.append((whole, lines))
    return _figure(
        look, panels, out, name="subgroup_forest", key="subgroups", id_="subgroup_forest"
    )


def _heading(name: str, p: str) -> str:
    if p[:1].isdigit():
        return f"{name}   p = {p}"
    return f"{name}   p {p}" if p.startswith("<") else name


def _figure(
    look: Lookup, panels: Sequence[tuple[ResultRow, list[_Line]]], out: Path, *, name: str,
    key: str, id_: str,
) -> Figure | None:  # fmt: skip
    if not panels:
        return None
    path = Path("figures") / f"{name}.svg"
    longest = max(len(lines) for _, lines in panels)
    with style():
        rows = (len(panels) + 1) // 2
        figure = canvas(WIDTH, (0.62 + 0.2 * longest) * rows)
        for i, (whole, lines) in enumerate(panels, start=1):
            axes = figure.add_subplot(rows, 2, i)
            _forest(axes, lines)
            # A long title would run out of the picture: the layout does not count its width.
            axes.set_title(textwrap.fill(f"{_title(whole)}{marked(look, whole)}", 29))
        save(figure, out / path)
    words = ", ".join(_title(whole) for whole, _ in panels)
    title = say(f"{key}.figure") + figure_marks(look, (whole for whole, _ in panels))
    return Figure(title, str(path), say(f"{key}.alt", panels=words), id=id_)


def _site_rows(look: Lookup) -> list[ResultRow]:
    sensitivity = look.where(statistic="sensitivity", test="spet_suvpeak", subgroup="all")
    found = [
        look.get("mean", endpoint="ssim", quantity="ssim", region="body"),
        look.get("mean", endpoint="psnr", quantity="psnr", region="body"),
        look.get("bias_percent", endpoint="metabolic_consistency", quantity="suv_peak",
                 region="lesion", unit="lesion"),
        *sensitivity[:3],
    ]  # fmt: skip
    return [row for row in found if row is not None]


def _site_line(look: Lookup, whole: ResultRow, place: str) -> _Line:
    row = look.like(whole, whole.statistic, subgroup=place)
    name = say("all") if place == "all" else place.removeprefix("site:")
    if row is None or row.value is None:
        why = "sites.withheld" if row and withheld(row) else "sites.not_estimable"
        return _Line(say(why, name=name), None)
    return _Line(say("sites.with_n", name=name, n=n_of(row)), row, whole=place == "all")


def _title(row: ResultRow) -> str:
    if row.target_condition:
        condition = label(CONDITIONS, row.target_condition).lower()
        name = statistic_name(row.statistic)
        return f"{name}, {condition} {say('per')} {UNITS[row.unit]}"
    kind = say("sites.bias") if row.statistic == "bias_percent" else say("mean")
    return f"{label(QUANTITIES, row.quantity)}, {kind}"


def _forest(axes: Axes, lines: list[_Line]) -> None:
    grid(axes, "x")
    for y, line in enumerate(lines):
        if line.row is not None:
            _bar(axes, y, line.row, whole=line.whole)
        if line.heading:
            # Inside the panel, on its own line: as a label beside it, a long one would leave the
            # bars no room.
            axes.text(
                0.01, y, line.name, transform=axes.get_yaxis_transform(), va="center", ha="left",
                fontsize=7, fontweight="bold",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )  # fmt: skip
    axes.set_yticks(range(len(lines)), labels=["" if line.heading else line.name for line in lines])
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=5)


def _bar(axes: Axes, y: int, row: ResultRow, *, whole: bool) -> None:
    if row.value is None:
        return
    if row.lower is not None and row.upper is not None:
        axes.plot([row.lower, row.upper], [y, y], color=INK, linewidth=1.1, solid_capstyle="butt")
    axes.plot([row.value], [y], marker="D" if whole else "s", markersize=6 if whole else 4.5,
              color=ACCENT if whole else INK, linestyle="none")  # fmt: skip
    if whole:
        axes.axvline(row.value, color=ACCENT, linestyle=":", linewidth=0.8)
    axes.text(
        1.02, y, interval_of(row), transform=axes.get_yaxis_transform(), va="center", ha="left",
        fontsize=6.5,
    )  # fmt: skip
