"""Puts tables and figures in their order; what has no rows becomes a sentence that says why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from evaluation.report.accuracy_tables import (
    accuracy_by_reader,
    accuracy_by_site,
    accuracy_tables,
    further_accuracy,
)
from evaluation.report.agreement_tables import agreement_table, raw_agreement_table
from evaluation.report.baseline_tables import baseline_by_condition, baseline_table
from evaluation.report.cells import marks_note
from evaluation.report.comparison_tables import (
    difference_table,
    endpoint_table,
    verification_tables,
)
from evaluation.report.confirmatory_table import multiplicity_table
from evaluation.report.cross_tables import (
    cross_table,
    cross_table_by_site,
    reference_table,
    stard_table,
)
from evaluation.report.document import Block, Figure, Section, Table
from evaluation.report.listing import false_negative_table
from evaluation.report.lookup import Lookup
from evaluation.report.participant_tables import (
    exclusion_table,
    flow_table,
    missing_table,
)
from evaluation.report.plan_tables import plan_tables
from evaluation.report.prediction_tables import net_benefit_table
from evaluation.report.robustness_tables import (
    reasons_table,
    sensitivity_tables,
    tipping_table,
)
from evaluation.report.similarity_tables import (
    concordance_table,
    control_table,
    similarity_by_site,
    similarity_table,
    uptake_table,
)
from evaluation.report.site_tables import heterogeneity_table, leave_one_out_table, site_list
from evaluation.report.subgroup_tables import subgroup_table
from evaluation.report.wording import say


@dataclass(frozen=True)
class Drawn:
    """The figures by id, the false negative results, and what this edition may not show."""

    figures: Mapping[str, Figure]
    missed: pd.DataFrame
    sites: pd.DataFrame
    suppressed_below: int | None = None


def sections(look: Lookup, drawn: Drawn) -> tuple[Section, ...]:
    """Return the sections of the report, without the annex."""
    made = (
        ("methods", _planned(look)),
        ("participants", _participants(look, drawn)),
        ("confirmatory", [_or(multiplicity_table(look), "multiplicity")]),
        ("similarity", _similarity(look, drawn)),
        ("metabolic", _metabolic(look, drawn)),
        ("diagnostic", _diagnostic(look, drawn)),
        ("comparison", [_or(difference_table(look), "differences")]),
        ("prediction", _prediction(look, drawn)),
        ("readers", [accuracy_by_reader(look), _or(endpoint_table(look, "mrmc"), "mrmc")]),
        ("subgroups", _subgroups(look, drawn)),
        ("robustness", _robustness(look)),
        ("sites", _sites(look, drawn)),
        ("gaps", _gaps(look, drawn)),
    )
    return tuple(section(name, blocks) for name, blocks in made)


def _planned(look: Lookup) -> list[Block | None]:
    tables: list[Block | None] = list(plan_tables(look))
    return tables or [say("absent.plan")]


def section(name: str, blocks: Iterable[Block | None]) -> Section:
    """Return a section of what is there, each table with the notes that explain its marks."""
    there = tuple(_explained(b) for b in blocks if b)
    return Section(say(f"sections.{name}"), there, id=f"s_{name}")


def _explained(block: Block) -> Block:
    if isinstance(block, Table):
        return replace(block, notes=(*block.notes, *marks_note(block)))
    return block


def _or(block: Block | None, absent: str) -> Block:
    return block or say(f"absent.{absent}")


def _shown(drawn: Drawn, name: str) -> Block:
    if drawn.suppressed_below is not None and name in {"bland_altman", "roc", "net_benefit_figure"}:
        return _or(drawn.figures.get(name), f"{name}_suppressed")
    return _or(drawn.figures.get(name), name)


def _participants(look: Lookup, drawn: Drawn) -> list[Block | None]:
    return [
        drawn.figures.get("flow_figure"),
        flow_table(look),
        exclusion_table(look),
        baseline_table(look),
        _or(baseline_by_condition(look), "baseline_by_condition"),
        _or(missing_table(look), "missingness"),
    ]


def _similarity(look: Lookup, drawn: Drawn) -> list[Block | None]:
    table = similarity_table(look)
    by_site = similarity_by_site(look) if table else None
    return [
        _or(table, "similarity"),
        by_site,
        _shown(drawn, "forest"),
        _or(uptake_table(look), "uptake_trend"),
        drawn.figures.get("uptake_trend_figure"),
        _or(control_table(look), "negative_controls"),
    ]


def _metabolic(look: Lookup, drawn: Drawn) -> list[Block | None]:
    return [
        _or(agreement_table(look), "agreement"),
        _shown(drawn, "bland_altman"),
        raw_agreement_table(look),
        _or(concordance_table(look), "subgroup_concordance"),
    ]


def _diagnostic(look: Lookup, drawn: Drawn) -> list[Block | None]:
    tables: list[Block | None] = list(accuracy_tables(look))
    return [
        drawn.figures.get("stard_figure"),
        *(tables or [say("absent.accuracy")]),
        _shown(drawn, "roc"),
        further_accuracy(look),
    ]


def _prediction(look: Lookup, drawn: Drawn) -> list[Block | None]:
    return [
        _or(endpoint_table(look, "calibration"), "calibration"),
        drawn.figures.get("calibration_figure"),
        _shown(drawn, "net_benefit_figure"),
        net_benefit_table(look),
        _or(endpoint_table(look, "added_value"), "added_value"),
    ]


def _subgroups(look: Lookup, drawn: Drawn) -> list[Block | None]:
    return [drawn.figures.get("subgroup_forest"), _or(subgroup_table(look), "subgroups")]


def _robustness(look: Lookup) -> list[Block | None]:
    tables: list[Block | None] = list(sensitivity_tables(look))
    verified: list[Block | None] = list(verification_tables(look))
    return [
        *(tables or [say("absent.sensitivity")]),
        tipping_table(look),
        *(verified or [say("absent.verification")]),
        _or(endpoint_table(look, "precision"), "precision"),
    ]


def _sites(look: Lookup, drawn: Drawn) -> list[Block | None]:
    return [
        _or(heterogeneity_table(look), "heterogeneity"),
        leave_one_out_table(look),
        accuracy_by_site(look),
        site_list(drawn.sites),
    ]


def _gaps(look: Lookup, drawn: Drawn) -> list[Block | None]:
    missed = false_negative_table(drawn.missed)
    why = "false_negatives_suppressed" if drawn.suppressed_below is not None else "false_negatives"
    return [
        _or(reference_table(look), "reference_standard"),
        stard_table(look),
        _or(cross_table(look), "cross_tabulation"),
        cross_table_by_site(look),
        missed or say(f"absent.{why}"),
        _or(reasons_table(look), "not_estimable"),
    ]
