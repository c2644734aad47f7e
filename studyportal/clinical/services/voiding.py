"""Voids signatures when what was signed is changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from studyportal.clinical.models import Form, Signature
from studyportal.clinical.selectors import standing_on
from studyportal.core import clock
from studyportal.core.audit_context import because
from studyportal.core.models import User
from studyportal.core.services import record

if TYPE_CHECKING:
    from studyportal.participants.models import Participant


def void_signatures(
    *, participant: Participant, forms: Iterable[Form], reason: str, by: User
) -> int:
    """Signatures on these forms and on their casebook do not count from now on; they stay, with who, when and why.

    For services that change what was signed, inside their transaction. Source: 21 CFR 11.70.
    """
    rows = list(standing_on(participant, forms).select_related("form__participant__site"))
    if not rows:
        return 0
    with because(reason):
        Signature.objects.filter(pk__in=[row.pk for row in rows]).update(
            voided_at=clock.now(), voided_by=by, void_reason=reason
        )
    for row in rows:
        if row.form is None:
            sentence = f"{participant.code}: a signature on the casebook does not count any more."
        else:
            sentence = f"{row.form}: a signature on the form does not count any more."
        about = row.form or participant
        site = participant.site.code
        record("void_signature", about, sentence, by=by, site_code=site, reason=reason)
    return len(rows)
