"""QIDO-RS: which studies, series and instances there are, by any attribute of their header."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.http import HttpResponse
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from studyportal.dicom.catalogue import StoredInstance, StoredSeries, by_study, series_of
from studyportal.dicom.endpoints import DICOM_JSON, DicomEndpoint
from studyportal.dicom.matching import matches
from studyportal.dicom.media import accepted, no_pixels, require_json, root_of

STUDY = (
    "SpecificCharacterSet", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName",
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyID", "StudyDescription",
)  # fmt: skip
SERIES = (
    "SpecificCharacterSet", "Modality", "SeriesDescription", "SeriesInstanceUID", "SeriesNumber", "SeriesDate",
    "SeriesTime", "StudyInstanceUID",
)  # fmt: skip
INSTANCE = (
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "InstanceNumber", "Rows", "Columns", "BitsAllocated",
    "NumberOfFrames", "StudyInstanceUID", "SeriesInstanceUID",
)  # fmt: skip
_LEVELS = {"study": STUDY, "series": (*STUDY, *SERIES), "instance": (*STUDY, *SERIES, *INSTANCE)}
_CONTROL = {"limit", "offset", "includefield", "fuzzymatching", "accept"}
_USUAL, _MOST = 200, 1000


@dataclass(frozen=True)
class Question:
    """What the address asks for: attributes to match, attributes to tell, and which page of the answer."""

    wanted: Mapping[str, str]
    fields: frozenset[str] | None  # None means all
    limit: int
    offset: int


class SearchEndpoint(DicomEndpoint):
    """Answers JSON. An attribute that no header knows is refused by name."""

    level = "study"

    def search(self, request: Request, *, study: str = "", series: str = "") -> HttpResponse:
        """The studies, series or instances that match, in a fixed order."""
        require_json(accepted(request))
        question = _question(request, level=self.level)
        exact = question.wanted
        stored = series_of(
            self.person,
            study=study or _single(exact.get("StudyInstanceUID", "")),
            series=series or _single(exact.get("SeriesInstanceUID", "")),
            participant=_single(exact.get("PatientID", "")),
        )
        if (study or series) and not stored:
            raise NotFound("There is no such study or series, or you may not see it.")
        found = (
            item for item in _SOURCES[self.level](stored, root_of(request)) if matches(item, exact)
        )
        page = list(islice(found, question.offset, question.offset + question.limit + 1))
        body = [_told(item, question.fields) for item in page[: question.limit]]
        answer = HttpResponse(json.dumps(body), content_type=DICOM_JSON)
        if len(page) > question.limit:
            answer["Warning"] = '299 studyportal "There are more results; ask on with offset."'
        return answer


def _studies(every: list[StoredSeries], root: str) -> Iterator[Dataset]:
    for together in by_study(every):
        item = together[0].instances[0].header()
        item.ModalitiesInStudy = sorted({one.modality for one in together})
        item.NumberOfStudyRelatedSeries = len(together)
        item.NumberOfStudyRelatedInstances = sum(one.files for one in together)
        item.InstanceAvailability = "ONLINE"
        item.RetrieveURL = f"{root}/studies/{together[0].study_uid}"
        yield item


def _series(every: list[StoredSeries], root: str) -> Iterator[Dataset]:
    for one in every:
        item = one.instances[0].header()
        item.NumberOfSeriesRelatedInstances = one.files
        item.RetrieveURL = f"{root}/studies/{one.study_uid}/series/{one.series_uid}"
        yield item


def _instances(every: list[StoredSeries], root: str) -> Iterator[Dataset]:
    for one in every:
        for instance in one.instances:
            item = instance.header()
            item.InstanceAvailability = "ONLINE"
            item.RetrieveURL = instance_address(root, one, instance)
            yield item


_SOURCES = {"study": _studies, "series": _series, "instance": _instances}
_COMPUTED = {
    "ModalitiesInStudy",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
    "NumberOfSeriesRelatedInstances",
    "InstanceAvailability",
    "RetrieveURL",
}


def instance_address(root: str, series: StoredSeries, instance: StoredInstance) -> str:
    """Where one instance is retrieved."""
    return f"{root}/studies/{series.study_uid}/series/{series.series_uid}/instances/{instance.uid}"


def _question(request: Request, *, level: str) -> Question:
    asked: Mapping[str, list[str]] = dict(request.GET.lists())
    # A repeated attribute is a list, as viewers write it for several modalities.
    wanted = {_keyword(name): ",".join(v) for name, v in asked.items() if name not in _CONTROL}
    included = [
        name for entry in asked.get("includefield", []) for name in entry.split(",") if name
    ]
    more = {_keyword(name) for name in included if name != "all"}
    fields = None if "all" in included else frozenset({*_LEVELS[level], *_COMPUTED, *wanted, *more})
    return Question(
        wanted=wanted,
        fields=fields,
        limit=min(_whole(request, "limit", _USUAL), _MOST),
        offset=_whole(request, "offset", 0),
    )


def _keyword(name: str) -> str:
    tag = tag_for_keyword(name)
    keyword = name if tag is not None else ""
    if len(name) == 8 and not keyword:
        try:
            keyword = keyword_for_tag(int(name, 16))
        except ValueError:
            keyword = ""
    if not keyword or dictionary_VR(keyword) == "SQ":
        raise ValidationError(f"“{name[:64]}” is no attribute that can be asked for here.")
    return keyword


def _whole(request: Request, name: str, usual: int) -> int:
    text = request.GET.get(name, str(usual))
    if not text.isdecimal() or len(text) > 9:
        raise ValidationError(f"{name} must be a whole number.")
    return int(text)


def _single(text: str) -> str:
    """The text where it names one value exactly; empty where it is a list or a pattern."""
    return "" if any(mark in text for mark in "*?,\\") else text


def _told(item: Dataset, fields: frozenset[str] | None) -> dict[str, Any]:
    no_pixels(item)
    if fields is not None:
        for element in list(item):
            if element.keyword not in fields:
                del item[element.tag]
    return item.to_json_dict(suppress_invalid_tags=True)
