"""The look of every figure: one palette, readable in grey, the same bytes each time."""

from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import FancyBboxPatch

from evaluation.report.pdf_fonts import FONTS
from evaluation.report.wording import spoken

WIDTH = 7.8
"""Inches; printed over the width of the page, which makes 8 points about 7."""
INK, GREY, PALE, ACCENT = "#1d2733", "#5c6873", "#d5dae0", "#0b5c8c"
LINES = (
    (ACCENT, "-"), ("#b3541e", "--"), (GREY, "-."), (INK, ":"), ("#7a4e9c", (0, (5, 1, 1, 1))),
    ("#2f7d4f", (0, (3, 1))),
)  # fmt: skip
"""Colour and dash of the n-th curve: the dash tells them apart without colour."""
DENSITY = LinearSegmentedColormap.from_list("density", ["#d9e6ef", "#7fb0cf", ACCENT, "#06263b"])
"""From few to many; its lightness falls steadily, so it reads in grey."""

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "studyportal", "svg.fonttype": "path", "font.family": "DejaVu Sans",
    "font.size": 8, "axes.edgecolor": GREY, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.linewidth": 0.7, "axes.titlesize": 9,
    "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.spines.top": False,
    "axes.spines.right": False, "axes.unicode_minus": True,
}  # fmt: skip


def canvas(width_inch: float, height_inch: float) -> Canvas:
    """Return an empty figure; draw on it inside `style`."""
    return Canvas(figsize=(width_inch, height_inch), layout="constrained")


def style() -> AbstractContextManager[None]:
    """Return the context in which figures are made and saved."""
    return mpl.rc_context(_STYLE | _chinese_style())


def can_draw_chinese() -> bool:
    """Whether the font for Chinese that the product brings is there."""
    return bool(_chinese_name())


def _chinese_style() -> dict[Any, Any]:
    """Chinese characters are taken from the product's own font, all others as ever."""
    if spoken() == "en" or not can_draw_chinese():
        return {}
    return {"font.family": [_STYLE["font.family"], _chinese_name()]}


@cache
def _chinese_name() -> str:
    files = sorted(FONTS.glob("*.otf"))
    for file in files:
        font_manager.fontManager.addfont(str(file))
    return font_manager.FontProperties(fname=str(files[0])).get_name() if files else ""


def save(figure: Canvas, path: Path) -> None:
    """Write the figure as SVG without a date."""
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def grid(axes: Axes, axis: str = "both") -> None:
    """Draw a faint grid behind the points."""
    axes.grid(visible=True, axis=axis, color=PALE, linewidth=0.5)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def box(axes: Axes, corner: tuple[float, float], width: float, height: float, *, edge: str) -> None:
    """Draw a box of a diagram."""
    axes.add_patch(
        FancyBboxPatch(
            corner, width, height, boxstyle="round,pad=0,rounding_size=0.05", linewidth=0.8,
            edgecolor=edge, facecolor="white",
        )
    )  # fmt: skip
