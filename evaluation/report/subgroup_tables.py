"""The table of subgroups: estimates by level, with events, and the test of interaction."""

from evaluation.analysis import ResultRow
from evaluation.report.cells import (
    grouped,
    judged_on,
    marked,
    measured,
    p_value,
    statistic_name,
    test_name,
)
from evaluation.report.document import Table
from evaluation.report.formats import count_of, interval_of, level_of, n_of
from evaluation.report.lookup import Lookup
from evaluation.report.wording import say, says, sentence

_SHOWN = ("mean", "bias_percent", "sensitivity", "specificity", "auc")
_EVENTS = {"sensitivity": "tp", "specificity": "tn"}


def subgroup_table(look: Lookup) -> Table | None:
    """Return every estimate by subgroup with n, events and the p-value of the interaction."""
    lines = []
    for whole in subgroup_estimates(look):
        heading = f"{estimate_name(whole)}{marked(look, whole)}"
        lines.append((heading, _line(look, whole, say("all"), "")))
        for kind, levels in levels_of(look, whole).items():
            p = interaction(look, whole, kind)
            for i, r in enumerate(levels):
                name = r.subgroup.partition(":")[2]
                lines.append(
                    (
                        heading,
                        _line(look, r, f"{subgroup_title(look, kind)}: {name}", "" if i else p),
                    )
                )
    if not lines:
        return None
    rows, groups = grouped(lines)
    columns = tuple(c.format(level=level_of(look.rows)) for c in says("subgroups.columns"))
    return Table(
        say("subgroups.title"), columns, rows, notes=(say("subgroups.note"),), groups=groups,
        id="subgroups",
    )  # fmt: skip


def subgroup_estimates(look: Lookup) -> list[ResultRow]:
    """Return the overall rows of the estimates that are split by any subgroup."""
    split = [r for s in _SHOWN for r in look.where(statistic=s, subgroup="all")]
    found = [r for r in split if r.family in {"primary", "secondary"} and look.headline(r)]
    return sorted((r for r in found if levels_of(look, r)), key=lambda r: r.order)


def levels_of(look: Lookup, whole: ResultRow) -> dict[str, list[ResultRow]]:
    """Return the rows of each level by subgroup: ``{"sex": [row of F, row of M]}``."""
    kinds: dict[str, list[ResultRow]] = {}
    for subgroup in look.levels():
        r = look.like(whole, whole.statistic, subgroup=subgroup)
        if r:
            kinds.setdefault(subgroup.partition(":")[0], []).append(r)
    return kinds


def interaction(look: Lookup, whole: ResultRow, kind: str) -> str:
    """Return the printed p-value of the interaction, a dash where none was tested."""
    names = (f"{whole.statistic}_interaction_p", "interaction_p")
    found = next((r for n in names if (r := look.like(whole, n, subgroup=kind))), None)
    return p_value(found.value if found else None)


def estimate_name(r: ResultRow) -> str:
    """Return what an estimate is, with what it is about."""
    if r.target_condition:
        return f"{statistic_name(r.statistic)}: {judged_on(r)}, {test_name(r.test)}"
    kind = say("sites.bias") if r.statistic == "bias_percent" else say("mean")
    return f"{measured(r)}, {kind}"


def events_of(look: Lookup, r: ResultRow) -> str:
    """Return the numerator of a proportion, nothing for other estimates."""
    return count_of(look.like(r, _EVENTS[r.statistic])) if r.statistic in _EVENTS else ""


def subgroup_title(look: Lookup, kind: str) -> str:
    """Return what the plan calls a subgroup, or its id as words."""
    known = look.plan.subgroup if look.plan else ()
    name = sentence(next((s.title for s in known if s.id == kind), kind.replace("_", " ")))
    return name[:1].upper() + name[1:]


def _line(look: Lookup, r: ResultRow, name: str, p: str) -> tuple[str, ...]:
    return (name, n_of(r), events_of(look, r), interval_of(r), p)
