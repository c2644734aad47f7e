"""What a folder holds: image series, other objects and files that cannot be read."""

import warnings
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword

from evaluation.imaging.header import text
from evaluation.imaging.instance import (
    MARKING_KEYWORDS,
    drop_unreadable,
    read_header,
    synthetic_marks,
)
from evaluation.imaging.reasons import Reason
from evaluation.imaging.series import files_of

_WANTED = {
    tag_for_keyword(keyword)
    for keyword in (
        "SeriesInstanceUID",
        "StudyInstanceUID",
        "Modality",
        "PatientID",
        *MARKING_KEYWORDS,
    )
}


@dataclass(frozen=True)
class SeriesGroup:
    """Files that share a SeriesInstanceUID, not yet checked."""

    series_uid: str
    study_uid: str
    modality: str
    patient_id: str
    description: str
    synthetic: bool
    files: tuple[Path, ...]


@dataclass(frozen=True)
class FolderScan:
    """Groups in the order of modality and UID, and the files that belong to none."""

    groups: tuple[SeriesGroup, ...]
    unreadable: tuple[tuple[Path, Reason], ...]

    def of_modality(self, modality: str) -> tuple[SeriesGroup, ...]:
        """Return the groups of one modality."""
        return tuple(group for group in self.groups if group.modality == modality)


def scan_folder(folder: Path | str) -> FolderScan:
    """Group the DICOM files below a folder by series, reading headers only."""
    grouped: dict[str, list[tuple[Path, Dataset]]] = defaultdict(list)
    unreadable = []
    for path in files_of(folder):
        with warnings.catch_warnings():
            # pydicom warns about values too long for their VR; grouping needs none of them.
            warnings.simplefilter("ignore")
            header, reason = read_header(path)
            _keep_what_groups(header)
            drop_unreadable(header)
        uid = text(header, "SeriesInstanceUID")
        if reason is None and not uid:
            sentence = f"{path.name} does not say to which series it belongs."
            reason = Reason("no_series", sentence, "(0020,000E)")
        if reason is None:
            grouped[uid].append((path, header))
        else:
            unreadable.append((path, reason))
    groups = [_group(uid, members) for uid, members in grouped.items()]
    groups.sort(key=lambda group: (group.modality, group.series_uid))
    return FolderScan(tuple(groups), tuple(unreadable))


def _keep_what_groups(header: Dataset) -> None:
    """Delete, unread, every element that neither groups a file nor can mark it as synthetic."""
    for tag in list(header.keys()):
        creator = tag.is_private and 0x10 <= tag.element <= 0xFF
        if tag not in _WANTED and not creator:
            del header[tag]


def _group(uid: str, members: list[tuple[Path, Dataset]]) -> SeriesGroup:
    first = members[0][1]
    return SeriesGroup(
        series_uid=uid,
        study_uid=text(first, "StudyInstanceUID"),
        modality=text(first, "Modality"),
        patient_id=text(first, "PatientID"),
        description=text(first, "SeriesDescription"),
        synthetic=any(synthetic_marks(header) for _, header in members),
        files=tuple(path for path, _ in members),
    )
