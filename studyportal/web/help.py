"""Help inside the portal: the pages of docs/help/ (docs/help/zh/ in Chinese), each opened by the “?” of the page it belongs to."""

import re
from collections.abc import Mapping
from pathlib import Path

import markdown
from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from studyportal.core.language import reads_chinese

# Page of the portal → page of docs/help/.
TOPICS: Mapping[str, str] = {
    "worklist": "worklist",
    "participant": "worklist",
    "screen": "screening",
    "criteria": "screening",
    "screening_log": "consent",
    "declined": "consent",
    "consent": "consent",
    "withdraw": "consent",
    "withdrawal": "consent",
    "override_ask": "consent",
    "override_decide": "consent",
    "consent_versions": "consent",
    "consent_declare": "consent",
    "crf_overview": "forms",
    "crf_import": "forms",
    "crf": "forms",
    "crf_second": "forms",
    "crf_reconcile": "forms",
    "crf_sign": "signatures",
    "signing": "signatures",
    "sign_casebook": "signatures",
    "signatures": "signatures",
    "site_signatures": "signatures",
    "verification": "verification",
    "verification_draw": "verification",
    "verification_plan": "verification",
    "upload": "upload",
    "inbox": "inbox",
    "queries": "queries",
    "query": "queries",
    "query_raise": "queries",
    "pairs": "pair",
    "pair": "pair",
    "jobs": "jobs",
    "job": "jobs",
    "synthesise_all": "jobs",
    "releases": "jobs",
    "release": "jobs",
    "release_import": "jobs",
    "reading_list": "reading",
    "reading": "reading",
    "readings": "reading",
    "reading_open": "reading",
    "reading_session": "reading",
    "reading_closed": "reading",
    "reading_results": "reading",
    "cuts": "outcomes",
    "freeze": "outcomes",
    "seal": "outcomes",
    "index_tests": "outcomes",
    "run": "outcomes",
    "compare": "outcomes",
    "comparison": "outcomes",
    "exports": "exports",
    "dashboard": "dashboard",
    "audit": "audit",
    "participant_history": "audit",
    "locks": "locks",
    "people": "people",
    "person": "people",
    "invite": "people",
    "access_review": "people",
    "health": "people",
}
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)([^)]*)\)")


def help_address(url_name: str) -> str:
    """Where the “?” of a page leads; pages without help of their own lead to the table of roles."""
    topic = TOPICS.get(url_name)
    return reverse("web:help", args=[topic]) if topic else reverse("web:role_table")


def help_title(topic: str) -> str:
    """What the help page is about, in the words of its heading."""
    heading = (_source(topic) or topic).partition("\n")[0]
    title = re.split(r"[:：]\s*", heading, maxsplit=1)[-1].lstrip("# ")
    return title[:1].upper() + title[1:]


def help_text(topic: str) -> SafeString | None:
    """The help page as HTML, or None when there is none of this name."""
    source = _source(topic)
    if source is None:
        return None
    text = _LINK.sub(_linked, source)
    html = markdown.markdown(text, extensions=["tables", "sane_lists"])
    return mark_safe(html.replace("<table>", '<table class="table">'))  # noqa: S308 our own documents


def _source(topic: str) -> str | None:
    """The page as it is written, in the reader's language."""
    if topic not in TOPICS.values():
        return None
    pages = Path(settings.REPOSITORY_DIR) / "docs" / "help"
    path = (pages / "zh" if reads_chinese() else pages) / f"{topic}.md"
    return path.read_text("utf-8") if path.is_file() else None


def _linked(match: re.Match[str]) -> str:
    """A link to another help page leads there; other documents stand beside the portal, so their names stay as words."""
    words, target = match.groups()
    topic = Path(target.partition("#")[0]).stem
    return f"[{words}]({reverse('web:help', args=[topic])})" if topic in TOPICS.values() else words
