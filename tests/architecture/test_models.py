"""What every model keeps: keys point down, every field is explained and labelled, every status has its machine."""

import pytest
from django.apps import apps
from django.db import models

from studyportal.exports.rules import EXPORTED, PSEUDONYMISED, label_of
from tests.architecture.rendering import generate

FLOORS = (
    "core", "protocol", "sites", "queries", "participants", "clinical", "imaging", "syntheses",
    "reading", "outcomes", "exports",
)  # fmt: skip
MODELS = generate.portal_models()
MACHINES = generate.machines()
# Statuses that are entered as facts and never move.
ENTERED = {"clinical.referencestandard"}
label = lambda model: model._meta.label  # noqa: E731


def own_fields(model):
    """Fields the portal declares: neither Django's own nor automatic keys."""
    inherited = {
        field.name
        for base in model.__mro__[1:]
        if hasattr(base, "_meta") and not base.__module__.startswith("studyportal.")
        for field in base._meta.fields
    }
    return [
        field
        for field in model._meta.concrete_fields
        if field.name not in inherited and not isinstance(field, models.AutoField)
    ]


def test_every_room_with_models_has_its_floor():
    assert {model._meta.app_label for model in MODELS} == set(FLOORS)


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_foreign_keys_point_down(model):
    floor = FLOORS.index(model._meta.app_label)
    for field in model._meta.concrete_fields:
        if field.remote_field is not None:
            target = field.remote_field.model._meta.app_label
            assert FLOORS.index(target) <= floor, f"{field} points up to {target}"


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_nothing_clinical_disappears_with_what_it_points_to(model):
    for field in model._meta.concrete_fields:
        if field.remote_field is not None:
            assert field.remote_field.on_delete is models.PROTECT, str(field)


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_every_field_is_explained(model):
    unexplained = [field.name for field in own_fields(model) if not field.help_text]
    assert unexplained == []


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_every_field_has_an_export_label(model):
    for field in model._meta.concrete_fields:
        assert label_of(model._meta.label_lower, field.name) in ("export", "pseudonymise", "never")


@pytest.mark.parametrize("table", [EXPORTED, PSEUDONYMISED])
def test_every_label_names_a_model_and_a_field_that_exist(table):
    for name, fields in table.items():
        known = {field.name for field in apps.get_model(name)._meta.concrete_fields}
        assert fields <= known, f"{name}: {fields - known}"


def test_no_field_has_two_labels():
    for name, fields in PSEUDONYMISED.items():
        assert not fields & EXPORTED.get(name, frozenset())


def test_people_and_the_trail_never_leave():
    for model in MODELS:
        if model._meta.app_label == "core":
            fields = model._meta.concrete_fields
            assert {label_of(model._meta.label_lower, f.name) for f in fields} == {"never"}


def test_every_machine_belongs_to_one_model_and_every_status_to_one_machine():
    found = {}
    for model in MODELS:
        if "status" not in {field.name for field in model._meta.concrete_fields}:
            continue
        if model._meta.label_lower in ENTERED:
            continue
        words = [value for value, _ in model._meta.get_field("status").choices]
        fitting = [
            machine.name for machine in MACHINES
            if words == [status.value for status in machine.statuses]
            and machine.statuses.__module__ == f"studyportal.{model._meta.app_label}.states"
        ]  # fmt: skip
        assert len(fitting) == 1, f"{model._meta.label}: {fitting}"
        found[model] = fitting[0]
    assert sorted(found.values()) == sorted(machine.name for machine in MACHINES)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_status_appears_in_its_machine_and_can_be_reached(machine):
    assert set(machine.moves) == set(machine.statuses)
    reached, waiting = {machine.initial}, [machine.initial]
    while waiting:
        new = machine.moves[waiting.pop()] - reached
        reached |= new
        waiting += new
    assert reached == set(machine.statuses)
