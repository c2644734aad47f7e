"""The trail as files that can be kept and read without the portal: JSON and PDF (21 CFR 11.10(b))."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.translation import gettext as _

from evaluation.report.document import Document, Section, Table
from evaluation.report.pdf import render_pdf
from studyportal.core.chain import Anchor
from studyportal.dashboards.trail import TrailRow
from studyportal.web.trail_words import sentence, way, who


def as_json(
    rows: Iterable[TrailRow], people: Mapping[Any, str], *, about: Mapping[str, str], anchor: Anchor
) -> str:
    """Every event with its values before and after, its context, and its link of the chain."""
    facts = {
        **about,
        "chain": {"at": anchor.at, "link": anchor.number, "sha256": anchor.sha256},
        "events": [_facts(row, people) for row in rows],
    }
    return json.dumps(facts, cls=DjangoJSONEncoder, indent=1, ensure_ascii=False)


def _facts(row: TrailRow, people: Mapping[Any, str]) -> dict[str, Any]:
    return {
        "at": row.at,
        "label": row.label,
        "kind": row.model._meta.label,
        "object_id": row.object_id,
        "participant": row.participant,
        "site": row.site,
        "by": row.person.username if row.person else None,
        "roles": row.context.get("roles", ""),
        "reason": row.reason,
        "sentence": sentence(row, people),
        "changes": [
            {"field": change.field.name, "hidden": True}
            if change.hidden
            else {"field": change.field.name, "before": change.before, "after": change.after}
            for change in row.changes
        ],
        "way": way(row),
        "request": row.context.get("request", ""),
        "event": {"table": row.source, "id": row.event_id},
        "link": row.link.number if row.link else None,
        "link_sha256": row.link.sha256 if row.link else "",
        "database_role": row.link.database_role if row.link else "",
        "redactions": [
            {"field": one.field, "at": one.at, "by": one.by.username, "reason": one.reason}
            for one in row.redacted
        ],
    }


def as_pdf(
    rows: Sequence[TrailRow],
    people: Mapping[Any, str],
    *,
    title: str,
    asked_by: str,
    anchor: Anchor,
) -> bytes:
    """The history as a document with page numbers, in the study's time zone."""
    document = Document(
        title,
        (
            (_("Printed"), f"{_moment(anchor.at)} · {asked_by}"),
            (_("Events"), str(len(rows))),
            (_("End of the audit chain"), _("link %(n)s") % {"n": anchor.number}),
            (_("Digest of that link"), anchor.sha256 or "–"),
        ),
        (Section(_("History"), (_table(rows, people),), "history"),),
    )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "history.pdf"
        render_pdf(document, Path(folder), out)
        return out.read_bytes()


def _table(rows: Sequence[TrailRow], people: Mapping[Any, str]) -> Table:
    return Table(
        title=_("Everything that was kept, oldest first"),
        columns=(_("When"), _("Who"), _("What"), _("Why"), _("Link")),
        rows=tuple(
            (
                _moment(row.at),
                who(row),
                sentence(row, people),
                row.reason or "–",
                str(row.link.number) if row.link else "–",
            )
            for row in rows
        ),
        text_columns=5,
        widths=(17, 14, 48, 22, 7),
    )


def _moment(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}"
