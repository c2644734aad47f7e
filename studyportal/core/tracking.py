"""`tracked()` gives a model its history: kept by triggers of the database, so that nothing gets past it.

Bulk writes, plain SQL, the admin site and tasks are caught alike (21 CFR 11.10(e), ICH E6(R3) 4.2.2). The
events of django-pghistory hold every version of a row; each of them has its place in one chain of digests
(`studyportal.core.chain`). No session can switch these triggers off by a setting, as it could those that
django-pgtrigger writes by default.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

import pghistory
import pgtrigger
from django.apps import apps
from django.db import models
from pghistory import trigger as pghistory_trigger
from pgtrigger import compiler

Model = TypeVar("Model", bound=type[models.Model])
PARTICIPANTS = "participants_participant"  # its rows know their site
SELF = "self"  # in place of a path: the row is itself the participant or the site
REASON_NEEDED = "reason_for_change"  # what the database names when a reason is missing


class TrailTriggerSql(compiler.UpsertTriggerSql):
    """SQL of a trigger that no setting of a session switches off. Migrations name this class."""

    def get_template(self) -> str:
        return """
            CREATE OR REPLACE FUNCTION {pgid}()
            RETURNS TRIGGER AS $$
                {declare}
                BEGIN
                    {func}
                END;
            $$ LANGUAGE plpgsql;

            DROP TRIGGER IF EXISTS {pgid} ON {table};
            CREATE {constraint} TRIGGER {pgid}
                {when} {operation} ON {table}
                {timing}
                {referencing}
                FOR EACH {level} {condition}
                EXECUTE FUNCTION {execute};

            COMMENT ON TRIGGER {pgid} ON {table} IS '{hash}';
        """


class _Firm(pgtrigger.Trigger):
    """A trigger without the switch that django-pgtrigger builds into its own."""

    def compile(self, model: Any) -> compiler.Trigger:
        compiled = super().compile(model)
        parts: dict[str, Any] = dict(compiled.sql.kwargs)
        parts.pop("ignore_func_name", None)
        return compiler.Trigger(name=compiled.name, sql=TrailTriggerSql(**parts))


class _KeepVersion(_Firm, pghistory_trigger.Event):
    """Writes one version of a row into its table of events."""


class _Keeping(pghistory.RowEvent):
    def add_event_trigger(self, event_model: Any) -> None:
        kept = _KeepVersion(
            event_model=event_model,
            label=self.label,
            name=self.trigger_name,
            row=self.row,
            operation=self.operation,
            condition=self.condition,
            level=self.level,
        )
        pgtrigger.register(kept)(event_model.pgh_tracked_model)


class _Inserted(_Keeping, pghistory.InsertEvent):
    pass


class _Updated(_Keeping, pghistory.UpdateEvent):
    pass


class _Deleted(_Keeping, pghistory.DeleteEvent):
    pass


_REFUSE = (
    "RAISE EXCEPTION 'The table % is append-only.', TG_TABLE_NAME "
    "USING ERRCODE = 'restrict_violation';"
)


class _NoTruncate(_Firm):
    """The table is never emptied in one stroke, which would pass every trigger for rows."""

    name = "no_truncate"
    level = pgtrigger.Statement
    when = pgtrigger.Before
    operation = pgtrigger.Truncate
    func = (
        "RAISE EXCEPTION 'The table % cannot be emptied.', TG_TABLE_NAME "
        "USING ERRCODE = 'restrict_violation';"
    )


class _AppendOnly(_Firm):
    """Events are never taken away, and changed only by a redaction that the same transaction keeps a record of."""

    name = "append_only"
    when = pgtrigger.Before
    operation = pgtrigger.Update | pgtrigger.Delete

    def get_func(self, model: Any) -> str:
        key = model._meta.pk.column
        return (
            f"IF TG_OP = 'UPDATE' AND core_is_redacted(TG_TABLE_NAME::text, OLD.\"{key}\", OLD, NEW) "
            f"THEN RETURN NEW; END IF; {_REFUSE}"
        )


class _Chain(_Firm):
    """Gives each new row of a table its place in the chain."""

    name = "chain"
    when = pgtrigger.After
    operation = pgtrigger.Insert

    def get_func(self, model: Any) -> str:
        columns = ",".join(sorted(field.column for field in model._meta.concrete_fields))
        words = ", ".join(
            (
                "NEW",
                "TG_TABLE_NAME::text",
                f"'{columns}'",
                f'NEW."{model._meta.pk.column}"',
                *self.place(model),
            )
        )
        return f"PERFORM core_keep({words}); RETURN NULL;"

    def place(self, model: Any) -> Iterable[str]:
        """SQL of label, row, participant, site and person."""
        raise NotImplementedError


class _EventChain(_Chain):
    """Places an event of django-pghistory, with the participant and the site that its row belongs to."""

    def __init__(self, *, participant: str, site: str) -> None:
        self.participant, self.site = participant, site
        super().__init__()

    def place(self, model: Any) -> Iterable[str]:
        participant = _follow(model, self.participant)
        site = _follow(model, self.site)
        if site == _NOTHING and participant != _NOTHING:
            site = f"(SELECT p.site_id FROM {PARTICIPANTS} p WHERE p.id = {participant})"  # noqa: S608 our own tables
        person = "NULLIF(NEW.pgh_context->>'user', '')::bigint"
        return ("NEW.pgh_label", "NEW.pgh_obj_id::text", participant, site, person)


class _ActChain(_Chain):
    """Places an act or a move: it belongs to whom the row belongs that it speaks of."""

    def __init__(self, label: str) -> None:
        self.label = label
        super().__init__()

    def get_declare(self, model: Any) -> list[tuple[str, str]]:
        return [("whose", "record := core_whose(NEW.object_id::text)")]

    def place(self, model: Any) -> Iterable[str]:
        return (
            f"'{self.label}'", "NEW.object_id::text", "whose.participant_id", "whose.site_id", "NEW.by_id",
        )  # fmt: skip


_NOTHING = "NULL::uuid"


def _follow(model: type[models.Model], path: str) -> str:
    """Return SQL that walks from the new event along foreign keys to an id."""
    if not path:
        return _NOTHING
    if path == SELF:
        return "NEW.pgh_obj_id"
    first, *rest = path.split("__")
    field: Any = model._meta.get_field(first)
    walked, here = f'NEW."{field.column}"', field.remote_field.model
    for name in rest:
        step: Any = here._meta.get_field(name)
        walked = f'(SELECT t."{step.column}" FROM "{here._meta.db_table}" t WHERE t.id = {walked})'  # noqa: S608 our own
        here = step.remote_field.model
    return walked


class _ReasonNeeded(_Firm):
    """A value that was kept is changed or taken away only with a reason in the context of the transaction."""

    when = pgtrigger.Before

    def __init__(self, *, fields: Iterable[str], unless: str, operation: Any, name: str) -> None:
        self.fields, self.unless = tuple(fields), unless
        super().__init__(name=name, operation=operation)

    def get_func(self, model: Any) -> str:
        result = "OLD" if self.operation == pgtrigger.Delete else "NEW"
        return (
            "IF NOT core_has_reason() THEN RAISE EXCEPTION "
            "'What % holds already is changed only with a reason.', TG_TABLE_NAME "
            f"USING ERRCODE = 'check_violation', CONSTRAINT = '{REASON_NEEDED}'; END IF; "
            f"RETURN {result};"
        )

    def render_condition(self, model: Any) -> str:
        columns = [model._meta.get_field(name).column for name in self.fields]
        changed = " OR ".join(
            f'(COALESCE(OLD."{column}"::text, \'\') <> \'\' AND OLD."{column}" IS DISTINCT FROM NEW."{column}")'
            for column in columns
        )
        parts = [f"({changed})"] if self.operation == pgtrigger.Update else []
        if self.unless:
            parts.append(f"NOT ({self.unless})")
        return f"WHEN ({' AND '.join(parts)})" if parts else ""


def _reason_triggers(fields: Iterable[str], unless: str) -> list[pgtrigger.Trigger]:
    named = tuple(fields)
    if not named:
        return []
    return [
        _ReasonNeeded(
            fields=named, unless=unless, operation=pgtrigger.Update, name="reason_to_change"
        ),
        _ReasonNeeded(
            fields=named, unless=unless, operation=pgtrigger.Delete, name="reason_to_remove"
        ),
    ]


def _differs(name: str) -> pgtrigger.Condition:
    return pgtrigger.Condition(f'OLD."{name}" IS DISTINCT FROM NEW."{name}"')


def tracked(
    *,
    participant: str = "",
    site: str = "",
    hidden: Iterable[str] = (),
    noted: Iterable[str] = (),
    reason_for: Iterable[str] = (),
    reason_unless: str = "",
) -> Callable[[Model], Model]:
    """Every insert, change and removal of a row of this model is an event that nobody can change or take away.

    Parameters
    ----------
    participant, site
        Path of foreign keys to whom the row belongs, as in a Django filter, or SELF.
    hidden
        Fields that no event keeps: secrets, and what machines write every few seconds.
    noted
        Hidden fields of which a change is an event all the same, without the value.
    reason_for
        Fields with values of people: changing or removing one that is kept needs a reason.
    reason_unless
        SQL on OLD under which no reason is needed yet, for example ``OLD.status = 'draft'``.
    """
    secret = tuple(noted)

    def decorate(model: Model) -> Model:
        pgtrigger.register(_NoTruncate(), *_reason_triggers(reason_for, reason_unless))(model)
        pghistory.track(
            _Inserted(),
            _Updated(),
            _Deleted(),
            *(_Updated(f"{name}_changed", condition=_differs(name)) for name in secret),
            exclude=[*hidden, *secret],
            obj_field=pghistory.ObjForeignKey(
                related_name="+", related_query_name="+", db_index=True
            ),
            context_field=pghistory.ContextJSONField(),
            append_only=False,  # by our own trigger, which knows redactions
            meta={
                "triggers": [
                    _AppendOnly(),
                    _NoTruncate(),
                    _EventChain(participant=participant, site=site),
                ],
                "default_permissions": (),
                "verbose_name": f"event of {model._meta.verbose_name}",
                "verbose_name_plural": f"events of {model._meta.verbose_name_plural}",
            },
        )(model)
        return model

    return decorate


def chained(label: str) -> Callable[[Model], Model]:
    """Each row of this append-only model has its place in the chain, under this label."""

    def decorate(model: Model) -> Model:
        pgtrigger.register(_AppendOnly(), _ActChain(label))(model)
        return model

    return decorate


def event_models() -> list[type[models.Model]]:
    """Every table of events, by name."""
    found: list[type[models.Model]] = pghistory.core.event_models(include_missing_pgh_obj=True)
    return sorted(found, key=lambda model: model._meta.db_table)


def event_model_of(model: type[models.Model]) -> type[models.Model] | None:
    """The table of events of this model; None when it has none."""
    return next((kind for kind in event_models() if kind.pgh_tracked_model is model), None)  # type: ignore[attr-defined]


@cache
def chained_models() -> Mapping[str, type[models.Model]]:
    """Every model whose rows have a place in the chain, by table."""
    kinds = [
        model
        for model in apps.get_models()
        if any(isinstance(one, _Chain) for one in getattr(model._meta, "triggers", ()))
    ]
    return MappingProxyType({kind._meta.db_table: kind for kind in kinds})
