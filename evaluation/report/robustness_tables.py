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
from evaluation.report.plan_tables import analysis_name
from evaluation.report.wording import say, says, sentence

_SIDE_BY_SIDE = (
    ("similarity", ("mean", "median")),
    ("agreement", ("bias_percent", "loa_lower_percent", "loa_upper_percent", "ccc")),
    ("accuracy", MEASURES),
    ("differences", tuple(f"{s}_difference" for s in ("auc", "sensitivity", "specificity"))),
)


def sensitivity_tables(look: Lookup) -> list[Table]:
    """Return each sensitivity analysis beside the main one, a table per kind of number."""
    other = [
        r for r in look.rows
        if r.analysis != MAIN and r.subgroup == "all" and look.headline(r)
    ]  # fmt: skip
    tables = [_side_by_side(look, other, kind, wanted) for kind, wanted in _SIDE_BY_SIDE]
    return [t for t in tables if t]


def tipping_table(look: Lookup) -> Table | None:
    """Return how far missing verdicts must be shifted before a conclusion changes."""
    tips = [r for r in look.rows if r.statistic == "tipping_point_up" and look.headline(r)]
    steps = dict.fromkeys(
        r.statistic for r in look.rows if "_delta:" in r.statistic and r.subgroup == "all"
    )
    if not tips or not steps:
        return None
    rows = [
        (step.partition(":")[2].replace("-", "−"), *(cell(look.like(r, step)) for r in tips))
        for step in steps
    ]
    for way in ("up", "down"):
        found = [look.like(r, f"tipping_point_{way}") for r in tips]
        rows.append((say(f"tipping.{way}"), *(_tip(r) for r in found)))
    heads = (f"{statistic_name(_stem(look, r, steps))}: {about(r)}{marked(look, r)}" for r in tips)
    bounds = dict.fromkeys(r.method for r in tips)
    return Table(
        say("tipping.title", level=level_of(look.rows)), (say("tipping.shift"), *heads),
        tuple(rows), notes=(say("tipping.note", bound="; ".join(map(sentence, bounds))),), id="tipping_point",
    )  # fmt: skip


def _stem(look: Lookup, row: ResultRow, steps: Iterable[str]) -> str:
    return next((s.partition("_delta:")[0] for s in steps if look.like(row, s)), "")


def _tip(row: ResultRow | None) -> str:
    if row is None or row.value is None:
        return say("tipping.never") if row and not withheld(row) else cell(row)
    return f"{row.value:g}".replace("-", "−")


def reasons_table(look: Lookup) -> Table | None:
    """Return what is not estimable, and what has no interval, with the reason."""
    lacking: dict[tuple[str, str, str], list[str]] = {}
    for r in look.rows:
        if r.reason and _counts(r) and not withheld(r):
            kind = say("reasons.no_value") if r.value is None else say("reasons.no_interval")
            lacking.setdefault((_about(r), kind, sentence(r.reason)), []).append(
                statistic_name(r.statistic)
            )
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
        if not any(look.like(r, s, analysis=MAIN) for s in shown):
            continue
        analyses = dict.fromkeys(o.analysis for o in used if _place(o) == _place(r))
        for analysis in (MAIN, *analyses):
            found = [look.like(r, s, analysis=analysis) for s in shown]
            lines.append((f"{about(r)}{marked(look, r)}", _analysis_line(look, analysis, found)))
    rows, groups = grouped(lines)
    columns = (*says("sensitivity.columns"), *(statistic_name(s) for s in shown))
    name = "sensitivity" if kind == "accuracy" else f"sensitivity_{kind}"
    return Table(
        say(f"sensitivity.{kind}", level=level_of(look.rows)), columns, rows, groups=groups,
        notes=(say("sensitivity.note"), *_whys(look, used), *methods_note(used)), id=name,
    )  # fmt: skip


def _whys(look: Lookup, used: list[ResultRow]) -> tuple[str, ...]:
    """Return why an analysis has no estimate at all, each once."""
    whys: dict[str, dict[str, None]] = {}
    for r in used:
        if r.value is None and r.reason and not withheld(r):
            whys.setdefault(analysis_name(look, r.analysis), {})[sentence(r.reason)] = None
    return tuple(f"{name}: {'; '.join(reasons)}." for name, reasons in whys.items())


def _primary(kind: str) -> bool:
    return kind in {"similarity", "agreement"}


def _analysis_line(look: Lookup, analysis: str, found: list[ResultRow | None]) -> tuple[str, ...]:
    known = [r for r in found if r]
    n = n_of(max(known, key=lambda r: r.n)) if known else "–"
    return (analysis_name(look, analysis), n, *(cell(r) for r in found))


def _place(r: ResultRow) -> tuple[str, ...]:
    return (r.endpoint, r.quantity, r.test, r.unit, r.region)


def _about(r: ResultRow) -> str:
    if r.family == "primary" or r.unit not in UNITS:
        return measured(r)
    named_test = f", {test_name(r.test)}" if r.test else ""
    return f"{judged_on(r)}{named_test}"
