"""Received files are looked into by a limited child; here its answers become findings, or a refusal of the file it died at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from evaluation.imaging import Grid, HeaderEntries, Reason
from studyportal.core.limited import Bounds, ChildEnded, LimitedChild
from studyportal.imaging import rules

if TYPE_CHECKING:
    from studyportal.imaging.models import ImagingSeries
    from studyportal.participants.models import Participant
    from studyportal.sites.models import Site

_MODULE = "studyportal.imaging.rules.reading"


@dataclass(frozen=True)
class KnownImage:
    """Which image a file is, and what it holds, as the ledger of the spool compares them."""

    sop_instance_uid: str
    content: str
    file: rules.ReceivedFile


@dataclass(frozen=True)
class Looked:
    """What the files of an upload are: the facts of one series, or `refusals` that say why not."""

    images: tuple[KnownImage, ...]
    refusals: tuple[rules.Finding, ...]
    summary: rules.SeriesSummary | None
    patient_key: str

    @property
    def files(self) -> tuple[rules.ReceivedFile, ...]:
        return tuple(image.file for image in self.images)


@dataclass(frozen=True)
class Outlined:
    """Regions of a file of outlines with their masks and its de-identified copies, or why there are none."""

    reasons: tuple[Reason, ...]
    regions: tuple[Mapping[str, Any], ...] = ()
    patient_keys: tuple[str, ...] = ()
    copies: tuple[Mapping[str, str], ...] = ()
    report: Mapping[str, Any] = field(default_factory=dict)
    refusals: tuple[rules.Finding, ...] = ()


class Reader:
    """Asks one limited child, which keeps what it read until the next question."""

    def __init__(self, child: LimitedChild) -> None:
        self._child = child

    def look(
        self, files: Sequence[Path], participant: Participant, entries: HeaderEntries
    ) -> Looked:
        """What these files are, with what a person entered; a file at which the child died is a refusal.

        Raises
        ------
        ChildBroke
            When our own code failed.
        """
        try:
            told = self._child.ask(
                "read", files=_texts(files), entries=asdict(entries), **_identity(participant)
            )
        except ChildEnded as ended:
            return Looked((), (_killer(files, ended.at),), None, "")
        images = tuple(
            KnownImage(
                one["sop_instance_uid"],
                one["content"],
                rules.ReceivedFile(path.name, one["number"]),
            )
            for path, one in zip(files, told["files"], strict=True)
        )
        found = tuple(rules.located_finding(_located(one, images)) for one in told["refusals"])
        summary = told["summary"]
        return Looked(
            images, found, summary and rules.summary_from_json(summary), told["patient_key"]
        )

    def deidentify(
        self, participant: Participant, entries: HeaderEntries, *, out: Path
    ) -> dict[str, Any]:
        """Copies of the series that was looked at lie in the folder `out`; see `rules.cleaning.deidentified_copy`."""
        return self._child.ask(
            "deidentify", out=str(out), entries=asdict(entries), **_identity(participant)
        )

    def groups(self, files: Sequence[Path], site: Site) -> tuple[list[dict[str, Any]], int]:
        """The files by the series they name, with facts or faults; and of how many examinations they are."""
        told = self._child.ask("groups", files=_texts(files), **_keyed(site.code))
        return told["groups"], told["examinations"]

    def headlines(self, files: Sequence[Path], site_code: str) -> list[Mapping[str, str]]:
        """Whose image each file is and of which series; empty texts where that cannot be read."""
        return [*self._child.ask("headlines", files=_texts(files), **_keyed(site_code))["files"]]

    def outlines(
        self, files: Sequence[Path], series: ImagingSeries, *, out: Path, grid: Grid, frame: str
    ) -> Outlined:
        """The regions whose masks lie in the folder `out` with copies of the files, or the reasons why there are none.

        A file at which the child dies is a refusal.
        """
        try:
            told = self._child.ask(
                "outlines", files=_texts(files), out=str(out), grid=asdict(grid),
                option=series.option, frame=frame, identity=_identity(series.pair.participant),
            )  # fmt: skip
        except ChildEnded as ended:
            return Outlined((), refusals=(_killer(files, ended.at),))
        return Outlined(
            tuple(Reason(*reason) for reason in told["reasons"]),
            regions=tuple(told.get("regions", ())),
            patient_keys=tuple(told.get("patient_keys", ())),
            copies=tuple(told.get("copies", ())),
            report=told.get("report", {}),
        )


@contextmanager
def reader() -> Iterator[Reader]:
    """A limited child of its own, gone afterwards."""
    with LimitedChild(_MODULE, Bounds(whole_mib=settings.INTAKE_MEMORY_MIB)) as child:
        yield Reader(child)


def headlines_of(files: Sequence[Path], site_code: str) -> list[Mapping[str, str]]:
    """Whose image each file is and of which series, in the order given.

    A file at which the child dies says nothing of itself, and the others are read by another child.
    """
    found: list[Mapping[str, str]] = []
    while len(found) < len(files):
        rest = files[len(found) :]
        try:
            with reader() as reading:
                return [*found, *reading.headlines(rest, site_code)]
        except ChildEnded as ended:
            whole = max(ended.at, 0)
            with reader() as reading:
                found += reading.headlines(rest[:whole], site_code)
            found.append({})
    return found


def _killer(files: Sequence[Path], at: int) -> rules.Finding:
    killer = (rules.ReceivedFile(files[at].name),) if at >= 0 else ()
    return rules.located_finding(rules.Located(Reason("too_costly", ""), killer))


def _located(told: Mapping[str, Any], images: Sequence[KnownImage]) -> rules.Located:
    reason = Reason(told["id"], told["sentence"], told["tag"])
    return rules.Located(reason, tuple(images[k].file for k in told["files"]))


def _identity(participant: Participant) -> dict[str, str]:
    return {"participant_code": participant.code, **_keyed(participant.site.code)}


def _keyed(site_code: str) -> dict[str, str]:
    return {"site_code": site_code, "key": settings.DEIDENTIFICATION_KEY}


def _texts(paths: Iterable[Path]) -> list[str]:
    return [str(path) for path in paths]
