"""The tables about sites: what they have in common, how much they differ, who they are."""

import pandas as pd

from evaluation.analysis import ResultRow
from evaluation.report.cells import (
    Row,
    cell,
    grouped,
    judged_on,
    marked,
    measured,
    methods_note,
    statistic_name,
    test_name,
)
from evaluation.report.document import Table
from evaluation.report.formats import (
    interval_of,
    level_of,
    number,
    value_of,
)
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, says

_POOLED = "sites_pooled"


def heterogeneity_table(look: Lookup) -> Table | None:
    """Return what the sites have in common and how much they differ."""
    used = _pooled(look)
    if not used:
        return None
    columns = tuple(c.format(level=level_of(look.rows)) for c in says("sites.columns"))
    notes = (say("sites.new_site"), say("sites.tau"), *methods_note(used))
    rows, groups = grouped((_group(r), _sites(look, r)) for r in used)
    return Table(say("sites.title"), columns, rows, notes=notes, groups=groups, id="heterogeneity")


def leave_one_out_table(look: Lookup) -> Table | None:
    """Return the pooled value without each site in turn."""
    codes = [s.removeprefix("site:") for s in look.sites()]
    lines: list[tuple[str, Row]] = []
    for r in filter(look.headline, _pooled(look)):
        prefix = r.statistic.removesuffix(_POOLED)
        left = [look.like(r, f"{prefix}leave_out:{code}") for code in codes]
        if any(left):
            name = f"{_about(r)}{marked(look, r)}"
            lines.append((_group(r), (name, *(interval_of(x, split=True) for x in left))))
    rows, groups = grouped(lines)
    if not rows:
        return None
    columns = ("", *(say("sites.without", code=code) for code in codes))
    title = say("sites.leave_one_out", level=level_of(look.rows))
    return Table(
        title, columns, rows, notes=(say("sites.headline"),), groups=groups, id="leave_one_out"
    )


def site_list(sites: pd.DataFrame) -> Table:
    """Return the codes that stand for the sites."""
    chinese = [str(name) for name in sites["name_zh"]] if "name_zh" in sites else []
    columns = [sites["code"], sites["name"], *([chinese] if any(chinese) else [])]
    rows = tuple(tuple(map(str, row)) for row in zip(*columns, strict=True))
    width = len(columns)
    return Table(
        say("sites.codes"), says("sites.code_columns")[:width], rows, text_columns=width,
        widths=(1, 6, 4)[:width], id="sites",
    )  # fmt: skip


def _pooled(look: Lookup) -> list[ResultRow]:
    found = [
        r for r in look.rows
        if r.statistic.endswith(_POOLED) and r.subgroup == "all" and r.analysis == "main"
    ]  # fmt: skip
    return [r for r in found if r.value is not None]


def _group(r: ResultRow) -> str:
    return judged_on(r) if r.target_condition else say("sites.primary")


def _about(r: ResultRow) -> str:
    inner = r.statistic.removesuffix(_POOLED).rstrip("_")
    if r.target_condition:
        return f"{statistic_name(inner)}, {test_name(r.test)}"
    kind = say("sites.bias") if r.unit_of_value == "%" else say("mean")
    return f"{measured(r)}, {kind}"


def _sites(look: Lookup, r: ResultRow) -> tuple[str, ...]:
    prefix = r.statistic.removesuffix(_POOLED)
    prediction, tau, i2, p = (
        look.like(r, f"{prefix}sites_{name}") for name in ("prediction", "tau", "i2_percent", "q_p")
    )
    new_site = "–"
    if prediction and prediction.lower is not None:
        new_site = interval_of(prediction).partition(" ")[2].strip("()")
    return (
        f"{_about(r)}{marked(look, r)}", str(r.clusters), interval_of(r), new_site,
        number(tau.value if tau else None, 3), value_of(i2), cell(p),
    )  # fmt: skip
