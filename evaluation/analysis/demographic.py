"""Organs of synthetic against reference PET in each demographic subgroup."""

from dataclasses import replace

import numpy as np

from evaluation.analysis.cohort import Cohort, Partition
from evaluation.analysis.consistency import Pairs, value_pairs
from evaluation.analysis.plan_methods import DemographicConcordance
from evaluation.analysis.results import Place, ResultRow
from evaluation.metabolic import SubgroupConcordance, subgroup_concordance
from evaluation.statistics import not_estimable


def concordance_rows(cohort: Cohort) -> list[ResultRow]:
    """Return bias, equivalence, spread and distance of each organ, for everybody and subgroups."""
    wanted = cohort.plan.demographic_concordance
    if wanted is None:
        return []
    inside = cohort.inside(wanted.analysis_set)
    rows: list[ResultRow] = []
    for quantity in wanted.quantities:
        pairs = value_pairs(cohort, quantity, wanted.region)
        pairs = pairs.where(inside[pairs.pid])
        place = Place(
            "subgroup_concordance", "subgroups", wanted.analysis_set, cohort.plan.level,
            quantity=quantity, unit="participant",
        )  # fmt: skip
        if not len(pairs):
            none = not_estimable("no organ was measured on both images", level=place.level)
            rows.append(place.row("ratio", none))
        for region in sorted(set(pairs.region)):
            own = pairs.where(pairs.region == region)
            rows += _organ_rows(cohort, replace(place, region=region), own, wanted)
    return rows


def _organ_rows(
    cohort: Cohort, place: Place, pairs: Pairs, wanted: DemographicConcordance
) -> list[ResultRow]:
    # A ratio needs both values above zero; the others count as missing.
    usable = ~np.isnan(pairs.log_ratio.value)
    reference = np.where(usable, pairs.reference, np.nan)
    synthetic = np.where(usable, pairs.synthetic, np.nan)
    rows = []
    chosen = [p for p in cohort.demographics if p.id in wanted.subgroups]
    nobody = Partition("all", ("all",), np.zeros(len(cohort.people), dtype=np.intp))
    for partition in (nobody, *chosen):
        code = partition.code[pairs.pid]
        known = code >= 0
        labels = np.asarray(partition.labels, dtype=object)[code[known]]
        found = subgroup_concordance(
            reference[known], synthetic[known], subgroup=labels.tolist(), log=True,
            margin=1 + wanted.margin_percent / 100, level=cohort.plan.level, unit=pairs.unit,
        )  # fmt: skip
        by_label = {one.subgroup: one for one in found}
        for level, label in enumerate(partition.labels):
            name = "all" if partition is nobody else partition.name(level)
            if label in by_label:
                rows += _concordance(place.at(name), by_label[label])
    return rows


def _concordance(place: Place, found: SubgroupConcordance) -> list[ResultRow]:
    rows = [place.row("ratio", found.bias)]
    e = found.equivalence
    if e.p_value is not None:
        reason = f"margin: ratio from {1 / found.margin:.3f} to {found.margin:.3f}"
        rows.append(place.plain("equivalence_p", e.p_value, n=e.n, method=f"{e.method}; {reason}"))
        rows.append(
            place.plain("equivalent", float(found.equivalent or False), n=e.n, method=reason)
        )
    rows.append(place.row("variance_ratio", found.variance_ratio_paired))
    rows.append(place.row("wasserstein", found.wasserstein))
    return rows
