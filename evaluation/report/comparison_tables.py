"""The tables that set index tests against each other on the same units."""

from collections.abc import Sequence

from evaluation.analysis import ResultRow
from evaluation.report.cells import (
    cell,
    grouped,
    judged_on,
    marked,
    measured,
    methods_note,
    p_value,
    statistic_name,
    test_name,
    with_clusters,
)
from evaluation.report.document import Table
from evaluation.report.formats import QUANTITIES, UNITS, interval_of, level_of, withheld
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, says

_PLANNED = "planned_"
_SIDE_BY_SIDE = 5
"""More statistics than these stand below each other."""
_COMPARED = ("auc", "sensitivity", "specificity", "ppv", "npv")


def difference_table(look: Lookup) -> Table | None:
    """Return the paired differences between index tests, if the plan asks for any."""
    wanted = {f"{name}_difference" for name in _COMPARED}
    used = [r for s in sorted(wanted) for r in look.where(statistic=s, subgroup="all")]
    used = [r for r in sorted(used, key=lambda r: r.order) if r.endpoint == r.target_condition]
    if not used:
        return None
    rows, groups = grouped((_pair(look, r), _difference(look, r)) for r in used)
    columns = tuple(c.format(level=level_of(look.rows)) for c in says("differences.columns"))
    notes = (say("differences.note"), *methods_note(used))
    return Table(
        say("differences.title"), columns, rows, notes=notes, groups=groups, id="differences"
    )


def endpoint_table(look: Lookup, endpoint: str) -> Table | None:
    """Return every number of an endpoint: a line for what it is about, a column per statistic.

    Serves endpoints whose statistics come from the rows alone: added value, reader studies,
    verification, precision.
    """
    used = [r for r in look.where(endpoint=endpoint, subgroup="all") if _tells(look, r)]
    return statistics_table(look, used, endpoint) if used else None


def verification_tables(look: Lookup) -> list[Table]:
    """Return how many units were verified: of each unit, and by index test result."""
    used = look.where(endpoint="verification", subgroup="all")
    whole, by_result = [r for r in used if not r.test], [r for r in used if r.test]
    tables = [statistics_table(look, whole, "verification")] if whole else []
    if by_result:
        tables.append(statistics_table(look, by_result, "verification_by_result"))
    return tables


def statistics_table(look: Lookup, used: Sequence[ResultRow], endpoint: str) -> Table:
    """Return rows with their statistics as columns, or as lines where there are many."""
    shown = [s for s in dict.fromkeys(r.statistic for r in used) if not s.endswith("_p")]
    first = {_place(r): r for r in reversed(used)}
    places = sorted(first.values(), key=lambda r: r.order)
    if len(shown) > _SIDE_BY_SIDE:
        lines = [
            (f"{_group(r)}: {_name(r)}{marked(look, r)}", _line(look, beside))
            for r in places for s in shown if (beside := look.like(r, s))
        ]  # fmt: skip
        columns = tuple(c.format(level=level_of(look.rows)) for c in says("statistics.columns"))
    else:
        lines = [
            (_group(r), (f"{_name(r)}{marked(look, r)}", *(_with_p(look, r, s) for s in shown)))
            for r in places
        ]
        columns = ("", *(statistic_name(s) for s in shown))
    rows, groups = grouped(lines)
    made = [r for r in used if not r.statistic.endswith("_p")]
    return Table(
        say(f"{endpoint}.title", level=level_of(look.rows)), columns, rows,
        notes=(say(f"{endpoint}.note"), *methods_note(made)), groups=groups, id=endpoint,
    )  # fmt: skip


def _tells(look: Lookup, row: ResultRow) -> bool:
    """Tell whether a row, or one beside it that is no plan, has a number or is withheld."""
    if not row.statistic.startswith(_PLANNED):
        return row.value is not None or withheld(row)
    reached = look.like(row, row.statistic.replace(_PLANNED, "achieved_"))
    return reached is None or reached.value is not None


def _group(r: ResultRow) -> str:
    if r.target_condition and r.unit in UNITS:
        return judged_on(r)
    return say("sites.primary")


def _name(r: ResultRow) -> str:
    parts = [measured(r) if r.quantity in QUANTITIES else statistic_name(r.quantity)]
    parts = parts if r.quantity else []
    parts += [test_name(r.test)] if r.test else []
    return ", ".join(parts) or say("all")


def _place(r: ResultRow) -> tuple[str, ...]:
    return (r.quantity, r.test, r.target_condition, r.unit, r.region, r.subgroup)


def _line(look: Lookup, r: ResultRow) -> tuple[str, ...]:
    p = look.like(r, f"{r.statistic}_p")
    return (
        statistic_name(r.statistic), with_clusters(r), cell(r, split=False),
        cell(p) if p else "",
    )  # fmt: skip


def _with_p(look: Lookup, row: ResultRow, statistic: str) -> str:
    p = look.like(row, f"{statistic}_p")
    return cell(look.like(row, statistic)) + (f"\np {_equals(p.value)}" if p else "")


def _equals(p: float | None) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def _pair(look: Lookup, r: ResultRow) -> str:
    return f"{judged_on(r)}: {test_name(r.test)}{marked(look, r)}"


def _difference(look: Lookup, r: ResultRow) -> tuple[str, ...]:
    p = look.like(r, f"{r.statistic}_p")
    return (
        statistic_name(r.statistic.removesuffix("_difference")), with_clusters(r),
        interval_of(r), cell(p),
    )  # fmt: skip
