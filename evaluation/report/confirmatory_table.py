"""The confirmatory hypotheses in their order, raw and adjusted p beside each other."""

from evaluation.analysis import ResultRow
from evaluation.analysis.plan_methods import Hypothesis
from evaluation.report.cells import (
    about,
    cell,
    marked,
    measured,
    methods_note,
    region_name,
    statistic_name,
    test_name,
)
from evaluation.report.document import Table
from evaluation.report.formats import CONDITIONS, QUANTITIES, UNITS, label, level_of, number
from evaluation.report.lookup import Lookup
from evaluation.report.plan_tables import analysis_name
from evaluation.report.wording import say, says, sentence


def multiplicity_table(look: Lookup) -> Table | None:
    """Return claim, estimate, raw and adjusted p of every hypothesis that the plan tests."""
    tested = look.where(endpoint="multiplicity", statistic="raw_p")
    if not tested:
        return None
    rows = tuple(_line(look, r) for r in sorted(tested, key=lambda r: (_step(look, r), r.order)))
    columns = tuple(c.format(level=level_of(look.rows)) for c in says("multiplicity.columns"))
    made = [look.like(r, s) for r in tested for s in ("estimate", "estimate_lower", "adjusted_p")]
    whys = dict.fromkeys(
        f"{r.test}: {sentence(r.reason)}." for r in tested if r.value is None and r.reason
    )
    return Table(
        say("multiplicity.title"), columns, rows, text_columns=2, widths=(2, 15, 8, 4, 4, 4),
        notes=(say("multiplicity.note"), *whys, *methods_note(made)), id="multiplicity",
    )  # fmt: skip


def _line(look: Lookup, r: ResultRow) -> tuple[str, ...]:
    estimates = [look.like(r, s) for s in ("estimate", "estimate_lower", "estimate_upper")]
    return (
        f"{_step(look, r):g}", f"{r.test}{marked(look, r)}\n{_claim(look, r)}",
        "\n".join(cell(e, split=False) for e in estimates if e) or "–", cell(r),
        cell(look.like(r, "adjusted_p")), cell(look.like(r, "rejected")),
    )  # fmt: skip


def _step(look: Lookup, r: ResultRow) -> float:
    found = look.like(r, "order")
    return found.value if found and found.value is not None else float(r.order)


def _claim(look: Lookup, r: ResultRow) -> str:
    tested = look.plan.multiplicity.hypothesis if look.plan and look.plan.multiplicity else ()
    h = next((h for h in tested if h.id == r.test), None)
    if h is None:
        return measured(r) if r.quantity else about(r)
    bounds = [number(b, 2).rstrip("0").rstrip(".") for b in (h.null, h.null_lower, h.null_upper)]
    claim = say(
        f"multiplicity.{h.direction}", null=bounds[0], lower=bounds[1], upper=bounds[2],
        what=_what(h),
    )  # fmt: skip
    return claim if h.analysis == "main" else f"{claim} ({analysis_name(look, h.analysis)})"


def _what(h: Hypothesis) -> str:
    name = statistic_name(h.statistic)
    if h.quantity:
        region = region_name(h.region)
        return f"{label(QUANTITIES, h.quantity)}{f', {region}' if region else ''}, {name.lower()}"
    unit = f"{say('per')} {UNITS.get(h.unit, h.unit)}"
    return f"{name}, {label(CONDITIONS, h.endpoint).lower()} {unit}, {test_name(h.test)}"
