"""The tables about participants and primary endpoints."""

from evaluation.analysis import ResultRow
from evaluation.report.document import Lookup, Table
from evaluation.report.formats import (
    QUANTITIES,
    STEPS,
    count_of,
    interval_of,
    label,
    level_of,
    method,
    value_of,
)


def methods_note(rows: list[ResultRow]) -> tuple[str, ...]:
    """Return the footnote naming the methods of the rows, each once."""
    names = dict.fromkeys(
        method(r.method) for r in rows if r.value is not None and r.method != "count"
    )
    return (f"Methods: {'; '.join(names)}.",) if names else ()


def flow_table(look: Lookup) -> Table:
    """Return participant flow by site."""
    subgroups = ["all", *look.subgroups()]
    columns = ("", "All", *(s.removeprefix("site:") for s in subgroups[1:]))
    rows = [_target(look, subgroups)]
    rows += [
        (
            STEPS[step],
            *(count_of(look.get(step, endpoint="participant_flow", subgroup=s)) for s in subgroups),
        )
        for step in STEPS
    ]
    rows += [
        (
            f"Left out: {r.quantity}",
            *(count_of(look.like(r, "excluded", subgroup=s)) for s in subgroups),
        )
        for r in look.where(endpoint="participant_flow", statistic="excluded", subgroup="all")
    ]
    return Table("Participants by site", columns, tuple(rows), notes=(_sets_note(look),))


def baseline_table(look: Lookup) -> Table:
    """Return age and sex by site."""
    subgroups = ["all", *look.subgroups()]
    columns = ("", "All", *(s.removeprefix("site:") for s in subgroups[1:]))
    cells = [_baseline_cells(look, subgroup) for subgroup in subgroups]
    names = (
        "Participants", "Age, mean (SD), years", "Age, median [quartiles]", "Female / male",
        "Age not recorded",
    )  # fmt: skip
    rows = tuple(
        (name, *values) for name, values in zip(names, zip(*cells, strict=True), strict=True)
    )
    return Table("Baseline of enrolled participants", columns, rows)


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
        _median(age("median"), age("q1"), age("q3")),
        f"{sex('female')} / {sex('male')}",
        str(mean.missing) if mean else "–",
    )


def similarity_table(look: Lookup) -> Table:
    """Return image similarity over all participants."""
    means = [
        r
        for r in look.where(family="primary", statistic="mean", subgroup="all")
        if r.region == "body"
    ]
    rows = [
        (
            label(QUANTITIES, r.quantity), str(r.n), str(r.missing), interval_of(r),
            value_of(look.like(r, "sd")),
            _median(look.like(r, "median"), look.like(r, "q1"), look.like(r, "q3")),
            _range(look.like(r, "p2_5"), look.like(r, "p97_5")),
        )
        for r in means
    ]  # fmt: skip
    columns = (
        "", "Pairs", "Missing", f"Mean ({level_of(look.rows)} CI)", "SD", "Median [quartiles]",
        "2.5 to 97.5 percentile",
    )  # fmt: skip
    notes = ("Synthetic against reference PET inside the body; one value per participant.",)
    return Table(
        "Image similarity (primary)", columns, tuple(rows), notes=(*notes, *methods_note(means))
    )


def similarity_by_site(look: Lookup) -> Table:
    """Return mean similarity by site."""
    chosen = [
        r
        for r in look.where(family="primary", statistic="mean", subgroup="all")
        if r.quantity in {"structural_similarity", "psnr", "ssim"}
    ]
    rows = []
    for subgroup in ("all", *look.subgroups()):
        own = [look.like(r, "mean", subgroup=subgroup) for r in chosen]
        pairs = str(own[0].n) if own and own[0] else "–"
        name = "All" if subgroup == "all" else subgroup.removeprefix("site:")
        rows.append((name, pairs, *(interval_of(r) for r in own)))
    columns = ("Site", "Pairs", *(label(QUANTITIES, r.quantity) for r in chosen))
    return Table(f"Image similarity by site, mean ({level_of(look.rows)} CI)", columns, tuple(rows))


def agreement_table(look: Lookup) -> Table:
    """Return agreement of metabolic parameters on the ratio scale."""
    biases = look.where(statistic="bias_percent", subgroup="all")
    rows = [
        (
            _what(r), _pairs(r), str(r.missing), interval_of(r, split=True),
            interval_of(look.like(r, "loa_lower_percent"), split=True),
            interval_of(look.like(r, "loa_upper_percent"), split=True),
            interval_of(look.like(r, "ccc"), split=True),
        )
        for r in biases
    ]  # fmt: skip
    used = [x for r in biases for s in ("bias_percent", "loa_lower_percent", "ccc")
            if (x := look.like(r, s))]  # fmt: skip
    columns = (
        "", "Pairs (participants)", "Missing", "Bias, %", "Lower limit, %", "Upper limit, %", "CCC",
    )  # fmt: skip
    notes = (
        (
            "Synthetic against reference PET, ln ratio given back as per cent. Several lesions of one "
            "participant are clustered. Pairs that are not positive on both images have no ratio and "
            "count as missing."
        ),
        *methods_note(used),
    )
    title = f"Agreement of metabolic parameters (primary), estimate ({level_of(look.rows)} CI)"
    return Table(title, columns, tuple(rows), notes=notes)


def raw_agreement_table(look: Lookup) -> Table:
    """Return agreement in the unit of each parameter."""
    biases = look.where(family="primary", statistic="bias", subgroup="all")
    rows = [
        (
            _what(r), value_of(look.like(r, "mean_reference")), value_of(look.like(r, "mean_synthetic")),
            interval_of(r, split=True),
            _range(look.like(r, "loa_lower"), look.like(r, "loa_upper")),
            interval_of(look.like(r, "slope"), split=True), value_of(look.like(r, "icc_a1")),
            interval_of(_within(look, r), split=True),
        )
        for r in biases
    ]  # fmt: skip
    columns = (
        "", "Mean, reference", "Mean, synthetic", "Bias", "Limits of agreement",
        "Slope on the mean", "ICC(A,1)", "Share within acceptance",
    )  # fmt: skip
    within = next((r.statistic for r in look.rows if r.statistic.startswith("within_")), "")
    share = within.removeprefix("within_").removesuffix("_percent")
    notes = (
        f"Acceptance: synthetic within {share} % of the reference value.",
        "Slope: regression of the difference on the mean of both images (proportional bias).",
    )
    return Table(
        "Agreement in original units", columns, tuple(rows), notes=notes if share else notes[1:]
    )


def _median(row: ResultRow | None, low: ResultRow | None, high: ResultRow | None) -> str:
    if row is None or row.value is None:
        return "–"
    return f"{value_of(row)} [{_range(low, high)}]"


def _range(low: ResultRow | None, high: ResultRow | None) -> str:
    if low is None or high is None or low.value is None or high.value is None:
        return "–"
    return f"{value_of(low)} to {value_of(high)}"


def _target(look: Lookup, subgroups: list[str]) -> tuple[str, ...]:
    return (
        "Target",
        *(count_of(look.get("target", endpoint="recruitment", subgroup=s)) for s in subgroups),
    )


def _sets_note(look: Lookup) -> str:
    sizes = look.where(endpoint="analysis_set", subgroup="all")
    words = ", ".join(f"{r.analysis_set.replace('_', ' ')} {count_of(r)}" for r in sizes)
    return f"Analysis sets: {words}."


def _what(row: ResultRow) -> str:
    name = label(QUANTITIES, row.quantity)
    _, _, organ = row.region.partition(":")
    return f"{name}, {organ}" if organ else f"{name}, lesions" if row.region == "lesion" else name


def _pairs(row: ResultRow) -> str:
    return f"{row.n} ({row.clusters})" if row.clusters != row.n else str(row.n)


def _within(look: Lookup, row: ResultRow) -> ResultRow | None:
    near = [r for r in look.where(endpoint=row.endpoint, quantity=row.quantity, region=row.region,
                                  subgroup="all") if r.statistic.startswith("within_")]  # fmt: skip
    return near[0] if near else None
