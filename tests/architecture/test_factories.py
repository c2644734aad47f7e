"""Every model of the portal has a factory, and every factory and trait makes a row that the database takes."""

import pytest
from django.apps import apps
from factory.django import DjangoModelFactory

from tests import factories

MODELS = [model for model in apps.get_models() if model.__module__.startswith("studyportal.")]
FACTORIES = {
    kind._meta.model: kind
    for kind in vars(factories).values()
    if isinstance(kind, type)
    and issubclass(kind, DjangoModelFactory)
    and kind is not DjangoModelFactory
}
TRAITS = [(kind, trait) for kind in FACTORIES.values() for trait in (None, *kind._meta.parameters)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_model_has_a_factory(model):
    assert model in FACTORIES


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "trait"), TRAITS, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_every_factory_and_trait_makes_a_row(kind, trait):
    row = kind(**({trait: True} if trait else {}))
    assert type(row).objects.get(pk=row.pk) == row
