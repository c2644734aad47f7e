"""The pages for clinical data: choose a format, read the dictionary, bring in a file of another system."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from studyportal.clinical.models import Form
from studyportal.exports.selectors import every_export
from studyportal.sites.rules import Role
from tests.portal.scenes import enrolled, person
from tests.portal.signed_in import signed_in
from tests.portal.test_odm import baseline, item, sent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("study")]


def test_a_statistician_asks_for_clinical_data_and_sees_it_in_the_list():
    client = signed_in(person(Role.STATISTICIAN))
    asked = {"file_format": "sav", "site": "SPH", "labels": "zh"}
    client.post(reverse("web:request_clinical_export"), asked)
    export = every_export().get()
    assert (export.format, export.site.code, export.language) == ("sav", "SPH", "zh")
    page = client.get(reverse("web:exports")).content.decode()
    assert "Clinical data of SPH" in page
    assert "SPSS (SAV)" in page


def test_a_format_that_does_not_exist_is_told_at_its_field():
    client = signed_in(person(Role.STATISTICIAN))
    answer = client.post(reverse("web:request_clinical_export"), {"file_format": "doc"})
    assert answer.status_code == 422
    assert not every_export().exists()


def test_the_dictionary_names_every_column_with_its_codes():
    page = signed_in(person(Role.STATISTICIAN)).get(reverse("web:dictionary")).content.decode()
    assert "glucose_mmol_l_absent" in page
    assert "former" in page


@pytest.mark.parametrize(("weight", "kept"), [("70.5", 1), ("7000", 0)])
def test_a_coordinator_brings_in_a_file_or_reads_what_is_wrong(weight, kept):
    client = signed_in(person(Role.COORDINATOR))
    file = SimpleUploadedFile("a.xml", sent(enrolled(), baseline(item("WEIGHT_KG", weight))))
    answer = client.post(reverse("web:crf_import_odm"), {"odm": file})
    assert answer.status_code == (302 if kept else 422)
    assert Form.objects.count() == kept
    assert kept or "baseline.weight_kg" in answer.content.decode()
