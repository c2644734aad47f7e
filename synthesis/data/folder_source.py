"""Training pairs in a folder, or a zip of one: one folder a participant, DICOM or NIfTI."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from evaluation.imaging import (
    Grid,
    HeaderEntries,
    Refused,
    Volume,
    read_nifti,
    read_segmentation,
    read_series,
    with_entries,
)
from synthesis.config import Modality
from synthesis.data.model_grid import NotAxialError, to_axial
from synthesis.data.mr import read_mr
from synthesis.data.pairs import Pair, PairRefusedError, foci_of
from synthesis.data.source import Source, SourceRefusedError

TABLES = ("participants.csv", "cases.csv")
ONE_SITE = "only"
ORGAN = "organ:"
WANTED = {
    "ct": "a CT and a PET (CT/ and PET/ with DICOM, or ct.nii.gz and pet.nii.gz)",
    "mr": "an MR and a PET (mr.nii.gz, and PET/ with DICOM or pet.nii.gz)",
}
Named = list[tuple[str, NDArray[np.bool_]]]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one participant's images lie, and what the table says of them."""

    source: Path
    pet: Path
    reference: Path | None
    lesions: Path | None
    organs: Path | None
    row: Mapping[str, str]


class FolderSource(Source):
    """One folder a participant: `CT/` and `PET/` with DICOM, or `ct.nii.gz` and `pet.nii.gz`.

    Outlines are optional: `LESIONS/` and `ORGANS/` with one DICOM SEG or RTSTRUCT each, or
    `lesions.nii.gz` and `organs.nii.gz`; segments named `organ:...` are no lesions. A table
    beside the folders (`participants.csv`, or `cases.csv` of a cohort) may say site, sex, age_years,
    height_cm, weight_kg and kvp, and pet_weight_kg, pet_dose_bq and pet_tracer, which count in
    place of what the PET's headers state. Participants without a PET are left out. A model of MR takes
    `mr.nii.gz` in place of the CT, with `reference.nii.gz` or the column mr_reference.
    """

    def __init__(self, folder: Path, spec: str, *, source: Modality = "ct") -> None:
        self.spec = spec
        self._source = source
        rows = _rows(folder)
        self._places = {
            below.name: place
            for below in sorted(folder.iterdir())
            if below.is_dir() and (place := _place(below, rows.get(below.name, {}), source))
        }
        if not self._places:
            raise SourceRefusedError(
                f"{folder.name} holds no participant's folder with {WANTED[source]}."
            )
        self.sites = {n: p.row.get("site", "") or ONE_SITE for n, p in self._places.items()}

    @property
    def digest(self) -> str:
        """SHA-256 over who is in the folder and when which file was written: other files, other cases."""
        lines = [super().digest]
        for name, place in sorted(self._places.items()):
            for path in (place.source, place.pet, place.reference, place.lesions, place.organs):
                lines += [f"{name}/{line}" for line in _state(path)]
            lines.append(f"{name}/{sorted(place.row.items())}")
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def pair(self, participant: str) -> Pair:
        """Return the images of a participant, in HU and SUVbw.

        Raises
        ------
        PairRefusedError
            When a series cannot be read, has no SUV, is not axial, or the two lie in different
            frames of reference.
        """
        place = self._places[participant]
        try:
            image, kvp, frame = self._image(place)
            pet = _pet(place.pet, frame, _entries(place.row))
            outlined = _regions(place.lesions, pet.grid)
            lesions = [region for region in outlined if not region[0].startswith(ORGAN)]
            others = [region for region in outlined if region[0].startswith(ORGAN)]
            foci, names = foci_of(lesions, pet.grid.shape)
            organs = foci_of(others + _regions(place.organs, pet.grid), pet.grid.shape)
            demographics = _demographics(place.row)
        except (Refused, NotAxialError, ValueError) as error:
            raise PairRefusedError(f"Participant {participant}: {error}") from error
        return Pair(
            participant=participant,
            ct=image,
            pet=pet,
            foci=foci,
            focus_names=names,
            malignant=(None,) * len(names),
            kvp=kvp,
            demographics=demographics,
            organs=organs[0] if organs[1] else None,
            organ_names=organs[1],
        )

    def _image(self, place: _Place) -> tuple[Volume, float | None, str]:
        """Return the source, its tube voltage and its frame of reference where it has them."""
        if self._source == "mr":
            measured = place.row.get("mr_reference", "")
            return read_mr(place.source, place.reference, measured), None, ""
        image, kvp, frame = _ct(place.source)
        stated = place.row.get("kvp", "")
        return image, _number(stated) if stated else kvp, frame


def _rows(folder: Path) -> dict[str, dict[str, str]]:
    """Return the table's rows by participant; the folder of the CT names those of a cohort."""
    for name in TABLES:
        if (folder / name).is_file():
            with (folder / name).open(encoding="utf-8-sig", newline="") as stream:
                rows = list(csv.DictReader(stream))
            named = [r.get("participant") or r.get("ct_folder", "").split("/")[0] for r in rows]
            twice = sorted(n for n, count in Counter(named).items() if n and count > 1)
            if twice:
                raise SourceRefusedError(f"{name} has more than one row of {twice[0]}.")
            return {own: row for own, row in zip(named, rows, strict=True) if own}
    return {}


def _place(folder: Path, row: Mapping[str, str], source: Modality) -> _Place | None:
    image, pet = _first(folder, source.upper(), source), _first(folder, "PET", "pet")
    if image is None or pet is None:
        return None
    lesions, organs = _first(folder, "LESIONS", "lesions"), _first(folder, "ORGANS", "organs")
    return _Place(image, pet, _first(folder, "REFERENCE", "reference"), lesions, organs, row)


def _first(folder: Path, dicom: str, nifti: str) -> Path | None:
    names = (dicom, f"{nifti}.nii.gz", f"{nifti}.nii")
    return next((folder / name for name in names if (folder / name).exists()), None)


def _state(path: Path | None) -> list[str]:
    """Return name, size and time of the files of one place."""
    if path is None:
        return []
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
    states = [(file.name, file.stat()) for file in files]
    return [f"{path.name}/{name} {s.st_size} {s.st_mtime_ns}" for name, s in states]


def _ct(path: Path) -> tuple[Volume, float | None, str]:
    if path.is_file():
        return to_axial(read_nifti(path, "HU")), None, ""
    series = read_series(path)
    if series.modality != "CT":
        raise PairRefusedError(f"the series in {path.name} is {series.modality}, not CT.")
    frame = str(series.header.get("FrameOfReferenceUID", ""))
    return to_axial(series.stored_volume()), series.facts.kvp, frame


def _pet(path: Path, frame: str, entries: HeaderEntries) -> Volume:
    if path.is_file():
        return to_axial(read_nifti(path, "SUVbw"))
    series = with_entries(read_series(path), entries)
    own = str(series.header.get("FrameOfReferenceUID", ""))
    if frame and own and own != frame:
        raise PairRefusedError("CT and PET lie in different frames of reference.")
    return to_axial(series.suv_volume())


def _entries(row: Mapping[str, str]) -> HeaderEntries:
    """Return what the table says in place of the PET's headers; the portal exports such entries."""
    weight, dose = row.get("pet_weight_kg", ""), row.get("pet_dose_bq", "")
    return HeaderEntries(
        weight_kg=_number(weight) if weight else None,
        dose_bq=_number(dose) if dose else None,
        tracer=row.get("pet_tracer") or None,
    )


def _regions(path: Path | None, grid: Grid) -> Named:
    if path is None:
        return []
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
    if len(files) != 1:
        raise PairRefusedError(f"{path.name} must hold one file of outlines, not {len(files)}.")
    segments = read_segmentation(files[0], grid).values()
    return [(s.label, s.mask) for s in segments if s.mask.any()]


def _demographics(row: Mapping[str, str]) -> tuple[float, float, float, float] | None:
    said = [row.get(key, "") for key in ("height_cm", "weight_kg", "age_years")]
    if row.get("sex") not in ("F", "M") or not all(said):
        return None
    height, weight, age = (_number(value) for value in said)
    return height / 100, weight, float(row["sex"] == "M"), age


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"the table says {text!r} where a number should stand") from None


def unpack(archive: Path, scratch: Path) -> Path:
    """Unpack a zip of participants' folders, checking its SHA256SUMS where it has them.

    Raises
    ------
    SourceRefusedError
        When an entry would land outside the folder, or a file differs from its checksum.
    """
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    folder = scratch / f"unpacked-{digest[:16]}"
    if folder.is_dir():
        return folder
    partial = folder.with_name(folder.name + ".partial")
    with zipfile.ZipFile(archive) as zipped:
        for name in zipped.namelist():
            parts = PurePosixPath(name).parts
            if name.startswith("/") or ".." in parts or "\\" in name:
                raise SourceRefusedError(f"{archive.name} holds an entry that leaves its folder.")
        zipped.extractall(partial)
    _require_sums(partial, archive.name)
    partial.rename(folder)
    return folder


def _require_sums(folder: Path, archive: str) -> None:
    sums = folder / "SHA256SUMS"
    if not sums.is_file():
        return
    for line in sums.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise SourceRefusedError(f"{name} of {archive} is missing or was changed.")
