"""The tables about index tests: estimates, cross-tabulations, the reference standard."""

from evaluation.analysis import ResultRow
from evaluation.report.cells import grouped, judged_on, marked, methods_note, test_name
from evaluation.report.document import Table
from evaluation.report.formats import (
    CONDITIONS,
    UNITS,
    Printed,
    count_of,
    interval_of,
    label,
    level_of,
    n_of,
    value_of,
    withheld,
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
_CELLS = ("tp", "fp", "fn", "tn")
_COUNTS = (
    "tp",
    "fp",
    "fn",
    "tn",
    "indeterminate",
    "failed_index",
    "missing_index",
    "missing_reference",
)


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
        (judged_on(r), (_test(look, r), *(_cell(look, r, name) for name in MEASURES)))
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
                lines.append((_heading(look, r), (site.removeprefix("site:"), *cells)))
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
        (judged_on(r), (_test(look, r), *(interval_of(look.like(r, s), split=True) for s in shown)))
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


def cross_table(look: Lookup) -> Table | None:
    """Return every index test by the reference standard."""
    tests = [r for c, u in judged(look) for r in test_rows(look, c, u) if look.like(r, "tp")]
    shown = _counts_shown(look, tests)
    rows, groups = grouped(
        (judged_on(r), (_test(look, r), *(count_of(look.like(r, s)) for s in shown))) for r in tests
    )
    if not rows:
        return None
    columns = (say("index_test"), *(say(f"cross.{s}") for s in shown))
    return Table(
        say("cross.title"), columns, rows, notes=(say("cross.note"), *_none_note(shown)),
        groups=groups, id="cross_tabulation",
    )  # fmt: skip


def cross_table_by_site(look: Lookup) -> Table | None:
    """Return the same at each site, for readings of all readers together."""
    tests = [r for c, u in judged(look) for r in test_rows(look, c, u)
             if look.like(r, "tp") and ":" not in r.test]  # fmt: skip
    shown = _counts_shown(look, tests)
    lines = []
    for r in tests:
        for site in look.sites():
            found = [look.like(r, s, subgroup=site) for s in shown]
            if any(found):
                lines.append(
                    (_heading(look, r), (site.removeprefix("site:"), *map(count_of, found)))
                )
    rows, groups = grouped(lines)
    if not rows:
        return None
    columns = (say("site"), *(say(f"cross.{s}") for s in shown))
    return Table(say("cross.by_site"), columns, rows, groups=groups, id="cross_tabulation_by_site")


def stard_table(look: Lookup) -> Table | None:
    """Return every unit by index result and reference standard, before anything is handled."""
    verdicts = ("positive", "negative", "indeterminate", "missing")
    lines = []
    for first in look.where(endpoint="stard_flow", statistic="positive:positive", subgroup="all"):
        for result in ("positive", "negative", "indeterminate", "failed", "missing"):
            found = [look.like(first, f"{result}:{verdict}") for verdict in verdicts]
            if any(r and (r.value or withheld(r)) for r in found):
                heading = f"{_heading(look, first)} (n = {n_of(first)})"
                lines.append((heading, (say(f"stard.{result}"), *map(count_of, found))))
    rows, groups = grouped(lines)
    if not rows:
        return None
    return Table(
        say("stard.title"), says("stard.columns"), rows, notes=(say("stard.note"),),
        groups=groups, id="stard_flow",
    )  # fmt: skip


def reference_table(look: Lookup) -> Table | None:
    """Return the verdicts of the reference standard, missing and indeterminate ones included."""
    rows = []
    for condition, unit in judged(look):
        found = look.get("reference_positive", endpoint=condition, unit=unit)
        if found:
            counts = [look.like(found, f"reference_{s}") for s in
                      ("positive", "negative", "indeterminate", "missing")]  # fmt: skip
            rows.append(
                (label(CONDITIONS, condition), UNITS[unit], n_of(found), *map(count_of, counts))
            )
    if not rows:
        return None
    return Table(
        say("reference.title"), says("reference.columns"), tuple(rows), text_columns=2,
        notes=(say("reference.note"),), id="reference_standard",
    )  # fmt: skip


def judged(look: Lookup) -> list[tuple[str, str]]:
    """Return the target conditions and units that have a reference standard table."""
    found = look.where(family="secondary", statistic="reference_positive", subgroup="all")
    return [(r.target_condition, r.unit) for r in found]


def test_rows(look: Lookup, condition: str, unit: str) -> list[ResultRow]:
    """Return the area row of each index test, which stands for the test."""
    return look.where(endpoint=condition, unit=unit, statistic="auc", subgroup="all")


def _counts_shown(look: Lookup, tests: list[ResultRow]) -> list[str]:
    found = {s: [x for r in tests if (x := look.like(r, s))] for s in _COUNTS}
    return [s for s, own in found.items()
            if (s in _CELLS and own) or any(x.value or withheld(x) for x in own)]  # fmt: skip


def _none_note(shown: list[str]) -> tuple[str, ...]:
    """Return the sentence on columns left out because every count in them is zero."""
    names = [say(f"cross.{s}") for s in _COUNTS if s not in shown]
    return (say("cross.none", names=", ".join(names)),) if names else ()


def _heading(look: Lookup, row: ResultRow) -> str:
    return f"{judged_on(row)}: {_test(look, row)}"


def _test(look: Lookup, row: ResultRow) -> str:
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
            f"{_test(look, r)}\n(≥ {value_of(look.like(r, 'cutoff'))})",
            *(_cell(look, r, name) for name in MEASURES),
        )
        for r in tests
    )
    prevalence = ""
    if first and first.value is not None:
        prevalence = say(
            "accuracy.prevalence", prevalence=interval_of(first), n=n_of(first),
            units=f"{UNITS[first.unit]}s", clusters=f"{first.clusters:,}",
        )  # fmt: skip
    used = [look.like(r, name) for name in MEASURES for r in tests]
    notes = tuple(n for n in (prevalence, say("accuracy.note"), *methods_note(used)) if n)
    title = say("accuracy.title", what=judged_on(tests[0]), level=level_of(look.rows))
    at = f"accuracy:{tests[0].target_condition}:{tests[0].unit}"
    return Table(title, says("accuracy.columns"), rows, notes=notes, id=at)
