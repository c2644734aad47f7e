"""Several CT reconstructions that came together are offered, with the best one proposed; a person takes one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from evaluation.imaging import SeriesGroup, SeriesRefused, read_series, scan_folder
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, record
from studyportal.imaging import rules
from studyportal.imaging.models import ImagingSeries
from studyportal.imaging.selectors import accepted_series, quarantine_of
from studyportal.imaging.services.settling import check_again, constraints_of
from studyportal.imaging.states import IMAGING_SERIES, SeriesRole, SeriesStatus
from studyportal.sites.rules import Action
from studyportal.sites.services import require

_MOST = 12  # more series in one folder are not reconstructions of one examination


def reconstructions_in(series: ImagingSeries) -> tuple[SeriesGroup, ...]:
    """The CT reconstructions that came together in this upload; none when it is one series, or no such folder."""
    if series.role != SeriesRole.SOURCE:
        return ()
    scan = scan_folder(quarantine_of(series.pk))
    groups = scan.of_modality("CT")
    alone = len(groups) == len(scan.groups) and not scan.unreadable
    one_examination = len({(group.patient_id, group.study_uid) for group in groups}) == 1
    return groups if alone and one_examination and 1 < len(groups) <= _MOST else ()


def files_to_take(series: ImagingSeries, files: Sequence[Path]) -> tuple[Path, ...]:
    """The files of the reconstruction that a person chose; empty when one must be chosen still."""
    groups = reconstructions_in(series)
    if not groups:
        return tuple(files)
    return next((g.files for g in groups if series_key(g.series_uid) == series.chosen), ())


def offer_reconstructions(series: ImagingSeries) -> list[rules.Finding]:
    """What was found of each reconstruction is kept with the series; returns the finding that asks for a choice."""
    offered = _offered(series)
    ImagingSeries.objects.filter(pk=series.pk).update(reconstructions=offered)
    series.reconstructions = offered
    best = next((entry for entry in offered if entry["proposed"]), None)
    if best is None:
        return [rules.finding("no_reconstruction", count=len(offered))]
    why = "; ".join(best["facts"])
    return [
        rules.finding("several_reconstructions", count=len(offered), name=best["name"], why=why)
    ]


@transaction.atomic
def choose_reconstruction(*, series: ImagingSeries, key: str, by: User) -> ImagingSeries:
    """The series waits for intake with this reconstruction alone; the caller has it checked.

    Raises
    ------
    Refused
        When the series no longer waits for a choice, or the reconstruction cannot be used.
    """
    participant = series.pair.participant
    require(by, Action.ENTER_INJECTION, site=participant.site)
    usable = {entry["key"]: entry["name"] for entry in series.reconstructions if entry["facts"]}
    if series.status != SeriesStatus.QUARANTINED or key not in usable:
        raise Refused(Reason("no_choice", "This reconstruction cannot be chosen any more."))
    why = "a reconstruction was chosen"
    advance(
        series,
        IMAGING_SERIES,
        SeriesStatus.RECEIVED,
        by=by,
        reason=why,
        chosen=key,
        lease_until=None,
    )
    check_again(pair=series.pair, reason=why, by=by)
    record(
        "choose_reconstruction",
        series,
        f"{participant.code}: a CT reconstruction was chosen among {len(series.reconstructions)}.",
        by=by,
        site_code=participant.site.code,
    )
    return series


def series_key(series_uid: str) -> str:
    """The pseudonymous UID of a series, which is what it is called in the portal."""
    key = rules.DeidentificationKey(settings.DEIDENTIFICATION_KEY.encode())
    return rules.remap_uid(key, series_uid)


def _offered(series: ImagingSeries) -> list[dict[str, Any]]:
    reference = accepted_series(series.pair, SeriesRole.REFERENCE)
    pet = rules.summary_from_json(reference.summary) if reference else None
    groups = reconstructions_in(series)
    summaries: list[rules.SeriesSummary] = []
    readable: list[SeriesGroup] = []
    faults: list[dict[str, Any]] = []
    for group in groups:
        try:
            summaries.append(rules.summarise(read_series(group.files)))
            readable.append(group)
        except SeriesRefused as refusal:
            sentence = " ".join(rules.refusal_sentences(refusal.reasons))
            faults.append(_entry(group, name=f"{len(group.files)} files", fault=sentence))
    if not summaries:
        return faults
    limits = constraints_of(series, summaries[0])
    ranked = rules.rank_reconstructions(summaries, pet, limits)
    return [
        _ranked_entry(readable[r.candidate], summaries[r.candidate], r) for r in ranked
    ] + faults


def _ranked_entry(
    group: SeriesGroup, summary: rules.SeriesSummary, ranked: rules.Ranked
) -> dict[str, Any]:
    name = f"{summary.kernel or 'CT'}, {summary.slices} slices"
    return _entry(group, name=name, facts=list(ranked.facts), proposed=ranked.place == 0)


def _entry(
    group: SeriesGroup,
    *,
    name: str,
    facts: Sequence[str] = (),
    proposed: bool = False,
    fault: str = "",
) -> dict[str, Any]:
    return {
        "key": series_key(group.series_uid),
        "name": name,
        "facts": list(facts),
        "proposed": proposed,
        "fault": fault,
    }
