"""Derives the reference standard from complete forms, by rules that are stated here and documented from here.

The index tests of the study are PET images, real and synthetic; a reference that rests on PET would be judged by
itself (incorporation bias, STARD 2015 item 10), so PET-CT alone never decides. Tissue goes before imaging, histology
before cytology. The certainty says how firmly the rule decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from studyportal.clinical.rules.definitions import LOOKED_AT, RESOLVED, STABLE
from studyportal.clinical.rules.fields import Row
from studyportal.clinical.rules.partial_dates import PartialDate
from studyportal.clinical.rules.targets import ReferenceStatus, TargetCondition, Unit

Forms = Mapping[str, Mapping[str, Row]]


class Certainty(StrEnum):
    """How firmly a reference standard is established, firmest first. An indeterminate one has none."""

    DEFINITE = "definite"
    PROBABLE = "probable"
    PRESUMED = "presumed"
    UNSTATED = "unstated"
    NONE = "none"


@dataclass(frozen=True)
class Derived:
    """The reference standard of one target condition for one unit, and the rule that decided."""

    condition: TargetCondition
    unit: Unit
    unit_id: str
    status: ReferenceStatus
    certainty: Certainty
    rule: str
    source: str


FOLLOWED_FOR = timedelta(days=182)
_POSITIVE, _NEGATIVE, _OPEN = ReferenceStatus
_HISTOLOGY = frozenset({"resection", "surgical_biopsy", "core_biopsy", "bronchoscopic_biopsy"})
_CYTOLOGY = frozenset({"fine_needle", "cytology"})
_NODE_HISTOLOGY = frozenset({"dissection", "sampling", "mediastinoscopy"})
_NEEDLE = frozenset({"ebus", "eus", "needle"})
_SURGICAL = frozenset({"dissection", "sampling"})
_BY_BASIS: Mapping[object, Certainty] = {
    "report": Certainty.PROBABLE,
    "panel": Certainty.PROBABLE,
    "follow_up": Certainty.PRESUMED,
    "not_stated": Certainty.UNSTATED,
}
_FIRMEST = tuple(Certainty)

Verdict = tuple[ReferenceStatus, Certainty, str, str]


def derive(forms: Forms) -> tuple[Derived, ...]:
    """The reference standards that these complete forms establish. What they do not speak of has none."""
    stations = _stations(forms.get("nodes", {}))
    return (
        *_lesions(forms),
        *stations,
        *_whole(TargetCondition.NODAL_METASTASIS, _nodal(forms, stations)),
        *_whole(TargetCondition.DISTANT_METASTASIS, _distant(forms)),
    )


def _whole(condition: TargetCondition, verdict: Verdict | None) -> Iterable[Derived]:
    if verdict is not None:
        yield Derived(condition, Unit.PARTICIPANT, "", *verdict)


def _lesions(forms: Forms) -> Iterable[Derived]:
    described = forms.get("lesions", {})
    specimens: dict[str, list[Row]] = {}
    for row in forms.get("pathology", {}).values():
        specimens.setdefault(str(row.get("lesion")), []).append(row)
    for number in sorted({*described, *specimens}, key=int):
        verdict = _malignancy(specimens.get(number, []), described.get(number, {}))
        if verdict is not None:
            yield Derived(TargetCondition.MALIGNANCY, Unit.LESION, number, *verdict)


def _malignancy(specimens: Sequence[Row], lesion: Row) -> Verdict | None:
    """The first rule that decides."""
    return _by_malignant_tissue(specimens) or _by_benign(specimens, lesion)


def _by_malignant_tissue(specimens: Sequence[Row]) -> Verdict | None:
    malignant = [row for row in specimens if row.get("result") == "malignant"]
    if method := _method(malignant, _HISTOLOGY):
        return _POSITIVE, Certainty.DEFINITE, "M1", method
    if method := _method(malignant, _CYTOLOGY):
        benign = [row for row in specimens if row.get("result") == "benign"]
        if _method(benign, frozenset({"resection"})):
            return _OPEN, Certainty.NONE, "M3", method
        return _POSITIVE, Certainty.PROBABLE, "M2", method
    return None


def _by_benign(specimens: Sequence[Row], lesion: Row) -> Verdict | None:
    benign = [row for row in specimens if row.get("result") == "benign"]
    specific = [r for r in benign if r.get("benign_diagnosis") not in ("unspecific", "not_stated")]
    unchanged = lesion.get("course") in (RESOLVED, STABLE)
    if method := _method(benign, frozenset({"resection"})):
        return _NEGATIVE, Certainty.DEFINITE, "M4", method
    if method := _method(specific, _HISTOLOGY | _CYTOLOGY):
        return _NEGATIVE, Certainty.PROBABLE, "M5", method
    if unchanged and (method := _method(benign, _HISTOLOGY | _CYTOLOGY)):
        return _NEGATIVE, Certainty.PROBABLE, "M6", method
    stated = _by_unstated(specimens)
    if stated is not None:
        return stated
    if specimens:
        return _OPEN, Certainty.NONE, "M9", str(specimens[0].get("method"))
    return (_NEGATIVE, Certainty.PRESUMED, "M7", "imaging") if unchanged else None


def _by_unstated(specimens: Sequence[Row]) -> Verdict | None:
    results = {r.get("result") for r in specimens if r.get("method") == "not_stated"}
    if "malignant" in results:
        return _POSITIVE, Certainty.UNSTATED, "M8", "not_stated"
    if "benign" in results:
        return _NEGATIVE, Certainty.UNSTATED, "M8", "not_stated"
    return None


def _method(rows: Iterable[Row], among: frozenset[str]) -> str:
    """The first method of these rows that is among those; empty where none is."""
    return next((str(row["method"]) for row in rows if row.get("method") in among), "")


def _stations(rows: Mapping[str, Row]) -> tuple[Derived, ...]:
    found = []
    for station, row in rows.items():
        verdict = _station(row)
        if verdict is not None:
            found.append(Derived(TargetCondition.NODAL_METASTASIS, Unit.STATION, station, *verdict))
    return tuple(found)


def _station(row: Row) -> Verdict | None:
    result, method = row.get("result"), str(row.get("method") or "")
    if result in (None, "", "not_done"):
        return None
    if result == "indeterminate" or method == "imaging" or not method:
        return _OPEN, Certainty.NONE, "S6", method
    if method == "not_stated":
        status = _POSITIVE if result == "positive" else _NEGATIVE
        return status, Certainty.UNSTATED, "S5", method
    if result == "positive":
        if method in _NODE_HISTOLOGY:
            return _POSITIVE, Certainty.DEFINITE, "S1", method
        return _POSITIVE, Certainty.PROBABLE, "S2", method
    if method == "dissection":
        return _NEGATIVE, Certainty.DEFINITE, "S3", method
    return _NEGATIVE, Certainty.PROBABLE, "S4", method


def _nodal(forms: Forms, stations: Sequence[Derived]) -> Verdict | None:
    positive = [one for one in stations if one.status == _POSITIVE]
    if positive:
        firmest = min(positive, key=lambda one: _FIRMEST.index(one.certainty))
        return _POSITIVE, firmest.certainty, "N1", firmest.source
    rows = forms.get("nodes", {})
    free = {one.unit_id: rows[one.unit_id] for one in stations if one.status == _NEGATIVE}
    if _dissected(free):
        return _NEGATIVE, Certainty.DEFINITE, "N2", "dissection"
    if {"4R", "4L", "7"} <= {s for s, row in free.items() if row.get("method") != "not_stated"}:
        return _NEGATIVE, Certainty.PROBABLE, "N3", str(free["7"]["method"])
    concluded = _concluded(forms, "nodal", "N4")
    if concluded is not None:
        return concluded
    return (_OPEN, Certainty.NONE, "N5", stations[0].source) if stations else None


def _dissected(free: Mapping[str, Row]) -> bool:
    """Whether the stations make a complete dissection as UICC asks for it."""
    surgical = {name: row for name, row in free.items() if row.get("method") in _SURGICAL}
    hilar = {name: row for name, row in surgical.items() if _number(name) >= 10}
    mediastinal = {name for name in surgical if 2 <= _number(name) <= 9}
    nodes = sum(_count(row) for row in hilar.values())
    return "7" in mediastinal and len(mediastinal) >= 3 and nodes >= 3


def _number(station: str) -> int:
    return int("".join(sign for sign in station if sign.isdigit()))


def _count(row: Row) -> int:
    nodes = row.get("nodes_examined")
    return nodes if isinstance(nodes, int) else 1


def _concluded(forms: Forms, about: str, rule: str) -> Verdict | None:
    row = forms.get("conclusion", {}).get("", {})
    said = row.get(f"{about}_conclusion")
    if said not in set(ReferenceStatus):
        return None
    status, basis = ReferenceStatus(str(said)), row.get(f"{about}_basis")
    certainty = Certainty.NONE if status == _OPEN else _BY_BASIS.get(basis, Certainty.UNSTATED)
    return status, certainty, rule, str(basis or "")


_PRESENT: Sequence[tuple[frozenset[str], Certainty, str]] = (
    (frozenset({"histology"}), Certainty.DEFINITE, "D1"),
    (frozenset({"cytology"}), Certainty.PROBABLE, "D1"),
    (frozenset({"follow_up"}), Certainty.PROBABLE, "D2"),
    (frozenset({"mri", "ct", "bone_scan", "ultrasound"}), Certainty.PRESUMED, "D3"),
    (frozenset({"not_stated"}), Certainty.UNSTATED, "D3"),
)


def _distant(forms: Forms) -> Verdict | None:
    organs = forms.get("distant", {})
    shown = [str(row.get("how")) for row in organs.values() if row.get("metastasis") == "present"]
    for methods, certainty, rule in _PRESENT:
        if found := next((how for how in shown if how in methods), ""):
            return _POSITIVE, certainty, rule, found
    candidates: list[Callable[[], Verdict | None]] = [
        lambda: _free_and_followed(forms) if not shown else None,
        lambda: _stated(_concluded(forms, "distant", "D5")),
        lambda: _free(organs) if not shown else None,
        lambda: _concluded(forms, "distant", "D5"),
    ]
    for candidate in candidates:
        if verdict := candidate():
            return verdict
    examined = [
        row for row in organs.values() if row.get("metastasis") not in (None, "", "not_done")
    ]
    return (_OPEN, Certainty.NONE, "D7", str(examined[0].get("how"))) if examined else None


def _stated(verdict: Verdict | None) -> Verdict | None:
    return verdict if verdict is not None and verdict[1] != Certainty.UNSTATED else None


def _free(organs: Mapping[str, Row]) -> Verdict | None:
    """Every organ that must be looked at is free by something other than PET-CT."""
    for organ in LOOKED_AT:
        row = organs.get(organ, {})
        if row.get("metastasis") != "absent" or row.get("how") in (
            "pet_ct",
            "not_stated",
            None,
            "",
        ):
            return None
    if any(row.get("metastasis") == "indeterminate" for row in organs.values()):
        return None
    return _NEGATIVE, Certainty.PRESUMED, "D6", "imaging"


def _free_and_followed(forms: Forms) -> Verdict | None:
    organs = forms.get("distant", {})
    if _free(organs) is None:
        return None
    examined = [organs[organ].get("examined_on") for organ in LOOKED_AT]
    days = [day.latest() for day in examined if isinstance(day, PartialDate)]
    visits = forms.get("follow_up", {}).values()
    if len(days) < len(LOOKED_AT) or any(_spread(visit) for visit in visits):
        return None
    needed = max(days) + FOLLOWED_FOR
    imaged = [visit.get("imaged_on") for visit in visits if visit.get("progression") == "no"]
    if any(isinstance(day, PartialDate) and day.earliest() >= needed for day in imaged):
        return _NEGATIVE, Certainty.PROBABLE, "D4", "follow_up"
    return None


def _spread(visit: Row) -> bool:
    return visit.get("progression_where") in ("distant", "several", "unknown")


# Forms from which each target condition is derived.
SOURCES: Mapping[TargetCondition, frozenset[str]] = {
    TargetCondition.MALIGNANCY: frozenset({"lesions", "pathology"}),
    TargetCondition.NODAL_METASTASIS: frozenset({"nodes", "conclusion"}),
    TargetCondition.DISTANT_METASTASIS: frozenset({"distant", "follow_up", "conclusion"}),
}


def has_pathology(forms: Forms) -> bool:
    """Whether there is pathological diagnostic information (EXC-03): tissue of a lesion, a station or an organ."""
    return (
        any(row.get("result") in ("malignant", "benign") for row in _rows(forms, "pathology"))
        or any(row.get("method") not in ("imaging", "", None) for row in _rows(forms, "nodes"))
        or any(
            row.get("how") in ("histology", "cytology", "not_stated")
            for row in _rows(forms, "distant")
        )
        or any(
            row.get(basis) in ("report", "not_stated")
            for row in _rows(forms, "conclusion")
            for basis in ("nodal_basis", "distant_basis")
        )
    )


def _rows(forms: Forms, kind: str) -> Iterable[Row]:
    return forms.get(kind, {}).values()
