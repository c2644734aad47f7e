"""The tables about participants: flow, baseline, missing results."""

from evaluation.analysis import ResultRow
from evaluation.report.cells import about, cell, median_of, statistic_name
from evaluation.report.document import Table
from evaluation.report.formats import (
    CONDITIONS,
    STEPS,
    count_of,
    label,
    value_of,
)
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, says


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
        _line(r.quantity, [look.like(r, "excluded", subgroup=s) for s in places]) for r in reasons
    )
    if not rows:
        return None
    return Table(say("flow.exclusions"), _site_columns(places), rows, id="exclusions")


def baseline_table(look: Lookup) -> Table:
    """Return age and sex by site."""
    places = ["all", *look.sites()]
    cells = [_baseline_cells(look, place) for place in places]
    rows = tuple(
        (name, *values)
        for name, values in zip(says("baseline.rows"), zip(*cells, strict=True), strict=True)
    )
    return Table(say("baseline.title"), _site_columns(places), rows, id="baseline")


def baseline_by_condition(look: Lookup) -> Table | None:
    """Return age and sex of participants with and without each target condition."""
    places = list(dict.fromkeys(
        r.subgroup for r in look.where(endpoint="baseline", statistic="participants")
        if r.subgroup != "all" and not r.subgroup.startswith("site:")
    ))  # fmt: skip
    if not places:
        return None
    cells = [_baseline_cells(look, place) for place in places]
    rows = tuple((_status(place), *values) for place, values in zip(places, cells, strict=True))
    return Table(
        say("baseline.by_condition"), ("", *says("baseline.rows")), rows,
        notes=(say("baseline.by_condition_note"),), id="baseline_by_condition",
    )  # fmt: skip


def missing_table(look: Lookup) -> Table | None:
    """Return what is missing of every variable that the analysis uses."""
    used = look.where(endpoint="missingness", subgroup="all")
    if not used:
        return None
    statistics = list(dict.fromkeys(r.statistic for r in used))
    first = {(r.quantity, r.test, r.target_condition, r.unit, r.region): r for r in reversed(used)}
    rows = tuple(
        (about(r), *(cell(look.like(r, s), split=False) for s in statistics))
        for r in sorted(first.values(), key=lambda r: r.order)
    )
    columns = ("", *(statistic_name(s) for s in statistics))
    return Table(say("missing.title"), columns, rows, id="missingness")


def _site_columns(places: list[str]) -> tuple[str, ...]:
    return ("", say("all"), *(s.removeprefix("site:") for s in places[1:]))


def _line(name: str, found: list[ResultRow | None]) -> tuple[str, ...]:
    return (name, *(count_of(r) for r in found))


def _target(look: Lookup, subgroup: str) -> ResultRow | None:
    return look.get("target", endpoint="recruitment", subgroup=subgroup)


def _sets_note(look: Lookup) -> str:
    sizes = look.where(endpoint="analysis_set", subgroup="all")
    words = ", ".join(f"{r.analysis_set.replace('_', ' ')} {count_of(r)}" for r in sizes)
    return say("flow.sets", sets=words)


def _status(place: str) -> str:
    condition, _, status = place.partition(":")
    return f"{label(CONDITIONS, condition)}: {status.replace('_', ' ')}"


def _baseline_cells(look: Lookup, subgroup: str) -> tuple[str, ...]:
    def age(statistic: str) -> ResultRow | None:
        return look.get(statistic, endpoint="baseline", quantity="age_years", subgroup=subgroup)

    def sex(statistic: str) -> str:
        return count_of(look.get(statistic, endpoint="baseline", quantity="sex", subgroup=subgroup))

    mean = age("mean")
    known = mean is not None and mean.value is not None
    return (
        count_of(look.get("participants", endpoint="baseline", subgroup=subgroup)),
        f"{value_of(mean)} ({value_of(age('sd'))})" if known else "–",
        median_of(age("median"), age("q1"), age("q3")),
        f"{sex('female')} / {sex('male')}",
        str(mean.missing) if mean else "–",
    )
