"""The tables about agreement of metabolic parameters, per lesion and per organ."""

from evaluation.analysis import ResultRow
from evaluation.report.cells import marked, measured, methods_note, range_of, with_clusters
from evaluation.report.document import Table
from evaluation.report.formats import interval_of, level_of, missing_of, value_of
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, says

_RATIO = ("bias_percent", "loa_lower_percent", "loa_upper_percent", "ccc")


def agreement_table(look: Lookup) -> Table | None:
    """Return agreement on the ratio scale."""
    biases = look.where(family="primary", statistic="bias_percent", subgroup="all")
    if not biases:
        return None
    rows = tuple(
        (
            f"{measured(r)}{marked(look, r)}", with_clusters(r), missing_of(r),
            *(interval_of(look.like(r, s), split=True) for s in _RATIO),
        )
        for r in biases
    )  # fmt: skip
    used = [look.like(r, s) for r in biases for s in _RATIO]
    return Table(
        say("agreement.title", level=level_of(look.rows)), says("agreement.columns"), rows,
        notes=(say("agreement.note"), *methods_note(used)), id="agreement",
    )  # fmt: skip


def raw_agreement_table(look: Lookup) -> Table | None:
    """Return agreement in the unit of each parameter."""
    biases = look.where(family="primary", statistic="bias", subgroup="all")
    if not biases:
        return None
    rows = tuple(
        (
            f"{measured(r)}{marked(look, r)}", value_of(look.like(r, "mean_reference")),
            value_of(look.like(r, "mean_synthetic")), interval_of(r, split=True),
            range_of(look.like(r, "loa_lower"), look.like(r, "loa_upper")),
            interval_of(look.like(r, "slope"), split=True),
            interval_of(look.like(r, "icc_a1"), split=True),
            interval_of(_within(look, r), split=True),
        )
        for r in biases
    )  # fmt: skip
    within = [w for r in biases if (w := _within(look, r))]
    shares = dict.fromkeys(_percent(w) for w in within)
    notes = [say("agreement.acceptance", share=" / ".join(shares))] if shares else []
    used = [x for r in biases for s in ("bias", "slope", "icc_a1") if (x := look.like(r, s))]
    return Table(
        say("agreement.raw_title", level=level_of(look.rows)), says("agreement.raw_columns"), rows,
        notes=(*notes, say("agreement.slope"), *methods_note([*used, *within])),
        id="agreement_raw",
    )  # fmt: skip


def _within(look: Lookup, row: ResultRow) -> ResultRow | None:
    near = [
        r
        for r in look.where(
            endpoint=row.endpoint, quantity=row.quantity, region=row.region, subgroup="all"
        )
        if r.statistic.startswith("within_")
    ]
    return near[0] if near else None


def _percent(row: ResultRow) -> str:
    return row.statistic.removeprefix("within_").removesuffix("_percent")
