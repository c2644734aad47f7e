"""Compares releases on the pairs of a cut: plans, measures what is not measured, computes once."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd
from django.db import transaction

from evaluation.analysis import load_plan
from evaluation.analysis.measure import MeasurementRow
from evaluation.analysis.release_comparison import (
    BODY_QUANTITIES,
    LESION_QUANTITIES,
    compare_releases,
)
from evaluation.imaging import Refused as ImagesRefused
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused, StaleState
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record, take_lease
from studyportal.core.storage import DamagedFile, read_bytes, store_bytes
from studyportal.outcomes.models import (
    ComparedRelease,
    ComparedSeries,
    CutPair,
    DataCut,
    Measurement,
    ReleaseComparison,
)
from studyportal.outcomes.selectors import series_in_cut
from studyportal.outcomes.services.cuts import software_versions
from studyportal.outcomes.services.measuring import LEASE_SECONDS, measured_rows
from studyportal.outcomes.states import RELEASE_COMPARISON, ComparisonStatus, CutStatus
from studyportal.participants.selectors import removed_ids
from studyportal.sites.rules import Action
from studyportal.sites.services import require
from studyportal.syntheses.selectors import synthesis_notes
from studyportal.syntheses.states import AnalysisRole

if TYPE_CHECKING:
    from studyportal.syntheses.models import ModelRelease

_log = logging.getLogger(__name__)
MOST_RELEASES = 8
_KEPT = ("region", "image", "quantity", "value", "unit")
_QUANTITIES = {*BODY_QUANTITIES, *LESION_QUANTITIES}


@transaction.atomic
def plan_comparison(
    *, cut: DataCut, releases: Sequence[ModelRelease], by: User
) -> ReleaseComparison:
    """A comparison of these releases on the cut is planned; it is computed when every series is measured.

    Raises
    ------
    Refused
        When the cut is open, fewer than two releases are named, or one has no series in the cut.
    """
    require(by, Action.RUN_EVALUATION)
    if cut.status == CutStatus.OPEN:
        raise Refused(Reason("cut_open", "Freeze the cut before releases are compared on it."))
    ordered = _ordered(cut, releases)
    comparison = ReleaseComparison.objects.create(
        cut=cut, status=ComparisonStatus.PLANNED, planned_at=clock.now(), planned_by=by
    )
    begin(comparison, RELEASE_COMPARISON, by=by)
    for place, release in enumerate(ordered):
        _add(comparison, release, place)
    names = ", ".join(str(release) for release in ordered)
    sentence = f"A comparison of {names} on “{cut.name}” was requested."
    record("plan_comparison", comparison, sentence, by=by)
    return comparison


def measure_compared(*, series: ComparedSeries) -> ComparedSeries:
    """What is compared of the series is kept in the archive, or the series says why it could not be measured."""
    if series.measured_at is not None or not take_lease(series, seconds=LEASE_SECONDS):
        return series
    try:
        rows = _rows_of(series)
        fault, sha256 = "", store_bytes(json.dumps(rows, sort_keys=True).encode()).sha256
    except (ImagesRefused, DamagedFile, ValueError) as refusal:
        fault, sha256 = str(refusal), ""
    ComparedSeries.objects.filter(pk=series.pk, measured_at=None).update(
        measured_at=clock.now(), fault=fault, measurements_sha256=sha256
    )
    series.refresh_from_db()
    return series


def compute_comparison(*, comparison: ReleaseComparison) -> ReleaseComparison:
    """The comparison is completed with its results, or errored; it waits while a series is unmeasured."""
    waiting = ComparedSeries.objects.filter(compared__comparison=comparison, measured_at=None)
    if comparison.status != ComparisonStatus.PLANNED or waiting.exists():
        return comparison
    try:
        advance(comparison, RELEASE_COMPARISON, ComparisonStatus.RUNNING, by=None)
    except StaleState:  # another worker took it
        return comparison
    try:
        _complete(comparison)
    except Exception as error:  # noqa: BLE001 the shell: a comparison never stays *running*
        _log.exception("comparison %s broke", comparison.pk)
        reason = f"The comparison broke ({type(error).__name__}). It was logged; nothing was kept."
        advance(
            comparison,
            RELEASE_COMPARISON,
            ComparisonStatus.ERRORED,
            by=None,
            ended_at=clock.now(),
            reason=reason,
        )
    return comparison


def _ordered(cut: DataCut, releases: Sequence[ModelRelease]) -> list[ModelRelease]:
    """The primary release of the cut first, where it is among them; the others by name."""
    distinct = {release.pk: release for release in releases}
    if not 2 <= len(distinct) <= MOST_RELEASES:
        sentence = f"Choose from two to {MOST_RELEASES} releases."
        raise Refused(Reason("comparison_releases", sentence, "releases"))
    return sorted(distinct.values(), key=lambda one: (one.pk != cut.release_id, str(one)))


def _add(comparison: ReleaseComparison, release: ModelRelease, place: int) -> None:
    found = series_in_cut(comparison.cut, release)
    if not found:
        sentence = f"{release} has no synthetic series for a pair of “{comparison.cut.name}”."
        raise Refused(Reason("comparison_empty", sentence, "releases"))
    compared = ComparedRelease.objects.create(comparison=comparison, release=release, place=place)
    ComparedSeries.objects.bulk_create(
        ComparedSeries(compared=compared, cut_pair=cut_pair, synthetic=synthetic)
        for cut_pair, synthetic in found
    )


def _rows_of(series: ComparedSeries) -> list[dict[str, object]]:
    """What is measured already on the same series of the same cut is taken; the rest is measured now."""
    cut_pair = series.cut_pair
    if series.synthetic_id == cut_pair.synthetic_id and cut_pair.measured_at is not None:
        if cut_pair.fault:
            raise ValueError(cut_pair.fault)
        kept = Measurement.objects.filter(cut_pair=cut_pair, quantity__in=_QUANTITIES)
        return [dict(row) for row in kept.exclude(image__startswith="control:").values(*_KEPT)]
    former = (
        ComparedSeries.objects.filter(synthetic=series.synthetic_id, cut_pair=cut_pair)
        .exclude(measurements_sha256="")
        .first()
    )
    if former is not None:
        return list(json.loads(read_bytes(former.measurements_sha256)))
    measured = measured_rows(cut_pair, series.synthetic, controls=False)
    return [_kept(row) for row in measured if row.quantity in _QUANTITIES]


def _kept(row: MeasurementRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in _KEPT}


def _complete(comparison: ReleaseComparison) -> None:
    plan = load_plan(comparison.cut.plan_text)
    compared = list(ComparedRelease.objects.filter(comparison=comparison).select_related("release"))
    rows = compare_releases(
        plan, _measured(comparison), releases=[str(one.release) for one in compared]
    )
    content = {
        "provenance": _provenance(comparison),
        "releases": [_release_facts(comparison.cut, one) for one in compared],
        "rows": [asdict(row) for row in rows],
    }
    stored = store_bytes(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode())
    advance(
        comparison,
        RELEASE_COMPARISON,
        ComparisonStatus.COMPLETED,
        by=None,
        ended_at=clock.now(),
        results_sha256=stored.sha256,
    )


def _measured(comparison: ReleaseComparison) -> pd.DataFrame:
    """The long table of all releases; participants by their codes."""
    series = ComparedSeries.objects.filter(compared__comparison=comparison).select_related(
        "compared__release", "cut_pair__pair__participant__site"
    )
    found: list[dict[str, object]] = []
    kept = series.exclude(cut_pair__pair__participant__in=removed_ids())
    for one in kept.exclude(measurements_sha256=""):
        participant = one.cut_pair.pair.participant
        named = {
            "participant": participant.code,
            "site": participant.site.code,
            "release": str(one.compared.release),
        }
        found += [{**named, **row} for row in json.loads(read_bytes(one.measurements_sha256))]
    return pd.DataFrame(found, columns=["participant", "site", "release", *_KEPT])


def _release_facts(cut: DataCut, compared: ComparedRelease) -> dict[str, object]:
    series = ComparedSeries.objects.filter(compared=compared)
    measured = series.exclude(measurements_sha256="").count()
    return {
        "name": str(compared.release),
        "sha256": compared.release.digest,
        "weights_sha256": compared.release.weights_sha256,
        "status": compared.release.status,
        "primary": cut.role == AnalysisRole.PRIMARY and compared.release_id == cut.release_id,
        "series": series.count(),
        "measured": measured,
        "lacking": CutPair.objects.filter(cut=cut).count() - measured,
        "synthesis_notes": synthesis_notes(series.values_list("synthetic__facts", flat=True)),
        "faults": sorted(set(series.exclude(fault="").values_list("fault", flat=True))),
    }


def _provenance(comparison: ReleaseComparison) -> dict[str, object]:
    cut = comparison.cut
    return {
        "comparison_id": str(comparison.pk),
        "data_cut": cut.name,
        "data_cut_id": str(cut.pk),
        "frozen_at": cut.frozen_at.isoformat(timespec="seconds") if cut.frozen_at else "",
        "tables_sha256": cut.tables_sha256,
        "analysis_plan_sha256": cut.plan_digest,
        "protocol_sha256": cut.protocol_version.sha256,
        "pairs_in_cut": CutPair.objects.filter(cut=cut).count(),
        "software": software_versions(),
    }
