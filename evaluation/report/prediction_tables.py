"""The table of decision curves at the thresholds that matter most."""

from evaluation.analysis import ResultRow
from evaluation.report.cells import Row, cell, grouped, judged_on, marked, methods_note, test_name
from evaluation.report.document import Table
from evaluation.report.formats import level_of
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, says

_PREFIX = "threshold:"


def net_benefit_table(look: Lookup) -> Table | None:
    """Return net benefit at the cut-offs of the plan, or at every threshold where it has none."""
    used = look.where(endpoint="net_benefit", statistic="net_benefit", subgroup="all")
    chosen = [r for r in used if _threshold(r) in _cutoffs(look)] or used
    rows, groups = grouped((_heading(look, r), _line(look, r)) for r in _by_test(chosen))
    if not rows:
        return None
    columns = tuple(c.format(level=level_of(look.rows)) for c in says("net_benefit.columns"))
    notes = (say("net_benefit.note"), *methods_note(chosen))
    return Table(
        say("net_benefit.title"), columns, rows, notes=notes, groups=groups, id="net_benefit"
    )


def _cutoffs(look: Lookup) -> tuple[float, ...]:
    return look.plan.risk.reclassification_cutoffs if look.plan and look.plan.risk else ()


def _threshold(r: ResultRow) -> float:
    return float(r.quantity.removeprefix(_PREFIX))


def _by_test(rows: list[ResultRow]) -> list[ResultRow]:
    places = {(r.target_condition, r.unit, r.test): i for i, r in reversed(list(enumerate(rows)))}
    return sorted(rows, key=lambda r: places[r.target_condition, r.unit, r.test])


def _heading(look: Lookup, r: ResultRow) -> str:
    return f"{judged_on(r)}: {test_name(r.test)}{marked(look, r)}"


def _line(look: Lookup, r: ResultRow) -> Row:
    beside = [look.like(r, s) for s in ("net_benefit", "treat_all", "over_all")]
    return (f"{_threshold(r):g}", f"{r.n:,}", *(cell(e, split=False) for e in beside))
