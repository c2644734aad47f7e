"""The tables about image similarity: over all, by site, by uptake, against negative controls."""

from evaluation.analysis import ResultRow
from evaluation.report.cells import (
    cell,
    marked,
    measured,
    median_of,
    methods_note,
    range_of,
    region_name,
    statistic_name,
)
from evaluation.report.document import Table
from evaluation.report.formats import (
    QUANTITIES,
    Printed,
    interval_of,
    label,
    level_of,
    missing_of,
    n_of,
    value_of,
    withheld,
)
from evaluation.report.lookup import Lookup
from evaluation.report.subgroup_tables import subgroup_title
from evaluation.report.wording import named, say, says


def similarity_table(look: Lookup) -> Table | None:
    """Return image similarity over all participants."""
    means = _means(look)
    if not means:
        return None
    rows = tuple(
        (
            f"{measured(r)}{marked(look, r)}", n_of(r), missing_of(r), interval_of(r),
            value_of(look.like(r, "sd")),
            median_of(look.like(r, "median"), look.like(r, "q1"), look.like(r, "q3")),
            range_of(look.like(r, "p2_5"), look.like(r, "p97_5")),
        )
        for r in means
    )  # fmt: skip
    columns = tuple(c.format(level=level_of(look.rows)) for c in says("similarity.columns"))
    notes = (say("similarity.note"), *methods_note(means))
    return Table(say("similarity.title"), columns, rows, notes=notes, id="similarity")


def similarity_by_site(look: Lookup) -> Table | None:
    """Return mean similarity by site."""
    chosen = [r for r in _means(look) if r.quantity in {"structural_similarity", "psnr", "ssim"}]
    rows = []
    for place in ("all", *look.sites()):
        own = [look.like(r, "mean", subgroup=place) for r in chosen]
        pairs = n_of(own[0]) if own and own[0] else "–"
        name = say("all") if place == "all" else place.removeprefix("site:")
        rows.append((name, pairs, *(interval_of(r) for r in own)))
    columns = (
        *says("similarity.site_columns"),
        *(f"{label(QUANTITIES, r.quantity)}{marked(look, r)}" for r in chosen),
    )
    title = say("similarity.by_site", level=level_of(look.rows))
    return Table(title, columns, tuple(rows), id="similarity_by_site")


def uptake_table(look: Lookup) -> Table | None:
    """Return how the error moves with the uptake of the reference PET."""
    used = uptake_rows(look)
    if not _measured(used):
        return None
    quantities = list(dict.fromkeys(r.quantity for r in used))
    lines = {r.region: r for r in used}
    rows = []
    for region in lines:
        own = [next((r for r in used if (r.region, r.quantity) == (region, q)), None)
               for q in quantities]  # fmt: skip
        most = max((r for r in own if r), key=lambda r: r.n)
        rows.append((region_name(region), n_of(most), *(cell(r, split=False) for r in own)))
    columns = (
        *says("uptake.columns"),
        *(f"{label(QUANTITIES, q)}, {say('mean')}" for q in quantities),
    )
    marks = "".join(sorted({marked(look, r) for r in used}))
    title = say("uptake.title", level=level_of(look.rows)) + marks
    notes = (say("uptake.note"), *methods_note(used))
    return Table(title, columns, tuple(rows), notes=notes, id="uptake_trend")


def uptake_rows(look: Lookup) -> list[ResultRow]:
    """Return the mean errors by uptake stratum, lowest stratum first."""
    found = look.where(endpoint="uptake_trend", statistic="mean", subgroup="all")
    return sorted(found, key=lambda r: (_low(r.region), r.order))


def control_table(look: Lookup) -> Table | None:
    """Return what the same metrics say of images that are wrong on purpose."""
    used = look.where(endpoint="negative_controls", subgroup="all", statistic="mean")
    if not _measured(used):
        return None
    controls = list(dict.fromkeys(r.test for r in used))
    real = {r.quantity: r for r in _means(look)}
    rows = []
    for quantity in dict.fromkeys(r.quantity for r in used):
        own = {r.test: r for r in used if r.quantity == quantity}
        first = next(iter(own.values()))
        rows.append(
            (
                f"{measured(first)}{marked(look, first)}",
                cell(real.get(quantity), split=True), *(_control(look, own.get(c)) for c in controls),
            )
        )  # fmt: skip
    names = (named("control_names", c.removeprefix("control:")) for c in controls)
    columns = ("", say("controls.real"), *names)
    notes = (say("controls.note"), *methods_note(used))
    title = say("controls.title", level=level_of(look.rows))
    return Table(title, columns, tuple(rows), notes=notes, id="negative_controls")


def concordance_table(look: Lookup) -> Table | None:
    """Return agreement of organ volume and uptake by demographic subgroup."""
    used = look.where(endpoint="subgroup_concordance")
    if not used:
        return None
    statistics = list(dict.fromkeys(r.statistic for r in used))
    first = {(r.quantity, r.region, r.subgroup): r for r in reversed(used)}
    rows = tuple(
        (
            f"{measured(r)}{marked(look, r)}", subgroup_name(look, r.subgroup), n_of(r),
            *(cell(look.like(r, s)) for s in statistics),
        )
        for r in sorted(first.values(), key=lambda r: r.order)
    )  # fmt: skip
    columns = (*says("concordance.columns"), *(statistic_name(s) for s in statistics))
    return Table(
        say("concordance.title", level=level_of(look.rows)), columns, rows,
        notes=methods_note(used), text_columns=2, id="subgroup_concordance",
    )  # fmt: skip


def subgroup_name(look: Lookup, subgroup: str) -> str:
    """Return the printed name of a level of a subgroup: ``Sex: F``."""
    kind, _, level = subgroup.partition(":")
    return f"{subgroup_title(look, kind)}: {level}" if level else say("all")


def _measured(rows: list[ResultRow]) -> bool:
    return any(r.value is not None or withheld(r) for r in rows)


def _control(look: Lookup, row: ResultRow | None) -> str:
    difference = look.like(row, "mean_difference") if row else None
    if row is None or difference is None:
        return cell(row)
    below = say("controls.difference", difference=interval_of(difference))
    return Printed.of(f"{interval_of(row)}\n{below}", row)


def _means(look: Lookup) -> list[ResultRow]:
    found = look.where(family="primary", statistic="mean", subgroup="all")
    return [r for r in found if r.region == "body"]


def _low(region: str) -> float:
    text = region.removeprefix("uptake:").partition("-")[0].rstrip("+")
    try:
        return float(text)
    except ValueError:
        return float("inf")
