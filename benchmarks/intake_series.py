"""Series for a benchmark of intake: one published CT slice at many places, each series of a patient of its own."""

import itertools
import shutil
from dataclasses import dataclass
from pathlib import Path

import pydicom

SPACING_MM = 2.0
_ROOT = "1.2.826.0.1.3680043.8.498."
_DIGITS = 24
_PATIENT, _STUDY, _SERIES, _IMAGE = (digit * _DIGITS for digit in "5678")


@dataclass(frozen=True)
class Sent:
    """The folder of one series, and whose it is."""

    folder: Path
    patient_id: str
    study_uid: str
    series_uid: str
    images: int


class Templates:
    """Slices written once; each series out of them has identifiers of its own, put in as bytes."""

    def __init__(self, source: Path, folder: Path, *, images: int) -> None:
        folder.mkdir()
        self._contents = [_slice(source, folder / f"{n}", n) for n in range(images)]
        self._numbers = itertools.count(1)
        self.told: list[str] = []  # every identifier that was sent

    def series(self, count: int, *, under: Path) -> list[Sent]:
        """That many series, each in a folder of its own."""
        return [self._one(under / f"{n:03}", next(self._numbers)) for n in range(count)]

    def clear(self, under: Path) -> None:
        shutil.rmtree(under)

    def _one(self, folder: Path, number: int) -> Sent:
        folder.mkdir(parents=True)
        own = [f"{kind}{number:0{_DIGITS - 1}}" for kind in "123"]
        for k, content in enumerate(self._contents):
            image = f"4{number:015}{k:08}"
            changed = content
            for token, value in zip(
                (_PATIENT, _STUDY, _SERIES, _IMAGE), (*own, image), strict=True
            ):
                changed = changed.replace(token.encode(), value.encode())
            (folder / f"{k:04}").write_bytes(changed)
        self.told += own
        uids = [_ROOT + digits for digits in own[1:]]
        return Sent(folder, own[0], *uids, images=len(self._contents))


def _slice(source: Path, target: Path, number: int) -> bytes:
    slice_ = pydicom.dcmread(source)
    slice_.PatientID = slice_.PatientName = _PATIENT
    slice_.StudyInstanceUID, slice_.SeriesInstanceUID = _ROOT + _STUDY, _ROOT + _SERIES
    slice_.SOPInstanceUID = slice_.file_meta.MediaStorageSOPInstanceUID = _ROOT + _IMAGE
    slice_.InstanceNumber = number + 1
    x, y, _z = slice_.ImagePositionPatient
    slice_.ImagePositionPatient = [x, y, number * SPACING_MM]
    slice_.SliceLocation, slice_.SliceThickness = number * SPACING_MM, SPACING_MM
    slice_.save_as(target)
    return target.read_bytes()
