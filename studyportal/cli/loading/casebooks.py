"""The nine forms of a made-up participant, as a coordinator would type them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from studyportal.cli.loading.chance import Chance
from studyportal.cli.loading.illness import ORGANS, Illness, illness
from studyportal.clinical.services import Sheet
from studyportal.queries.states import QueryStatus

if TYPE_CHECKING:
    from studyportal.participants.rules import ScreeningFacts

Typed = dict[str, dict[str, str]]
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class _Case:
    facts: ScreeningFacts
    enrolled_on: date
    ill: Illness
    chance: Chance
    today: date


def casebook(
    facts: ScreeningFacts, enrolled_on: date, chance: Chance, *, today: date
) -> list[Sheet]:
    """All forms of one participant, typed, completed and mostly verified on days that follow each other."""
    last = today - timedelta(days=1)
    case = _Case(facts, enrolled_on, illness(enrolled_on, chance, last=last), chance, today)
    ill = case.ill
    once: Mapping[str, tuple[Typed, date]] = {
        "baseline": (_baseline(case), enrolled_on),
        "lesions": (_lesions(case), ill.imaged_on),
        "pathology": (_pathology(case), ill.tissue_on),
        "nodes": (_nodes(case), ill.tissue_on),
        "distant": (_distant(case), ill.staged_on),
        "staging": (_staging(case), ill.staged_on),
        "conclusion": (_conclusion(case), ill.staged_on),
        "treatment": (_treatment(case), ill.treated_on),
    }
    sheets = [_sheet(case, kind, rows, day=day) for kind, (rows, day) in once.items()]
    return sheets + _follow_ups(case)


def _sheet(case: _Case, kind: str, rows: Typed, *, day: date, occurrence: int = 1) -> Sheet:
    chance = case.chance
    steps = chance.one(1, 2, 3, weights=(3, 22, 75))
    days = [day]
    for _ in range(steps - 1):
        days.append(chance.later(days[-1], 0, 12, last=case.today))
    asked = chance.one(
        QueryStatus.OPEN, QueryStatus.ANSWERED, QueryStatus.CLOSED, weights=(25, 15, 60)
    )
    return Sheet(kind, rows, tuple(days), occurrence, asked)


def _baseline(case: _Case) -> Typed:
    chance, facts = case.chance, case.facts
    diabetes = chance.one("yes", "no", "unknown", weights=(14, 84, 2))
    smoking = chance.one("never", "former", "current", weights=(50, 25, 25))
    prior = chance.one("no", "yes", weights=(985, 15))
    row = {
        "examined_on": case.enrolled_on.isoformat(),
        "sex": facts.sex,
        "age_years": str(facts.age_years),
        "height_cm": chance.around(170 if facts.sex == "M" else 159, 6, low=142, high=196),
        "weight_kg": chance.around(67 if facts.sex == "M" else 57, 9, low=36, high=125),
        "ecog": chance.one("0", "1", "2", "not_done", weights=(40, 50, 8, 2)),
        "smoking": smoking,
        "prior_malignancy": prior,
        "family_history": chance.one("no", "yes", "unknown", weights=(80, 12, 8)),
        "tuberculosis": chance.one("no", "yes", "unknown", weights=(90, 7, 3)),
        "copd": chance.one("no", "yes", "unknown", weights=(82, 15, 3)),
        "diabetes": diabetes,
        "glucose_mmol_l": chance.around(8 if diabetes == "yes" else 5.5, 0.7, low=3.2, high=11),
    }
    if smoking != "never":
        row["pack_years"] = chance.around(32, 14, low=1, high=118)
    if smoking == "former":
        row["quit_on"] = str(case.enrolled_on.year - chance.whole(1, 20))
    if prior == "yes":
        row["prior_malignancy_text"] = "Made up: basal cell carcinoma of the skin, removed."
    return {"": row}


def _lesions(case: _Case) -> Typed:
    chance, rows = case.chance, Typed()
    for number, lesion in enumerate(case.ill.lesions, start=1):
        density = chance.one("solid", "part_solid", "ground_glass", weights=(60, 28, 12))
        row = rows[str(number)] = {
            "lobe": lesion.lobe,
            "measured_on": chance.partial(case.ill.imaged_on),
            "long_axis_mm": f"{lesion.size_mm:.1f}",
            "short_axis_mm": f"{lesion.size_mm * 0.8:.1f}",
            "density": density,
            "margin": chance.one("smooth", "lobulated", "spiculated", weights=(25, 35, 40)),
            "course": "not_followed",
        }
        if density == "part_solid":
            row["solid_part_mm"] = f"{lesion.size_mm * 0.6:.1f}"
        if not lesion.malignant and chance.happens(0.4):
            row |= {"course": "resolved", "course_on": case.today.isoformat()}
    return rows


def _pathology(case: _Case) -> Typed:
    chance, rows = case.chance, Typed()
    for number, lesion in enumerate(case.ill.lesions, start=1):
        method = "resection" if case.ill.resected else chance.one(
            "core_biopsy", "bronchoscopic_biopsy", "fine_needle", weights=(50, 35, 15)
        )  # fmt: skip
        row = {
            "lesion": str(number),
            "method": method,
            "taken_on": chance.partial(case.ill.tissue_on),
            "result": "malignant" if lesion.malignant else "benign",
        }
        if not lesion.malignant:
            row["benign_diagnosis"] = chance.one("granuloma", "hamartoma", "unspecific")
        else:
            row["histology"] = chance.one(
                "adenocarcinoma", "squamous", "large_cell", "small_cell", weights=(68, 26, 4, 2)
            )
        if method == "resection":
            row["pleural_invasion"] = chance.one("PL0", "PL1", "unknown", weights=(75, 20, 5))
        rows[str(len(rows) + 1)] = row
    return rows


def _nodes(case: _Case) -> Typed:
    chance, ill, rows = case.chance, case.ill, Typed()
    for station in ill.stations:
        hit = station in ill.positive
        row = rows[station] = {
            "result": "positive" if hit else "negative",
            "method": "dissection" if ill.resected else "ebus",
            "examined_on": chance.partial(ill.tissue_on),
        }
        if ill.resected:
            examined = chance.whole(1, 6)
            row["nodes_examined"] = str(examined)
            row["nodes_positive"] = str(chance.whole(1, examined)) if hit else "0"
    return rows


def _distant(case: _Case) -> Typed:
    chance, ill, rows = case.chance, case.ill, Typed()
    for organ in dict.fromkeys((*ORGANS, *ill.organs)):
        row = rows[organ] = {"examined_on": chance.partial(ill.staged_on)}
        if organ in ill.organs:
            how = chance.one("histology", "mri", "ct", "pet_ct", weights=(30, 35, 30, 5))
            row |= {"metastasis": "present", "how": how, "lesions": ill.organs[organ]}
        else:
            how = chance.one("mri", "ct", "ultrasound", "pet_ct", weights=(45, 40, 10, 5))
            row |= {"metastasis": "absent", "how": how}
    return rows


def _staging(case: _Case) -> Typed:
    ill = case.ill
    row = {
        "staged_on": ill.staged_on.isoformat(),
        "side": ill.side,
        "ct": ill.t,
        "cn": ill.n,
        "cm": ill.m or _UNKNOWN,
        "resected": "yes" if ill.resected else "no",
    }
    if ill.resected:
        row |= {"after_treatment": "no", "pt": ill.t, "pn": ill.n, "pm": ill.m}
    return {"": row}


def _conclusion(case: _Case) -> Typed:
    ill = case.ill
    basis = case.chance.one("panel", "report")
    row = {
        "concluded_on": case.chance.partial(ill.staged_on),
        "nodal_conclusion": "positive" if ill.positive else "negative",
        "nodal_basis": basis,
        "distant_conclusion": "positive" if ill.organs else "negative",
        "distant_basis": basis,
    }
    return {"": row}


def _treatment(case: _Case) -> Typed:
    chance, ill = case.chance, case.ill
    began = ill.treated_on
    if ill.resected:
        surgery = {
            "treatment": "surgery",
            "operation": chance.one("lobe", "segment", "wedge", weights=(70, 20, 10)),
            "intent": "curative",
            "began_on": began.isoformat(),
            "ongoing": "no",
            "ended_on": began.isoformat(),
        }
        rows = {"1": surgery}
        if ill.positive and chance.happens(0.7):
            rows["2"] = _course(case, "chemotherapy", "adjuvant", began + timedelta(days=20))
        return rows
    kind = chance.one("targeted", "chemoimmunotherapy", "chemoradiotherapy", weights=(40, 40, 20))
    return {"1": _course(case, kind, "palliative" if ill.organs else "curative", began)}


def _course(case: _Case, kind: str, intent: str, began: date) -> dict[str, str]:
    chance = case.chance
    began = min(began, case.today)
    course = {"treatment": kind, "intent": intent, "began_on": began.isoformat(), "ongoing": "yes"}
    if chance.happens(0.6):
        ended = chance.later(began, 10, 120, last=case.today)
        response = chance.one("CR", "PR", "SD", "PD", weights=(10, 45, 30, 15))
        course |= {"ongoing": "no", "ended_on": ended.isoformat(), "response": response}
    return course


def _follow_ups(case: _Case) -> list[Sheet]:
    sheets: list[Sheet] = []
    contact = case.chance.later(case.ill.treated_on, 20, 45, last=case.today)
    for visit in (1, 2, 3):
        row = _visit(case, contact)
        sheets.append(_sheet(case, "follow_up", {"": row}, day=contact, occurrence=visit))
        following = contact + timedelta(days=case.chance.whole(150, 200))
        if row["vital_status"] == "dead" or following > case.today:
            break
        contact = following
    return sheets


def _visit(case: _Case, contact: date) -> dict[str, str]:
    chance = case.chance
    status = chance.one("alive", "dead", "lost", weights=(93, 4, 3))
    row = {"contact_on": contact.isoformat(), "vital_status": status}
    if status == "lost":
        return row
    row["imaged_on"] = contact.isoformat()
    row["progression"] = chance.one("no", "yes", "unknown", weights=(82, 14, 4))
    if row["progression"] == "yes":
        where = chance.one("local", "nodal", "distant")
        row |= {"progressed_on": contact.isoformat(), "progression_where": where}
    if status == "dead":
        row |= {"died_on": contact.isoformat(), "death_cause": chance.one("lung_cancer", "other")}
    return row
