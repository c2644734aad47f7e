"""The participant flow diagram; its numbers are flow rows and nothing else."""

import textwrap
from pathlib import Path

from matplotlib.axes import Axes

from evaluation.report.document import Figure
from evaluation.report.drawing import GREY, INK, box, canvas, save, style
from evaluation.report.formats import STEPS, count_of
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, sentence

_CHAIN = ("screened", "eligible", "enrolled", "ct_received", "pet_received", "pair_ready",
          "synthesised", "analysed", "reference_complete")  # fmt: skip
_LEFT, _WIDTH, _HEIGHT, _PITCH = 0.2, 2.6, 0.42, 0.62


def flow_figure(look: Lookup, out: Path) -> Figure:
    """Write the diagram; its words are the same numbers as a sentence."""
    path = Path("figures") / "flow.svg"
    counts = [
        (STEPS[step], count_of(look.get(step, endpoint="participant_flow"))) for step in _CHAIN
    ]
    reasons = [
        (sentence(r.quantity), count_of(r))
        for r in look.where(endpoint="participant_flow", statistic="excluded", subgroup="all")
    ]
    with style():
        figure = canvas(6.6, 0.35 + _PITCH * len(counts))
        axes = figure.add_subplot()
        axes.set_xlim(0, 6.6)
        axes.set_ylim(-_PITCH * len(counts) + 0.1, 0.25)
        axes.axis("off")
        for i, (name, count) in enumerate(counts):
            _step(axes, i, f"{name}   n = {count}", last=i == len(counts) - 1)
        if reasons:
            _side(axes, reasons, steps=len(counts))
        save(figure, out / path)
    chain = "; ".join(f"{name} {count}" for name, count in counts)
    left_out = "; ".join(f"{name} {count}" for name, count in reasons)
    alt = say("flow.alt", chain=chain)
    if reasons:
        alt += say("flow.alt_left_out", reasons=left_out)
    return Figure(say("flow.figure"), str(path), alt, 62, "flow_figure")


def _step(axes: Axes, i: int, text: str, *, last: bool) -> None:
    top = -i * _PITCH
    box(axes, (_LEFT, top - _HEIGHT), _WIDTH, _HEIGHT, edge=INK)
    axes.text(_LEFT + _WIDTH / 2, top - _HEIGHT / 2, text, ha="center", va="center")
    if not last:
        x = _LEFT + _WIDTH / 2
        axes.annotate(
            "", xy=(x, top - _PITCH), xytext=(x, top - _HEIGHT),
            arrowprops={"arrowstyle": "-|>", "color": GREY, "linewidth": 0.8, "shrinkA": 0,
                        "shrinkB": 0, "mutation_scale": 8},
        )  # fmt: skip


def _side(axes: Axes, reasons: list[tuple[str, str]], *, steps: int) -> None:
    lines = [say("flow.left_out")]
    for name, count in reasons:
        lines += textwrap.wrap(f"n = {count}   {name}", width=46, subsequent_indent="      ")
    height = min(0.22 + 0.14 * len(lines), steps * _PITCH)
    top = -_PITCH * 0.5
    x = _LEFT + _WIDTH + 0.5
    box(axes, (x, top - height), 3.1, height, edge=GREY)
    axes.text(
        x + 0.12, top - 0.12, "\n".join(lines), ha="left", va="top", linespacing=1.35, fontsize=7
    )
    axes.annotate(
        "", xy=(x, top - 0.02 - _HEIGHT / 2), xytext=(_LEFT + _WIDTH / 2, top - 0.02 - _HEIGHT / 2),
        arrowprops={"arrowstyle": "-|>", "color": GREY, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0,
                    "mutation_scale": 8}, zorder=0,
    )  # fmt: skip
