"""Every row, field and value that the audit trail shows has a name in Chinese and in English."""

import csv
import re
from importlib import resources

import pytest
from django.utils.translation import override

from studyportal.core.tracking import event_models
from studyportal.web.field_words import field_word, status_word, value_word
from studyportal.web.trail_words import kind_word, value_text
from tests.architecture.test_machines import MACHINES

TRACKED = {
    model._meta.label: model
    for model in (event.pgh_tracked_model for event in event_models())
    if model.__module__.startswith("studyportal.")
}

SIGN = re.compile("(T|N|M|PL)(is|x|[0-9](mi|[a-c])?[0-9]?)")  # the same in every language
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


def is_chinese(word):
    return any("一" <= c <= "鿿" for c in word)


@pytest.mark.parametrize("label", TRACKED)
def test_every_kind_of_row_has_a_chinese_name(label):
    with override("zh-hans"):
        assert is_chinese(kind_word(TRACKED[label]))


@pytest.mark.parametrize("label", TRACKED)
def test_every_value_to_choose_from_is_said_in_chinese(label):
    with override("zh-hans"):
        words = {
            f"{field.name}={value}": value_word(field, str(value))
            for field in kept(label)
            for value, sign in field.flatchoices
            if not SIGN.fullmatch(str(sign))
        }
    english = re.compile("[A-Za-z]")
    lacking = [one for one, word in words.items() if english.search(word) and not is_chinese(word)]
    assert lacking == []


def test_every_status_is_said_in_chinese_and_every_machine():
    with override("zh-hans"):
        words = {
            (name, status.value): status_word(status.value, of=name)
            for name, machine in MACHINES.items()
            for status in machine.statuses
        }
    assert [at for at, word in words.items() if not is_chinese(word)] == []
    for name in MACHINES:  # or a move would read as none
        said = [word for (machine, _), word in words.items() if machine == name]
        assert len(said) == len(set(said)), name


def test_an_answer_is_said_in_the_words_of_its_form():
    (field,) = [one for one in kept("clinical.NodeRow") if one.name == "result"]
    with override("zh-hans"):
        assert value_word(field, "positive") == "有"
    with override("en"):
        assert value_word(field, "positive") == "yes"
    (notes,) = [one for one in kept("clinical.Baseline") if one.name == "comment"]
    assert value_word(notes, "unknown") is None  # a person's own words


def test_the_table_names_no_value_that_is_not_kept():
    rows = (resources.files("studyportal.web") / "value_words.csv").read_text("utf-8").splitlines()
    known = {
        key
        for label in TRACKED
        for field in kept(label)
        for value, _ in field.flatchoices
        for key in (str(value), f"{label.split('.')[1]}.{field.name}={value}")
    } | {f"{name}={one.value}" for name, machine in MACHINES.items() for one in machine.statuses}
    assert {row["value"] for row in csv.DictReader(rows)} <= known


@pytest.mark.parametrize(
    ("kept_as", "read"),
    [
        ("2026-11-26T22:00:03.195947+00:00", "2026-11-27 06:00:03"),  # in the study's time zone
        ("[redacted]", "[redacted]"),
    ],
)
def test_a_moment_is_read_in_the_time_of_the_study(kept_as, read):
    (field,) = [one for one in kept("clinical.Form") if one.name == "changed_at"]
    assert value_text(field, kept_as, {}) == read
