"""The tables that say how far the conclusions hold: sensitivity analyses, multiplicity, limits."""

from collections.abc import Iterable

from evaluation.analysis import ResultRow
from evaluation.report.accuracy_tables import MEASURES
from evaluation.report.cells import (
    about,
    cell,
    grouped,
    judged_on,
    marked,
    measured,
    methods_note,
    statistic_name,
    test_name,
)
from evaluation.report.document import Table
from evaluation.report.formats import UNITS, level_of, n_of, withheld
from evaluation.report.lookup import MAIN, Lookup
from evaluation.report.wording import named, say, says

_SIDE_BY_SIDE = (
    ("similarity", ("mean", "median")),
    ("agreement", ("bias_percent", "loa_lower_percent", "loa_upper_percent", "ccc")),
    ("accuracy", MEASURES),
    ("differences", tuple(f"{s}_difference" for s in ("auc", "sensitivity", "specificity"))),
)


def sensitivity_tables(look: Lookup) -> list[Table]:
    """Return each sensitivity analysis beside the main one, a table per kind of number."""
    other = [r for r in look.rows if r.analysis != MAIN and r.subgroup == "all"]
    tables = [_side_by_side(look, other, kind, wanted) for kind, wanted in _SIDE_BY_SIDE]
    return [t for t in tables if t]


def multiplicity_table(look: Lookup) -> Table | None:
    """Return the confirmatory hypotheses in their order, raw and adjusted p beside each other."""
    tested = look.where(endpoint="multiplicity", statistic="raw_p")
    if not tested:
        return None
    rows = tuple(_hypothesis(look, r, i) for i, r in enumerate(_ordered(look, tested), start=1))
    columns = tuple(c.format(level=level_of(look.rows)) for c in says("multiplicity.columns"))
    notes = (say("multiplicity.note"), *methods_note(look.where(endpoint="multiplicity")))
    return Table(
        say("multiplicity.title"), columns, rows, notes=notes, text_columns=2, id="multiplicity",
        widths=(2, 12, 4, 8, 4, 5, 5),
    )  # fmt: skip


def reasons_table(look: Lookup) -> Table | None:
    """Return what is not estimable, and what has no interval, with the reason."""
    lacking: dict[tuple[str, str, str], list[str]] = {}
    for r in look.rows:
        if r.reason and _counts(r) and not withheld(r):
            kind = say("reasons.no_value") if r.value is None else say("reasons.no_interval")
            lacking.setdefault((_about(r), kind, r.reason), []).append(statistic_name(r.statistic))
    alike: dict[tuple[str, str, str], list[str]] = {}
    for (what, kind, reason), names in lacking.items():
        alike.setdefault((", ".join(dict.fromkeys(names)), kind, reason), []).append(what)
    rows = tuple(("\n".join(whats), *key) for key, whats in alike.items())
    if not rows:
        return None
    return Table(
        say("reasons.title"), says("reasons.columns"), rows, text_columns=4, widths=(3, 3, 1, 4),
        notes=(say("reasons.note"),), id="not_estimable",
    )  # fmt: skip


def _counts(r: ResultRow) -> bool:
    return r.family in {"primary", "secondary"} and r.subgroup == "all" and r.analysis == MAIN


def _side_by_side(
    look: Lookup, other: list[ResultRow], kind: str, wanted: Iterable[str]
) -> Table | None:
    used = [r for r in other if r.statistic in wanted and (r.family == "primary") == _primary(kind)]
    shown = [s for s in wanted if any(r.statistic == s for r in used)]
    if not shown:
        return None
    places = {_place(r): r for r in reversed(used)}
    lines = []
    for r in sorted(places.values(), key=lambda r: r.order):
        analyses = dict.fromkeys(o.analysis for o in used if _place(o) == _place(r))
        for analysis in (MAIN, *analyses):
            found = [look.like(r, s, analysis=analysis) for s in shown]
            lines.append((f"{about(r)}{marked(look, r)}", _analysis_line(analysis, found)))
    rows, groups = grouped(lines)
    columns = (*says("sensitivity.columns"), *(statistic_name(s) for s in shown))
    name = "sensitivity" if kind == "accuracy" else f"sensitivity_{kind}"
    return Table(
        say(f"sensitivity.{kind}", level=level_of(look.rows)), columns, rows, groups=groups,
        notes=(say("sensitivity.note"), *methods_note(used)), id=name,
    )  # fmt: skip


def _primary(kind: str) -> bool:
    return kind in {"similarity", "agreement"}


def _analysis_line(analysis: str, found: list[ResultRow | None]) -> tuple[str, ...]:
    known = [r for r in found if r]
    n = n_of(max(known, key=lambda r: r.n)) if known else "–"
    return (named("analyses", analysis), n, *(cell(r) for r in found))


def _place(r: ResultRow) -> tuple[str, ...]:
    return (r.endpoint, r.quantity, r.test, r.unit, r.region)


def _ordered(look: Lookup, tested: list[ResultRow]) -> list[ResultRow]:
    def place(r: ResultRow) -> float:
        found = look.like(r, "order")
        return found.value if found and found.value is not None else float(r.order)

    return sorted(tested, key=place)


def _hypothesis(look: Lookup, r: ResultRow, i: int) -> tuple[str, ...]:
    rejected = look.like(r, "rejected")
    verdict = "–"
    if rejected and rejected.value is not None:
        verdict = say("yes") if rejected.value else say("no")
    return (
        str(i), f"{r.test.replace('_', ' ')}{marked(look, r)}",
        cell(look.like(r, "null"), split=False), cell(look.like(r, "estimate"), split=True),
        cell(r), cell(look.like(r, "adjusted_p")), verdict,
    )  # fmt: skip


def _about(r: ResultRow) -> str:
    if r.family == "primary" or r.unit not in UNITS:
        return measured(r)
    named_test = f", {test_name(r.test)}" if r.test else ""
    return f"{judged_on(r)}{named_test}"
