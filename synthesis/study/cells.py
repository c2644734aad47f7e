"""How estimates stand in the cells of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evaluation.statistics import Estimate

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """A quantity, its title, its digits and what its value is multiplied by."""

    name: str
    title: str
    digits: int
    factor: float = 1.0


IMAGES = (
    Column("mae_suv", "MAE (SUV)", 3),
    Column("psnr_db", "PSNR (dB)", 2),
    Column("ssim", "SSIM", 3),
)
LESIONS = (
    Column("recovery", "SUVmax recovered, malignant foci, median %", 0, 100),
    Column("recovery_lung", "the same, lung lesions alone", 0, 100),
    Column("bias_malignant", "bias, malignant foci (SUV)", 2),
    Column("bias_lung", "bias, lung lesions (SUV)", 2),
    Column("ccc_lung", "CCC, lung lesions", 2),
)
FOLLOWING = (
    Column("missed", "malignant foci missed, %", 0, 100),
    Column("strays", "stray foci in the lungs a participant", 2),
    Column("absent_when_inserted", "absent when put into CT, %", 0, 100),
    Column("stayed_when_removed", "stayed when taken out of CT, %", 0, 100),
)
DIFFERENCES = (
    Column("mae_suv", "MAE (SUV)", 3),
    Column("psnr_db", "PSNR (dB)", 2),
    Column("ssim", "SSIM", 3),
    Column("recovery", "recovery (points)", 0, 100),
    Column("bias_malignant", "size of the bias, malignant foci (SUV)", 2),
    Column("bias_lung", "size of the bias, lung lesions (SUV)", 2),
)


def cell(e: Estimate, column: Column) -> str:
    """Return the value with its interval."""
    if e.value is None:
        return NOTHING
    if e.lower is None or e.upper is None:
        return f"{_with(e.value, column)} (no interval)"
    bounds = f"{_with(e.lower, column)} to {_with(e.upper, column)}"
    return f"{_with(e.value, column)} ({bounds})"


def _with(value: float, column: Column) -> str:
    text = f"{value * column.factor:.{column.digits}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")


def lines(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    whole = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in whole)
