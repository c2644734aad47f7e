"""The tables about index tests: estimates over all, by reader, by site."""

from evaluation.analysis import ResultRow
from evaluation.report.cells import grouped, judged_on, marked, methods_note, test_name
from evaluation.report.document import Table
from evaluation.report.formats import (
    UNITS,
    Printed,
    count_of,
    interval_of,
    level_of,
    n_of,
    value_of,
)
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, says

MEASURES = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "auc")
_LESS = (
    "lr_positive",
    "lr_negative",
    "diagnostic_odds_ratio",
    "youden",
    "partial_auc",
    "auc_crude",
)
_NUMERATOR = {"sensitivity": "tp", "specificity": "tn", "ppv": "tp", "npv": "tn"}


def accuracy_tables(look: Lookup) -> list[Table]:
    """Return one table for each target condition and unit that has any index test result."""
    tables = []
    for condition, unit in judged(look):
        tests = [r for r in test_rows(look, condition, unit) if look.like(r, "sensitivity")]
        whole = [r for r in tests if ":" not in r.test]
        if whole:
            tables.append(_accuracy_table(look, whole))
    return tables


def accuracy_by_reader(look: Lookup) -> Table | None:
    """Return the estimates of each reader apart."""
    tests = [r for c, u in judged(look) for r in test_rows(look, c, u) if ":" in r.test]
    rows, groups = grouped(
        (judged_on(r), (marked_test(look, r), *(_cell(look, r, name) for name in MEASURES)))
        for r in tests
    )
    if not rows:
        return None
    columns = (say("accuracy.reader"), *says("accuracy.columns")[1:])
    used = [look.like(r, name) for name in MEASURES for r in tests]
    return Table(
        say("accuracy.by_reader", level=level_of(look.rows)), columns, rows,
        notes=methods_note(used), groups=groups, id="accuracy_by_reader",
    )  # fmt: skip


def accuracy_by_site(look: Lookup) -> Table | None:
    """Return sensitivity, specificity and AUC of each index test at each site."""
    names = ("sensitivity", "specificity", "auc")
    lines = []
    for r in (r for c, u in judged(look) for r in test_rows(look, c, u) if ":" not in r.test):
        for site in look.sites():
            found = [look.like(r, name, subgroup=site) for name in names]
            if any(found):
                cells = (
                    part for e in found
                    for part in (n_of(e) if e else "–", interval_of(e))
                )  # fmt: skip
                lines.append((heading_of(look, r), (site.removeprefix("site:"), *cells)))
    rows, groups = grouped(lines)
    if not rows:
        return None
    return Table(
        say("accuracy.by_site", level=level_of(look.rows)), says("accuracy.site_columns"), rows,
        groups=groups, id="accuracy_by_site",
    )  # fmt: skip


def further_accuracy(look: Lookup) -> Table | None:
    """Return likelihood ratios and the areas beside the main one."""
    tests = [r for c, u in judged(look) for r in test_rows(look, c, u) if ":" not in r.test]
    shown = [s for s in _LESS if any(look.like(r, s) for r in tests)]
    if not shown:
        return None
    lines = [
        (
            judged_on(r),
            (marked_test(look, r), *(interval_of(look.like(r, s), split=True) for s in shown)),
        )
        for r in tests
        if any(look.like(r, s) for s in shown)
    ]
    rows, groups = grouped(lines)
    names = (say(f"accuracy.{s}") for s in shown)
    return Table(
        say("accuracy.further", level=level_of(look.rows)), (say("index_test"), *names), rows,
        notes=methods_note(look.like(r, s) for r in tests for s in shown), groups=groups,
        id="accuracy_further",
    )  # fmt: skip


def judged(look: Lookup) -> list[tuple[str, str]]:
    """Return the target conditions and units that have a reference standard table."""
    found = look.where(family="secondary", statistic="reference_positive", subgroup="all")
    return [(r.target_condition, r.unit) for r in found]


def test_rows(look: Lookup, condition: str, unit: str) -> list[ResultRow]:
    """Return the area row of each index test, which stands for the test."""
    return look.where(endpoint=condition, unit=unit, statistic="auc", subgroup="all")


def heading_of(look: Lookup, row: ResultRow) -> str:
    """Return target condition, unit and test of a row as a heading."""
    return f"{judged_on(row)}: {marked_test(look, row)}"


def marked_test(look: Lookup, row: ResultRow) -> str:
    """Return the name of the test of a row with its mark."""
    return f"{test_name(row.test)}{marked(look, row)}"


def _cell(look: Lookup, row: ResultRow, name: str) -> str:
    r = look.like(row, name)
    if r is None or r.value is None:
        return interval_of(r)
    numerator = look.like(row, _NUMERATOR.get(name, ""))
    below = f"{count_of(numerator)} / {n_of(r)}" if numerator else f"n = {n_of(r)}"
    return Printed.of(f"{interval_of(r, split=True)}\n{below}", r)


def _accuracy_table(look: Lookup, tests: list[ResultRow]) -> Table:
    first = look.like(tests[0], "prevalence")
    rows = tuple(
        (
            f"{marked_test(look, r)}\n(≥ {value_of(look.like(r, 'cutoff'))})",
            *(_cell(look, r, name) for name in MEASURES),
        )
        for r in tests
    )
    prevalence = ""
    if first and first.value is not None:
        prevalence = say(
            "accuracy.prevalence", prevalence=interval_of(first), n=n_of(first),
            units=say("plural", word=UNITS[first.unit]), clusters=f"{first.clusters:,}",
        )  # fmt: skip
    used = [look.like(r, name) for name in MEASURES for r in tests]
    within = any(r and r.statistic == "auc" and r.method.startswith("stratified") for r in used)
    told = (prevalence, say("accuracy.note"), say("accuracy.stratified") if within else "")
    notes = (*(note for note in told if note), *methods_note(used))
    title = say("accuracy.title", what=judged_on(tests[0]), level=level_of(look.rows))
    at = f"accuracy:{tests[0].target_condition}:{tests[0].unit}"
    return Table(title, says("accuracy.columns"), rows, notes=notes, id=at)
