"""The audit trail as people read it: who changed what from what to what, when, why and by what way."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import connection, models
from django.db.models import Exists, OuterRef, Q, QuerySet

from studyportal.core.models import ChainLink, Redaction, TrailEntry, User
from studyportal.core.tracking import chained_models
from studyportal.outcomes.selectors import sealed_values
from studyportal.participants.selectors import codes_of, participant_coded
from studyportal.queries.selectors import ids_about
from studyportal.sites.rules import Action
from studyportal.sites.selectors import every_site, holds_for_study, may, site_ids

if TYPE_CHECKING:
    from uuid import UUID

    from studyportal.participants.models import Participant
    from studyportal.sites.selectors import Person

# Whoever may not see what a room holds sees that it changed, and not the values: blinding holds here, too.
VALUES_NEED: Mapping[str, Action] = {
    "participants": Action.SEE_PARTICIPANTS,
    "clinical": Action.SEE_PARTICIPANTS,
    "queries": Action.SEE_QUERIES,
    "imaging": Action.SEE_IMAGES,
    "syntheses": Action.SEE_SYNTHESES,
    "outcomes": Action.SEE_OUTCOMES,
    "exports": Action.EXPORT,
}
_NOTHING = Q(pk__in=())
SAID = ("act", "move", "redaction")  # labels of what was recorded in words


@dataclass(frozen=True)
class TrailFilter:
    """What the person narrowed the trail to."""

    user: str = ""
    site: str = ""
    participant: str = ""
    kind: str = ""
    label: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Change:
    """One field before and after; None where there was nothing. `hidden` when the person may not see values."""

    field: models.Field[Any, Any]
    before: Any
    after: Any
    hidden: bool = False


@dataclass(frozen=True)
class TrailRow:
    """One event of the trail with everything that is known about it."""

    id: int
    at: datetime
    label: str
    source: str
    event_id: int
    object_id: str
    model: type[models.Model]
    person: User | None
    participant: str
    site: str
    context: Mapping[str, Any]
    record: Mapping[str, Any]
    changes: tuple[Change, ...]
    link: ChainLink | None
    redacted: tuple[Redaction, ...]

    @property
    def reason(self) -> str:
        """Why, as the person gave it."""
        if self.label in SAID:
            return str(self.record.get("reason") or "")
        return str(self.context.get("reason") or "")


def entries_visible_to(user: Person) -> QuerySet[TrailEntry]:
    """Entries of the sites at which the person may see the trail; all for those of the whole study."""
    sites = _sites_of(user)
    if sites is None:
        return TrailEntry.objects.all()
    return TrailEntry.objects.filter(
        _only(site_id=sites[0]) if len(sites) == 1 else Q(site_id__in=sites)
    )


def _sites_of(user: Person) -> list[UUID] | None:
    """The sites at which the person may see the trail; None for the whole study."""
    return None if holds_for_study(user, Action.SEE_AUDIT) else [*site_ids(user, Action.SEE_AUDIT)]


def _only(**values: UUID | int) -> Q:
    """Entries with one value, said as a range, so that its own index gives them newest first.

    PostgreSQL takes a column that equals a constant out of the order. It would then read all entries from the newest
    on, trusting that those of one site are spread evenly, until it has a page of them.
    """
    return Q(**{f"{column}__range": (value, value) for column, value in values.items()})


def _newest_first(user: Person, chosen: TrailFilter) -> QuerySet[TrailEntry]:
    """What the filters of person and site leave, in the order of the index that finds it."""
    rows, order, sites = entries_visible_to(user), ["-id"], _sites_of(user)
    if sites is not None and len(sites) == 1:
        order = ["-site_id", "-id"]
    if chosen.site:
        site = every_site().filter(code=chosen.site).first()
        rows, order = rows.filter(_only(site_id=site.pk) if site else _NOTHING), ["-site_id", "-id"]
    if chosen.user:
        person = User.objects.filter(username=chosen.user).first()
        rows = rows.filter(_only(user_id=person.pk) if person else _NOTHING)
        order = ["-user_id", "-id"]
    return rows.order_by(*order)


def trail(user: Person, chosen: TrailFilter) -> QuerySet[TrailEntry]:
    """What the filter leaves of it, newest first."""
    rows = _newest_first(user, chosen)
    if chosen.participant:
        participant = participant_coded(chosen.participant)
        rows = rows.filter(_about(participant)) if participant else rows.none()
    if chosen.kind:
        rows = rows.filter(source__in=sources_of(chosen.kind))
    if chosen.label:
        rows = rows.filter(label=chosen.label)
    if chosen.since:
        rows = rows.filter(at__date__gte=chosen.since)
    if chosen.until:
        rows = rows.filter(at__date__lte=chosen.until)
    return rows


def history_of_participant(user: Person, participant: Participant) -> QuerySet[TrailEntry]:
    """Everything that was kept about one participant, oldest first."""
    return entries_visible_to(user).filter(_about(participant)).order_by("id")


def _about(participant: Participant) -> Q:
    queries = [str(key) for key in ids_about(participant.code)]
    return Q(participant_id=participant.pk) | Q(object_id__in=queries)


def kinds() -> dict[str, type[models.Model]]:
    """Every kind of row that the trail speaks of, by its label."""
    found = {}
    for model in chained_models().values():
        spoken = getattr(model, "pgh_tracked_model", model)
        found[spoken._meta.label_lower] = spoken
    return found


def sources_of(kind: str) -> list[str]:
    """Tables of the trail that speak of this kind of row."""
    return [
        table
        for table, model in chained_models().items()
        if getattr(model, "pgh_tracked_model", model)._meta.label_lower == kind
    ]


def rows_of(user: Person, entries: Sequence[TrailEntry]) -> list[TrailRow]:
    """These entries with their events, what stood there before, and people, codes and links in words."""
    records = _records(entries)
    people = User.objects.in_bulk({entry.user_id for entry in entries if entry.user_id is not None})
    links = ChainLink.objects.in_bulk({entry.link for entry in entries})
    codes = codes_of({entry.participant_id for entry in entries if entry.participant_id})
    sites = dict(every_site().values_list("pk", "code"))
    redactions = _redactions(entries)
    rows = []
    for entry in entries:
        record, former = records.get((entry.source, entry.event_id), ({}, None))
        model = chained_models()[entry.source]
        spoken = getattr(model, "pgh_tracked_model", model)
        row = TrailRow(
            id=entry.pk, at=entry.at, label=entry.label, source=entry.source,
            event_id=entry.event_id, object_id=entry.object_id, model=spoken,
            person=people.get(entry.user_id or 0),
            participant=codes.get(entry.participant_id, "") if entry.participant_id else "",
            site=sites.get(entry.site_id, "") if entry.site_id else "", context=record.get("pgh_context") or {},
            record=record, changes=_changes(user, spoken, record, former, label=entry.label),
            link=links.get(entry.link),
            redacted=redactions.get((entry.source, entry.event_id), ()),
        )  # fmt: skip
        rows.append(row)
    return rows


Record = dict[str, Any]


def _records(entries: Iterable[TrailEntry]) -> dict[tuple[str, int], tuple[Record, Record | None]]:
    """Each event with the version of its row before it, in one question to the database."""
    known = chained_models()
    keys: dict[str, list[int]] = defaultdict(list)
    for entry in entries:
        if entry.source in known:
            keys[entry.source].append(entry.event_id)
    if not keys:
        return {}
    parts: list[str] = []
    params: list[Any] = []
    for source, events in keys.items():
        parts.append(_record_sql(known[source]))
        params += [source, events]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), params)
        return {(row[0], row[1]): (_loaded(row[2]), _loaded(row[3])) for row in cursor.fetchall()}


def _loaded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _record_sql(model: type[models.Model]) -> str:
    table, key = model._meta.db_table, model._meta.pk.column
    former = "NULL::jsonb"
    if hasattr(model, "pgh_tracked_model"):
        former = (
            f'(SELECT to_jsonb(p) FROM "{table}" p WHERE p.pgh_obj_id = e.pgh_obj_id '  # noqa: S608 our own tables
            f'AND p."{key}" < e."{key}" ORDER BY p."{key}" DESC LIMIT 1)'
        )
    return f'SELECT %s, e."{key}"::bigint, to_jsonb(e), {former} FROM "{table}" e WHERE e."{key}" = ANY(%s)'  # noqa: S608


def _redactions(entries: Iterable[TrailEntry]) -> dict[tuple[str, int], tuple[Redaction, ...]]:
    keys = {(entry.source, entry.event_id) for entry in entries}
    found: dict[tuple[str, int], tuple[Redaction, ...]] = {}
    rows = Redaction.objects.filter(event_id__in={event for _, event in keys}).select_related("by")
    for row in rows:
        if (row.source, row.event_id) in keys:
            found[row.source, row.event_id] = (*found.get((row.source, row.event_id), ()), row)
    return found


def _changes(
    user: Person, model: type[models.Model], record: Record, former: Record | None, *, label: str
) -> tuple[Change, ...]:
    if label in SAID or label == "delete":
        return ()
    needed = VALUES_NEED.get(model._meta.app_label)
    hidden = needed is not None and not may(user, needed)
    hidden = hidden or sealed_values(model._meta.label_lower, record)
    before = former if label not in ("insert", "begin") and former is not None else {}
    changes = []
    for field in model._meta.concrete_fields:
        if field.primary_key or field.column not in record:
            continue
        old, new = before.get(field.column), record[field.column]
        if old != new and not (not before and new in (None, "", [], {})):
            changes.append(
                Change(field, None, None, hidden=True) if hidden else Change(field, old, new)
            )
    return tuple(changes)


def people_of_trail(user: Person) -> list[str]:
    """User names of everybody who acted in what this person sees of the trail, for the filter."""
    acted = Exists(entries_visible_to(user).filter(user_id=OuterRef("pk")))
    return list(User.objects.filter(acted).order_by("username").values_list("username", flat=True))


def user_names(keys: Iterable[Any]) -> dict[Any, str]:
    """Names of people whose keys stand in values."""
    return {person.pk: str(person) for person in User.objects.filter(pk__in=list(keys))}


def is_person(field: models.Field[Any, Any]) -> bool:
    """Whether the values of this field are keys of people."""
    return field.remote_field is not None and field.remote_field.model is User
