"""Cross-tabulations of index tests by the reference standard, before and after handling."""

from evaluation.analysis import ResultRow
from evaluation.report.accuracy_tables import heading_of, judged, marked_test, test_rows
from evaluation.report.cells import grouped, judged_on
from evaluation.report.document import Table
from evaluation.report.formats import CONDITIONS, UNITS, count_of, label, n_of, withheld
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, says

INDEX_RESULTS = ("positive", "negative", "indeterminate", "failed", "missing")
VERDICTS = ("positive", "negative", "indeterminate", "missing")
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


def cross_table(look: Lookup) -> Table | None:
    """Return every index test by the reference standard."""
    tests = [r for c, u in judged(look) for r in test_rows(look, c, u) if look.like(r, "tp")]
    shown = _counts_shown(look, tests)
    rows, groups = grouped(
        (judged_on(r), (marked_test(look, r), *(count_of(look.like(r, s)) for s in shown)))
        for r in tests
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
                    (heading_of(look, r), (site.removeprefix("site:"), *map(count_of, found)))
                )
    rows, groups = grouped(lines)
    if not rows:
        return None
    columns = (say("site"), *(say(f"cross.{s}") for s in shown))
    return Table(say("cross.by_site"), columns, rows, groups=groups, id="cross_tabulation_by_site")


def stard_table(look: Lookup) -> Table | None:
    """Return every unit by index result and reference standard, before anything is handled."""
    lines = []
    for first in look.where(endpoint="stard_flow", statistic="positive:positive", subgroup="all"):
        for result in INDEX_RESULTS:
            found = [look.like(first, f"{result}:{verdict}") for verdict in VERDICTS]
            if any(r and (r.value or withheld(r)) for r in found):
                heading = f"{heading_of(look, first)} (n = {n_of(first)})"
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


def _counts_shown(look: Lookup, tests: list[ResultRow]) -> list[str]:
    found = {s: [x for r in tests if (x := look.like(r, s))] for s in _COUNTS}
    return [s for s, own in found.items()
            if (s in _CELLS and own) or any(x.value or withheld(x) for x in own)]  # fmt: skip


def _none_note(shown: list[str]) -> tuple[str, ...]:
    """Return the sentence on columns left out because every count in them is zero."""
    names = [say(f"cross.{s}") for s in _COUNTS if s not in shown]
    return (say("cross.none", names=", ".join(names)),) if names else ()
