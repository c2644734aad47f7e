"""What a person enters about the injection of a PET, in place of what its file says."""

import math
from dataclasses import dataclass, replace

from django.db import transaction

from evaluation.imaging import (
    HeaderEntries,
    Series,
    read_series,
    suv_factor,
    with_entries,
)
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, record
from studyportal.core.storage import store_bytes
from studyportal.imaging import rules
from studyportal.imaging.models import ImagingSeries, InjectionEntry
from studyportal.imaging.selectors import (
    entries_in_force,
    header_entries,
    quarantine_of,
    stored_paths,
    waiting_files,
)
from studyportal.imaging.services.reading import reader
from studyportal.imaging.services.settling import (
    check_again,
    constraints_of,
    keep_findings,
    settle_again,
)
from studyportal.imaging.services.uptake import UNITS, conversion_facts
from studyportal.imaging.states import (
    IMAGING_SERIES,
    EntryField,
    PairStatus,
    SeriesRole,
    SeriesStatus,
)
from studyportal.sites.rules import Action
from studyportal.sites.services import require

# What a person can mean; a value beyond is a slip of the pen or of the unit.
_POSSIBLE = {
    EntryField.WEIGHT_KG: (2.0, 400.0),
    EntryField.DOSE_MBQ: (10.0, 3000.0),
    EntryField.GLUCOSE_MMOL_PER_L: (1.0, 60.0),
}
_NAMED = {
    EntryField.WEIGHT_KG: "body weight",
    EntryField.DOSE_MBQ: "injected dose",
    EntryField.TRACER: "tracer",
    EntryField.GLUCOSE_MMOL_PER_L: "blood glucose",
}
_SUV_FIELDS = (EntryField.WEIGHT_KG, EntryField.DOSE_MBQ)
_LONGEST_NAME = 100


@dataclass(frozen=True)
class _Entered:
    """A field with its new value; neither number nor words when the entry is withdrawn."""

    field: EntryField
    number: float | None = None
    text: str = ""

    @property
    def withdrawn(self) -> bool:
        return self.number is None and not self.text


def enter_injection(
    *, series: ImagingSeries, field: EntryField, value: str, reason: str, by: User
) -> InjectionEntry:
    """The entry counts in place of the file, SUV and findings follow it; a refused PET is looked at again.

    The file itself stays as it is. An empty value withdraws the entry, so that the file counts again.
    A refused PET is *received* afterwards; the caller has it checked.

    Raises
    ------
    Refused
        When the value is none, no reason is given, the PET is not there any more, or its uptake values
        do not rest on the field.
    """
    participant = series.pair.participant
    require(by, Action.ENTER_INJECTION, site=participant.site)
    entered = _entered(field, value)
    _may_enter(series, entered, reason)
    before, after = _seen(series, header_entries(series), _entries_with(series, entered))
    if field in _SUV_FIELDS:
        _must_matter(before, after, field)
    stated = _stated(series, before.summary, field)
    return _keep(series, entered, stated=stated, after=after.images, reason=reason, by=by)


def _entered(field: EntryField, value: str) -> _Entered:
    words = " ".join(value.split())
    if not words:
        return _Entered(field)
    if field == EntryField.TRACER:
        if len(words) > _LONGEST_NAME:
            raise Refused(Reason("entry", "The name of the tracer is too long."))
        return _Entered(field, text=words)
    try:
        number = float(words.replace(",", "."))
    except ValueError:
        number = math.nan
    low, high = _POSSIBLE[field]
    if not low <= number <= high:
        sentence = f"The {_NAMED[field]} must be a number from {low:g} to {high:g} {UNITS[field]}."
        raise Refused(Reason("entry", sentence))
    return _Entered(field, number=number)


def _may_enter(series: ImagingSeries, entered: _Entered, reason: str) -> None:
    if series.role != SeriesRole.REFERENCE:
        raise Refused(Reason("not_pet", "Only a PET has an injection."))
    if series.pair.status == PairStatus.EXCLUDED:
        raise Refused(Reason("excluded", "The pair is excluded; its values stay as they are."))
    if series.status not in (SeriesStatus.ACCEPTED, SeriesStatus.QUARANTINED):
        raise Refused(Reason("not_checked", "The PET is not checked yet, or no longer here."))
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say why, and where you found the value."))
    if entered.withdrawn and entered.field not in entries_in_force(series):
        raise Refused(Reason("no_entry", f"No {_NAMED[entered.field]} was entered to withdraw."))


@dataclass(frozen=True)
class _Seen:
    """A PET as it counts with some entries; images only of an accepted one, whose files are our own."""

    summary: rules.SeriesSummary
    factors: tuple[float | None, ...]
    images: Series | None

    @property
    def refused(self) -> bool:
        return bool(self.summary.suv_refusals)


def _seen(series: ImagingSeries, *choices: HeaderEntries) -> list[_Seen]:
    if series.status != SeriesStatus.ACCEPTED:
        return [_refused_seen(series, entries) for entries in choices]
    stored = read_series(stored_paths(series.manifest_sha256))
    counted = [with_entries(stored, entries) for entries in choices]
    return [_Seen(rules.summarise(kept), suv_factor(kept).slice_factors, kept) for kept in counted]


def _refused_seen(series: ImagingSeries, entries: HeaderEntries) -> _Seen:
    received = [quarantine_of(series.pk) / name for name in waiting_files(series.pk)]
    with reader() as reading:
        summary = reading.look(received, series.pair.participant, entries).summary
    if summary is None:
        sentence = "The images themselves cannot be used, so no entry helps; send the PET again."
        raise Refused(Reason("unreadable", sentence))
    return _Seen(summary, (summary.suv_factor,), None)


def _entries_with(series: ImagingSeries, entered: _Entered) -> HeaderEntries:
    now = header_entries(series)
    if entered.field == EntryField.WEIGHT_KG:
        return replace(now, weight_kg=entered.number)
    if entered.field == EntryField.DOSE_MBQ:
        return replace(now, dose_bq=None if entered.number is None else entered.number * 1e6)
    if entered.field == EntryField.TRACER:
        return replace(now, tracer=entered.text or None)
    return now


def _must_matter(before: _Seen, after: _Seen, field: EntryField) -> None:
    """Refuse an entry that leaves every uptake value as it is, and one that leaves none."""
    if before.refused:
        return
    if after.refused:
        raise Refused(Reason("no_suv", "Without this entry no uptake values can be computed."))
    if before.factors == after.factors:
        sentence = (
            f"The uptake values of this PET were computed by the scanner and do not rest on the {_NAMED[field]} "
            "here. Have them computed anew there and send the PET again."
        )
        raise Refused(Reason("without_effect", sentence))


def _stated(series: ImagingSeries, before: rules.SeriesSummary, field: EntryField) -> str:
    """What counted until now, as words."""
    value: object = {
        EntryField.WEIGHT_KG: before.weight_kg,
        EntryField.DOSE_MBQ: None if before.dose_bq is None else before.dose_bq / 1e6,
        EntryField.TRACER: before.tracer,
    }.get(field)
    if field == EntryField.GLUCOSE_MMOL_PER_L and field in entries_in_force(series):
        value = entries_in_force(series)[field].number
    if value is None or value == "":
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:_LONGEST_NAME]


@transaction.atomic
def _keep(
    series: ImagingSeries,
    entered: _Entered,
    *,
    stated: str,
    after: Series | None,
    reason: str,
    by: User,
) -> InjectionEntry:
    row = InjectionEntry.objects.create(
        series=series,
        field=entered.field,
        number=entered.number,
        text=entered.text,
        withdrawn=entered.withdrawn,
        stated=stated,
        reason=reason.strip(),
        entered_at=clock.now(),
        entered_by=by,
    )
    participant = series.pair.participant
    done = "was withdrawn" if entered.withdrawn else "was entered"
    record(
        "enter_injection",
        row,
        f"{participant.code}: the {_NAMED[entered.field]} of the PET {done}.",
        by=by,
        site_code=participant.site.code,
        reason=reason,
    )
    if after is None:
        _look_again(series, by)
    else:
        _follow(series, after, by)
    return row


def _look_again(series: ImagingSeries, by: User) -> None:
    why = "looked at again with what was entered"
    advance(series, IMAGING_SERIES, SeriesStatus.RECEIVED, by=by, lease_until=None, reason=why)
    check_again(pair=series.pair, reason=why, by=by)


def _follow(series: ImagingSeries, after: Series, by: User) -> None:
    """Summary, SUV, picture and findings of an accepted PET follow the entry."""
    summary, conversion = rules.summarise(after), suv_factor(after)
    changes: dict[str, object] = {
        "summary": rules.summary_to_json(summary),
        "suv": conversion_facts(conversion, series),
        "preview_sha256": store_bytes(rules.preview_of(after)).sha256,
    }
    ImagingSeries.objects.filter(pk=series.pk).update(**changes)
    series.refresh_from_db()
    keep_findings(
        series.pair, rules.check_series(summary, constraints_of(series, summary)), series=series
    )
    settle_again(pair=series.pair, reason="a value of the injection was entered", by=by)
