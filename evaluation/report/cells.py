"""Cells of tables: how a row is named, and how a value stands with its interval and counts."""

import re
from collections.abc import Iterable

from evaluation.analysis import ResultRow
from evaluation.report.document import Table
from evaluation.report.formats import (
    CONDITIONS,
    QUANTITIES,
    REGIONS,
    STATISTICS,
    TESTS,
    UNITS,
    WITHHELD,
    Printed,
    count_of,
    interval_of,
    label,
    method,
    n_of,
    number,
    value_of,
    withheld,
)
from evaluation.report.lookup import EXPLORATORY, PROPOSAL, Lookup
from evaluation.report.wording import say, sentence

_FLAGS = re.compile(r" \[[^\]]*\]| \([^():]*: [^()]*\)")
_VARYING = re.compile(r", fraction of missing information [0-9.]+")
"""What differs from row to row and would make a method of each."""
_VERDICTS = {"rejected", "equivalent"}
_P_VALUES = {"raw_p", "adjusted_p"}
Row = tuple[str, ...]


def cell(row: ResultRow | None, *, split: bool = True) -> str:
    """Return the printed value of any row: a count, a p-value, or an estimate with its interval."""
    if row is None:
        return "–"
    if row.value is None and withheld(row):
        return WITHHELD
    if row.statistic in _P_VALUES or row.statistic.endswith("_p"):
        return Printed.of(p_value(row.value), row)
    if row.statistic in _VERDICTS and row.value is not None:
        return Printed.of(say("yes") if row.value else say("no"), row)
    if row.method == "count":
        return count_of(row)
    return interval_of(row, split=split)


def p_value(p: float | None) -> str:
    """Return a p-value as printed in papers.

    Examples
    --------
    >>> p_value(0.0004), p_value(0.04), p_value(None)
    ('< 0.001', '0.040', '–')
    """
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else number(p, 3)


def statistic_name(statistic: str) -> str:
    """Return the printed name of a statistic as the head of a line or column."""
    head, _, tail = statistic.partition(":")
    name = say(f"patterns.{head}", value=tail) if tail else label(STATISTICS, statistic)
    return name[:1].upper() + name[1:]


def judged_on(row: ResultRow) -> str:
    """Return target condition and unit of a row as a heading."""
    return f"{label(CONDITIONS, row.target_condition)}, {say('per')} {UNITS[row.unit]}"


def test_name(test: str) -> str:
    """Return the printed name of a test, of a reader's readings, or of a pair of tests."""
    names = [label(TESTS, name) for name in test.split(" - ")]
    return f" {say('against')} ".join(names)


def measured(row: ResultRow) -> str:
    """Return what was measured and where: ``SUVmean, liver``."""
    name, region = label(QUANTITIES, row.quantity), region_name(row.region)
    return f"{name}, {region}" if region else name


def region_name(region: str) -> str:
    """Return the printed name of a region; the body as a whole has none."""
    kind, _, name = region.partition(":")
    if kind == "uptake":
        return f"{name.replace('-', '–')} SUV"
    if kind == "organ":
        return sentence(name.replace("_", " "))
    return REGIONS.get(kind) or ("" if kind in REGIONS else sentence(region.replace("_", " ")))


def about(row: ResultRow) -> str:
    """Return what a row is about, whatever family it belongs to, without its statistic."""
    if row.target_condition and row.unit in UNITS:
        named = f", {test_name(row.test)}" if row.test else ""
        return f"{judged_on(row)}{named}"
    parts = [measured(row)] if row.quantity else []
    parts += [test_name(row.test)] if row.test else []
    return ", ".join(parts) or label(STATISTICS, row.endpoint)


def median_of(row: ResultRow | None, low: ResultRow | None, high: ResultRow | None) -> str:
    """Return ``median [lower quartile to upper quartile]``."""
    if row is None or row.value is None:
        return "–"
    return f"{value_of(row)} [{range_of(low, high)}]"


def range_of(low: ResultRow | None, high: ResultRow | None) -> str:
    """Return ``low to high``."""
    if low is None or high is None or low.value is None or high.value is None:
        return "–"
    return f"{value_of(low)} {say('to')} {value_of(high)}"


def with_clusters(row: ResultRow) -> str:
    """Return the units used, and in brackets the participants where they are fewer."""
    return f"{row.n:,} ({row.clusters:,})" if row.clusters != row.n else n_of(row)


def methods_note(rows: Iterable[ResultRow | None]) -> tuple[str, ...]:
    """Return the notes that name each method once, with the statistics it made, and its flags."""
    made: dict[str, dict[str, None]] = {}
    also: dict[str, None] = {}
    flags: dict[str, None] = {}
    for r in rows:
        if r is not None and r.value is not None and r.method not in {"count", "none"}:
            first, *more = _VARYING.sub("", _FLAGS.sub("", r.method)).split("; ")
            made.setdefault(method(first), {})[statistic_name(r.statistic)] = None
            also |= dict.fromkeys(map(method, more))
            flags |= dict.fromkeys(_flag_words(r.method))
    if not made:
        return ()
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, statistics in made.items():
        alike.setdefault(tuple(statistics), []).append(name)
    names = "; ".join(f"{', '.join(s)}: {say('or').join(m)}" for s, m in alike.items())
    one = say("notes.method", names=next(iter(made)))
    notes = [one if len(made) == 1 else say("notes.methods", names=names)]
    notes += [say("notes.also", names="; ".join(also))] if also else []
    notes += [say("notes.flags", names=", ".join(flags))] if flags else []
    return tuple(notes)


def _flag_words(name: str) -> list[str]:
    found = [part for group in _FLAGS.findall(name) for part in group.strip(" []()").split(", ")]
    return [" ".join(_flag(part).split()) for part in found]


def _flag(part: str) -> str:
    """A flag in words, with the sites or levels that it names behind it."""
    words, _, named = part.replace("_", " ").partition(":")
    return f"{sentence(words.strip())} {named.replace(':', ' ')}"


def marked(look: Lookup, row: ResultRow) -> str:
    """Return the mark of a row with a space before it, or nothing."""
    mark = look.mark(row)
    return f"\N{NO-BREAK SPACE}{mark}" if mark else ""


def figure_marks(look: Lookup, rows: Iterable[ResultRow]) -> str:
    """Return the words that send the reader of a figure's marks to the tables, or nothing."""
    found = sorted({sign for r in rows for sign in look.mark(r)})
    return f" {say('marks.figure', marks=', '.join(found))}" if found else ""


def marks_note(table: Table) -> tuple[str, ...]:
    """Return the notes that explain the marks standing in a table."""
    text = "".join(cell for row in table.rows for cell in row[: table.text_columns])
    text += table.title + "".join(table.columns) + "".join(name for _, name in table.groups)
    notes = [
        say(f"marks.{name}")
        for mark, name in ((EXPLORATORY, "exploratory"), (PROPOSAL, "proposal"))
        if mark in text
    ]
    if any(WITHHELD in cell.split() for row in table.rows for cell in row):
        notes.append(say("marks.withheld"))
    return tuple(notes)


def grouped(
    lines: Iterable[tuple[str, Row]],
) -> tuple[tuple[Row, ...], tuple[tuple[int, str], ...]]:
    """Return rows and their subheadings from lines that each name the group they belong to."""
    rows: list[Row] = []
    groups: list[tuple[int, str]] = []
    for group, row in lines:
        if not groups or groups[-1][1] != group:
            groups.append((len(rows), group))
        rows.append(row)
    return tuple(rows), tuple(groups)
