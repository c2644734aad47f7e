"""The tables about participants: flow, baseline, missing results."""

from evaluation.analysis import ResultRow
from evaluation.report.cells import (
    cell,
    grouped,
    judged_on,
    measured,
    statistic_name,
    test_name,
)
from evaluation.report.document import Table
from evaluation.report.formats import (
    STEPS,
    count_of,
    n_of,
    withheld,
)
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, sentence


def flow_table(look: Lookup) -> Table:
    """Return participant flow by site."""
    places = ["all", *look.sites()]
    rows = [_line(say("flow.target"), [_target(look, s) for s in places])]
    for step, name in STEPS.items():
        found = [look.get(step, endpoint="participant_flow", subgroup=s) for s in places]
        rows.append(_line(name, found))
    return Table(
        say("flow.title"), _site_columns(places), tuple(rows), notes=(_sets_note(look),), id="flow",
    )  # fmt: skip


def exclusion_table(look: Lookup) -> Table | None:
    """Return who was left out, by reason and site."""
    places = ["all", *look.sites()]
    reasons = look.where(endpoint="participant_flow", statistic="excluded", subgroup="all")
    rows = tuple(
        _line(sentence(r.quantity), [look.like(r, "excluded", subgroup=s) for s in places])
        for r in reasons
    )
    if not rows:
        return None
    return Table(say("flow.exclusions"), _site_columns(places), rows, id="exclusions")


def missing_table(look: Lookup) -> Table | None:
    """Return what is missing of every variable that the analysis uses."""
    used = look.where(endpoint="missingness", subgroup="all")
    if not used:
        return None
    statistics = list(dict.fromkeys(r.statistic for r in used))
    first = {(r.quantity, r.test, r.target_condition, r.unit, r.region): r for r in reversed(used)}
    places = sorted(first.values(), key=lambda r: r.order)
    known = [r for r in places if r.value is not None or withheld(r)]
    rows, groups = grouped(
        (_kind(r), (_variable(look, r), n_of(r), *(cell(look.like(r, s)) for s in statistics)))
        for r in known
    )
    absent = ", ".join(_variable(look, r) for r in places if r not in known)
    notes = (say("missing.absent", names=absent),) if absent else ()
    columns = ("", "n", *(statistic_name(s) for s in statistics))
    return Table(say("missing.title"), columns, rows, notes=notes, groups=groups, id="missingness")


def _kind(row: ResultRow) -> str:
    return judged_on(row) if row.target_condition else say("missing.variables")


def _variable(look: Lookup, row: ResultRow) -> str:
    if row.target_condition:
        return test_name(row.test) if row.test else say("missing.reference")
    column = look.plan.column_named(row.quantity) if look.plan else None
    return sentence(column.title) if column and column.title else measured(row)


def _site_columns(places: list[str]) -> tuple[str, ...]:
    return ("", say("all"), *(s.removeprefix("site:") for s in places[1:]))


def _line(name: str, found: list[ResultRow | None]) -> tuple[str, ...]:
    return (name, *(count_of(r) for r in found))


def _target(look: Lookup, subgroup: str) -> ResultRow | None:
    return look.get("target", endpoint="recruitment", subgroup=subgroup)


def _sets_note(look: Lookup) -> str:
    sizes = look.where(endpoint="analysis_set", subgroup="all")
    words = ", ".join(f"{sentence(r.analysis_set.replace('_', ' '))} {count_of(r)}" for r in sizes)
    return say("flow.sets", sets=words)
