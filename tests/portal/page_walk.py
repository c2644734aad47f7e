"""Every page that can be looked at, from the same addresses and rights that guard them.

Used by the test that counts database queries, by the browser test for accessibility, and by `benchmarks/pages.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.urls import get_resolver, reverse

from studyportal.sites.rules import Action, Role, may
from studyportal.web.permissions import PAGES, Anyone

# What is handed out as a file, which people wait for; no page.
FILES = frozenset(
    {
        "access_review_file",
        "audit_file",
        "comparison_csv",
        "crf_template",
        "download_export",
        "history_file",
        "reading_export",
        "reading_image",
        "release_bundle",
        "release_download",
        "run_file",
        "series_deidentification",
        "series_preview",
        "signatures_file",
        "site_signatures_file",
        "synthetic_preview",
        "viewer_volume",
    }
)
ROLES = tuple(Role)


@dataclass(frozen=True)
class Page:
    """A page by its name, and the parts of its address."""

    name: str
    parameters: tuple[str, ...]

    @property
    def roles(self) -> tuple[Role, ...]:
        """Who may open it, by the table."""
        needed = PAGES[self.name]
        return tuple(role for role in ROLES if not isinstance(needed, Action) or may(role, needed))

    def address(self, objects: Mapping[str, object]) -> str | None:
        """Where it is with these objects; None where one of them is missing."""
        if not set(self.parameters) <= set(objects):
            return None
        return reverse(f"web:{self.name}", kwargs={name: objects[name] for name in self.parameters})


def pages() -> Iterator[Page]:
    """Every address of the portal for people who are signed in, files left out."""
    web = next(p for p in get_resolver().url_patterns if getattr(p, "app_name", "") == "web")
    for pattern in web.url_patterns:
        if PAGES[pattern.name] != Anyone.PUBLIC and pattern.name not in FILES:
            yield Page(pattern.name, tuple(pattern.pattern.converters))
