"""The report as one HTML page with its figures beside it; no script, nothing from outside."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from evaluation.report.document import Document
from evaluation.report.pdf_fonts import CHINESE
from evaluation.report.wording import say, spoken

_ENVIRONMENT = Environment(
    loader=PackageLoader("evaluation.report"),
    autoescape=True,
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)
_ENVIRONMENT.tests["chinese"] = lambda text: bool(CHINESE.search(text))


def render_html(document: Document) -> str:
    """Return the page."""
    template = _ENVIRONMENT.get_template("report.html.j2")
    return template.render(
        document=document, numbers=document.numbers(), say=say, language=spoken()
    )
