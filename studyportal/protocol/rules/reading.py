"""Reads a protocol file. What it does not know, it refuses; nothing has a default."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import date
from typing import Any, Literal, TypeVar, get_origin, get_type_hints

from studyportal.protocol.rules.imaging import (
    ImagingConstraints,
    LocalLimits,
    ScreeningLimits,
    adapted,
    local_limits,
)


class ProtocolRefused(ValueError):
    """The protocol file is not one. Carries every fault found."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__(" ".join(self.faults))


@dataclass(frozen=True)
class SiteEntry:
    code: str
    name: str
    name_zh: str
    city: str
    province: str
    target: int


# What the portal knows itself and can hold against the answer to a criterion.
Fact = Literal["", "consent", "age", "artefacts", "pathology", "paired_images"]


@dataclass(frozen=True)
class Criterion:
    """An eligibility criterion; `unmet` is the sentence shown when it stands in the way."""

    code: str
    kind: Literal["inclusion", "exclusion"]
    settled_by: Literal["screening", "imaging", "pathology"]
    fact: Fact
    text: str
    text_zh: str
    unmet: str
    unmet_zh: str


@dataclass(frozen=True)
class Endpoint:
    id: str
    kind: Literal["primary", "secondary"]
    name: str
    name_zh: str
    meaning: str


@dataclass(frozen=True)
class Protocol:
    version: str
    registry_number: str
    title: str
    short_title: str
    responsible: str
    aim: str
    study_type: str
    start_date: date
    primary_completion_date: date
    completion_date: date
    enrolment_target: int
    minimum_age_years: int
    consent_versions: list[str]
    participant_code_digits: int
    targets_note: str
    sites: tuple[SiteEntry, ...]
    criteria: tuple[Criterion, ...]
    imaging: ImagingConstraints
    endpoints: tuple[Endpoint, ...]
    imaging_limits: tuple[LocalLimits, ...] = ()

    def limits_here(self, *, site: str, manufacturer: str, model: str) -> tuple[LocalLimits, ...]:
        """Return what differs from the study's image limits at this site and on this scanner."""
        return local_limits(self.imaging_limits, site=site, manufacturer=manufacturer, model=model)

    def imaging_at(self, *, site: str, manufacturer: str, model: str) -> ImagingConstraints:
        """Return the image limits that hold at this site and on this scanner."""
        here = self.limits_here(site=site, manufacturer=manufacturer, model=model)
        return adapted(self.imaging, here)

    def names_in_chinese(self) -> dict[str, str]:
        """Return every name and sentence that the file gives in both languages, by its English."""
        names = {site.name: site.name_zh for site in self.sites}
        names |= {endpoint.name: endpoint.name_zh for endpoint in self.endpoints}
        for criterion in self.criteria:
            names |= {
                criterion.text: criterion.text_zh,
                criterion.unmet: criterion.unmet_zh,
            }
        return {english: chinese for english, chinese in names.items() if chinese}

    def code_of(self, fact: Fact) -> str:
        """Return the code of the criterion that speaks of this fact; empty when none does."""
        return next((criterion.code for criterion in self.criteria if criterion.fact == fact), "")

    def codes_settled_by(self, stage: str) -> frozenset[str]:
        """Return the codes of the criteria that settle at this stage."""
        return frozenset(
            criterion.code for criterion in self.criteria if criterion.settled_by == stage
        )

    def criterion(self, code: str) -> Criterion:
        """Return the criterion with this code."""
        return next(criterion for criterion in self.criteria if criterion.code == code)


T = TypeVar("T")
_NESTED: Mapping[str, type] = {
    "sites": SiteEntry,
    "criteria": Criterion,
    "endpoints": Endpoint,
    "imaging_limits": LocalLimits,
}


def parse(text: str) -> Protocol:
    """Return the protocol written in `text` (TOML).

    Raises
    ------
    ProtocolRefused
        For text that is not TOML, unknown or missing keys, wrong kinds of values, targets that do not sum up.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProtocolRefused([f"The protocol file is not TOML: {error}."]) from error
    faults: list[str] = []
    for key, kind in _NESTED.items():
        content[key] = _entries(kind, content.get(key, []), key, faults)
    if isinstance(content.get("imaging"), dict):
        content["imaging"] = _imaging(content["imaging"], faults)
    protocol = _build(Protocol, content, "protocol", faults)
    if protocol is not None:
        faults += _consistency(protocol)
    if faults or protocol is None:
        raise ProtocolRefused(faults)
    return protocol


def _imaging(row: dict[str, Any], faults: list[str]) -> ImagingConstraints | None:
    if isinstance(row.get("screening"), dict):
        screening = _build(ScreeningLimits, row["screening"], "imaging.screening", faults)
        if screening is None:
            return None
        row["screening"] = screening
    return _build(ImagingConstraints, row, "imaging", faults)


def _entries(kind: type[T], rows: object, key: str, faults: list[str]) -> tuple[T, ...]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        faults.append(f"protocol: “{key}” is not a list of tables [[{key}]].")
        return ()
    built = [
        _build(kind, row, f"{key}[{index}]", faults) for index, row in enumerate(rows, start=1)
    ]
    return tuple(entry for entry in built if entry is not None)


def _build(kind: type[T], row: Mapping[str, Any], where: str, faults: list[str]) -> T | None:
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]  # always a dataclass
    hints = get_type_hints(kind)
    wrong = [f"{where}: the key “{key}” is not known." for key in row if key not in known]
    wrong += [
        f"{where}: the key “{name}” is missing."
        for name, field in known.items()
        if name not in row and field.default is MISSING
    ]
    wrong += [
        f"{where}: “{name}” is of the wrong kind."
        for name in known
        if name in row and not _fits(row[name], hints[name])
    ]
    faults += wrong
    try:
        return None if wrong else kind(**row)
    except ValueError as fault:
        faults.append(f"{where}: {fault}")
        return None


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in hint.__args__
    if get_origin(hint) in (list, Sequence):
        return isinstance(value, list) and all(
            isinstance(entry, hint.__args__[0]) for entry in value
        )
    if get_origin(hint) is Mapping:
        return isinstance(value, dict)
    if get_origin(hint) is tuple:
        return isinstance(value, tuple)
    if hint is float:
        return isinstance(value, float | int) and not isinstance(value, bool)
    return isinstance(value, hint) and not (hint is int and isinstance(value, bool))


def _consistency(protocol: Protocol) -> list[str]:
    faults = []
    if not protocol.sites:
        faults.append("protocol: there is no site.")
    if not protocol.criteria:
        faults.append("protocol: there is no eligibility criterion.")
    total = sum(site.target for site in protocol.sites)
    if total != protocol.enrolment_target:
        faults.append(
            f"protocol: the sites' targets sum to {total}, not to {protocol.enrolment_target}."
        )
    for name, codes in (
        ("site", [site.code for site in protocol.sites]),
        ("criterion", [criterion.code for criterion in protocol.criteria]),
        ("fact", [str(criterion.fact) for criterion in protocol.criteria if criterion.fact]),
    ):
        faults += [
            f"protocol: {name} {code} stands twice."
            for code in sorted(set(codes))
            if codes.count(code) > 1
        ]
    return faults + _local_faults(protocol)


def _local_faults(protocol: Protocol) -> list[str]:
    codes = {site.code.casefold() for site in protocol.sites}
    faults, places = [], [entry.place for entry in protocol.imaging_limits]
    for number, entry in enumerate(protocol.imaging_limits, start=1):
        where = f"imaging_limits[{number}]"
        if entry.site and entry.site.casefold() not in codes:
            faults.append(f"{where}: {entry.site} is not a site of the protocol.")
        if places.count(entry.place) > 1:
            faults.append(f"{where}: another entry is meant for the same site and scanner.")
        try:
            adapted(protocol.imaging, [entry])
        except ValueError as fault:
            faults.append(f"{where}: {fault}")
    return faults
