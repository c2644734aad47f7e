"""Takes small counts, and what would give them away, out of result rows."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType

from evaluation.analysis import AnalysisResult, ResultRow
from evaluation.report.suppression.book import MASK, Place, place_of
from evaluation.report.suppression.ledger import RowCells, ledger_of
from evaluation.report.suppression.protection import Cell, hidden_cells

_PUBLIC_SERIES = ("sites",)
_SINGLE = ("min", "max")
_ONE_PERSON = f"{MASK}the value of one participant"


def suppressed(rows: Iterable[ResultRow], *, below: int = 5) -> tuple[ResultRow, ...]:
    """Return the rows without counts from 1 to ``below - 1`` and without what reveals them.

    Parameters
    ----------
    rows
        All rows of a result: what one table hides another may give away, so that rows must be
        suppressed together.
    below
        The smallest count that may leave the platform.

    Returns
    -------
    tuple of ResultRow
        The same rows in the same order. A suppressed row has no value and no interval, and its
        reason begins ``suppressed: fewer than``; where the number of participants or units is hidden
        itself, ``n``, ``clusters`` and ``missing`` are 0 and the reason says so. Small counts and
        those hidden to protect them have the same reason: to tell them apart would help to undo it.

    Raises
    ------
    ValueError
        If ``below`` is less than 2.

    Notes
    -----
    Small are counts of participants, units or readings with an attribute, and denominators. What is
    missing, failed or indeterminate, and steps of the participant flow as differences of each
    other, are figures of the process and are not protected. Sites add up to totals,
    cross-tabulations to their margins, readers to all readings, levels to who is known; proportions
    go with their counts, differences with their sides, sensitivity analyses with the main one,
    pooled values without a site with that site, curves of net benefit with the table of their test.
    Smallest and largest values of one participant never leave. Suppressing twice changes nothing.
    """
    if below < 2:
        raise ValueError(f"below must be at least 2, not {below}")
    given = tuple(rows)
    ledger = ledger_of(given)
    order = _site_order(given)

    sizes = frozenset(cell for row in ledger.rows for cell in row.sizes)

    def preference(cell: Cell) -> tuple[object, ...]:
        # Sites before totals, findings before denominators, somebody before nobody.
        _, subgroup = cell
        count = ledger.counts[cell]
        return (subgroup == "all", cell in sizes, count == 0, order[subgroup], count, str(cell))

    hidden = hidden_cells(ledger.counts, ledger.relations, below=below, preference=preference)
    masked = [
        _masked(row, cells, hidden, below) for row, cells in zip(given, ledger.rows, strict=True)
    ]
    while (further := _dependents(given, masked, below)) != masked:
        masked = further
    return tuple(masked)


def released(result: AnalysisResult, *, below: int = 5) -> AnalysisResult:
    """Return a result fit to leave the platform: suppressed rows, no point of a participant.

    Series keep their columns; only the table of sites keeps its rows.
    """
    series = {
        name: frame if name in _PUBLIC_SERIES else frame.iloc[:0]
        for name, frame in result.series.items()
    }
    rows = suppressed(result.rows, below=below)
    return replace(result, rows=rows, series=MappingProxyType(series))


def _site_order(rows: Sequence[ResultRow]) -> dict[str, int]:
    """Return the rank of each subgroup by size: every table gives up the same small site first."""
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[row.subgroup] = max(sizes.get(row.subgroup, 0), row.n)
    ranked = sorted(sizes, key=lambda name: (sizes[name], name))
    return {name: i for i, name in enumerate(ranked)}


def _masked(row: ResultRow, cells: RowCells, hidden: frozenset[Cell], below: int) -> ResultRow:
    if row.statistic in _SINGLE and row.method == "order statistic":
        return _without(row, _ONE_PERSON)
    if cells.sizes & hidden:
        reason = f"{_reason(below)}; the number of observations is withheld too"
        return replace(_without(row, reason), n=0, clusters=0, missing=0)
    return _without(row, _reason(below)) if cells.contents & hidden else row


def _reason(below: int) -> str:
    return f"{MASK}fewer than {below}, or would reveal such a number"


def _without(row: ResultRow, reason: str) -> ResultRow:
    if row.reason.startswith(MASK):
        return row
    return replace(row, value=None, lower=None, upper=None, reason=reason)


def _dependents(
    given: tuple[ResultRow, ...], masked: list[ResultRow], below: int
) -> list[ResultRow]:
    """Suppress rows that say of a suppressed row what it no longer says itself."""
    gone: set[tuple[str, ...]] = set()
    for row in masked:
        if row.reason.startswith(MASK):
            gone.add((*place_of(row), row.statistic, row.subgroup))
            gone.add(_question(row))
    told = {
        (row.value, row.lower)
        for row, now in zip(given, masked, strict=True)
        if row.value is not None and row.lower is not None and now.value is None
    }
    return [
        _without(row, _reason(below))
        if row.value is not None
        and (not gone.isdisjoint(_sources(row)) or (row.value, row.lower) in told)
        else row
        for row in masked
    ]


def _sources(row: ResultRow) -> list[tuple[str, ...]]:
    """Return the rows from which a row, with others at hand, could be worked back."""
    place, statistic, at = place_of(row), row.statistic, row.subgroup
    sources = []
    if row.analysis != "main":
        sources.append(("main", *place[1:], statistic, at))
    prefix, found, site = statistic.partition("leave_out:")
    if found:
        measures = [prefix.removesuffix("_")] if prefix else ["mean", "bias_percent"]
        sources += [(*place, name, f"site:{site}") for name in measures]
    tests = row.test.split(" - ")
    measure = statistic.removesuffix("_p").removesuffix("_difference")
    if len(tests) == 2 and measure != statistic:
        sources += [(*_of_test(place, test), measure, at) for test in tests]
    if row.family in {"prediction", "precision"}:
        sources += [_question(row, test) for test in tests]
    return sources


def _of_test(place: Place, test: str) -> Place:
    return (*place[:3], test, *place[4:])


def _question(row: ResultRow, test: str | None = None) -> tuple[str, ...]:
    """Name a test, target condition and unit: curves and planned widths follow its table."""
    if row.family == "secondary" and row.subgroup == "all" and row.analysis == "main":
        return ("question", row.test, row.target_condition, row.unit)
    if test is None or not row.target_condition:
        return ("no question",)
    return ("question", test, row.target_condition, row.unit)
