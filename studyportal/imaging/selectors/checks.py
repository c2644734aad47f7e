"""Reads of what people entered about a PET, of the screening of pairs, and of the limits that hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from evaluation.imaging import HeaderEntries
from studyportal.imaging.models import ImagingSeries, InjectionEntry, PairScreening, ScanPair
from studyportal.imaging.rules import ImagingConstraints
from studyportal.imaging.selectors.images import accepted_series, latest_outlines
from studyportal.imaging.states import EntryField, PairStatus, SeriesRole, SeriesStatus
from studyportal.protocol.rules import LocalLimits
from studyportal.protocol.selectors import active_protocol

SCREENING_RECIPE = 1  # of the screening; a higher number has all pairs screened anew
_ORGANS = {"organ:liver": "liver", "organ:blood_pool": "blood_pool"}


def entries_of(series: ImagingSeries) -> QuerySet[InjectionEntry]:
    """Everything that was entered about this PET, the latest first."""
    return (
        InjectionEntry.objects.filter(series=series)
        .select_related("entered_by")
        .order_by("-entered_at")
    )


def entries_in_force(series: ImagingSeries) -> dict[EntryField, InjectionEntry]:
    """What counts in place of the file, by field."""
    return _in_force(entries_of(series))


def header_entries(series: ImagingSeries) -> HeaderEntries:
    """What was entered, as the reader of images takes it."""
    return _as_header(entries_of(series))


def _in_force(latest_first: Iterable[InjectionEntry]) -> dict[EntryField, InjectionEntry]:
    latest: dict[EntryField, InjectionEntry] = {}
    for row in latest_first:
        latest.setdefault(EntryField(row.field), row)
    return {field: row for field, row in latest.items() if not row.withdrawn}


def _as_header(latest_first: Iterable[InjectionEntry]) -> HeaderEntries:
    now = _in_force(latest_first)
    weight, dose = now.get(EntryField.WEIGHT_KG), now.get(EntryField.DOSE_MBQ)
    tracer = now.get(EntryField.TRACER)
    return HeaderEntries(
        weight_kg=weight.number if weight else None,
        dose_bq=dose.number * 1e6 if dose and dose.number is not None else None,
        tracer=tracer.text if tracer else None,
    )


def glucose_of(series: ImagingSeries) -> float | None:
    """The blood glucose in mmol/l that was entered; None where nobody did."""
    row = entries_in_force(series).get(EntryField.GLUCOSE_MMOL_PER_L)
    return row.number if row else None


def uptake_origin(series: ImagingSeries) -> str:
    """What volumes in SUV are kept under: the manifest, or a digest of it with what was entered."""
    return _uptake_origin(series.manifest_sha256, header_entries(series))


def uptake_origins(series: ImagingSeries) -> frozenset[str]:
    """Everything that volumes of this series were ever kept under, entry after entry."""
    origins = {series.manifest_sha256}
    entries = list(entries_of(series))
    for last in range(
        len(entries)
    ):  # the latest first: without the first `last` ones it is as it was before them
        origins.add(_uptake_origin(series.manifest_sha256, _as_header(entries[last:])))
    return frozenset(origins - {""})


def _uptake_origin(manifest_sha256: str, entered: HeaderEntries) -> str:
    if entered.weight_kg is None and entered.dose_bq is None:
        return manifest_sha256
    text = f"{manifest_sha256} weight {entered.weight_kg!r} dose {entered.dose_bq!r}"
    return hashlib.sha256(text.encode()).hexdigest()


def limits_at(
    site_code: str, *, manufacturer: str, model: str
) -> tuple[ImagingConstraints, tuple[LocalLimits, ...]]:
    """The limits that hold at this site on this scanner, and which of them differ from the study's."""
    protocol = active_protocol()
    place = {"site": site_code, "manufacturer": manufacturer, "model": model}
    return protocol.imaging_at(**place), protocol.limits_here(**place)


def outlined_organs(pair: ScanPair) -> tuple[str, dict[str, str]]:
    """Digest of the masks and the name of each organ in them that the screening can use."""
    outlines = latest_outlines(pair)
    if outlines is None:
        return "", {}
    names = {str(entry["region"]) for entry in outlines.regions}
    organs = {organ: name.replace(":", "__") for name, organ in _ORGANS.items() if name in names}
    return (outlines.masks_sha256, organs) if organs else ("", {})


def screening_origin(pair: ScanPair) -> str:
    """Digest of all that a screening of the pair rests on; empty while CT or PET is missing."""
    source = accepted_series(pair, SeriesRole.SOURCE)
    reference = accepted_series(pair, SeriesRole.REFERENCE)
    if source is None or reference is None:
        return ""
    parts = (source.manifest_sha256, uptake_origin(reference), outlined_organs(pair)[0])
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def screening_of(pair: ScanPair) -> PairScreening | None:
    """The screening that fits the images as they are now; None while it has not run."""
    origin = screening_origin(pair)
    return PairScreening.objects.filter(
        pair=pair, origin_sha256=origin, recipe=SCREENING_RECIPE
    ).first()


def unscreened_pairs() -> QuerySet[ScanPair]:
    """Pairs with CT and PET whose images were never screened by the present recipe."""
    screened = PairScreening.objects.filter(pair=OuterRef("pk"), recipe=SCREENING_RECIPE)
    accepted = ImagingSeries.objects.filter(pair=OuterRef("pk"), status=SeriesStatus.ACCEPTED)
    return ScanPair.objects.filter(
        ~Exists(screened),
        Exists(accepted.filter(role=SeriesRole.SOURCE)),
        Exists(accepted.filter(role=SeriesRole.REFERENCE)),
        status__in=(PairStatus.READY, PairStatus.QUERY_OPEN),
    )
