"""Pages of the forms: filled in by script and without, two people, completed, entered twice, imported."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from studyportal.clinical.models import Form
from studyportal.clinical.rules import FORMS
from studyportal.clinical.selectors import reference_of, rows_of
from studyportal.clinical.services import add_row, complete_form, open_form, save_answers
from studyportal.clinical.states import FormStatus
from studyportal.sites.rules import Role
from studyportal.web.views.crf import address_of
from tests import factories as make
from tests.portal.test_clinical_forms import BASELINE, SPECIMEN, changes
from tests.portal.web_study import Study, enrolled, person_at, small_study

pytestmark = pytest.mark.django_db
SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def study() -> Study:
    return small_study()


def client_of(study, role=Role.COORDINATOR):
    client = Client()
    client.force_login(study.people[role])
    return client


def begun(study, kind, *, unit="", **texts):
    """A participant with this form begun, and its address."""
    participant = enrolled(study.sites["SPH"], study.coordinator)
    form = open_form(participant=participant, kind=kind, by=study.coordinator)
    if unit:
        add_row(form=form, unit=unit, by=study.coordinator)
    if texts:
        save_answers(form=form, changes=changes(texts, unit), by=study.coordinator)
    return form, reverse("web:crf", args=[participant.pk, kind, 1])


def sent(name, was, now, unit="-"):
    return {f"was:{unit}:{name}": was, f"now:{unit}:{name}": now}


def test_a_form_is_begun_from_the_participants_page_and_stands_there(study):
    participant = enrolled(study.sites["SPH"], study.coordinator)
    client = client_of(study)
    answer = client.post(reverse("web:crf_open", args=[participant.pk, "baseline"]))
    assert answer["Location"] == reverse("web:crf", args=[participant.pk, "baseline", 1])
    page = client.get(reverse("web:participant", args=[participant.pk])).content.decode()
    assert answer["Location"] in page
    assert page.count("Begin") == len(FORMS) - 1


def test_every_visit_is_a_form_of_its_own(study):
    participant = enrolled(study.sites["SPH"], study.coordinator)
    client, place = client_of(study), reverse("web:crf_open", args=[participant.pk, "follow_up"])
    places = [client.post(place)["Location"] for _ in range(2)]
    assert [where.rstrip("/").rsplit("/", 1)[1] for where in places] == ["1", "2"]


@pytest.mark.parametrize("kind", FORMS)
def test_each_form_shows_a_field_for_each_question_and_its_unit(study, kind):
    unit = {"lesions": "1", "pathology": "1", "nodes": "7", "distant": "liver", "treatment": "1"}
    form, place = begun(study, kind, unit=unit.get(kind, ""))
    page = client_of(study).get(place).content.decode()
    for field in FORMS[kind].entered:
        assert f'name="now:{unit.get(kind, "-")}:{field.name}"' in page
    assert "not_stated" not in page
    assert form.participant.code in page


def test_an_answer_is_kept_as_its_field_is_left_and_the_fields_say_what_follows(study):
    form, place = begun(study, "staging", ct="T1a", cn="N1")
    answer = client_of(study).post(f"{place}save/", sent("cm", "", "M0"), headers=SCRIPT)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Stage IIA" in page
    assert 'id="was-row-cm" value="M0"' in page
    assert 'id="was-row-ct"' not in page
    assert rows_of(form)[""]["cm"] == "M0"


def test_what_cannot_be_stands_at_its_field_and_stays_after_a_reload(study):
    _form, place = begun(study, "baseline")
    client = client_of(study)
    answer = client.post(f"{place}save/", sent("weight_kg", "", "705"), headers=SCRIPT)
    assert "must lie between 10 and 400 kg" in answer.content.decode()
    page = client.get(place).content.decode()
    assert 'value="705"' in page
    assert "must lie between 10 and 400 kg" in page


def test_the_person_who_comes_second_sees_both_answers(study):
    form, place = begun(study, "baseline", weight_kg="70.5")
    other = study.people[Role.DATA_MANAGER]
    save_answers(form=form, changes=changes({"weight_kg": "71.5"}, was="70.5"), by=other)
    answer = client_of(study).post(
        f"{place}save/", sent("weight_kg", "70.5", "75.5"), headers=SCRIPT
    )
    page = answer.content.decode()
    assert "somebody else entered “71.5”" in page
    assert 'data-value="71.5"' in page
    assert 'id="was-row-weight_kg"' not in page
    assert str(rows_of(form)[""]["weight_kg"]) == "71.5"


def test_without_script_both_answers_stand_on_the_page_and_saving_again_keeps_ones_own(study):
    form, place = begun(study, "baseline", weight_kg="70.5")
    other = study.people[Role.DATA_MANAGER]
    save_answers(form=form, changes=changes({"weight_kg": "71.5"}, was="70.5"), by=other)
    client = client_of(study)
    answer = client.post(f"{place}save/", sent("weight_kg", "70.5", "75.5"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="75.5"' in page
    assert "71.5" in page
    assert client.post(f"{place}save/", sent("weight_kg", "71.5", "75.5")).status_code == 302
    assert str(rows_of(form)[""]["weight_kg"]) == "75.5"


def test_a_word_instead_of_a_value_is_chosen_and_a_later_value_wins(study):
    form, place = begun(study, "baseline")
    client = client_of(study)
    key = "-:weight_kg"
    typed = {f"was:{key}": "", f"now:{key}": "", f"absent:{key}": "not_done"}
    client.post(f"{place}save/", typed, headers=SCRIPT)
    assert rows_of(form)[""]["weight_kg"] == "not_done"
    typed = {f"was:{key}": "not_done", f"now:{key}": "70", f"absent:{key}": "not_done"}
    client.post(f"{place}save/", typed, headers=SCRIPT)
    assert str(rows_of(form)[""]["weight_kg"]) == "70.0"


def test_an_answer_to_a_form_that_was_completed_meanwhile_is_refused_in_words(study):
    form, place = begun(study, "baseline", **BASELINE)
    complete_form(form=form, by=study.coordinator)
    answer = client_of(study).post(f"{place}save/", sent("ecog", "1", "2"), headers=SCRIPT)
    assert answer.status_code == 422
    assert "Reopen it with a reason" in answer.content.decode()
    assert "still on this page" in answer.content.decode()


def test_completing_names_and_links_what_stands_in_the_way_and_keeps_what_was_typed(study):
    form, place = begun(study, "baseline")
    answer = client_of(study).post(f"{place}complete/", sent("smoking", "", "never"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert '<a href="#at-row-ecog">ECOG performance status is not answered.</a>' in page
    assert rows_of(form)[""]["smoking"] == "never"


def test_a_whole_way_from_draft_to_verified_and_back(study):
    form, place = begun(study, "pathology", unit="1", **SPECIMEN)
    coordinator, manager = client_of(study), client_of(study, Role.DATA_MANAGER)
    monitor = client_of(study, Role.MONITOR)
    assert coordinator.post(f"{place}complete/").status_code == 302
    assert reference_of(form.participant).get().rule == "M1"
    page = monitor.get(place).content.decode()
    assert "second person has not entered" in page
    typed = {"now:1:result": "malignant", "now:1:histology": "squamous"}
    assert manager.post(f"{place}second/", typed).status_code == 302
    page = manager.get(f"{place}reconcile/").content.decode()
    assert "adenocarcinoma, invasive" in page
    settled = {"place": "1:histology", "take": "first", "reason": "Read the report again."}
    manager.post(f"{place}reconcile/", settled)
    assert monitor.post(f"{place}verify/").status_code == 302
    form.refresh_from_db()
    assert form.status == FormStatus.VERIFIED
    coordinator.post(f"{place}reopen/", {"reason": "New report."})
    form.refresh_from_db()
    assert form.status == FormStatus.DRAFT


def test_the_page_of_the_second_entry_never_holds_the_first(study):
    form, place = begun(study, "baseline", **BASELINE)
    complete_form(form=form, by=study.coordinator)
    page = client_of(study, Role.DATA_MANAGER).get(f"{place}second/").content.decode()
    assert 'name="now:-:weight_kg"' in page
    assert "70.5" not in page
    assert client_of(study).get(f"{place}second/").status_code == 200  # asks, and is refused
    own = client_of(study).post(f"{place}second/", {"now:-:weight_kg": "1"})
    assert "did not make the first" in own.content.decode()


def test_who_can_make_the_second_entry_does_not_see_the_first(study):
    form, place = begun(study, "baseline", **BASELINE)
    complete_form(form=form, by=study.coordinator)
    assert "70.5" in client_of(study).get(place).content.decode()
    assert "70.5" in client_of(study, Role.MONITOR).get(place).content.decode()
    page = client_of(study, Role.DATA_MANAGER).get(place).content.decode()
    assert "shown after the second entry" in page
    assert "70.5" not in page


def test_what_stands_in_the_way_of_verifying_is_said_in_the_language_of_the_reader(study):
    form, place = begun(study, "baseline", **BASELINE)
    complete_form(form=form, by=study.coordinator)
    person = study.people[Role.DATA_MANAGER]
    type(person).objects.filter(pk=person.pk).update(language="zh-hans")
    page = client_of(study, Role.DATA_MANAGER).get(place).content.decode()
    assert "需双份录入的字段尚未由第二人录入。" in page
    assert "A second person has not entered" not in page
    assert "differs from the one at screening" not in page


def test_rows_are_added_and_removed_with_a_reason(study):
    form, place = begun(study, "nodes")
    client = client_of(study)
    client.post(f"{place}rows/", {"unit": ["4R", "7"]})
    assert list(rows_of(form)) == ["4R", "7"]
    client.post(f"{place}rows/remove/", {"unit": "4R", "reason": ""})
    assert list(rows_of(form)) == ["4R", "7"]
    client.post(f"{place}rows/remove/", {"unit": "4R", "reason": "Not examined."})
    assert list(rows_of(form)) == ["7"]


def test_who_only_reads_sees_answers_and_no_box(study):
    _form, place = begun(study, "baseline", **BASELINE)
    page = client_of(study, Role.MONITOR).get(place).content.decode()
    assert "70.5 kg" in page
    assert "data-crf-field" not in page


def test_another_sites_form_does_not_exist(study):
    _form, place = begun(study, "baseline", **BASELINE)
    other = Client()
    other.force_login(person_at(study.sites["SEH"]))
    for part in ("", "save/", "rows/", "complete/", "reopen/", "second/", "reconcile/"):
        answer = other.get(place) if not part else other.post(f"{place}{part}")
        assert answer.status_code == 404, part


def test_the_grid_shows_forms_of_ones_own_site(study):
    _form, place = begun(study, "baseline")
    page = client_of(study).get(reverse("web:crf_overview")).content.decode()
    assert place in page
    other = Client()
    other.force_login(person_at(study.sites["SEH"]))
    assert place not in other.get(reverse("web:crf_overview")).content.decode()


def test_a_template_is_filled_in_and_sent_back(study):
    participant = enrolled(study.sites["SPH"], study.coordinator)
    client = client_of(study)
    header = client.get(reverse("web:crf_template", args=["nodes", "csv"])).content.decode(
        "utf-8-sig"
    )
    line = f"{participant.code},7,negative,ebus,2026-02,,\r\n"
    upload = SimpleUploadedFile("nodes.csv", (header + line).encode())
    answer = client.post(reverse("web:crf_import"), {"kind": "nodes", "table": upload})
    assert answer.status_code == 302
    assert Form.objects.get().status == FormStatus.COMPLETE


def test_a_faulty_table_is_answered_line_by_line(study):
    upload = SimpleUploadedFile("nodes.csv", b"participant,row\r\nSPH-1,99X\r\n")
    answer = client_of(study).post(reverse("web:crf_import"), {"kind": "nodes", "table": upload})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "line 2, row" in page
    assert "line 2, participant" in page


def test_there_is_no_template_or_form_of_another_name(study):
    participant = enrolled(study.sites["SPH"], study.coordinator)
    client = client_of(study)
    assert client.get(reverse("web:crf_template", args=["horoscope", "csv"])).status_code == 404
    assert client.get(reverse("web:crf_template", args=["nodes", "pdf"])).status_code == 404
    assert client.post(reverse("web:crf_open", args=[participant.pk, "x"])).status_code == 404


def test_a_page_of_a_form_needs_few_database_queries(study, django_assert_max_num_queries):
    _form, place = begun(study, "nodes")
    client = client_of(study)
    client.post(f"{place}rows/", {"unit": ["2R", "4R", "4L", "7", "10R", "11R"]})
    with django_assert_max_num_queries(30):
        client.get(place)


def test_the_address_of_a_form_is_the_one_of_its_page():
    form = make.FormFactory(kind="follow_up", occurrence=3)
    assert address_of(form) == reverse("web:crf", args=[form.participant_id, "follow_up", 3])
