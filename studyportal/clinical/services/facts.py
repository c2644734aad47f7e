"""Facts that come in a table of cases become forms, as if somebody had typed what the table says and no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.clinical.models import Form, ReferenceStandard
from studyportal.clinical.rules import (
    Change,
    ReferenceEntry,
    ReferenceStatus,
    TargetCondition,
    Unit,
    baseline_faults,
    unit_fault,
)
from studyportal.clinical.selectors import baseline_of, records_of, reference_of
from studyportal.clinical.services.completing import complete_form
from studyportal.clinical.services.opening import add_rows, open_form
from studyportal.clinical.services.saving import save_answers
from studyportal.core.errors import Reason, Refused, refuse_if
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.participants.services import require_consent
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.participants.models import Participant

# Form → row → field → text.
_Texts = dict[str, dict[str, dict[str, str]]]
_RESULTS = {
    ReferenceStatus.POSITIVE: "malignant",
    ReferenceStatus.NEGATIVE: "benign",
    ReferenceStatus.INDETERMINATE: "suspicious",
}


@transaction.atomic
def enter_baseline(
    *, participant: Participant, height_cm: float | None, weight_kg: float | None, by: User
) -> Form:
    """Body measurements stand on the baseline form, which stays a draft; a correction is made on the form."""
    require(by, Action.ENTER_CLINICAL, site=participant.site)
    require_consent(participant)
    refuse_if(baseline_faults(height_cm, weight_kg))
    known = baseline_of(participant)
    if known is not None and (known.height_cm, known.weight_kg) != (None, None):
        raise Refused(
            Reason("baseline_exists", f"The baseline of {participant.code} is kept already.")
        )
    form = open_form(participant=participant, kind="baseline", by=by)
    texts = {"height_cm": height_cm, "weight_kg": weight_kg}
    changes = [
        Change("", name, "", f"{value:.1f}") for name, value in texts.items() if value is not None
    ]
    save_answers(form=form, changes=changes, by=by)
    return form


@transaction.atomic
def enter_reference(
    *, participant: Participant, entries: Sequence[ReferenceEntry], source: str, by: User
) -> list[ReferenceStandard]:
    """Forms say what the table says, and the reference standard of these units follows from them.

    The table does not say how a result was established, so that its certainty is “unstated”.

    Raises
    ------
    Refused
        When a unit cannot be, or something else is known of it already.
    """
    require(by, Action.ENTER_CLINICAL, site=participant.site)
    require_consent(participant)
    for entry in entries:
        if fault := unit_fault(entry.condition, entry.unit, entry.unit_id):
            raise Refused(Reason("reference_unit", fault))
    known = {(r.condition, r.unit, r.unit_id): r for r in reference_of(participant)}
    new = [entry for entry in entries if not _is_known(entry, known)]
    # The conclusion first: otherwise the stations alone would be judged in between, and superseded at once.
    for kind, rows in sorted(_texts(new).items()):
        _fill(participant, kind, rows, source=source, by=by)
    if new:
        record(
            "enter_reference",
            participant,
            f"{participant.code}: what a table says of {len(new)} unit(s) was entered.",
            by=by,
            site_code=participant.site.code,
        )
    wanted = {(e.condition, e.unit, e.unit_id) for e in entries}
    standing = reference_of(participant)
    return [row for row in standing if (row.condition, row.unit, row.unit_id) in wanted]


def _is_known(
    entry: ReferenceEntry, known: Mapping[tuple[str, str, str], ReferenceStandard]
) -> bool:
    row = known.get((entry.condition, entry.unit, entry.unit_id))
    if row is not None and row.status != entry.status:
        sentence = f"{row} is kept already; a correction needs a reason and is not an import."
        raise Refused(Reason("reference_differs", sentence))
    return row is not None


def _texts(entries: Iterable[ReferenceEntry]) -> _Texts:
    texts: _Texts = {}
    for entry in entries:
        if entry.condition == TargetCondition.MALIGNANCY:
            texts.setdefault("pathology", {})[entry.unit_id] = _specimen(entry)
        elif entry.unit == Unit.STATION:
            texts.setdefault("nodes", {})[entry.unit_id] = {
                "result": entry.status.value,
                "method": "not_stated",
                "examined_on": "unknown",
            }
        else:
            about = "nodal" if entry.condition == TargetCondition.NODAL_METASTASIS else "distant"
            row = texts.setdefault("conclusion", {}).setdefault("", _UNCONCLUDED.copy())
            row |= {f"{about}_conclusion": entry.status.value, f"{about}_basis": "not_stated"}
    return texts


_UNCONCLUDED = {
    "concluded_on": "unknown",
    "nodal_conclusion": "none",
    "distant_conclusion": "none",
}


def _specimen(entry: ReferenceEntry) -> dict[str, str]:
    result = _RESULTS[entry.status]
    further = {"malignant": {"histology": "unknown"}, "benign": {"benign_diagnosis": "not_stated"}}
    return {
        "lesion": entry.unit_id,
        "method": "not_stated",
        "taken_on": "unknown",
        "result": result,
        **further.get(result, {}),
    }


def _fill(
    participant: Participant,
    kind: str,
    rows: Mapping[str, Mapping[str, str]],
    *,
    source: str,
    by: User,
) -> None:
    form = open_form(participant=participant, kind=kind, by=by, source=source)
    standing = records_of(form)
    unknown = [unit for unit in rows if unit not in standing]
    if unknown:
        add_rows(form=form, units=unknown, by=by)
    changes = [
        Change(unit, name, "", text) for unit, row in rows.items() for name, text in row.items()
    ]
    saved = save_answers(form=form, changes=changes, by=by)
    if saved.conflicts:
        sentence = (
            f"{form} says otherwise already; a correction needs a reason and is not an import."
        )
        raise Refused(Reason("reference_differs", sentence))
    complete_form(form=form, by=by)
