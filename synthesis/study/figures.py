"""The figures of a study; markers and dashes tell families apart without colour."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from evaluation.report.drawing import GREY, INK, LINES, WIDTH, canvas, grid, save, style
from synthesis.data.pairs import PairCase
from synthesis.study.estimates import Foci, malignant, of_lung
from synthesis.study.measuring import Array
from synthesis.study.summary import StudyResult
from synthesis.training.family_held_out import MODEL

MARKERS = ("o", "s", "^", "D", "v", "P")
SHOWN_HU = (-1000.0, 400.0)
SHOWN_SUV = 8.0
PANEL_INCH = 2.1


def draw_curves(result: StudyResult, path: Path) -> bool:
    """Draw error and recovery over network evaluations; False where no family has a curve."""
    drawn = [f for f in result.finished if f.measured.curve]
    if not drawn:
        return False
    with style():
        figure = canvas(WIDTH, 2.8)
        panels = figure.subplots(1, 2)
        for number, one in enumerate(drawn):
            colour, dash = LINES[number % len(LINES)]
            counts = [p.evaluations for p in one.measured.curve]
            values = (
                [p.body_mae_suv for p in one.measured.curve],
                [100 * p.median_recovery for p in one.measured.curve],
            )
            for axes, row in zip(panels, values, strict=True):
                axes.plot(
                    counts, row, color=colour, linestyle=dash, marker=MARKERS[number], markersize=4,
                    label=one.run.release.name,
                )  # fmt: skip
        for axes, title in zip(
            panels, ("MAE in the body (SUV)", "SUVmax recovered, median %"), strict=True
        ):
            _over_evaluations(axes, title, sorted({n for f in drawn for n in _counts(f)}))
        panels[1].axhline(100, color=GREY, linewidth=0.7)
        panels[0].legend(frameon=False)
        save(figure, path)
    return True


def _counts(finished: object) -> list[int]:
    curve = finished.measured.curve  # type: ignore[attr-defined] # a Finished
    return [p.evaluations for p in curve]


def _over_evaluations(axes: Axes, title: str, counts: list[int]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(n) for n in counts])
    axes.set_xlabel("network evaluations")
    axes.set_title(title)
    grid(axes)


def draw_lesions(result: StudyResult, path: Path) -> None:
    """Draw synthetic over acquired SUVmax of every lung lesion and malignant focus, by family."""
    shown = result.paired
    with style():
        figure = canvas(WIDTH, PANEL_INCH + 0.5)
        panels = figure.subplots(1, len(shown), sharex=True, sharey=True, squeeze=False)[0]
        for axes, one in zip(panels, shown, strict=True):
            rows = one.measured.foci
            benign = Foci.of(rows, MODEL, lambda f: of_lung(f) and not malignant(f))
            bad = Foci.of(rows, MODEL, malignant)
            top = max(1.0, *bad.acquired, *bad.synthetic, *benign.acquired, *benign.synthetic)
            axes.plot([0, top], [0, top], color=GREY, linewidth=0.7)
            axes.plot(benign.acquired, benign.synthetic, "o", color=GREY, markersize=3.5,
                      markerfacecolor="white", label="benign")  # fmt: skip
            axes.plot(bad.acquired, bad.synthetic, "^", color=INK, markersize=3.5,
                      label="malignant")  # fmt: skip
            axes.set_title(one.run.release.name)
            axes.set_xlabel("acquired SUVmax")
            grid(axes)
        panels[0].set_ylabel("synthetic SUVmax")
        panels[0].legend(frameon=False)
        save(figure, path)


def draw_examples(case: PairCase, synthetic: Mapping[str, Array], path: Path) -> None:
    """Draw the slice of a participant that shows most of the foci: CT, acquired, each family."""
    z = int(np.argmax((case.foci > 0).sum(axis=(1, 2))))
    low, high = SHOWN_HU
    views = {"CT": np.clip((case.hu[z] - low) / (high - low), 0, 1)}
    pets = {"acquired": case.suv.astype(np.float32), **synthetic}
    # Uptake is dark, as readers are used to.
    views |= {name: 1 - np.clip(suv[z] / SHOWN_SUV, 0, 1) for name, suv in pets.items()}
    with style():
        figure = canvas(WIDTH, WIDTH / len(views) + 0.3)
        panels = figure.subplots(1, len(views), squeeze=False)[0]
        for axes, (name, view) in zip(panels, views.items(), strict=True):
            axes.imshow(view, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set_title(name, loc="center", fontweight="normal")
            axes.set_axis_off()
        save(figure, path)
