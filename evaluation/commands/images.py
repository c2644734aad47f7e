"""Images named on the command line: DICOM folders and NIfTI files, nothing about them guessed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation.commands.sources import sha256_of
from evaluation.imaging import (
    Reason,
    Refused,
    Series,
    SeriesRefused,
    SuvKind,
    Volume,
    read_nifti,
    read_series,
    scan_folder,
)

_NAMES = {"PT": "PET", "CT": "CT"}


@dataclass(frozen=True, eq=False)
class Picture:
    """A volume, the facts of its origin for the output, and its series where it has one."""

    volume: Volume
    facts: dict[str, Any]
    series: Series | None = None
    remarks: tuple[Reason, ...] = field(default=())

    @property
    def frame_of_reference_uid(self) -> str:
        """Frame of reference of a series; empty for a NIfTI file, which states none."""
        return "" if self.series is None else self.series.facts.frame_of_reference_uid


def is_nifti(path: Path) -> bool:
    """Whether the name is that of a NIfTI file."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def refuse(identifier: str, sentence: str) -> Refused:
    """Return a refusal of one sentence."""
    return Refused((Reason(identifier, sentence),))


def read_pet(
    path: Path, *, unit: str | None, kind: SuvKind, series_uid: str = "", synthetic: bool = False
) -> Picture:
    """Read an uptake image: a PET series as SUV of ``kind``, or a NIfTI file in the stated unit."""
    if is_nifti(path):
        if unit is None:
            sentence = (
                f"{path.name} is NIfTI and does not say what its values are; if they are SUV, say "
                "so with --unit SUVbw (or SUVlbm, SUVbsa, SUVibw)."
            )
            raise refuse("unit", sentence)
        return _nifti(path, unit)
    series, remarks = find_series(path, "PT", uid=series_uid, synthetic=synthetic)
    volume = series.suv_volume(kind)
    conversion = series.suv_conversion(kind)
    facts = {
        **_origin(series),
        "suv": {
            "kind": kind,
            "rule": conversion.rule,
            "factor": conversion.factor,
            "disagreement": conversion.disagreement,
        },
    }
    return Picture(volume, facts, series, remarks + series.findings + conversion.findings)


def read_ct(path: Path) -> Picture:
    """Read a CT in Hounsfield units; a NIfTI file given as the CT is taken to be in them."""
    if is_nifti(path):
        return _nifti(path, "HU")
    series, remarks = find_series(path, "CT")
    return Picture(series.stored_volume(), _origin(series), series, remarks + series.findings)


def _nifti(path: Path, unit: str) -> Picture:
    if not path.is_file():
        raise refuse("no_files", f"{path.name} does not exist.")
    try:
        volume = read_nifti(path, unit)
    except ValueError as error:
        raise refuse("not_nifti", f"{error}.") from error
    facts = {"name": path.name, "format": "NIfTI", "sha256": sha256_of([path]), "unit": unit}
    return Picture(volume, facts)


def _origin(series: Series) -> dict[str, Any]:
    return {
        "format": "DICOM",
        "files": len(series.files),
        "sha256": sha256_of(series.files),
        "series_uid": series.facts.series_uid,
        "scanner": f"{series.facts.manufacturer} {series.facts.model}".strip(),
        "synthetic_marks": list(series.facts.synthetic_marks),
    }


def find_series(
    path: Path, modality: str, *, uid: str = "", synthetic: bool = False
) -> tuple[Series, tuple[Reason, ...]]:
    """Read the one series of a modality below a folder (or of one file), or say why there is none.

    Files of other kinds beside it (outlines, text) are left out, and a remark counts those that
    cannot be read.
    """
    if not path.exists():
        raise refuse("no_files", f"{path.name} does not exist.")
    if path.is_file():
        return read_series([path], allow_synthetic=synthetic), ()
    scan = scan_folder(path)
    groups = [g for g in scan.of_modality(modality) if uid in ("", g.series_uid)]
    if not groups:
        sentence = f"{path.name} holds no {_NAMES[modality]} series{' ' + uid if uid else ''}."
        reasons = tuple(reason for _, reason in scan.unreadable[:3])
        raise SeriesRefused((Reason("no_series", sentence), *reasons))
    if len(groups) > 1:
        listed = "; ".join(
            f"{g.series_uid} ({len(g.files)} files, {g.description or 'no description'})"
            for g in groups
        )
        sentence = (
            f"{path.name} holds {len(groups)} {_NAMES[modality]} series, and none is guessed: "
            f"{listed}. Give the folder of one."
        )
        raise SeriesRefused((Reason("many_series", sentence),))
    remarks: tuple[Reason, ...] = ()
    if scan.unreadable:
        sentence = f"{len(scan.unreadable)} files of {path.name} were left out as unreadable."
        remarks = (Reason("files_left_out", sentence),)
    return read_series(groups[0].files, allow_synthetic=synthetic), remarks
