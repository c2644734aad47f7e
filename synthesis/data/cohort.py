"""A cohort of phantoms with the `cases.csv` that the portal imports."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from synthesis.data.dicom_files import write_dicom
from synthesis.data.participant import PhantomParticipant, draw_participant
from synthesis.data.phantom import make_phantom
from synthesis.data.reader_scores import ReferenceUnit, draw_scores
from synthesis.data.scanner import scanner_of

COLUMNS = (
    "site", "sex", "age_years", "height_cm", "weight_kg", "consent_date", "consent_version",
    "screening_date", "INC-01", "INC-02", "INC-03", "EXC-01", "EXC-02", "EXC-03", "EXC-04",
    "ct_folder", "pet_folder", "lesions_file", "reference_standard", "reader_scores",
)  # fmt: skip
FIRST_DATE = date(2025, 12, 3)
LAST_DATE = date(2026, 5, 29)
CONSENT_VERSION = "1.0"
SCREEN_FAILURE_SHARE = 0.05
NO_PET_YET_SHARE = 0.05
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CohortRequest:
    """What cohort is wanted; the same request always gives the same files."""

    participants: int
    seed: int
    sites: tuple[str, ...]
    first_date: date = FIRST_DATE
    last_date: date = LAST_DATE

    def __post_init__(self) -> None:
        """Refuse a request that cannot be met."""
        if self.participants < 1:
            raise ValueError("A cohort needs at least one participant.")
        if not self.sites:
            raise ValueError("A cohort needs at least one site.")
        for site in self.sites:
            scanner_of(site)
        if self.last_date < self.first_date + timedelta(days=14):
            raise ValueError("Screening dates need at least 14 days between first and last date.")


@dataclass(frozen=True, slots=True)
class _Enrolment:
    """How the participant came into the study: which question failed, what has arrived."""

    site: str
    screened_on: date
    failed: str | None  # id of the criterion that failed
    has_pet: bool

    @property
    def consented(self) -> bool:
        return self.failed != "INC-02"


def write_cohort(request: CohortRequest, folder: Path, progress: Progress | None = None) -> Path:
    """Write one folder per participant, `cases.csv` and `truth.json`; return the CSV's path.

    Raises
    ------
    FileExistsError
        When the folder holds a cohort already.
    """
    table = folder / "cases.csv"
    if table.exists():
        raise FileExistsError(
            f"{folder} holds a cohort already (cases.csv); choose another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    rows, truths = [], []
    for number in range(1, request.participants + 1):
        participant = draw_participant(request.seed * 10_000 + number)
        enrolment = _draw_enrolment(request, number, participant)
        name = f"P{number:04d}"
        if enrolment.failed is None:
            _write_images(participant, enrolment, folder / name)
        rows.append(_row(participant, enrolment, name))
        truths.append({"folder": name, "site": enrolment.site, **participant.to_json()})
        if progress is not None:
            progress(number, request.participants)
    (folder / "truth.json").write_text(json.dumps(truths, indent=1), encoding="utf-8")
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return table


def _draw_enrolment(
    request: CohortRequest, number: int, participant: PhantomParticipant
) -> _Enrolment:
    rng = np.random.default_rng([participant.seed, 808])
    span = (request.last_date - request.first_date).days - 10
    draw = rng.random()
    failed = None
    # The first participant is always complete, so that a cohort of one can be analysed.
    if number > 1 and draw < SCREEN_FAILURE_SHARE:
        failed = str(rng.choice(["EXC-01", "INC-02"]))
    return _Enrolment(
        site=request.sites[(number - 1) % len(request.sites)],
        screened_on=request.first_date + timedelta(days=int(rng.integers(0, span + 1))),
        failed=failed,
        has_pet=number == 1 or draw < 1 - NO_PET_YET_SHARE,
    )


def _write_images(participant: PhantomParticipant, enrolment: _Enrolment, folder: Path) -> None:
    days = 2 + participant.seed % 7
    write_dicom(
        make_phantom(participant, scanner_of(enrolment.site)),
        folder,
        study_date=enrolment.screened_on + timedelta(days=days),
        with_pet=enrolment.has_pet,
    )


def reference_units(participant: PhantomParticipant) -> tuple[ReferenceUnit, ...]:
    """Return the reference standard: each lesion, each assessed station, the participant."""
    lesions = [
        ReferenceUnit("malignancy", "lesion", lesion.unit_id, lesion.malignant)
        for lesion in participant.lesions
    ]
    stations = [
        ReferenceUnit("nodal_metastasis", "station", node.station, node.metastatic)
        for node in participant.nodes
    ]
    nodal = any(node.metastatic for node in participant.nodes)
    distant = any(site.metastatic for site in participant.distant_sites)
    return (
        *lesions,
        *stations,
        ReferenceUnit("nodal_metastasis", "participant", "", nodal),
        ReferenceUnit("distant_metastasis", "participant", "", distant),
    )


def _row(participant: PhantomParticipant, enrolment: _Enrolment, name: str) -> dict[str, object]:
    imaged = enrolment.failed is None
    units = reference_units(participant) if imaged else ()
    standard = ";".join(f"{u.key}={'positive' if u.positive else 'negative'}" for u in units)
    has_pet = imaged and enrolment.has_pet
    return {
        "site": enrolment.site,
        "sex": participant.sex,
        "age_years": participant.age_years,
        "height_cm": participant.height_cm,
        "weight_kg": participant.weight_kg,
        "consent_date": enrolment.screened_on.isoformat() if enrolment.consented else "",
        "consent_version": CONSENT_VERSION if enrolment.consented else "",
        "screening_date": enrolment.screened_on.isoformat(),
        **_criteria(enrolment.failed),
        "ct_folder": f"{name}/CT" if imaged else "",
        "pet_folder": f"{name}/PET" if has_pet else "",
        "lesions_file": f"{name}/LESIONS/seg.dcm" if has_pet else "",
        "reference_standard": standard,
        "reader_scores": draw_scores(participant.seed, units) if has_pet else "",
    }


def _criteria(failed: str | None) -> dict[str, str]:
    """Return the answers at screening; imaging and pathology exclusions are not known yet."""
    answers = {"INC-01": "met", "INC-02": "met", "INC-03": "met", "EXC-01": "not_met"}
    answers |= dict.fromkeys(("EXC-02", "EXC-03", "EXC-04"), "unknown")
    if failed is not None:
        answers[failed] = "not_met" if failed.startswith("INC") else "met"
    return answers
