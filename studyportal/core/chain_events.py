"""Compares events with their entries in the chain: the digest of what stands in the table now with the one it had."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from studyportal.core.models import EventShape, Redaction, TrailEntry
from studyportal.core.tracking import chained_models

Judged = dict[int, tuple[str, str]]  # entry → what is wrong with its event


def sha256(text: str) -> str:
    """SHA-256 of the text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def entry_name(entry: TrailEntry) -> str:
    """How sentences name the event of this entry."""
    return f"{entry.source} {entry.event_id}"


class EventReader:
    """Judges events, some thousand at once; `redacted` counts those that a record of a redaction explains."""

    def __init__(self) -> None:
        self.redacted = 0
        self._shapes = dict(EventShape.objects.values_list("key", "columns"))

    def judge(self, entries: Iterable[TrailEntry]) -> Judged:
        """Each entry whose event is gone or says something else; those that agree are not named."""
        groups: dict[tuple[str, str], list[TrailEntry]] = defaultdict(list)
        for entry in entries:
            groups[entry.source, entry.shape].append(entry)
        judged: Judged = {}
        for (source, shape), rows in groups.items():
            digests = self._digests(source, shape, [entry.event_id for entry in rows])
            differing = []
            for entry in rows:
                digest = digests.get(entry.event_id)
                if digest is None:
                    judged[entry.pk] = ("event", f"The event {entry_name(entry)} was taken away.")
                elif digest != entry.digest:
                    differing.append((entry, digest))
            judged |= self._changed(source, differing)
        return judged

    def _digests(self, source: str, shape: str, keys: list[int]) -> dict[int, str]:
        """SHA-256 of each event as text, with the columns that it had when it was written."""
        model: Any = chained_models().get(source)
        if model is None:
            return {}
        key, table = model._meta.pk.column, connection.ops.quote_name(source)
        columns = self._shapes.get(shape, "")
        now = ",".join(sorted(field.column for field in model._meta.concrete_fields))
        whole = "to_jsonb(e)"
        if columns != now:
            whole = "(SELECT jsonb_object_agg(k, v) FROM jsonb_each(to_jsonb(e)) AS p(k, v) WHERE k = ANY(%s))"
        params: list[Any] = [keys] if columns == now else [columns.split(","), keys]
        with connection.cursor() as cursor:
            cursor.execute(
                f'SELECT e."{key}", {whole}::text FROM {table} e WHERE e."{key}" = ANY(%s)',  # noqa: S608 our own tables
                params,
            )
            return {event: sha256(text) for event, text in cursor.fetchall()}

    def _changed(self, source: str, differing: Sequence[tuple[TrailEntry, str]]) -> Judged:
        """Those that no record of a redaction explains."""
        if not differing:
            return {}
        keys = [entry.event_id for entry, _ in differing]
        steps: dict[int, list[Redaction]] = defaultdict(list)
        for row in Redaction.objects.filter(source=source, event_id__in=keys).order_by("id"):
            steps[row.event_id].append(row)
        judged: Judged = {}
        for entry, digest in differing:
            expected = entry.digest
            for step in steps[entry.event_id]:
                expected = step.digest_after if step.digest_before == expected else expected
            if expected != digest:
                judged[entry.pk] = ("event", f"The event {entry_name(entry)} was changed.")
        self.redacted += len(differing) - len(judged)
        return judged
