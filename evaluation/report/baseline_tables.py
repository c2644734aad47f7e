"""Baseline of the participants: by site, and with and without each target condition."""

from collections.abc import Sequence

from evaluation.analysis import ResultRow
from evaluation.report.cells import Row, median_of
from evaluation.report.document import Table
from evaluation.report.formats import CONDITIONS, QUANTITIES, count_of, label, value_of, withheld
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, sentence

_COUNT = "count:"


def baseline_table(look: Lookup) -> Table | None:
    """Return every baseline variable of the plan by site."""
    places = ["all", *look.sites()]
    heads = (say("all"), *(s.removeprefix("site:") for s in places[1:]))
    return _table(look, places, heads, "baseline")


def baseline_by_condition(look: Lookup) -> Table | None:
    """Return the same of participants with and without each target condition."""
    found = look.where(endpoint="baseline", statistic="participants")
    places = [
        name for name in dict.fromkeys(r.subgroup for r in found)
        if name != "all" and not name.startswith("site:")
    ]  # fmt: skip
    return _table(look, places, [_status(p) for p in places], "baseline_by_condition")


def _table(look: Lookup, places: Sequence[str], heads: Sequence[str], name: str) -> Table | None:
    whole = look.where(endpoint="baseline", subgroup="all")
    if not places or not whole:
        return None
    sizes = [look.get("participants", endpoint="baseline", subgroup=s) for s in places]
    rows: list[Row] = [(say("baseline.participants"), *map(count_of, sizes))]
    absent = []
    for quantity in dict.fromkeys(r.quantity for r in whole if r.quantity):
        own = [r for r in whole if r.quantity == quantity]
        title = _title(look, quantity)
        if own[0].value is None and not withheld(own[0]) and own[0].reason:
            absent.append(title)
            continue
        made = _number if own[0].statistic == "mean" else _category
        rows += made(look, own, places, title)
    notes = [say("baseline.absent", names=", ".join(absent))] if absent else []
    notes += [say("baseline.by_condition_note")] if name == "baseline_by_condition" else []
    return Table(say(f"baseline.{name}"), ("", *heads), tuple(rows), notes=tuple(notes), id=name)


def _title(look: Lookup, quantity: str) -> str:
    for variable in look.plan.baseline if look.plan else ():
        if variable.column == quantity:
            title = sentence(variable.title)
            return f"{title} ({variable.unit})" if variable.unit else title
    return label(QUANTITIES, quantity)


def _number(look: Lookup, own: list[ResultRow], places: Sequence[str], title: str) -> list[Row]:
    first = own[0]

    def at(statistic: str, place: str) -> ResultRow | None:
        return look.like(first, statistic, subgroup=place)

    return [
        (say("baseline.mean", name=title), *(_mean_sd(at("mean", p), at("sd", p)) for p in places)),
        (
            say("baseline.median", name=title),
            *(median_of(at("median", p), at("q1", p), at("q3", p)) for p in places),
        ),
        _unknown(look, first, places, title),
    ]


def _category(look: Lookup, own: list[ResultRow], places: Sequence[str], title: str) -> list[Row]:
    counted = [r for r in own if r.statistic != "known"]
    lines = [
        (
            f"{title}: {sentence(r.statistic.removeprefix(_COUNT).replace('_', ' '))}",
            *(_share(look.like(r, r.statistic, subgroup=p)) for p in places),
        )
        for r in counted
    ]
    return [*lines, _unknown(look, own[0], places, title)]


def _unknown(look: Lookup, first: ResultRow, places: Sequence[str], title: str) -> Row:
    found = [look.like(first, first.statistic, subgroup=p) for p in places]
    counts = ("*" if r and withheld(r) else f"{r.missing:,}" if r else "–" for r in found)
    return (say("baseline.unknown", name=title), *counts)


def _mean_sd(mean: ResultRow | None, sd: ResultRow | None) -> str:
    if mean is None or mean.value is None:
        return value_of(mean)
    return f"{value_of(mean)} ({value_of(sd)})"


def _share(row: ResultRow | None) -> str:
    if row is None or row.value is None or not row.n:
        return count_of(row)
    # The share is the count over the known ones: arithmetic of the row itself, no estimate.
    return f"{count_of(row)} ({100 * row.value / row.n:.0f} %)"


def _status(place: str) -> str:
    condition, _, status = place.partition(":")
    return f"{label(CONDITIONS, condition)}: {sentence(status.replace('_', ' '))}"
