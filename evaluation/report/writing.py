"""Writes the whole report: HTML, PDF, CSV, JSON, figures and the points behind them."""

from collections.abc import Mapping
from pathlib import Path

from evaluation.analysis import AnalysisResult
from evaluation.report.accuracy_tables import (
    accuracy_tables,
    cross_table,
    reasons_table,
    reference_table,
)
from evaluation.report.comparison_tables import difference_table, sites_table
from evaluation.report.document import Document, Figure, Lookup, Section, Table
from evaluation.report.figures import draw_bland_altman, draw_forest, draw_roc
from evaluation.report.flow_figure import draw_flow
from evaluation.report.html import render_html
from evaluation.report.pdf import render_pdf
from evaluation.report.tables import (
    agreement_table,
    baseline_table,
    flow_table,
    raw_agreement_table,
    similarity_by_site,
    similarity_table,
)
from evaluation.report.twins import write_plot_csv, write_rows_csv, write_rows_json

Provenance = Mapping[str, str | Mapping[str, str]]


def write_report(
    result: AnalysisResult, *, provenance: Provenance, out: Path, title: str
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

    Notes
    -----
    The same arguments give the same bytes: nothing reads a clock.
    """
    for folder in (out, out / "figures", out / "plot_data"):
        folder.mkdir(parents=True, exist_ok=True)
    look = Lookup(result.rows)
    figures = _figures(result, look, out)
    document = Document(
        title, _flattened(provenance, result.plan_digest), _sections(result, look, figures)
    )
    (out / "report.html").write_text(render_html(document), encoding="utf-8")
    render_pdf(document, out, out / "report.pdf")
    write_rows_csv(result, out / "results.csv")
    write_rows_json(result, out / "results.json", title=title, provenance=provenance)
    for name, frame in sorted(result.series.items()):
        write_plot_csv(frame, out / "plot_data" / f"{name}.csv")
    main = [out / name for name in ("report.html", "report.pdf", "results.csv", "results.json")]
    points = [out / "plot_data" / f"{name}.csv" for name in sorted(result.series)]
    return (*main, *(out / f.path for f in figures.values()), *points)


def _figures(result: AnalysisResult, look: Lookup, out: Path) -> dict[str, Figure]:
    def at(name: str) -> Path:
        return out / "figures" / f"{name}.svg"

    words = {
        "flow": draw_flow(look, at("flow")),
        "bland_altman": draw_bland_altman(look, result.series["agreement"], at("bland_altman")),
        "forest": draw_forest(look, at("forest")),
        "roc": draw_roc(look, result.series["roc"], at("roc")),
    }
    titles = {
        "flow": "Participant flow.",
        "bland_altman": (
            "Agreement in lesions. Solid line: bias; broken lines: limits of agreement; grey bands: "
            "their intervals. Each circle is one lesion."
        ),
        "forest": "Estimates by site. Diamond: all participants; bars: intervals.",
        "roc": "ROC curves of the index tests; dot: the cut-off locked in the plan.",
    }
    widths = {"flow": 62}
    return {
        name: Figure(titles[name], f"figures/{name}.svg", alt, widths.get(name, 100))
        for name, alt in words.items()
        if alt
    }


def _sections(
    result: AnalysisResult, look: Lookup, figures: dict[str, Figure]
) -> tuple[Section, ...]:
    absent = {
        "bland_altman": "No lesion was measured on both images: there is no Bland–Altman plot.",
        "forest": "No estimate by site can be drawn.",
        "roc": "No index test has both positive and negative cases: there is no ROC curve.",
    }

    def shown(name: str) -> Figure | str:
        return figures.get(name, absent.get(name, ""))

    primary = [similarity_table(look), similarity_by_site(look), shown("forest")]
    agreement: list[Table | Figure | str] = [
        agreement_table(look), shown("bland_altman"), raw_agreement_table(look),
    ]  # fmt: skip
    sites = sites_table(look)
    agreement += [sites] if sites else []
    difference = difference_table(look)
    secondary: list[Table | Figure | str] = [*accuracy_tables(look), shown("roc")]
    secondary += [difference] if difference else []
    gaps = [reference_table(look), cross_table(look), reasons_table(look)]
    return (
        Section("Participants", (shown("flow"), flow_table(look), baseline_table(look))),
        Section("Primary endpoints: image similarity", tuple(primary)),
        Section("Primary endpoints: metabolic parameters", tuple(agreement)),
        Section("Secondary endpoints: diagnostic performance", tuple(secondary)),
        Section("Cross-tabulation, missing results, limits", tuple(gaps)),
        Section("Sites", (_site_table(result),)),
    )


def _site_table(result: AnalysisResult) -> Table:
    sites = result.series["sites"]
    rows = tuple(
        (str(code), str(name)) for code, name in zip(sites["code"], sites["name"], strict=True)
    )
    return Table("Site codes", ("Code", "Site"), rows, text_columns=2, widths=(1, 6))


def _flattened(provenance: Provenance, digest: str) -> tuple[tuple[str, str], ...]:
    rows: list[tuple[str, str]] = []
    for name, value in provenance.items():
        if isinstance(value, Mapping):
            rows += [(f"{name}: {key}", str(inner)) for key, inner in value.items()]
        else:
            rows.append((name, str(value)))
    return (*rows, ("Plan digest (SHA-256)", digest))
