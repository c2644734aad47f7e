"""The tables that set index tests against each other on the same units."""

from collections.abc import Sequence

from evaluation.analysis import ResultRow
from evaluation.report.cells import (
    about,
    cell,
    grouped,
    judged_on,
    marked,
    methods_note,
    p_value,
    statistic_name,
    test_name,
    with_clusters,
)
from evaluation.report.document import Table
from evaluation.report.formats import interval_of, level_of
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, says

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
    used = [r for r in look.where(endpoint=endpoint) if r.subgroup == "all"]
    if not used:
        return None
    return statistics_table(look, used, endpoint)


def statistics_table(look: Lookup, used: Sequence[ResultRow], endpoint: str) -> Table:
    """Return rows with their statistics as columns, or as lines where there are many."""
    shown = [s for s in dict.fromkeys(r.statistic for r in used) if not s.endswith("_p")]
    first = {_place(r): r for r in reversed(used)}
    places = sorted(first.values(), key=lambda r: r.order)
    title = say(f"{endpoint}.title", level=level_of(look.rows))
    notes = (say(f"{endpoint}.note"), *methods_note(used))
    if len(shown) > _SIDE_BY_SIDE:
        lines = [
            (f"{about(r)}{marked(look, r)}", _line(look, beside))
            for r in places for s in shown if (beside := look.like(r, s))
        ]  # fmt: skip
        rows, groups = grouped(lines)
        columns = tuple(c.format(level=level_of(look.rows)) for c in says("statistics.columns"))
        return Table(title, columns, rows, notes=notes, groups=groups, id=endpoint)
    rows = tuple(
        (f"{about(r)}{marked(look, r)}", *(_with_p(look, r, s) for s in shown)) for r in places
    )
    columns = ("", *(statistic_name(s) for s in shown))
    return Table(title, columns, rows, notes=notes, id=endpoint)


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
