"""The manifest of signatures as files: PDF to print, JSON for a program (21 CFR 11.50(b), 11.10(b))."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.translation import gettext as _

from evaluation.report.document import Document, Section, Table
from evaluation.report.pdf import render_pdf
from studyportal.web.signing import BROKEN, STANDS, VOIDED, SignedLine


def as_json(lines: Sequence[SignedLine], *, title: str, asked_by: str, at: datetime) -> str:
    """Every signature with the digest that was signed and the one computed now."""
    facts = {
        "title": title,
        "at": at,
        "asked_by": asked_by,
        "digest": {"algorithm": "SHA-256", "text": "canonical-json", "encoding": "UTF-8"},
        "signatures": [_facts(line) for line in lines],
    }
    return json.dumps(facts, cls=DjangoJSONEncoder, indent=1, ensure_ascii=False)


def _facts(line: SignedLine) -> dict[str, Any]:
    row = line.signature
    return {
        "id": row.pk,
        "participant": row.participant.code,
        "site": row.participant.site.code,
        "record": line.what,
        "form": row.form_id,
        "meaning": row.meaning,
        "meaning_in_words": line.meaning,
        "signer": row.signed_by.username,
        "signer_name": row.signer_name,
        "signer_roles": row.signer_roles,
        "signed_at": row.signed_at,
        "way": row.way,
        "proved_at": row.proved_at,
        "format": row.format,
        "sha256": row.sha256,
        "computed_sha256": line.checked.computed,
        "agrees": line.checked.agrees,
        "counts": line.checked.counts,
        "changed": list(line.changed),
        "voided_at": row.voided_at,
        "voided_by": row.voided_by.username if row.voided_by else None,
        "void_reason": row.void_reason,
    }


def as_pdf(lines: Sequence[SignedLine], *, title: str, asked_by: str, at: datetime) -> bytes:
    """The manifest as a document with page numbers, in the study's time zone."""
    counts = {
        state: sum(line.state == state for line in lines) for state in (STANDS, VOIDED, BROKEN)
    }
    document = Document(
        title,
        (
            (_("Printed"), f"{_moment(at)} · {asked_by}"),
            (_("Signatures"), str(len(lines))),
            (_("Count"), str(counts[STANDS])),
            (_("Voided"), str(counts[VOIDED])),
            (_("Record changed past the portal"), str(counts[BROKEN])),
        ),
        (
            Section(_("Signatures"), (_signed(lines),), "signatures"),
            Section(_("Digests"), (_digests(lines),), "digests"),
        ),
    )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "signatures.pdf"
        render_pdf(document, Path(folder), out)
        return out.read_bytes()


def _signed(lines: Sequence[SignedLine]) -> Table:
    return Table(
        title=_("Who signed what, when, and what it means"),
        columns=(_("Record"), _("Signed by"), _("When"), _("Meaning"), _("State")),
        rows=tuple(
            (
                f"{line.signature.participant.code} {line.what}",
                f"{line.signature.signer_name}, {line.signature.signer_roles}",
                f"{_moment(line.signature.signed_at)} ({line.way})",
                line.meaning,
                state_words(line),
            )
            for line in lines
        ),
        text_columns=5,
        widths=(18, 16, 16, 30, 20),
    )


def state_words(line: SignedLine) -> str:
    """Whether the signature counts, and why not, in words."""
    row = line.signature
    if line.state == STANDS:
        return _("counts")
    if line.state == VOIDED:
        facts = {"at": _moment(row.voided_at), "who": row.voided_by, "why": row.void_reason}
        return _("voided %(at)s by %(who)s: %(why)s") % facts
    return _("does not count: the record was changed past the portal")


def _digests(lines: Sequence[SignedLine]) -> Table:
    return Table(
        title=_("SHA-256 that was signed, and of the record as it stands now"),
        columns=(_("Record"), _("Signed"), _("Now")),
        rows=tuple(
            (
                f"{line.signature.participant.code} {line.what}",
                line.signature.sha256,
                _("the same") if line.checked.agrees else line.checked.computed or "–",
            )
            for line in lines
        ),
        text_columns=3,
        widths=(22, 38, 38),
    )


def _moment(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}" if moment else "–"
