"""De-identifies the image series and outlines of a folder at the site: files in, files out, no database.

One file is in memory at a time. A series appears under its name only when all of it is written and its
SUV was compared; what is not taken is told with a sentence. No name of a file, person or series of the
hospital is kept or told: files are told by their place in the alphabetical order of the folder and by the
first digits of their SHA-256.
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from evaluation.imaging import FolderScan, Reason, SeriesGroup, scan_folder, suv_factor
from evaluation.imaging.header import text
from evaluation.imaging.instance import read_header
from evaluation.imaging.outline_file import read_outline_file
from evaluation.imaging.reader import read_instance
from evaluation.imaging.series import files_of
from studyportal.cli.site_inputs import Codes, site_of
from studyportal.core.storage import digest_of
from studyportal.imaging import rules

_SHOWN = 5  # files named in one sentence
_DIGITS = 12  # of a digest, enough to find the file again
_IMAGES = ("CT", "PT")
_OUTLINES = ("RTSTRUCT", "SEG")
_TAKEN = _IMAGES + _OUTLINES


@dataclass(frozen=True)
class SeriesDone:
    """A series that was written: where, of how many files, and its report."""

    participant: str
    name: str
    files: int
    facts: Mapping[str, Any]
    suv: rules.SuvSurvival | None


@dataclass(frozen=True)
class SeriesLeft:
    """Files that were not taken, and why."""

    what: str
    files: int
    sentences: tuple[str, ...]


@dataclass
class _Tally:
    """What is gathered of one series while its files go by."""

    faults: dict[str, list[int]] = field(default_factory=dict)
    patients: set[str] = field(default_factory=set)
    standings: set[rules.Standing] = field(default_factory=set)
    reports: list[rules.DeidentificationReport] = field(default_factory=list)
    before: list[Dataset] = field(default_factory=list)
    after: list[Dataset] = field(default_factory=list)
    series_uid: str = ""

    def fault(self, sentence: str, place: int) -> None:
        self.faults.setdefault(sentence, []).append(place)


class SiteRun:
    """One run over one folder, into a folder that did not exist."""

    def __init__(
        self, source: Path, target: Path, *, codes: Codes, key: rules.DeidentificationKey
    ) -> None:
        self.target, self.codes, self.key = target, codes, key
        self.paths = files_of(source)
        self.places = {path: place for place, path in enumerate(self.paths, start=1)}
        self.found: FolderScan = scan_folder(source)
        self.numbers: Counter[tuple[str, str]] = Counter()

    def patients(self) -> int:
        """How many patients the folder names; files that a site run made count as none."""
        groups = [group for group in self.found.groups if group.modality in _TAKEN]
        return len({group.patient_id for group in groups if group.patient_id})

    def series(self) -> Iterator[SeriesDone | SeriesLeft]:
        """Each series in turn, written or not; the last ones are files that belong to none."""
        for group in self.found.groups:
            yield self._series(group)
        alike: dict[str, list[int]] = {}
        for path, reason in self.found.unreadable:
            alike.setdefault(rules.nameless(reason), []).append(self.places[path])
        for sentence, places in alike.items():
            said = f"{self._told(places)}: {sentence}"
            yield SeriesLeft("files without a series", len(places), (said,))

    def _series(self, group: SeriesGroup) -> SeriesDone | SeriesLeft:
        what = f"{group.modality} series" if group.modality in _TAKEN else "other objects"
        code, why = self._code(group)
        if why:
            first = self._told([self.places[path] for path in group.files])
            return SeriesLeft(what, len(group.files), (f"{first}: {why}",))
        unfinished = self.target / ".unfinished"
        unfinished.mkdir()
        try:
            tally = self._write(group, code, unfinished)
            suv = _compared(tally) if group.modality == "PT" and not tally.faults else None
            sentences = [f"{self._told(places)}: {why}" for why, places in tally.faults.items()]
            sentences += _of_the_whole(tally, suv)
            if sentences:
                return SeriesLeft(what, len(group.files), tuple(sentences))
            return self._keep(group, code, unfinished, tally=tally, suv=suv)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _code(self, group: SeriesGroup) -> tuple[str, str]:
        """The participant of a series, or why nobody knows."""
        if group.modality not in _TAKEN:
            return (
                "",
                "Only CT and PET images and outlines are de-identified here; this is something else.",
            )
        header, _ = read_header(group.files[0])
        if rules.standing_of(header, self.key) is rules.Standing.INTACT:
            return text(header, "PatientID"), ""  # made by an earlier run: it names its participant
        if self.codes.only:
            return self.codes.only, ""
        if not group.patient_id:
            return "", "The images name no patient, so the mapping cannot say whose they are."
        code = self.codes.by_patient.get(group.patient_id, "")
        return code, "" if code else "The patient of these images is not in the mapping."

    def _write(self, group: SeriesGroup, code: str, folder: Path) -> _Tally:
        tally = _Tally()
        for number, path in enumerate(group.files, start=1):
            (header, reasons), place = _judged(path, group.modality), self.places[path]
            tally.patients.add(text(header, "PatientID"))
            tally.standings.add(rules.standing_of(header, self.key))
            for reason in reasons:
                tally.fault(rules.nameless(reason), place)
            if reasons or tally.faults:
                continue
            try:
                self._write_one(path, code, folder / f"{number:04d}.dcm", tally=tally)
            except rules.SealError as wrong:
                tally.fault(str(wrong), place)
                continue
            if group.modality == "PT":  # not the header at hand: it holds on to its pixels
                tally.before.append(read_header(path)[0])
        return tally

    def _write_one(self, path: Path, code: str, target: Path, *, tally: _Tally) -> None:
        with rules.unheard():
            dataset = pydicom.dcmread(path)
        cleaned, report = rules.deidentify(dataset, context=self._context(dataset, code))
        with target.open("xb") as sink, rules.unheard():
            pydicom.dcmwrite(sink, cleaned, enforce_file_format=True)
        tally.reports.append(report)
        tally.series_uid = str(cleaned.get("SeriesInstanceUID", ""))
        if cleaned.Modality == "PT":
            tally.after.append(read_header(target)[0])

    def _context(self, dataset: Dataset, code: str) -> rules.PseudonymContext:
        site = site_of(code)
        link = rules.patient_link_of(dataset, self.key, site_code=site)
        return rules.PseudonymContext.of_participant(
            participant_code=code, site_code=site, key=self.key, patient_link=link
        )

    def _keep(
        self,
        group: SeriesGroup,
        code: str,
        written: Path,
        *,
        tally: _Tally,
        suv: rules.SuvSurvival | None,
    ) -> SeriesDone:
        self.numbers[code, group.modality] += 1
        name = f"{group.modality}-{self.numbers[code, group.modality]}"
        folder = self.target / code
        folder.mkdir(exist_ok=True)
        written.rename(folder / name)
        report = rules.merged_reports(tally.reports)
        facts = rules.report_facts(report, files=len(group.files), suv=suv)
        facts |= {"participant": code, "series": name, "series_uid": tally.series_uid}
        return SeriesDone(code, name, len(group.files), facts, suv)

    def _told(self, places: Sequence[int]) -> str:
        """Files by place and short digest, the first few of them."""
        shown = sorted(places)[:_SHOWN]
        named = ", ".join(
            f"{place} ({digest_of(self.paths[place - 1])[:_DIGITS]})" for place in shown
        )
        rest = len(places) - len(shown)
        more = f" and {rest} more" if rest else ""
        return f"{'file' if len(places) == 1 else 'files'} {named}{more} of {len(self.paths)}"


def _judged(path: Path, modality: str) -> tuple[Dataset, tuple[Reason, ...]]:
    """The header of a file, and what is wrong with the file."""
    if modality in _OUTLINES:
        return read_outline_file(path)
    instance = read_instance(path)
    return instance.header, instance.reasons


def _compared(tally: _Tally) -> rules.SuvSurvival:
    return rules.suv_survival(suv_factor(tally.before), suv_factor(tally.after))


def _of_the_whole(tally: _Tally, suv: rules.SuvSurvival | None) -> Iterator[str]:
    """What is wrong with the series though each of its files is right."""
    if len(tally.patients) > 1:
        yield "The series holds images of more than one patient."
    if len(tally.standings) > 1:
        yield "Some of these images were de-identified before and some were not."
    if suv is not None and not suv.holds:
        yield "The uptake values would not survive de-identification. Report this as a fault of the program."
