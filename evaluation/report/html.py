"""The report as one HTML page with its figures beside it; no script, nothing from outside."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from evaluation.report.document import Document, Figure, Table

_ENVIRONMENT = Environment(
    loader=PackageLoader("evaluation.report"),
    autoescape=True,
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)


def numbered_blocks(document: Document) -> dict[Table | Figure, int]:
    """Return the number of each table and of each figure, counted apart."""
    numbers: dict[Table | Figure, int] = {}
    for kind in (Table, Figure):
        blocks = [b for s in document.sections for b in s.blocks if isinstance(b, kind)]
        numbers |= {block: i for i, block in enumerate(blocks, start=1)}
    return numbers


def render_html(document: Document) -> str:
    """Return the page."""
    template = _ENVIRONMENT.get_template("report.html.j2")
    return template.render(document=document, numbers=numbered_blocks(document))
