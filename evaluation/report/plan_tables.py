"""What the locked plan asked for: estimands, analysis sets, index tests, tests and choices."""

from collections.abc import Iterable

from evaluation.analysis import Plan
from evaluation.analysis.plan_methods import IntercurrentEvent
from evaluation.analysis.plan_parts import AnalysisSet
from evaluation.report.cells import Row, grouped, test_name
from evaluation.report.document import Table
from evaluation.report.formats import CONDITIONS, QUANTITIES, TESTS, count_of, label
from evaluation.report.lookup import PROPOSAL, Lookup
from evaluation.report.wording import named, names, say, says, sentence, spoken


def plan_tables(look: Lookup) -> list[Table]:
    """Return the tables of the plan; none for rows that came without one."""
    if look.plan is None:
        return []
    made = (
        _estimands(look.plan), _sets(look, look.plan), _tests(look.plan),
        _comparisons(look.plan), _analyses(look, look.plan), _choices(look.plan),
    )  # fmt: skip
    return [t for t in made if t.rows]


def _estimands(plan: Plan) -> Table:
    lines: list[tuple[str, Row]] = []
    titles = {p.id: p.title for p in plan.primary}
    titles |= {c.id: c.title for c in plan.target_condition}
    for e in plan.estimand:
        covered = "; ".join(
            sentence(titles.get(name) or name.replace("_", " ")) for name in e.endpoints
        )
        heading = f"{sentence(e.id.replace('_', ' '))}: {covered}{_mark(e.proposal)}"
        attributes = zip(
            says("estimands.attributes"),
            (
                sentence(e.population),
                sentence(e.variable),
                sentence(e.conditions),
                _events(e.intercurrent_event),
                sentence(e.summary),
            ),
            strict=True,
        )
        lines += [(heading, (name, text)) for name, text in attributes]
    rows, groups = grouped(lines)
    return Table(
        say("estimands.title"), says("estimands.columns"), rows, groups=groups, text_columns=2,
        widths=(1, 5), notes=(say("estimands.note"),), id="estimands",
    )  # fmt: skip


def _events(events: Iterable[IntercurrentEvent]) -> str:
    lines = [
        f"{sentence(e.event)}: {sentence(e.handling)} ({sentence(e.strategy)})" for e in events
    ]
    return "\n".join(lines) or say("estimands.no_events")


def _sets(look: Lookup, plan: Plan) -> Table:
    sizes = {
        r.analysis_set: count_of(r) for r in look.where(endpoint="analysis_set", subgroup="all")
    }
    rows = []
    for s in plan.analysis_set:
        words = ", ".join(_rule(plan, s))
        name = f"{sentence(s.id.replace('_', ' '))}{_mark(s.proposal)}"
        rows.append((name, sentence(s.text), words, sizes.get(s.id, "–")))
    return Table(
        say("sets.title"), says("sets.columns"), tuple(rows), text_columns=3,
        widths=(3, 6, 6, 2), id="analysis_sets",
    )  # fmt: skip


def _rule(plan: Plan, s: AnalysisSet) -> list[str]:
    """Return what a member of a set must fulfil, in the words of the plan."""
    rule = [_column(plan, name) for name in s.requires]
    rule += [f"{say('not')} {_column(plan, name)}" for name in s.excludes]
    for limit in s.limit:
        for sign, bound in (("≥", limit.at_least), ("≤", limit.at_most)):
            if bound is not None:
                rule.append(f"{_column(plan, limit.column)} {sign} {bound:g}")
    return rule


def _column(plan: Plan, name: str) -> str:
    column = plan.column_named(name)
    title = column.title if column else ""
    said = sentence(title)
    return (
        (f"{said[:1].lower()}{said[1:]}" if spoken() == "en" else said)
        if title
        else sentence(name.replace("_", " "))
    )


def _tests(plan: Plan) -> Table:
    rows = []
    for t in plan.index_test:
        cutoffs = "\n".join(
            f"{label(CONDITIONS, name)}: ≥ {value:g}" for name, value in t.cutoff.items()
        )
        role = say("tests.comparator") if t.comparator else say("tests.index")
        source = label(QUANTITIES, t.quantity) if t.quantity else say("tests.scores")
        locked = t.locked_on.isoformat() if t.locked_on else say("tests.not_dated")
        rows.append((f"{label(TESTS, t.id)}{_mark(t.proposal)}", role, source, cutoffs, locked))
    return Table(
        say("tests.title"), says("tests.columns"), tuple(rows), text_columns=5,
        widths=(5, 2, 3, 5, 2), notes=(say("tests.note"),), id="index_tests",
    )  # fmt: skip


def _comparisons(plan: Plan) -> Table:
    rows = []
    for c in plan.comparison:
        margin = c.non_inferiority_margin
        rows.append(
            (
                f"{test_name(f'{c.test} - {c.against}')}{_mark(c.proposal)}",
                say("comparisons.none") if margin is None else f"{margin:g}",
            )
        )
    return Table(
        say("comparisons.title"), says("comparisons.columns"), tuple(rows), widths=(3, 1),
        id="comparisons_planned",
    )  # fmt: skip


def analysis_name(look: Lookup, analysis: str) -> str:
    """Return the printed name of an analysis: of this report, else the title in the plan."""
    known = names("analyses")
    if analysis in known or look.plan is None:
        return known.get(analysis) or sentence(analysis.replace("_", " "))
    return sentence(next((s.title for s in look.plan.sensitivity if s.id == analysis), analysis))


def _analyses(look: Lookup, plan: Plan) -> Table:
    rows = tuple(
        (f"{analysis_name(look, s.id)}{_mark(s.proposal)}", sentence(s.title))
        for s in plan.sensitivity
    )
    return Table(
        say("sensitivity.planned"), says("sensitivity.planned_columns"), rows, text_columns=2,
        widths=(1, 3), id="sensitivity_planned",
    )  # fmt: skip


def _choices(plan: Plan) -> Table:
    image, methods, minimum = plan.image, plan.methods, plan.minimum
    mask = say(
        "choices.mask_text", threshold=f"{image.body_mask.threshold_hu:g}".replace("-", "−"),
        component=say("yes") if image.body_mask.largest_component else say("no"),
        filled=say("yes") if image.body_mask.fill_holes else say("no"),
    )  # fmt: skip
    values = {
        "plan": f"{sentence(plan.name)}, {say('choices.version')} {plan.version}",
        "level": f"{100 * plan.level:g} %",
        "data_range": f"{image.data_range_suv:g} SUV{_mark(image.proposal)}",
        "mask": f"{mask}{_mark(image.proposal)}",
        "pooling": f"{named('methods', methods.pooling)}{_mark(methods.proposal)}",
        "heterogeneity": methods.heterogeneity.upper()
        + (f", {say('choices.knapp_hartung')}" if methods.knapp_hartung else ""),
        "indeterminate": f"{named('methods', methods.indeterminate)}{_mark(methods.proposal)}",
        "failure": f"{named('methods', methods.failure)}{_mark(methods.proposal)}",
        "bootstrap": say(
            "choices.bootstrap_text", replicates=f"{plan.bootstrap_replicates:,}",
            kind=named("methods", methods.bootstrap), seed=plan.seed,
        ),
        "minimum": say(
            "choices.minimum_text", participants=minimum.participants,
            positives=minimum.positives, negatives=minimum.negatives,
        ) + _mark(minimum.proposal),
        "multiplicity": say("choices.sequence", alpha=f"{plan.multiplicity.alpha:g}")
        if plan.multiplicity else say("choices.no_multiplicity"),
    }  # fmt: skip
    rows = tuple((say(f"choices.{name}"), value) for name, value in values.items())
    return Table(
        say("choices.title"), says("choices.columns"), rows, text_columns=2, widths=(1, 3),
        id="plan_choices",
    )  # fmt: skip


def _mark(proposal: bool) -> str:  # noqa: FBT001
    return f"\N{NO-BREAK SPACE}{PROPOSAL}" if proposal else ""
