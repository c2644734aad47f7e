"""The tables about index tests, missing results and what is not estimable."""

from evaluation.analysis import ResultRow
from evaluation.report.document import Lookup, Table
from evaluation.report.formats import (
    CONDITIONS,
    QUANTITIES,
    STATISTICS,
    TESTS,
    count_of,
    interval_of,
    label,
    level_of,
    number,
    value_of,
)
from evaluation.report.tables import methods_note

_MEASURES = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "auc")
_NUMERATOR = {"sensitivity": "tp", "specificity": "tn", "ppv": "tp", "npv": "tn"}
UNITS = {"lesion": "lesion", "station": "nodal station", "participant": "participant"}


def accuracy_tables(look: Lookup) -> list[Table]:
    """Return one table for each target condition and unit that has any index test result."""
    tables = []
    for condition, unit in judged(look):
        tests = [r for r in _auc_rows(look, condition, unit) if look.like(r, "sensitivity")]
        rows = [
            (
                f"{label(TESTS, r.test)}\n(≥ {value_of(look.like(r, 'cutoff'))})",
                *(_cell(look, r, name) for name in _MEASURES),
            )
            for r in tests
        ]
        if rows:
            tables.append(_accuracy_table(look, condition, unit, tests=tests, rows=rows))
    return tables


def cross_table(look: Lookup) -> Table:
    """Return every index test by the reference standard."""
    rows = []
    for condition, unit in judged(look):
        for r in _auc_rows(look, condition, unit):
            if look.like(r, "tp"):
                counts = ("tp", "fp", "fn", "tn", "missing_index", "missing_reference")
                rows.append(
                    (
                        f"{label(CONDITIONS, condition)}, {UNITS[unit]}",
                        label(TESTS, r.test),
                        *(count_of(look.like(r, name)) for name in counts),
                    )
                )
    columns = (
        "Target condition, unit", "Index test", "True +", "False +", "False −", "True −",
        "No index result", "No reference",
    )  # fmt: skip
    notes = (
        (
            "No reference: reference standard missing or indeterminate. With several readers each "
            "reading counts once."
        ),
    )
    return Table(
        "Index test by reference standard", columns, tuple(rows), notes=notes, text_columns=2
    )


def reference_table(look: Lookup) -> Table:
    """Return the verdicts of the reference standard, missing and indeterminate ones included."""
    rows = []
    for condition, unit in judged(look):
        found = look.get("reference_positive", endpoint=condition, unit=unit)
        if found:
            counts = [look.like(found, f"reference_{s}") for s in
                      ("positive", "negative", "indeterminate", "missing")]  # fmt: skip
            rows.append(
                (label(CONDITIONS, condition), UNITS[unit], str(found.n), *map(count_of, counts))
            )
    columns = (
        "Target condition",
        "Unit",
        "Units",
        "Positive",
        "Negative",
        "Indeterminate",
        "Missing",
    )
    return Table(
        "Reference standard and its gaps", columns, tuple(rows), text_columns=2,
        notes=("Units of participants in the analysis set of the target condition.",),
    )  # fmt: skip


def reasons_table(look: Lookup) -> Table:
    """Return what is not estimable, and what has no interval, with the reason."""
    lacking: dict[tuple[str, str, str], list[str]] = {}
    for r in look.rows:
        if r.reason and r.family in {"primary", "secondary"} and r.subgroup == "all":
            key = (_about(r), "no value" if r.value is None else "no interval", r.reason)
            lacking.setdefault(key, []).append(label(STATISTICS, r.statistic))
    alike: dict[tuple[str, str, str], list[str]] = {}
    for (about, kind, reason), names in lacking.items():
        alike.setdefault((", ".join(dict.fromkeys(names)), kind, reason), []).append(about)
    rows = [("\n".join(abouts), *key) for key, abouts in alike.items()]
    return Table(
        "Not estimable, and why", ("Analysis", "Statistic", "Lacks", "Reason"), tuple(rows),
        text_columns=4, widths=(3, 3, 1, 4),
        notes=("Over all participants; the rows by site stand in results.csv.",),
    )  # fmt: skip


def judged(look: Lookup) -> list[tuple[str, str]]:
    """Return the target conditions and units that have a reference standard table."""
    found = look.where(family="secondary", statistic="reference_positive", subgroup="all")
    return [(r.target_condition, r.unit) for r in found]


def p_value(p: float | None) -> str:
    """Return a p-value as printed in papers."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else number(p, 3)


def _auc_rows(look: Lookup, condition: str, unit: str) -> list[ResultRow]:
    return look.where(endpoint=condition, unit=unit, statistic="auc", subgroup="all")


def _cell(look: Lookup, row: ResultRow, name: str) -> str:
    r = look.like(row, name)
    if r is None or r.value is None:
        return interval_of(r)
    numerator = look.like(row, _NUMERATOR.get(name, ""))
    below = f"{count_of(numerator)} / {r.n}" if numerator else f"n = {r.n}"
    return f"{interval_of(r, split=True)}\n{below}"


def _accuracy_table(
    look: Lookup, condition: str, unit: str, *, tests: list[ResultRow], rows: list[tuple[str, ...]]
) -> Table:
    first = look.like(tests[0], "prevalence")
    used = [x for r in tests for name in _MEASURES if (x := look.like(r, name))]
    prevalence = ""
    if first and first.value is not None:
        prevalence = (
            f"Prevalence {interval_of(first)} of {first.n} {UNITS[unit]}s in {first.clusters} "
            f"participants."
        )
    notes = tuple(note for note in (prevalence, *methods_note(used)) if note)
    columns = (
        "Index test (cut-off)",
        "Sensitivity",
        "Specificity",
        "PPV",
        "NPV",
        "Accuracy",
        "AUC",
    )
    title = (
        f"{label(CONDITIONS, condition)}, per {UNITS[unit]}: estimate ({level_of(look.rows)} CI)"
    )
    return Table(title, columns, tuple(rows), notes=notes)


def _about(r: ResultRow) -> str:
    if r.family == "primary":
        where = "" if r.region == "body" else f", {r.region.replace('organ:', '')}"
        return f"{label(QUANTITIES, r.quantity)}{where}"
    names = [label(TESTS, name) for name in r.test.split(" - ")] if r.test else []
    test = f", {' against '.join(names)}" if names else ""
    return f"{label(CONDITIONS, r.target_condition)}, per {UNITS[r.unit]}{test}"
