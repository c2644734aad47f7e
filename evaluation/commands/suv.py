"""`python -m evaluation suv SERIES`: how the stored values of a PET series become SUV, or why not."""

import argparse
import json
from pathlib import Path
from typing import Any

from evaluation.commands.console import Steps, refused, say, table
from evaluation.commands.images import find_series, is_nifti, refuse
from evaluation.commands.sources import versions
from evaluation.imaging import Reason, Refused, Series, SuvConversion, Volume, write_nifti
from evaluation.imaging.suv_body import UNITS

_DESCRIPTION = """\
Say by which factor the stored values of a PET series become SUV, by which rule, what every other
reading of the header would give, and what is odd; or every reason why SUV cannot be computed.
"""
_EXAMPLES = """\
examples:
  python -m evaluation suv pet/
  python -m evaluation suv pet/ --kind lbm_janmahasatian --json
  python -m evaluation suv pet/ --out suv.nii.gz

exit status: 0 computed (findings are no refusal), 2 refused
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser's commands."""
    suv = commands.add_parser(
        "suv",
        help="from the headers of a PET series to SUV: rule, factor, findings, or why not",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    suv.add_argument("series", type=Path, help="folder of a DICOM PET series, or one file")
    suv.add_argument("--kind", choices=list(UNITS), default="bw", help="normalisation; default: bw")
    suv.add_argument(
        "--series-uid", default="", help="which series, where the folder holds several"
    )
    suv.add_argument("--json", action="store_true", help="machine-readable output")
    suv.add_argument("--out", type=Path, help="write the SUV volume as NIfTI (.nii, .nii.gz)")
    suv.set_defaults(execute=execute)


def execute(options: argparse.Namespace) -> int:
    """Print the conversion; 2 when the series or the conversion is refused."""
    try:
        with Steps("suv", total=2) as steps:
            steps.begin("read the series")
            series, remarks = _read(options)
            conversion = series.suv_conversion(options.kind)
            volume = None
            if not conversion.refusals and options.out is not None:
                steps.begin("write the volume")
                volume = series.suv_volume(options.kind)
                write_nifti(volume, options.out)
    except Refused as refusal:
        return _refuse(refusal.reasons, as_json=options.json)
    remarks += series.findings + conversion.findings
    if options.json:
        say(json.dumps(_twin(series, conversion, remarks, volume), indent=2, ensure_ascii=False))
    else:
        for line in _lines(series, conversion, remarks):
            say(line)
    sentences = [_sentence(reason) for reason in conversion.refusals]
    return refused(*sentences) if sentences else 0


def _read(options: argparse.Namespace) -> tuple[Series, tuple[Reason, ...]]:
    if is_nifti(options.series):
        sentence = (
            f"{options.series.name} is NIfTI, which states neither dose nor weight nor times: SUV "
            "cannot be computed from it."
        )
        raise refuse("nifti", sentence)
    if options.out is not None and not (is_nifti(options.out) and options.out.parent.is_dir()):
        raise refuse(
            "out", f"{options.out} is no NIfTI name (.nii, .nii.gz) in an existing folder."
        )
    series, remarks = find_series(options.series, "PT", uid=options.series_uid, synthetic=True)
    if series.modality != "PT":
        raise refuse("modality", "Only PET images have uptake values.")
    return series, remarks


def _refuse(reasons: tuple[Reason, ...], *, as_json: bool) -> int:
    if as_json:
        twin = {"command": "suv", "refusals": [vars(r) for r in reasons], "versions": versions()}
        say(json.dumps(twin, indent=2, ensure_ascii=False))
    return refused(*[_sentence(reason) for reason in reasons])


def _sentence(reason: Reason) -> str:
    return f"{reason.sentence} {reason.tag}".rstrip()


def _lines(series: Series, conversion: SuvConversion, remarks: tuple[Reason, ...]) -> list[str]:
    facts = series.facts
    scanner = f"{facts.manufacturer} {facts.model}".strip() or "scanner not stated"
    decay = conversion.decay_seconds
    rows = {
        "series": f"{facts.slices} slices of {facts.rows} x {facts.columns}, {scanner}",
        "stored units": facts.units or "not stated",
        "stored decay correction": facts.decay_correction or "not stated",
        "wanted": f"{UNITS[conversion.kind]} ({conversion.kind})",
        "rule used": conversion.rule,
        "factor": _factor_words(conversion),
        "injection": conversion.injection_time or "not used",
        "reference time": conversion.reference_time or "not used",
        "decay corrected over": "not used" if decay is None else f"{decay:.1f} s",
        "disagreement": f"{conversion.disagreement:.2%} between the readings of the header",
    }
    lines = table(rows.items(), words=(0, 1))
    if conversion.alternatives:
        lines += ["", "other readings of the header"]
        lines += table(
            [
                ("  " + name, f"{value:.10g}", _difference(value, conversion))
                for name, value in conversion.alternatives.items()
            ]
        )
    lines += ["", "findings" if remarks else "no findings"]
    return lines + [f"  {_sentence(reason)}" for reason in remarks]


def _factor_words(conversion: SuvConversion) -> str:
    if conversion.factor is not None:
        return f"{conversion.factor:.12g}"
    if conversion.slice_factors:
        low, high = min(conversion.slice_factors), max(conversion.slice_factors)
        return f"differs from slice to slice: {low:.10g} to {high:.10g}"
    return "none, refused"


def _difference(value: float, conversion: SuvConversion) -> str:
    first = conversion.slice_factors[0] if conversion.slice_factors else None
    return "" if not first else f"{value / first - 1:+.2%}"


def _twin(
    series: Series,
    conversion: SuvConversion,
    remarks: tuple[Reason, ...],
    volume: Volume | None,
) -> dict[str, Any]:
    facts = series.facts
    named = ("series_uid", "manufacturer", "model", "slices", "rows", "columns", "spacing_mm",
             "units", "suv_type", "decay_correction", "corrected_image", "tracer",
             "half_life_s", "synthetic_marks")  # fmt: skip
    told = ("kind", "rule", "factor", "slice_factors", "alternatives", "disagreement",
            "decay_seconds", "weight_kg", "dose_bq", "injection_time", "reference_time")  # fmt: skip
    written = {}
    if volume is not None:
        values = volume.array
        written = {
            "unit": volume.unit,
            "minimum": float(values.min()),
            "mean": float(values.mean(dtype="float64")),
            "maximum": float(values.max()),
        }
    return {
        "command": "suv",
        "unit": UNITS[conversion.kind],
        "series": {name: getattr(facts, name) for name in named},
        "conversion": {name: getattr(conversion, name) for name in told},
        "findings": [vars(reason) for reason in remarks],
        "refusals": [vars(reason) for reason in conversion.refusals],
        "volume": written,
        "versions": versions(),
    }
