"""Freezes a data cut: from then on it speaks of the same series, scores and versions."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from django.db import transaction

from studyportal import __version__
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.imaging.selectors import accepted_series, latest_outlines, ready_pairs
from studyportal.imaging.states import SeriesRole, SeriesStatus
from studyportal.outcomes.models import CutPair, DataCut
from studyportal.outcomes.services.classifiers import development_of
from studyportal.outcomes.services.index_tests import lock_tests_of, read_plan
from studyportal.outcomes.services.readings import read_otherwise
from studyportal.outcomes.services.tables import freeze_tables
from studyportal.outcomes.states import DATA_CUT, CutStatus
from studyportal.protocol.selectors import active_version
from studyportal.sites.rules import Action
from studyportal.sites.services import require
from studyportal.syntheses.selectors import current_primary, usable_series
from studyportal.syntheses.services import seal_primary_release
from studyportal.syntheses.states import AnalysisRole

if TYPE_CHECKING:
    from studyportal.syntheses.models import ModelRelease, PrimaryRelease, SyntheticSeries

_LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "statsmodels",
    "scikit-image",
    "pydicom",
    "torch",
    "monai",
)
LONGEST_NAME = 80


def software_versions() -> dict[str, str]:
    """Versions of the portal and of the libraries its numbers rest on."""
    return {"studyportal": __version__} | {name: metadata.version(name) for name in _LIBRARIES}


@transaction.atomic
def freeze_cut(
    *, name: str, release: ModelRelease, plan_text: str, by: User, exploratory: bool = False
) -> DataCut:
    """A frozen cut exists with every ready pair that has a usable synthetic series of this release.

    A primary cut takes the release and the seed that are named for the primary analysis, and no other
    series of a pair stands in for one that is missing. An exploratory cut takes any release and is labelled.

    Raises
    ------
    Refused
        When the plan cannot be read, the name is taken, the release is not the primary one and the cut is
        not exploratory, or nothing can be compared.
    """
    require(by, Action.FREEZE_CUT)
    plan = read_plan(plan_text)
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or DataCut.objects.filter(name=name).exists():
        sentence = f"Give the cut a name of at most {LONGEST_NAME} letters that no other cut has."
        raise Refused(Reason("cut_name", sentence, "name"))
    primary = None if exploratory else _primary(release)
    lock_tests_of(plan, by=by)  # refuses a plan whose classifier is not registered
    development = development_of(plan)
    series = [
        entry
        for entry in _comparable(release, seed=primary.seed if primary else None)
        if entry.job.pair.participant.code not in development
    ]
    if not series:
        raise Refused(
            Reason(
                "nothing_to_compare",
                f"No ready pair has a synthetic series of {release} that passed its checks.",
            )
        )
    cut = DataCut.objects.create(
        name=name,
        status=CutStatus.OPEN,
        protocol_version=active_version(),
        release=release,
        role=AnalysisRole.EXPLORATORY if exploratory else AnalysisRole.PRIMARY,
        plan_text=plan_text,
        plan_digest=plan.digest,
        software=software_versions(),
    )
    begin(cut, DATA_CUT, by=by)
    if primary is not None:
        seal_primary_release(primary=primary, by=by)
    CutPair.objects.bulk_create(_cut_pair(cut, entry) for entry in series)
    tables = freeze_tables(
        {entry.job.pair.participant.code for entry in series}, development=development
    )
    advance(
        cut,
        DATA_CUT,
        CutStatus.FROZEN,
        by=by,
        tables_sha256=tables.sha256,
        frozen_at=clock.now(),
        frozen_by=by,
    )
    record(
        "freeze_cut",
        cut,
        " ".join(
            [
                f"{cut.role.capitalize()} data cut “{cut.name}” was frozen with {len(series)} pairs.",
                *read_otherwise(plan),
            ]
        ),
        by=by,
    )
    return cut


def _primary(release: ModelRelease) -> PrimaryRelease:
    primary = current_primary()
    if primary is None:
        sentence = (
            f"No release is named for the primary analysis of {active_version()}. The study PI names one "
            "under Releases; until then a cut can only be exploratory."
        )
        raise Refused(Reason("no_primary_release", sentence, "release"))
    if primary.release_id != release.pk:
        sentence = (
            f"{release} is exploratory: the primary analysis of {primary.protocol_version} is tied to "
            f"{primary}. Choose that release, or freeze an exploratory cut."
        )
        raise Refused(Reason("not_primary_release", sentence, "release"))
    return primary


def _comparable(release: ModelRelease, *, seed: int | None) -> list[SyntheticSeries]:
    ready = set(ready_pairs().values_list("pk", flat=True))
    chosen: dict[object, SyntheticSeries] = {}
    for series in usable_series(release, seed=seed):  # the lowest seed of a pair comes first
        if series.job.pair_id in ready and _source_is_current(series):
            chosen.setdefault(series.job.pair_id, series)
    return list(chosen.values())


def _source_is_current(series: SyntheticSeries) -> bool:
    return series.job.source.status == SeriesStatus.ACCEPTED


def _cut_pair(cut: DataCut, series: SyntheticSeries) -> CutPair:
    pair = series.job.pair
    reference = accepted_series(pair, SeriesRole.REFERENCE)
    return CutPair(
        cut=cut,
        pair=pair,
        source=series.job.source,
        reference=reference,
        synthetic=series,
        outlines=latest_outlines(pair),
        suv=reference.suv if reference is not None else {},
    )
