"""Which table is bound to sites, and by what: read off the foreign keys, so that a new model stands behind the wall by itself.

A row belongs to the site that it names, or to the site of the row that it belongs to.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import apps
from django.db import models

from studyportal.core.models import StatusChange

SITE = "sites.site"
# What the wall stands on: who belongs where is asked before anybody's sites are known.
GROUND = frozenset({SITE, "sites.membership", "sites.invitation"})
_TRACKED_ROW = "pgh_obj"  # the key by which a version points to the row that it is one of
_VISIBLE = "ANY ((SELECT studyportal_sites())::uuid[])"
Model = type[models.Model]


def portal_models() -> list[Model]:
    """Every model of the portal with a table of its own."""
    return [
        model
        for model in apps.get_models()
        if model.__module__.startswith("studyportal.")
        and model._meta.managed
        and not model._meta.proxy
    ]


def bindings() -> Mapping[str, str]:
    """Table → the condition under which its row belongs to a site that may be seen."""
    bound = {
        model._meta.db_table: condition
        for model in portal_models()
        if (condition := _condition(model, ()))
    }
    return {**bound, StatusChange._meta.db_table: _of_history(bound)}


def unbound_models() -> list[Model]:
    """Models whose rows belong to no site."""
    bound = bindings()
    return [model for model in portal_models() if model._meta.db_table not in bound]


def _condition(model: Model, below: tuple[Model, ...]) -> str:
    """The condition for a row of this model; empty when it belongs to no site."""
    tracked = tracked_by(model)
    if tracked._meta.label_lower in GROUND or model in below:
        return ""
    keys = [(field, target) for field in model._meta.concrete_fields if (target := _target(field))]
    for field, target in keys:
        if target._meta.label_lower == SITE:
            here = f"{_column(field)} = {_VISIBLE}"
            of_all = getattr(tracked, "of_every_site_without_site", False)
            return f"({_column(field)} IS NULL OR {here})" if of_all else here
    for field, target in sorted(keys, key=lambda key: _nearness(key[0])):
        if _condition(target, (*below, model)):
            return _of_row(target, _column(field))
    return _by_value(model)


def tracked_by(model: Model) -> Model:
    """The model whose versions these are; of any other model itself."""
    tracked: Model = getattr(model, "pgh_tracked_model", model)
    return tracked


def _nearness(field: Any) -> tuple[bool, bool]:
    """A key that may be empty comes last. A version is bound by its own keys first: its row may be gone."""
    return field.null, field.name == _TRACKED_ROW


def _by_value(model: Model) -> str:
    """The condition for a row that names its site without a key, so that it survives everything; empty when it names none."""
    names = {field.name for field in model._meta.concrete_fields}
    if "site_code" in names:
        return _of_code(f'"{model._meta.db_table}"."site_code"')
    if "site_id" in names:
        return f'"{model._meta.db_table}"."site_id" = {_VISIBLE}'
    return ""


def _target(field: Any) -> Model | None:
    return field.related_model if field.remote_field is not None else None


def _column(field: Any) -> str:
    return f'"{field.model._meta.db_table}"."{field.column}"'


def _of_row(model: Model, column: str) -> str:
    """The row above may be seen: its own table says when."""
    key = model._meta.pk.column
    return f'EXISTS (SELECT 1 FROM "{model._meta.db_table}" AS up WHERE up."{key}" = {column})'  # noqa: S608


def _of_code(column: str) -> str:
    """The site of this code may be seen; without a code it is about the whole study."""
    codes = f"SELECT code FROM sites_site WHERE id = {_VISIBLE}"  # noqa: S608
    return f"({column} = '' OR {column} IN ({codes}))"


def _of_history(bound: Iterable[str]) -> str:
    """A move belongs where the row that moved belongs; a machine is named like its model."""
    table = StatusChange._meta.db_table
    column = f'"{table}"."object_id"'
    cases = [
        f"WHEN '{name}' THEN {_of_row(model, column) if model._meta.db_table in bound else 'true'}"
        for name, model in machines().items()
    ]
    return f'CASE "{table}"."machine" {" ".join(cases)} ELSE false END'


def machines() -> Mapping[str, Model]:
    """State machine → the model whose rows it moves."""
    return {
        str(model._meta.verbose_name_raw): model
        for model in portal_models()
        if tracked_by(model) is model
        and any(field.name == "status" for field in model._meta.concrete_fields)
    }
