"""Every model of the portal has a factory, and every factory and trait makes a row that the database takes."""

import pytest
from factory.django import DjangoModelFactory

from studyportal.core.models import ChainHead, ChainLink, EventShape, TrailEntry
from tests import factories
from tests.architecture.rendering import generate

# The database alone writes these; a row of a factory would break the chain.
BY_TRIGGER = {ChainHead, ChainLink, EventShape, TrailEntry}
MODELS = [model for model in generate.portal_models() if model not in BY_TRIGGER]
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
