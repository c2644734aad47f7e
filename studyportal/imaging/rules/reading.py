"""What the limited child answers about received files: paths in, plain values out. No file is looked into elsewhere.

Run by `studyportal.core.limited`; needs neither settings nor a database. A file is read here once for the verdict
and once for its de-identified copy.
"""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pydicom.datadict import keyword_for_tag
from pydicom.filereader import data_element_generator
from pydicom.tag import BaseTag, Tag

from evaluation.imaging import Instance, Reason, Series, SeriesRefused, read_instance, series_of
from evaluation.imaging.header import number, text
from evaluation.imaging.instance import read_header
from studyportal.imaging.rules.cleaning import deidentified_copy
from studyportal.imaging.rules.outline_reading import outlined_masks
from studyportal.imaging.rules.summary import summarise, summary_to_json

Answer = dict[str, Any]
_MIXED = ("mixed_patient", "mixed_frame_of_reference", "mixed_series")
_HEADLINE = {
    "patient": "PatientID",
    "study": "StudyInstanceUID",
    "series": "SeriesInstanceUID",
    "instance": "SOPInstanceUID",
    "modality": "Modality",
}
_FIRST_ELEMENT = 132


class Watch(Protocol):
    """Sets the limits of the child before each file, and before work on all of them."""

    def file(self, number: int, *, size: int) -> None: ...

    def whole(self) -> None: ...


def handlers(watch: Watch) -> Mapping[str, Callable[[Answer], Answer]]:
    """The questions that a child answers; what it read for one is kept for the next."""
    reading = Reading(watch)
    return {
        "read": lambda asked: reading.read(**asked),
        "deidentify": reading.deidentify,
        "headlines": lambda asked: reading.headlines([Path(path) for path in asked["files"]]),
        "outlines": lambda asked: outlined_masks(watch=watch, **asked),
    }


class Reading:
    """The files of one upload, between two questions."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._series: Series | None = None

    def read(
        self, files: Sequence[str], *, participant_code: str, site_code: str, key: str
    ) -> Answer:
        """What each file is, and the facts of the series or every reason why there is none."""
        instances, told = [], []
        for k, path in enumerate(map(Path, files)):
            self._watch.file(k, size=path.stat().st_size)
            instance = read_instance(path)
            instances.append(instance)
            told.append(_told(instance))
        self._watch.whole()
        answer: Answer = {
            "files": told, "refusals": _twins(told), "summary": None, "patient_key": "",
        }  # fmt: skip
        try:
            series = series_of(instances)
        except SeriesRefused as refusal:
            answer["refusals"] += _refusals(refusal.reasons, instances)
            return answer
        self._series = series
        summary = summary_to_json(summarise(series))
        patient = series.facts.patient_id
        return answer | {
            "summary": summary,
            "patient_key": _patient_key(patient, site_code, key) if patient else "",
        }

    def deidentify(self, asked: Answer) -> Answer:
        """De-identified copies of the series that was read lie in the folder `out`, with a preview of them."""
        if self._series is None:
            raise ValueError("no series was read")
        series, self._series = self._series, None
        return deidentified_copy(series, watch=self._watch, **asked)

    def headlines(self, files: Sequence[Path]) -> Answer:
        """Whose image each file is, and of which series; empty texts where a header cannot be read."""
        found = []
        for k, path in enumerate(files):
            self._watch.file(k, size=path.stat().st_size)
            header, _unreadable = read_header(path)
            found.append({name: text(header, keyword) for name, keyword in _HEADLINE.items()})
        return {"files": found}


def _patient_key(patient_id: str, site_code: str, key: str) -> str:
    """As `selectors.patient_key`: the identifier itself leaves the child in no form."""
    return hmac.new(key.encode(), f"{site_code}\n{patient_id}".encode(), hashlib.sha256).hexdigest()


def _told(instance: Instance) -> Answer:
    shown = number(instance.header, "InstanceNumber")
    return {
        "number": None if shown is None or not shown.is_integer() else int(shown),
        "sop_instance_uid": text(instance.header, "SOPInstanceUID"),
        "content": _content_digest(instance.path) if instance.header else "",
    }


def _content_digest(path: Path) -> str:
    """SHA-256 of the transfer syntax and the bytes of the dataset: equal for one image by whatever way it came."""

    def beyond(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        return tag.group != 2

    with path.open("rb") as stream:
        stream.seek(_FIRST_ELEMENT)
        meta = data_element_generator(stream, False, True, stop_when=beyond)  # noqa: FBT003 pydicom's own order
        syntax = next((e.value for e in meta if e.tag == 0x00020010), b"")
        list(meta)  # up to the first byte of the dataset
        name = syntax.decode("ascii", "replace") if isinstance(syntax, bytes) else str(syntax)
        digest = hashlib.sha256(f"{name.rstrip(chr(0) + ' ')}\n".encode())
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _twins(told: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Images that came twice in one upload under one name and with other content."""
    of_uid: dict[str, list[int]] = defaultdict(list)
    for k, one in enumerate(told):
        if one["sop_instance_uid"]:
            of_uid[one["sop_instance_uid"]].append(k)
    return [
        {"id": "conflict", "sentence": "", "tag": "(0008,0018)", "files": same}
        for same in of_uid.values()
        if len({told[k]["content"] for k in same}) > 1
    ]


def _refusals(reasons: Iterable[Reason], instances: Sequence[Instance]) -> list[Answer]:
    """Every reason once with all its files; those of the whole series with the files that stand out."""
    of_files: dict[str, Answer] = {}
    for k, instance in enumerate(instances):
        for reason in instance.reasons:
            found = of_files.setdefault(reason.id, _plain(reason) | {"files": []})
            found["files"].append(k)
    whole = [reason for reason in reasons if reason.id not in of_files]
    return [*of_files.values(), *(_of_series(reason, instances) for reason in whole)]


def _of_series(reason: Reason, instances: Sequence[Instance]) -> Answer:
    apart = _smaller_part(reason.tag, instances) if reason.id in _MIXED else []
    return _plain(reason) | {"files": apart}


def _smaller_part(tag: str, instances: Sequence[Instance]) -> list[int]:
    """Files whose value of this element is not the one that most have."""
    keyword = keyword_for_tag(Tag(tag.strip("()").replace(",", "")))
    groups: dict[str, list[int]] = defaultdict(list)
    for k, instance in enumerate(instances):
        groups[text(instance.header, keyword)].append(k)
    largest = max(groups.values(), key=len)
    return sorted(k for group in groups.values() if group is not largest for k in group)


def _plain(reason: Reason) -> Answer:
    return {"id": reason.id, "sentence": reason.sentence, "tag": reason.tag}
