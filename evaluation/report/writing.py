"""Writes the whole report: HTML, PDF, CSV, JSON, figures and the points behind them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from evaluation.analysis import AnalysisResult
from evaluation.report.agreement_figure import bland_altman_figure
from evaluation.report.checklists import checklist_tables
from evaluation.report.curve_figures import (
    calibration_figure,
    net_benefit_figure,
    roc_figure,
    uptake_figure,
)
from evaluation.report.document import Document, Figure
from evaluation.report.drawing import can_draw_chinese
from evaluation.report.flow_figure import flow_figure
from evaluation.report.forest_figures import site_forest, subgroup_forest
from evaluation.report.formats import level_of
from evaluation.report.html import render_html
from evaluation.report.listing import false_negatives
from evaluation.report.lookup import Lookup
from evaluation.report.pdf import render_pdf
from evaluation.report.sections import Drawn, section, sections
from evaluation.report.stard_figure import stard_figure
from evaluation.report.suppression import released
from evaluation.report.twins import (
    write_plot_csv,
    write_rows_csv,
    write_rows_json,
    write_tables_json,
)
from evaluation.report.verify import write_verifier
from evaluation.report.wording import named, say, speaking, spoken

Provenance = Mapping[str, str | Mapping[str, str]]
_NO_FACTS: Mapping[str, str] = MappingProxyType({})
_MAIN = ("report.html", "report.pdf", "results.csv", "results.json", "tables.json")


def write_report(
    result: AnalysisResult,
    *,
    provenance: Provenance,
    out: Path,
    title: str,
    facts: Mapping[str, str] = _NO_FACTS,
    suppress_below: int | None = None,
) -> tuple[Path, ...]:
    """Write the report of an analysis into a folder and return the paths of its files.

    Parameters
    ----------
    result
        Rows and plot points; the report prints them and computes nothing anew.
    provenance
        Printed first, in its order: protocol version, registration, data cut, release, software.
        The digest of the plan is added.
    out
        Folder, made where missing; files of the same name are replaced.
    facts
        Sentences for items of the checklists that a report of numbers cannot answer, by the key
        that the item names: ``funding``, ``ethics``, ``blinding`` ...
    suppress_below
        With a number, the edition that may leave the platform: counts below it and what would
        reveal them are taken out, single participants are neither listed nor drawn.

    Notes
    -----
    The same arguments give the same bytes: nothing reads a clock.
    """
    if suppress_below is not None:
        result = released(result, below=suppress_below)
    for folder in (out, out / "figures", out / "plot_data"):
        folder.mkdir(parents=True, exist_ok=True)
    look = Lookup(result)
    missed = false_negatives(look, result.series.get("scores"))
    figures = _figures(result, look, out)
    document = _document(
        look, Drawn({f.id: f for f in figures}, missed, result.series["sites"], suppress_below),
        title=title, provenance=_flattened(provenance, result.plan_digest), facts=facts,
    )  # fmt: skip
    (out / "report.html").write_text(render_html(document), encoding="utf-8")
    render_pdf(document, out, out / "report.pdf")
    write_rows_csv(result, out / "results.csv")
    write_rows_json(result, out / "results.json", title=title, provenance=provenance)
    write_tables_json(document, result.rows, out / "tables.json")
    points = _write_points({**result.series, "false_negatives": missed}, out / "plot_data")
    # Without the points of participants there is nothing that R could recompute.
    script = [write_verifier(out)] if suppress_below is None else []
    main = [out / name for name in _MAIN]
    return (*main, *script, *(out / f.path for f in figures), *points)


def write_translation(
    result: AnalysisResult,
    *,
    provenance: Provenance,
    out: Path,
    title: str,
    language: str,
    names: Mapping[str, str] = _NO_FACTS,
) -> tuple[Path, ...]:
    """Write the report in another language into a folder: HTML, PDF and figures, without twins for machines and checklists.

    Every number is the one of the report itself, since both print the same result rows. Figures keep
    English words where no font can write the language. ``names`` gives those of the study, such as its
    criteria, by their English.

    Raises
    ------
    ValueError
        If the report is not written in this language.
    """
    for folder in (out, out / "figures"):
        folder.mkdir(parents=True, exist_ok=True)
    with speaking(language, names=names):
        look = Lookup(result)
        missed = false_negatives(look, result.series.get("scores"))
        with speaking(language if can_draw_chinese() else "en", names=names):
            figures = _figures(result, look, out)
        document = _document(
            look, Drawn({f.id: f for f in figures}, missed, result.series["sites"], None),
            title=title, provenance=_flattened(provenance, result.plan_digest),
        )  # fmt: skip
        (out / "report.html").write_text(render_html(document), encoding="utf-8")
        render_pdf(document, out, out / "report.pdf")
    return (out / "report.html", out / "report.pdf", *(out / f.path for f in figures))


def _figures(result: AnalysisResult, look: Lookup, out: Path) -> list[Figure]:
    series = result.series
    none = pd.DataFrame()
    made = (
        flow_figure(look, out),
        stard_figure(look, out),
        site_forest(look, out),
        uptake_figure(look, out),
        bland_altman_figure(look, series.get("agreement", none), out),
        roc_figure(look, series.get("roc", none), out),
        calibration_figure(look, series.get("calibration", none), out),
        net_benefit_figure(look, series.get("net_benefit", none), out),
        subgroup_forest(look, out),
    )
    return [figure for figure in made if figure]


def _document(
    look: Lookup,
    drawn: Drawn,
    *,
    title: str,
    provenance: tuple[tuple[str, str], ...],
    facts: Mapping[str, str] = _NO_FACTS,
) -> Document:
    preface = [say("marks.legend", level=level_of(look.rows))]
    if drawn.suppressed_below is not None:
        preface.append(say("marks.small_cells", below=drawn.suppressed_below))
    body = Document(title, provenance, sections(look, drawn), tuple(preface))
    # The checklists come last: no number that they name moves.
    words = [say("annex.twins")]
    words += [say("annex.verify")] if drawn.suppressed_below is None else []
    # The items of the guidelines are paraphrased in English only.
    lists = checklist_tables(body, facts=facts) if spoken() == "en" else (say("absent.checklists"),)
    annex = section("annex", [*words, *lists])
    return replace(body, sections=(*body.sections, annex))


def _write_points(series: Mapping[str, pd.DataFrame], folder: Path) -> list[Path]:
    for name, frame in sorted(series.items()):
        write_plot_csv(frame, folder / f"{name}.csv")
    return [folder / f"{name}.csv" for name in sorted(series)]


def _flattened(provenance: Provenance, digest: str) -> tuple[tuple[str, str], ...]:
    rows: list[tuple[str, str]] = []
    for name, value in provenance.items():
        words = _words_of(name)
        if isinstance(value, Mapping):
            rows += [(f"{words}: {key}", str(inner)) for key, inner in value.items()]
        else:
            rows.append((words, str(value)))
    return (*rows, (say("plan_digest"), digest))


def _words_of(name: str) -> str:
    words = named("provenance_names", name)
    return f"{words[:1].upper()}{words[1:]}"
