"""The STARD diagram: units by index test result, and below each the reference standard."""

from pathlib import Path

from matplotlib.axes import Axes

from evaluation.analysis import ResultRow
from evaluation.report.cells import figure_marks, judged_on, marked, test_name
from evaluation.report.cross_tables import INDEX_RESULTS, VERDICTS
from evaluation.report.document import Figure
from evaluation.report.drawing import GREY, INK, WIDTH, box, canvas, save, style
from evaluation.report.formats import UNITS, count_of, n_of, withheld
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, says

_WIDE, _HIGH, _TOP, _ROOT = 12.0, 4.4, 3.7, 0.5


def stard_figure(look: Lookup, out: Path) -> Figure | None:
    """Write one panel per target condition and unit, for its first index test."""
    panels: dict[tuple[str, str], ResultRow] = {}
    for row in look.where(endpoint="stard_flow", statistic="positive:positive", subgroup="all"):
        if look.headline(row):
            panels.setdefault((row.target_condition, row.unit), row)
    if not panels:
        return None
    path = Path("figures") / "stard.svg"
    lines = (len(panels) + 1) // 2
    with style():
        figure = canvas(WIDTH, 2.1 * lines)
        for i, row in enumerate(panels.values(), start=1):
            axes = figure.add_subplot(lines, 2, i)
            axes.set_title(f"{judged_on(row)}\n{test_name(row.test)}{marked(look, row)}")
            _panel(axes, look, row)
        save(figure, out / path)
    words = "; ".join(_words(look, row) for row in panels.values())
    title = say("stard.figure") + figure_marks(look, panels.values())
    return Figure(title, str(path), say("stard.alt", panels=words), id="stard_figure")


def _panel(axes: Axes, look: Lookup, row: ResultRow) -> None:
    axes.set_xlim(0, _WIDE)
    axes.set_ylim(0, _HIGH)
    axes.axis("off")
    middle = _WIDE / 2
    box(axes, (middle - 2.4, _TOP), 4.8, _ROOT, edge=INK)
    axes.text(middle, _TOP + _ROOT / 2, _root(row), ha="center", va="center", fontsize=7)
    shown = _results(look, row)
    wide = _WIDE / len(shown)
    axes.plot([wide / 2, _WIDE - wide / 2], [3.4, 3.4], color=GREY, linewidth=0.8)
    axes.plot([middle, middle], [3.4, _TOP], color=GREY, linewidth=0.8)
    for i, result in enumerate(shown):
        x = (i + 0.5) * wide
        axes.plot([x, x], [3.1, 3.4], color=GREY, linewidth=0.8)
        box(axes, (x - wide / 2 + 0.15, 0.1), wide - 0.3, 3.0, edge=INK)
        axes.text(x, 2.8, say(f"stard.{result}"), ha="center", va="center", fontsize=7,
                  fontweight="bold")  # fmt: skip
        for at, (name, count) in enumerate(_counts(look, row, result)):
            axes.text(x - wide / 2 + 0.4, 2.2 - 0.58 * at, name, va="center", fontsize=6.5)
            axes.text(x + wide / 2 - 0.4, 2.2 - 0.58 * at, count, va="center", ha="right",
                      fontsize=6.5)  # fmt: skip


def _root(row: ResultRow) -> str:
    return say("stard.root", unit=UNITS[row.unit].capitalize(), n=n_of(row))


def _results(look: Lookup, row: ResultRow) -> list[str]:
    """Return the index test results to draw: positive and negative always, others where any."""
    found = {
        result: [look.like(row, f"{result}:{verdict}") for verdict in VERDICTS]
        for result in INDEX_RESULTS
    }
    return [
        result for result, rows in found.items()
        if result in {"positive", "negative"} or any(r and (r.value or withheld(r)) for r in rows)
    ]  # fmt: skip


def _counts(look: Lookup, row: ResultRow, result: str) -> list[tuple[str, str]]:
    names = says("stard.columns")[1:]
    found = (look.like(row, f"{result}:{verdict}") for verdict in VERDICTS)
    return [(name, count_of(r)) for name, r in zip(names, found, strict=True)]


def _words(look: Lookup, row: ResultRow) -> str:
    parts = [
        f"{say(f'stard.{result}')}: "
        + ", ".join(f"{name} {count}" for name, count in _counts(look, row, result))
        for result in _results(look, row)
    ]
    return f"{judged_on(row)}, {test_name(row.test)}, {_root(row)}. {'; '.join(parts)}"
