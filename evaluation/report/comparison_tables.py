"""The tables that set index tests, and sites, against each other."""

from evaluation.analysis import ResultRow
from evaluation.report.accuracy_tables import UNITS, p_value
from evaluation.report.document import Lookup, Table
from evaluation.report.formats import (
    CONDITIONS,
    QUANTITIES,
    STATISTICS,
    TESTS,
    interval_of,
    label,
    level_of,
    number,
    value_of,
)
from evaluation.report.tables import methods_note

_COMPARED = ("auc", "sensitivity", "specificity")


def difference_table(look: Lookup) -> Table | None:
    """Return the paired differences between index tests, if the plan asks for any."""
    wanted = {f"{name}_difference" for name in _COMPARED}
    used = [r for r in look.rows if r.subgroup == "all" and r.statistic in wanted]
    if not used:
        return None
    columns = (
        "Target condition, unit", "Comparison", "Measure", f"Difference ({level_of(look.rows)} CI)",
        "p",
    )  # fmt: skip
    notes = (
        *methods_note(used),
        "p is printed for comparisons named in the plan; it is not adjusted for multiplicity.",
    )
    return Table(
        "Index tests compared on the same units", columns,
        tuple(_difference(look, r) for r in used), notes=notes, text_columns=3,
    )  # fmt: skip


def sites_table(look: Lookup) -> Table | None:
    """Return what the sites have in common and how much they differ."""
    used = look.where(statistic="sites_pooled", subgroup="all")
    used = [r for r in used if r.value is not None]
    if not used:
        return None
    rows = tuple(_sites(look, r) for r in used)
    columns = (
        "", "Sites", f"Pooled ({level_of(look.rows)} CI)", "Range for a new site", "τ", "I², %",
        "p (Q)",
    )  # fmt: skip
    notes = (
        (
            "The range for a new site is the prediction interval. With few sites these intervals are "
            "wide: they generalise to new sites, the tables above speak of these."
        ),
        "τ is the standard deviation between sites; for bias on the ln ratio.",
        *methods_note(used),
    )
    return Table("Heterogeneity between sites", columns, rows, notes=notes)


def _difference(look: Lookup, r: ResultRow) -> tuple[str, ...]:
    p = look.like(r, f"{r.statistic}_p")
    first, _, second = r.test.partition(" - ")
    return (
        f"{label(CONDITIONS, r.target_condition)}, {UNITS[r.unit]}",
        f"{label(TESTS, first)} against {label(TESTS, second)}",
        label(STATISTICS, r.statistic.removesuffix("_difference")),
        interval_of(r),
        p_value(p.value if p else None),
    )


def _sites(look: Lookup, r: ResultRow) -> tuple[str, ...]:
    prediction, tau = look.like(r, "sites_prediction"), look.like(r, "sites_tau")
    i2, p = look.like(r, "sites_i2_percent"), look.like(r, "sites_q_p")
    new_site = "–"
    if prediction and prediction.lower is not None:
        new_site = interval_of(prediction).partition(" ")[2].strip("()")
    _, _, organ = r.region.partition(":")
    name = label(QUANTITIES, r.quantity) + (f", {organ}" if organ else "")
    return (
        f"{name}, bias (%)" if r.unit_of_value == "%" else f"{name}, mean",
        str(r.clusters), interval_of(r), new_site,
        number(tau.value if tau else None, 3), value_of(i2), p_value(p.value if p else None),
    )  # fmt: skip
