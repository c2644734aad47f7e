"""Several CT reconstructions that came together are offered, with the best one proposed; a person takes one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from evaluation import imaging
from studyportal.core.errors import Reason, Refused
from studyportal.core.limited import ChildEnded
from studyportal.core.models import User
from studyportal.core.services import advance, record
from studyportal.imaging import rules
from studyportal.imaging.models import ImagingSeries
from studyportal.imaging.selectors import accepted_series
from studyportal.imaging.services.reading import Reader
from studyportal.imaging.services.settling import check_again, constraints_of
from studyportal.imaging.states import IMAGING_SERIES, SeriesRole, SeriesStatus
from studyportal.sites.rules import Action
from studyportal.sites.services import require

_MOST = 12  # more series in one folder are not reconstructions of one examination


@dataclass(frozen=True)
class Parts:
    """The files of an upload that are taken; or, with none, the findings that ask for a choice."""

    chosen: tuple[Path, ...]
    findings: tuple[rules.Finding, ...] = ()


def parts_of(series: ImagingSeries, files: Sequence[Path], reading: Reader) -> Parts:
    """The files of the CT reconstruction that a person chose; all, where there is nothing to choose.

    What was found of each reconstruction is kept with the series.
    """
    if series.role != SeriesRole.SOURCE:
        return Parts(tuple(files))
    try:
        groups, examinations = reading.groups(files, series.pair.participant.site)
    except ChildEnded:
        return Parts(tuple(files))  # the reading of all of them says at which file
    if not 1 < len(groups) <= _MOST or examinations != 1:
        return Parts(tuple(files))
    chosen = next((group for group in groups if group["key"] == series.chosen), None)
    if chosen is not None:
        return Parts(tuple(files[k] for k in chosen["files"]))
    return Parts((), tuple(_offer(series, groups)))


def _offer(series: ImagingSeries, groups: Sequence[Mapping[str, Any]]) -> list[rules.Finding]:
    offered = _offered(series, groups)
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


def _offered(series: ImagingSeries, groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    reference = accepted_series(series.pair, SeriesRole.REFERENCE)
    pet = rules.summary_from_json(reference.summary) if reference else None
    readable = [group for group in groups if group["summary"] is not None]
    faults = [_entry(group, name=_count(group), fault=_fault(group)) for group in groups if group not in readable]  # fmt: skip
    if not readable:
        return faults
    summaries = [rules.summary_from_json(group["summary"]) for group in readable]
    ranked = rules.rank_reconstructions(summaries, pet, constraints_of(series, summaries[0]))
    return [
        _ranked_entry(readable[r.candidate], summaries[r.candidate], r) for r in ranked
    ] + faults


def _count(group: Mapping[str, Any]) -> str:
    return f"{len(group['files'])} files"


def _fault(group: Mapping[str, Any]) -> str:
    reasons = [imaging.Reason(one["id"], one["sentence"], one["tag"]) for one in group["reasons"]]
    return " ".join(rules.refusal_sentences(reasons))


def _ranked_entry(
    group: Mapping[str, Any], summary: rules.SeriesSummary, ranked: rules.Ranked
) -> dict[str, Any]:
    name = f"{summary.kernel or 'CT'}, {summary.slices} slices"
    return _entry(group, name=name, facts=list(ranked.facts), proposed=ranked.place == 0)


def _entry(
    group: Mapping[str, Any],
    *,
    name: str,
    facts: Sequence[str] = (),
    proposed: bool = False,
    fault: str = "",
) -> dict[str, Any]:
    return {
        "key": group["key"],
        "name": name,
        "facts": list(facts),
        "proposed": proposed,
        "fault": fault,
    }
