"""The tables of a study, as Markdown for people and one CSV for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from synthesis.study.cells import (
    DIFFERENCES,
    FOLLOWING,
    IMAGES,
    LESIONS,
    NOTHING,
    Column,
    cell,
    lines,
)
from synthesis.study.summary import Entry, StudyResult


def markdown(result: StudyResult) -> str:
    """Return all tables; the three controls stand in each that has predictors."""
    entries, measures = result.entries, result.study.config.measures
    others = [e for e in entries if e.differences is not None]
    about = (
        f"{len(result.split.test)} held-out participants of `{result.study.config.cohort}`; split "
        f"{result.split.digest}; study {result.study.digest}. {result.device}. 95 % intervals over "
        "participants. `zero`, `body_mean` and `lesions_erased` are controls and no models; "
        "“mean” is the mean of several samples in SUV."
    )
    parts = [
        f"# {result.study.config.name}",
        about,
        "## Images: inside the body, SUV clipped to 0-20",
        _table(entries, IMAGES, evaluations=True),
        "## Foci: SUVmax inside each focus",
        _table(entries, LESIONS),
        f"## Omission and hallucination: a focus reaches SUV {measures.focus_suv:g}",
        _table(entries, FOLLOWING),
        f"## Differences to {result.study.reference}, in pairs",
        _differences(others),
        "## Release gate",
        _gate(entries),
        "## Cost of one volume, and nearness to the training participants",
        _costs(result),
    ]
    if any(f.measured.curve for f in result.finished):
        parts += ["## Network evaluations, on validation participants, one sample", _curves(result)]
    if result.twins:
        parts += ["## Twins beside all held-out participants", _twins(result)]
    return "\n\n".join(parts) + "\n"


def comma_separated(result: StudyResult) -> str:
    """Return one line a name, kind (value or difference) and quantity."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        ["name", "family", "predictor", "kind", "quantity", "value", "lower", "upper", "n",
         "clusters", "unit", "method"]
    )  # fmt: skip
    for entry in result.entries:
        for kind, table in (("value", entry.estimates), ("difference", entry.differences or {})):
            for quantity, e in table.items():
                writer.writerow(
                    [entry.name, entry.family, entry.predictor, kind, quantity,
                     *(_number(v) for v in (e.value, e.lower, e.upper)), e.n, e.clusters, e.unit,
                     e.method]
                )  # fmt: skip
    return stream.getvalue()


def _table(
    entries: Sequence[Entry], columns: Sequence[Column], *, evaluations: bool = False
) -> str:
    titles = ["", *(["evaluations"] if evaluations else []), *(c.title for c in columns)]
    rows = []
    for entry in entries:
        count = [str(entry.evaluations or NOTHING)] if evaluations else []
        rows.append([entry.name, *count, *(cell(entry.estimates[c.name], c) for c in columns)])
    return lines(titles, rows)


def _differences(entries: Sequence[Entry]) -> str:
    rows = [
        [e.name, *(cell(e.differences[c.name], c) for c in DIFFERENCES)]
        for e in entries
        if e.differences is not None
    ]
    return lines(["", *(c.title for c in DIFFERENCES)], rows)


def _gate(entries: Sequence[Entry]) -> str:
    rows = [
        [
            e.name,
            "passes" if e.gate.passed else "fails",
            "; ".join(f"{c.id}: {c.shown}" for c in e.gate.reasons) or NOTHING,
        ]
        for e in entries
    ]
    return lines(["", "gate", "what is not met"], rows)


def _costs(result: StudyResult) -> str:
    rows = []
    for one in result.finished:
        m, near = one.measured, one.measured.nearness
        rows.append(
            [
                one.run.release.name,
                f"{m.parameters:,}",
                str(m.evaluations),
                f"{m.cost.seconds:.2f}",
                f"{m.cost.processor_seconds:.2f}",
                NOTHING if m.cost.peak_mib is None else f"{m.cost.peak_mib:.0f}",
                NOTHING if near is None else f"{near.acquired_median:.3f}",
                NOTHING if near is None else f"{near.synthetic_median:.3f}",
                NOTHING if near is None else f"{100 * near.suspicious:.1f}",
            ]
        )
    titles = [
        "", "parameters", "evaluations", "seconds", "processor seconds", "peak memory (MiB)",
        "acquired to nearest training patch (SUV)", "synthetic to nearest (SUV)",
        "synthetic nearer than the nearest 1 % acquired, %",
    ]  # fmt: skip
    return lines(titles, rows)


def _curves(result: StudyResult) -> str:
    rows = [
        [
            one.run.release.name,
            str(p.evaluations) + (" (chosen)" if p.evaluations == one.measured.evaluations else ""),
            f"{p.body_mae_suv:.3f}",
            f"{100 * p.median_recovery:.0f}",
            str(p.foci),
        ]
        for one in result.finished
        for p in one.measured.curve
    ]
    return lines(["", "evaluations", "MAE (SUV)", "SUVmax recovered, median %", "foci"], rows)


def _twins(result: StudyResult) -> str:
    ratio = Column("", "", 2)
    rows = [
        [
            f"{t.organ}, {t.subgroup}",
            cell(t.bias, ratio),
            {True: "yes", False: "no", None: NOTHING}[t.equivalent],
            cell(t.variance_ratio, ratio),
            cell(t.wasserstein, Column("", "", 3)),
        ]
        for t in result.twins
    ]
    margin = result.study.config.measures.equivalence_ratio
    titles = [
        "mean SUV", "ratio, twin to participant", f"within a ratio of {margin:g}",
        "ratio of variances (of logarithms)", "Wasserstein distance (of logarithms)",
    ]  # fmt: skip
    return lines(titles, rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.8g}"
