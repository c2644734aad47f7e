"""The measurements of a pair as tables for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.analysis.measure import MeasurementRow
from evaluation.commands.console import table
from evaluation.commands.images import Picture

Cells = Mapping[tuple[str, str], MeasurementRow]


def text_of(
    rows: Sequence[MeasurementRow], inputs: Mapping[str, Picture], recipe: Mapping[str, Any]
) -> str:
    """Return a head with what was compared, and two tables per region: fidelity and uptake."""
    lines = _head(inputs, recipe)
    for region in dict.fromkeys(row.region for row in rows):
        mine = [row for row in rows if row.region == region]
        shared = {row.quantity for row in mine if row.image == "pair"}
        lines += _table(region, [row for row in mine if row.quantity in shared])
        lines += _table(region, [row for row in mine if row.quantity not in shared])
    return "\n".join(lines)


def _head(inputs: Mapping[str, Picture], recipe: Mapping[str, Any]) -> list[str]:
    rows = [(name, _origin(picture)) for name, picture in inputs.items()]
    rows.append(("data range", f"[0, {recipe['data_range']:g}] in {recipe['unit']}"))
    rows.append(("body mask", recipe["body_mask"]))
    lines = table(rows, words=(0, 1))
    for name, picture in inputs.items():
        lines += [f"finding on the {name}: {r.sentence} {r.tag}".rstrip() for r in picture.remarks]
    return lines


def _origin(picture: Picture) -> str:
    grid, facts = picture.volume.grid, picture.facts
    size = " x ".join(str(n) for n in grid.shape[::-1])
    spacing = " x ".join(f"{v:.4g}" for v in grid.spacing_mm[::-1])
    named = facts.get("name") or f"{facts['files']} files"
    words = f"{facts['format']}, {named}, {size} voxels of {spacing} mm, {picture.volume.unit}"
    return words + (f", {facts['suv']['rule']}" if "suv" in facts else "")


def _table(region: str, rows: Sequence[MeasurementRow]) -> list[str]:
    if not rows:
        return []
    cells = {(row.quantity, row.image): row for row in rows}
    images = list(dict.fromkeys(row.image for row in rows))
    compared = {"reference", "synthetic"} <= set(images)
    if compared:
        images = ["reference", "synthetic", *[i for i in images if i.startswith("control:")]]
    head = [region, *images, *(["difference"] if compared else []), "unit", "flags"]
    body = [
        _line(quantity, cells, images, compared=compared)
        for quantity in dict.fromkeys(row.quantity for row in rows)
    ]
    return ["", *table([head, *body], words=(0, -2, -1))]


def _line(quantity: str, cells: Cells, images: Sequence[str], *, compared: bool) -> list[str]:
    found = [cells.get((quantity, image)) for image in images]
    values = [_number(None if row is None else row.value) for row in found]
    rows = [row for row in found if row is not None]
    flags = dict.fromkeys(flag for row in rows for flag in row.flags)
    difference = [_difference(quantity, cells)] if compared else []
    return [f"  {quantity}", *values, *difference, rows[0].unit if rows else "", ", ".join(flags)]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _difference(quantity: str, cells: Cells) -> str:
    pair = [cells.get((quantity, image)) for image in ("reference", "synthetic")]
    values = [row.value for row in pair if row is not None and row.value is not None]
    if len(values) < 2 or values[0] == 0:
        return "-"
    return f"{values[1] / values[0] - 1:+.1%}"
