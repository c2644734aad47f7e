"""Which series a person may retrieve: accepted CT and PET with the outlines that count, and synthetic PET that passed its checks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING

import pydicom
from pydicom.dataset import Dataset

from studyportal.core.storage import read_bytes
from studyportal.imaging.selectors import outlines_visible_to, series_visible_to
from studyportal.imaging.states import SeriesRole, SeriesStatus
from studyportal.sites.selectors import Person
from studyportal.syntheses.selectors import USABLE, synthetic_visible_to

if TYPE_CHECKING:
    from studyportal.imaging.models import ImagingSeries

_ROLES = {SeriesRole.SOURCE: "CT", SeriesRole.REFERENCE: "PT"}


@dataclass(frozen=True)
class StoredInstance:
    """One de-identified or synthetic file."""

    uid: str
    sha256: str

    def content(self) -> bytes:
        """The file, verified now."""
        return read_bytes(self.sha256)

    def header(self) -> Dataset:
        """The dataset without pixels, of the verified file."""
        return pydicom.dcmread(BytesIO(self.content()), stop_before_pixels=True)

    def image(self) -> Dataset:
        """The whole dataset of the verified file."""
        return pydicom.dcmread(BytesIO(self.content()))


@dataclass(frozen=True)
class StoredSeries:
    """One series that can be retrieved."""

    study_uid: str
    series_uid: str
    participant_code: str
    modality: str
    manifest_sha256: str
    files: int
    synthetic: bool
    outlines: bool = False  # no images: nothing of it has frames or can be drawn here

    @property
    def instances(self) -> tuple[StoredInstance, ...]:
        """Its files in slice order."""
        if self.outlines:
            return _outline_files(self.manifest_sha256)[
                self.study_uid, self.series_uid, self.modality
            ]
        return _instances(self.manifest_sha256)


def series_of(
    person: Person, *, study: str = "", series: str = "", participant: str = ""
) -> list[StoredSeries]:
    """The series that the person may see, narrowed down by UIDs or study code, in a fixed order."""
    drawn = outlines_visible_to(person)
    real = series_visible_to(person).filter(status=SeriesStatus.ACCEPTED, role__in=_ROLES)
    made = synthetic_visible_to(person).filter(status__in=USABLE)
    if study:
        real, made = (
            real.filter(study__study_uid=study),
            made.filter(job__source__study__study_uid=study),
        )
    if series:
        real, made = real.filter(series_uid=series), made.filter(series_uid=series)
    if participant:
        drawn = drawn.filter(pair__participant__code=participant)
        real = real.filter(pair__participant__code=participant)
        made = made.filter(job__pair__participant__code=participant)
    found = [
        StoredSeries(
            study_uid=row.study.study_uid,
            series_uid=row.series_uid,
            participant_code=row.pair.participant.code,
            modality=_ROLES[SeriesRole(row.role)],
            manifest_sha256=row.manifest_sha256,
            files=row.stored_files,
            synthetic=False,
        )
        for row in real.select_related("study")
        if row.study is not None
    ]
    found += [
        StoredSeries(
            study_uid=row.job.source.study.study_uid,
            series_uid=row.series_uid,
            participant_code=row.job.pair.participant.code,
            modality="PT",
            manifest_sha256=row.manifest_sha256,
            files=row.stored_files,
            synthetic=True,
        )
        for row in made.select_related("job__source__study")
        if row.job.source.study is not None
    ]
    if study:
        drawn = drawn.filter(pair__series__study__study_uid=study).distinct()
    found += [
        one
        for row in drawn
        for one in _outline_series(row)
        if study in ("", one.study_uid) and series in ("", one.series_uid)
    ]
    return sorted(found, key=lambda s: (s.participant_code, s.study_uid, s.outlines, s.series_uid))


def _outline_series(row: ImagingSeries) -> list[StoredSeries]:
    """The series that files of outlines name; one upload may hold several, and masks that are no DICOM file."""
    return [
        StoredSeries(
            study_uid=study_uid,
            series_uid=series_uid,
            participant_code=row.pair.participant.code,
            modality=modality,
            manifest_sha256=row.manifest_sha256,
            files=len(files),
            synthetic=False,
            outlines=True,
        )
        for (study_uid, series_uid, modality), files in _outline_files(row.manifest_sha256).items()
    ]


def by_study(every: list[StoredSeries]) -> Iterator[list[StoredSeries]]:
    """The series of each study together, in the order in which the studies come."""
    studies: dict[str, list[StoredSeries]] = {}
    for one in every:
        studies.setdefault(one.study_uid, []).append(one)
    yield from studies.values()


@lru_cache(maxsize=256)
def _instances(manifest_sha256: str) -> tuple[StoredInstance, ...]:
    # A manifest never changes, so what was read of it once stays true; the files are verified whenever they are read.
    entries = json.loads(read_bytes(manifest_sha256))["files"]
    return tuple(
        StoredInstance(entry.get("sop_instance_uid") or _uid(entry["sha256"]), entry["sha256"])
        for entry in entries
    )


@lru_cache(maxsize=1024)
def _outline_files(
    manifest_sha256: str,
) -> Mapping[tuple[str, str, str], tuple[StoredInstance, ...]]:
    """The files of outlines by the study, series and modality that they name."""
    named: dict[tuple[str, str, str], tuple[StoredInstance, ...]] = {}
    for entry in json.loads(read_bytes(manifest_sha256))["files"]:
        if "sop_instance_uid" in entry:  # the masks are none
            stored = StoredInstance(entry["sop_instance_uid"], entry["sha256"])
            header = stored.header()
            key = (
                str(header.StudyInstanceUID),
                str(header.SeriesInstanceUID),
                str(header.Modality),
            )
            named[key] = (*named.get(key, ()), stored)
    return MappingProxyType(named)


def _uid(sha256: str) -> str:
    return str(StoredInstance("", sha256).header().SOPInstanceUID)
