"""`python -m evaluation pair REFERENCE SYNTHETIC`: every number of one pair of PET images."""

import argparse
import csv
import io
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.analysis.measure import MeasurementRow, measure_pair
from evaluation.commands.console import Steps, refused, say
from evaluation.commands.images import Picture, read_ct, read_pet, refuse
from evaluation.commands.masks import lesions_of, organs_of
from evaluation.commands.pair_text import text_of
from evaluation.commands.sources import versions
from evaluation.imaging import Refused, Segment, SuvKind, sul_factor
from evaluation.imaging.suv_body import UNITS

_DESCRIPTION = """\
Measure a synthetic PET against its reference PET: image fidelity over the body, lesions, organs.
Images are DICOM folders (turned to SUV by their headers) or NIfTI files (in SUV, which --unit says).
The reference PET is the place of comparison: a synthetic image on another grid is resampled to it.
"""
_EXAMPLES = """\
masks: a DICOM SEG, an RTSTRUCT or a NIfTI label map; FILE#LABEL picks one region by name or number.
Organs named blood_pool, liver, and lungs (or lung_left and lung_right) give ratios of the lesions to
them, the lungs that to the other side; with liver and --sul or --sul-factor, PERCIST.

examples:
  python -m evaluation pair pet/ spet/ --ct ct/ --lesions lesions.dcm --data-range 20
  python -m evaluation pair pet.nii.gz spet.nii.gz --unit SUVbw --ct ct.nii.gz --data-range 20 \\
      --organs liver=organs.nii.gz#5 blood_pool=organs.nii.gz#52 --controls --json > pair.json

exit status: 0 measured, 2 refused
"""
_FORMULAE: dict[str, SuvKind] = {"janmahasatian": "lbm_janmahasatian", "james": "lbm_james"}


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    pair = commands.add_parser(
        "pair",
        help="every fidelity and metabolic number of one reference and one synthetic PET",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    pair.add_argument("reference", type=Path, help="reference PET: DICOM folder or NIfTI file")
    pair.add_argument("synthetic", type=Path, help="synthetic PET: DICOM folder or NIfTI file")
    pair.add_argument(
        "--data-range", type=float, required=True, metavar="L",
        help="the fixed window [0, L] in SUV of SSIM and PSNR, for example 20; never guessed",
    )  # fmt: skip
    pair.add_argument("--ct", type=Path, help="CT (NIfTI: in HU), from which the body mask comes")
    pair.add_argument("--lesions", metavar="MASK", help="file of lesion masks")
    pair.add_argument("--organs", metavar="MASK", nargs="+", default=[], help="NAME=FILE or FILE")
    pair.add_argument("--unit", choices=sorted(set(UNITS.values())), help="what NIfTI values are")
    pair.add_argument("--kind", choices=list(UNITS), default="bw", help="SUV of DICOM; default: bw")
    pair.add_argument("--sul", choices=list(_FORMULAE),
                      help="lean mass for PERCIST, from the reference's DICOM header")  # fmt: skip
    pair.add_argument(
        "--sul-factor", type=float, metavar="F", help="lean mass over weight, as given"
    )
    pair.add_argument("--sensitivity-data-range", type=float, metavar="L", help="a second window")
    pair.add_argument("--uptake-edges", type=float, nargs="+", metavar="SUV",
                      help="limits of strata of reference uptake")  # fmt: skip
    pair.add_argument("--fsim", action="store_true", help="measure FSIM as well (slow)")
    pair.add_argument("--controls", action="store_true", help="measure the three negative controls")
    output = pair.add_mutually_exclusive_group()
    output.add_argument(
        "--json", action="store_true", help="machine-readable: rows, recipe, versions"
    )
    output.add_argument("--csv", action="store_true", help="the rows as CSV")
    pair.set_defaults(execute=execute)


def execute(options: argparse.Namespace) -> int:
    """Measure the pair and print it; 2 when an input is refused."""
    try:
        with Steps("pair", total=3) as steps:
            steps.begin("read the images")
            reference, synthetic, ct = _images(options)
            steps.begin("place the masks")
            lesions = lesions_of(options.lesions, reference)
            organs = organs_of(options.organs, reference)
            factor = _sul_factor(options, reference)
            steps.begin("measure")
            rows = measure_pair(
                reference=reference.volume,
                synthetic=synthetic.volume,
                ct=None if ct is None else ct.volume,
                lesions={number: lesion.mask for number, lesion in lesions.items()},
                backgrounds=organs,
                data_range=options.data_range,
                negative_controls=options.controls,
                sensitivity_data_range=options.sensitivity_data_range,
                uptake_edges=options.uptake_edges,
                fsim=options.fsim,
                sul_factor=factor,
            )
    except Refused as refusal:
        return refused(*[f"{r.sentence} {r.tag}".rstrip() for r in refusal.reasons])
    except ValueError as refusal:
        return refused(f"The pair cannot be measured: {refusal}.")
    inputs = {"reference": reference, "synthetic": synthetic} | ({"ct": ct} if ct else {})
    recipe = _recipe(options, reference, lesions=lesions, organs=organs, factor=factor)
    say(_output(options, rows, inputs, recipe))
    return 0


def _images(options: argparse.Namespace) -> tuple[Picture, Picture, Picture | None]:
    reference = read_pet(options.reference, unit=options.unit, kind=options.kind)
    synthetic = read_pet(options.synthetic, unit=options.unit, kind=options.kind, synthetic=True)
    ct = None if options.ct is None else read_ct(options.ct)
    frames = {
        name: picture.frame_of_reference_uid
        for name, picture in (("reference", reference), ("synthetic", synthetic), ("CT", ct))
        if picture is not None and picture.frame_of_reference_uid
    }
    if len(set(frames.values())) > 1:
        names = " and ".join(frames)
        sentence = (
            f"{names} do not lie in one frame of reference; they cannot be compared by place."
        )
        raise refuse("frame_of_reference", sentence)
    for name, picture in (("reference", reference), ("synthetic", synthetic)):
        if not np.isfinite(picture.volume.array).all():
            raise refuse("not_finite", f"The {name} PET holds values that are no finite numbers.")
    return reference, synthetic, ct


def _sul_factor(options: argparse.Namespace, reference: Picture) -> float | None:
    if options.sul_factor is not None or options.sul is None:
        return None if options.sul_factor is None else float(options.sul_factor)
    if reference.series is None:
        raise refuse("sul", "A NIfTI file states no body measures: give the factor, --sul-factor.")
    return sul_factor(reference.series.header, formula=_FORMULAE[options.sul])


def _recipe(
    options: argparse.Namespace,
    reference: Picture,
    *,
    lesions: dict[int, Segment],
    organs: dict[str, np.ndarray],
    factor: float | None,
) -> dict[str, Any]:
    return {
        "unit": reference.volume.unit,
        "data_range": options.data_range,
        "sensitivity_data_range": options.sensitivity_data_range,
        "uptake_edges": options.uptake_edges,
        "body_mask": "none: whole image" if options.ct is None else "from the CT",
        "grid": {
            "shape": reference.volume.grid.shape,
            "spacing_mm": reference.volume.grid.spacing_mm,
        },
        "lesions": {str(n): lesion.label for n, lesion in lesions.items()},
        "organs": sorted(organs),
        "sul_factor": factor,
        "sul_formula": options.sul if options.sul_factor is None else None,
        "fsim": options.fsim,
        "negative_controls": options.controls,
    }


def _output(
    options: argparse.Namespace,
    rows: list[MeasurementRow],
    inputs: dict[str, Picture],
    recipe: dict[str, Any],
) -> str:
    if options.csv:
        return _csv(rows)
    if not options.json:
        return text_of(rows, inputs, recipe)
    twin = {
        "command": "pair",
        "recipe": recipe,
        "inputs": {
            name: {**picture.facts, "findings": [vars(r) for r in picture.remarks]}
            for name, picture in inputs.items()
        },
        "rows": [asdict(row) for row in rows],
        "versions": versions(),
    }
    return json.dumps(twin, indent=2, ensure_ascii=False, allow_nan=False)


def _csv(rows: list[MeasurementRow]) -> str:
    stream = io.StringIO()
    names = [field.name for field in fields(MeasurementRow)]
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**asdict(row), "flags": ";".join(row.flags)})
    return stream.getvalue().rstrip("\n")
