"""Where training pairs come from: simulated, or a folder (or zip) with one folder a participant."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from evaluation.imaging import (
    Grid,
    Refused,
    Volume,
    read_nifti,
    read_segmentation,
    read_series,
)
from synthesis.data.model_grid import NotAxialError, to_axial
from synthesis.data.pairs import Pair, PairRefusedError, foci_of
from synthesis.data.participant import draw_participant
from synthesis.data.phantom import make_phantom
from synthesis.data.scanner import SCANNERS, ScannerProfile, scanner_of

FOCI = ("lesion", "node", "distant")
FIELD_OF_VIEW_MM = (256.0, 400.0, 400.0)
TABLES = ("participants.csv", "cases.csv")
ONE_SITE = "only"


class SourceRefusedError(ValueError):
    """The data are not where or what they should be; the sentence says what is wrong."""


class Source(ABC):
    """Participants with their sites, and the pair of each."""

    spec: str
    sites: dict[str, str]  # by participant

    @abstractmethod
    def pair(self, participant: str) -> Pair:
        """Return the images of a participant."""

    @property
    def digest(self) -> str:
        """SHA-256 over who is in the source, and from where."""
        text = "".join(f"{name}\t{site}\n" for name, site in sorted(self.sites.items()))
        return hashlib.sha256(text.encode()).hexdigest()


def open_source(spec: str, spacing_zyx_mm: tuple[float, float, float], scratch: Path) -> Source:
    """Return the source that `--data` names.

    Parameters
    ----------
    spec
        `phantom:PARTICIPANTS[:SEED]`, a folder, or a zip of such a folder.
    spacing_zyx_mm
        Of the model: phantoms are simulated at twice its sampling in the plane.
    scratch
        Where a zip is unpacked.

    Raises
    ------
    SourceRefusedError
        When it is none of these, or holds no pair.
    """
    if spec.startswith("phantom:"):
        return _phantoms(spec, spacing_zyx_mm)
    path = Path(spec)
    if path.is_file() and zipfile.is_zipfile(path):
        return FolderSource(unpack(path, scratch), spec)
    if not path.is_dir():
        raise SourceRefusedError(
            f"{spec!r} is neither phantom:PARTICIPANTS[:SEED] nor a folder nor a zip file."
        )
    return FolderSource(path, spec)


def _phantoms(spec: str, spacing: tuple[float, float, float]) -> PhantomSource:
    numbers = spec.split(":")[1:]
    if not 1 <= len(numbers) <= 2 or not all(n.isdecimal() for n in numbers) or int(numbers[0]) < 3:
        raise SourceRefusedError(
            f"{spec!r} must be phantom:PARTICIPANTS[:SEED] with three participants or more."
        )
    return PhantomSource(int(numbers[0]), int(numbers[1]) if len(numbers) == 2 else 1, spacing)


class PhantomSource(Source):
    """Simulated participants, named by their seeds, from all simulated scanners in turn."""

    def __init__(self, count: int, seed: int, spacing: tuple[float, float, float]) -> None:
        self.spec = f"phantom:{count}:{seed}"
        sites = sorted(SCANNERS)
        first = seed * 1_000_000
        self.sites = {str(first + k): sites[k % len(sites)] for k in range(count)}
        z, y, x = (f / s for f, s in zip(FIELD_OF_VIEW_MM, spacing, strict=True))
        self._shape = (round(z), 2 * round(y), 2 * round(x))  # the PET has half of it in the plane

    def pair(self, participant: str) -> Pair:
        """Return the simulated images."""
        person = draw_participant(int(participant))
        scanner = self._scanner(participant)
        made = make_phantom(person, scanner)
        truth = {f"lesion:{lesion.unit_id}": lesion.malignant for lesion in person.lesions}
        truth |= {f"node:{node.station}": node.metastatic for node in person.nodes}
        truth |= {f"distant:{site.site}": site.metastatic for site in person.distant_sites}
        named = [(r.label, r.mask) for r in made.regions if r.label.split(":")[0] in FOCI]
        foci, names = foci_of(named, made.pet.array.shape)
        return Pair(
            participant=participant,
            ct=made.ct,
            pet=made.pet,
            foci=foci,
            focus_names=names,
            malignant=tuple(truth[name] for name in names),
            kvp=float(scanner.tube_voltage_kvp),
            demographics=(
                person.height_cm / 100,
                person.weight_kg,
                float(person.sex == "M"),
                float(person.age_years),
            ),
        )

    def _scanner(self, participant: str) -> ScannerProfile:
        steps = [f / n for f, n in zip(FIELD_OF_VIEW_MM, self._shape, strict=True)]
        return replace(
            scanner_of(self.sites[participant]),
            shape=self._shape,
            spacing_zyx_mm=(steps[0], steps[1], steps[2]),
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one participant's images lie, and what the table says of them."""

    ct: Path
    pet: Path
    lesions: Path | None
    row: Mapping[str, str]


class FolderSource(Source):
    """One folder a participant: `CT/` and `PET/` with DICOM, or `ct.nii.gz` and `pet.nii.gz`.

    Lesions are optional: `LESIONS/` with one DICOM SEG or RTSTRUCT, or `lesions.nii.gz`. A table
    beside the folders (`participants.csv`, or `cases.csv` of a cohort) may say site, sex, age_years,
    height_cm, weight_kg and kvp. Participants without a PET are left out.
    """

    def __init__(self, folder: Path, spec: str) -> None:
        self.spec = spec
        rows = _rows(folder)
        self._places = {
            below.name: place
            for below in sorted(folder.iterdir())
            if below.is_dir() and (place := _place(below, rows.get(below.name, {}))) is not None
        }
        if not self._places:
            raise SourceRefusedError(
                f"{folder.name} holds no participant's folder with a CT and a PET "
                "(CT/ and PET/ with DICOM, or ct.nii.gz and pet.nii.gz)."
            )
        self.sites = {n: p.row.get("site", "") or ONE_SITE for n, p in self._places.items()}

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
            ct, kvp, frame = _ct(place.ct)
            pet = _pet(place.pet, frame)
            foci, names = _lesions(place.lesions, pet.grid)
        except (Refused, NotAxialError, ValueError) as error:
            raise PairRefusedError(f"Participant {participant}: {error}") from error
        stated = place.row.get("kvp", "")
        return Pair(
            participant=participant,
            ct=ct,
            pet=pet,
            foci=foci,
            focus_names=names,
            malignant=(None,) * len(names),
            kvp=float(stated) if stated else kvp,
            demographics=_demographics(place.row),
        )


def _rows(folder: Path) -> dict[str, dict[str, str]]:
    """Return the table's rows by participant; the folder of the CT names those of a cohort."""
    for name in TABLES:
        if (folder / name).is_file():
            with (folder / name).open(encoding="utf-8-sig", newline="") as stream:
                rows = list(csv.DictReader(stream))
            named = {r.get("participant") or r.get("ct_folder", "").split("/")[0]: r for r in rows}
            return {name: row for name, row in named.items() if name}
    return {}


def _place(folder: Path, row: Mapping[str, str]) -> _Place | None:
    ct, pet = _first(folder, "CT", "ct"), _first(folder, "PET", "pet")
    if ct is None or pet is None:
        return None
    return _Place(ct, pet, _first(folder, "LESIONS", "lesions"), row)


def _first(folder: Path, dicom: str, nifti: str) -> Path | None:
    names = (dicom, f"{nifti}.nii.gz", f"{nifti}.nii")
    return next((folder / name for name in names if (folder / name).exists()), None)


def _ct(path: Path) -> tuple[Volume, float | None, str]:
    if path.is_file():
        return to_axial(read_nifti(path, "HU")), None, ""
    series = read_series(path)
    if series.modality != "CT":
        raise PairRefusedError(f"the series in {path.name} is {series.modality}, not CT.")
    frame = str(series.header.get("FrameOfReferenceUID", ""))
    return to_axial(series.stored_volume()), series.facts.kvp, frame


def _pet(path: Path, frame: str) -> Volume:
    if path.is_file():
        return to_axial(read_nifti(path, "SUVbw"))
    series = read_series(path)
    own = str(series.header.get("FrameOfReferenceUID", ""))
    if frame and own and own != frame:
        raise PairRefusedError("CT and PET lie in different frames of reference.")
    return to_axial(series.suv_volume())


def _lesions(path: Path | None, grid: Grid) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    if path is None:
        return np.zeros(grid.shape, dtype=np.uint8), ()
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
    if len(files) != 1:
        raise PairRefusedError(f"{path.name} must hold one file of lesions, not {len(files)}.")
    segments = read_segmentation(files[0], grid).values()
    named = [(s.label, s.mask) for s in segments if not s.label.startswith("organ:")]
    return foci_of([(label, mask) for label, mask in named if mask.any()], grid.shape)


def _demographics(row: Mapping[str, str]) -> tuple[float, float, float, float] | None:
    said = [row.get(key, "") for key in ("height_cm", "weight_kg", "age_years")]
    if row.get("sex") not in ("F", "M") or not all(said):
        return None
    height, weight, age = (float(value) for value in said)
    return height / 100, weight, float(row["sex"] == "M"), age


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
