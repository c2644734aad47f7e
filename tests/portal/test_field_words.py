"""Every field that the audit trail shows has a name in Chinese and in English."""

import csv
from importlib import resources

import pytest
from django.utils.translation import override

from studyportal.core.tracking import event_models
from studyportal.web.field_words import field_word

TRACKED = {
    model._meta.label: model
    for model in (event.pgh_tracked_model for event in event_models())
    if model.__module__.startswith("studyportal.")
}

TNM = {"cT", "cN", "cM", "pT", "pN"}  # signs that are the same in every language


def kept(label):
    """The fields of a model that its events keep."""
    model = TRACKED[label]
    (event,) = [one for one in event_models() if one.pgh_tracked_model is model]
    names = {field.name for field in event._meta.concrete_fields}
    return [field for field in model._meta.concrete_fields if field.name in names]


@pytest.mark.parametrize("label", TRACKED)
def test_every_field_that_is_kept_has_a_chinese_name(label):
    with override("zh-hans"):
        words = {field.name: field_word(field) for field in kept(label)}
    lacking = [
        name
        for name, word in words.items()
        if not any("一" <= c <= "鿿" for c in word) and word not in TNM
    ]
    assert lacking == []


@pytest.mark.parametrize("label", TRACKED)
def test_no_two_fields_of_a_model_are_called_alike(label):
    for language in ("en", "zh-hans"):
        with override(language):
            words = [field_word(field) for field in kept(label)]
        assert sorted(words) == sorted(set(words))


def test_why_an_answer_has_no_value_is_named_after_the_answer():
    (field,) = [one for one in kept("clinical.Baseline") if one.name == "height_cm_absent"]
    with override("zh-hans"):
        assert field_word(field) == "身高：无值原因"


def test_the_table_names_no_field_that_is_not_kept():
    rows = (resources.files("studyportal.web") / "field_words.csv").read_text("utf-8").splitlines()
    fields = [(label.split(".")[1], field.name) for label in TRACKED for field in kept(label)]
    known = {name for _, name in fields} | {f"{model}.{name}" for model, name in fields}
    assert {row["field"] for row in csv.DictReader(rows)} <= known
