"""The report of de-identification: shown with its series, to be had as a file, for nobody else."""

import pytest
from django.test import Client
from django.urls import reverse

from studyportal.imaging.rules import RULE_TEXTS, Rule
from studyportal.imaging.states import SeriesRole
from studyportal.sites.rules import Role
from studyportal.web.words import RULE_WORDS
from tests.bad_bytes import few_slices
from tests.portal.scenes import enrolled, person, taken_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def series(study, phantom, tmp_path):
    for name, content in few_slices(phantom() / "PET", slice(5)).items():
        (tmp_path / name).write_bytes(content)
    return taken_in(enrolled(), SeriesRole.REFERENCE, tmp_path)


def get(page: str, *words: object, by: Role = Role.COORDINATOR, at: str = "SPH"):
    client = Client()
    client.force_login(person(by, at=at))
    return client.get(reverse(f"web:{page}", args=words))


def test_every_rule_has_words():
    assert set(RULE_TEXTS) == set(RULE_WORDS) == {str(rule) for rule in Rule}


@pytest.mark.parametrize("page", ["upload", "pair"])
def test_the_pages_of_series_and_pair_say_which_rules_acted_and_that_suv_survived(series, page):
    answer = get(page, series.pk if page == "upload" else series.pair_id)
    text = answer.content.decode()
    assert "identifiers (UIDs): replaced by keyed hashes" in text
    assert "SUV is the same before and after de-identification in all 5 slices." in text
    assert reverse("web:series_deidentification", args=[series.pk, "txt"]) in text


def test_the_report_is_had_as_text_and_as_json(series):
    text = get("series_deidentification", series.pk, "txt")
    assert f"{series.pair.participant.code}, PET: de-identification" in text.content.decode()
    assert 'attachment; filename="SPH-' in text["Content-Disposition"]
    facts = get("series_deidentification", series.pk, "json").json()
    assert facts["actions"] == series.deidentification["actions"]
    assert facts["suv"]["holds"]
    assert facts["series_uid"] == series.series_uid


@pytest.mark.parametrize(("ending", "at"), [("xml", "SPH"), ("txt", "SEH")])
def test_there_is_no_other_form_of_it_and_none_for_other_sites(series, ending, at):
    assert get("series_deidentification", series.pk, ending, at=at).status_code == 404
