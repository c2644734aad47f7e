"""What the limited child answers about received files: paths in, plain values out. No file is looked into elsewhere.

Run by `studyportal.core.limited`; needs neither settings nor a database. A file is read here once for the verdict
and once for its de-identified copy.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom.datadict import keyword_for_tag
from pydicom.filereader import data_element_generator
from pydicom.tag import BaseTag, Tag

from evaluation.imaging import (
    HeaderEntries,
    Instance,
    InstanceReader,
    Reason,
    SeriesRefused,
    SurveyedSeries,
    survey_of,
    with_entries,
)
from evaluation.imaging.header import number, text
from evaluation.imaging.pieces import Pieces
from evaluation.imaging.reader import FileHeaders, content_of
from studyportal.imaging.rules.cleaning import deidentified_copy
from studyportal.imaging.rules.copying import Watch
from studyportal.imaging.rules.outline_reading import outlined_masks
from studyportal.imaging.rules.pseudonym import DeidentificationKey, PseudonymContext, remap_uid
from studyportal.imaging.rules.seal import Standing, patient_link_of, seal_reasons, standing_of
from studyportal.imaging.rules.summary import summarise, summary_to_json

Answer = dict[str, Any]
_MIXED = ("mixed_patient", "mixed_frame_of_reference", "mixed_series")
_HEADLINE = {
    "study": "StudyInstanceUID",
    "series": "SeriesInstanceUID",
    "instance": "SOPInstanceUID",
    "modality": "Modality",
}
_FIRST_ELEMENT = 132


def handlers(watch: Watch) -> Mapping[str, Callable[[Answer], Answer]]:
    """The questions that a child answers; what it read for one is kept for the next."""
    reading = Reading(watch)
    return {
        "read": lambda asked: reading.read(**asked),
        "deidentify": reading.deidentify,
        "headlines": lambda asked: reading.headlines(**asked),
        "groups": lambda asked: reading.groups(**asked),
        "outlines": lambda asked: outlined_masks(watch=watch, **asked),
    }


class Reading:
    """The files of one upload, between two questions."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._series: SurveyedSeries | None = None

    def read(
        self,
        files: Sequence[str],
        *,
        participant_code: str,
        site_code: str,
        key: str,
        entries: Mapping[str, Any],
    ) -> Answer:
        """What each file is, and the facts of the series or every reason why there is none.

        `entries` are what a person said of the injection (the fields of `HeaderEntries`).
        """
        told: list[Answer] = []
        instances = self._instances(files, told)
        answer: Answer = {
            "files": told, "refusals": _twins(told), "summary": None, "patient_key": "",
        }  # fmt: skip
        try:
            series = with_entries(survey_of(instances), HeaderEntries(**entries))
        except SeriesRefused as refusal:
            answer["refusals"] += _refusals(refusal.reasons, instances)
            return answer
        self._series = series
        context = PseudonymContext.of_participant(
            participant_code=participant_code, site_code=site_code, key=_key(key)
        )
        seals = seal_reasons(series.slice_headers, context)
        return answer | {
            "refusals": [
                *answer["refusals"],
                *(_plain(reason) | {"files": []} for reason in seals),
            ],
            "summary": summary_to_json(summarise(series)),
            "patient_key": patient_link_of(series.header, context.key, site_code=site_code),
        }

    def _instances(self, files: Sequence[str], told: list[Answer]) -> list[Instance]:
        """What each file is; `told` then holds what is answered of each."""
        reader, instances = InstanceReader(values="measured"), []
        for k, path in enumerate(map(Path, files)):
            self._watch.file(k, size=path.stat().st_size)
            content = content_of(path)
            pieces = reader.cut(content)
            instances.append(reader.read_content(path, content, pieces))
            told.append(_told(instances[-1], content, pieces))
        self._watch.whole()
        return instances

    def groups(self, files: Sequence[str], *, site_code: str, key: str) -> Answer:
        """The files by the series that they name, each with its facts or the reasons why it has none.

        Nothing is known of a file that names no series; then there are no groups.
        """
        members: dict[str, list[int]] = defaultdict(list)
        examinations, headers = set(), FileHeaders()
        for k, path in enumerate(map(Path, files)):
            self._watch.file(k, size=path.stat().st_size)
            header, _unreadable = headers.read(path)
            members[text(header, "SeriesInstanceUID")].append(k)
            link = patient_link_of(header, _key(key), site_code=site_code)
            examinations.add((link, text(header, "StudyInstanceUID"), text(header, "Modality")))
        if "" in members or len(members) == 1:
            return {"groups": [], "examinations": len(examinations)}
        found = [
            {"key": remap_uid(_key(key), uid), "files": numbers, **self._facts(files, numbers)}
            for uid, numbers in sorted(members.items())
        ]
        return {"groups": found, "examinations": len(examinations)}

    def _facts(self, files: Sequence[str], numbers: Sequence[int]) -> Answer:
        try:
            series = survey_of(self._instances([files[k] for k in numbers], []))
        except SeriesRefused as refusal:
            return {"summary": None, "reasons": [_plain(reason) for reason in refusal.reasons]}
        return {"summary": summary_to_json(summarise(series)), "reasons": []}

    def deidentify(self, asked: Answer) -> Answer:
        """De-identified copies of the series that was read lie in the folder `out`, with a preview of them."""
        if self._series is None:
            raise ValueError("no series was read")
        series, self._series = self._series, None
        return deidentified_copy(series, watch=self._watch, **asked)

    def headlines(self, files: Sequence[str], *, site_code: str, key: str) -> Answer:
        """Whose image each file is, and of which series; empty texts where a header cannot be read.

        The patient is the keyed digest: the identifier itself leaves the child in no form. The participant is
        told of files that a site de-identified for one.
        """
        found, headers = [], FileHeaders()
        for k, path in enumerate(map(Path, files)):
            self._watch.file(k, size=path.stat().st_size)
            header, _unreadable = headers.read(path)
            told = {name: text(header, keyword) for name, keyword in _HEADLINE.items()}
            link = patient_link_of(header, _key(key), site_code=site_code)
            sealed = standing_of(header, _key(key)) is Standing.INTACT
            code = text(header, "PatientID") if sealed else ""
            found.append(told | {"patient": link, "participant": code})
        return {"files": found}


def _key(text_: str) -> DeidentificationKey:
    return DeidentificationKey(text_.encode())


def _told(instance: Instance, content: bytes, pieces: Pieces | None) -> Answer:
    shown = number(instance.header, "InstanceNumber")
    return {
        "number": None if shown is None or not shown.is_integer() else int(shown),
        "sop_instance_uid": text(instance.header, "SOPInstanceUID"),
        "content": _content_digest(content, pieces) if instance.header else "",
    }


def _content_digest(content: bytes, pieces: Pieces | None) -> str:
    """SHA-256 of the transfer syntax and the bytes of the dataset: equal for one image by whatever way it came."""
    syntax, begins = (
        _start_of(content) if pieces is None else (pieces.transfer_syntax, pieces.dataset_at)
    )
    digest = hashlib.sha256(f"{syntax}\n".encode())
    digest.update(memoryview(content)[begins:])
    return digest.hexdigest()


def _start_of(content: bytes) -> tuple[str, int]:
    """The transfer syntax of a file, and where its dataset begins."""

    def beyond(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        return tag.group != 2

    stream = BytesIO(content)
    stream.seek(_FIRST_ELEMENT)
    meta = data_element_generator(stream, False, True, stop_when=beyond)  # noqa: FBT003 pydicom's own order
    syntax = next((e.value for e in meta if e.tag == 0x00020010), b"")
    list(meta)  # up to the first byte of the dataset
    name = syntax.decode("ascii", "replace") if isinstance(syntax, bytes) else str(syntax)
    return name.rstrip(chr(0) + " "), stream.tell()


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
