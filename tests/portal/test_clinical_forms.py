"""Forms are opened, filled in, completed, verified, corrected, entered twice and imported; the database holds their rules."""

from datetime import date

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from openpyxl import load_workbook

from studyportal.clinical.models import (
    RECORDS,
    Baseline,
    Form,
    NodeRow,
    Reconciliation,
    ReferenceStandard,
    SpecimenRow,
)
from studyportal.clinical.rules import FORMS, Absent, Change, Kind, PartialDate, template_columns
from studyportal.clinical.selectors import open_discrepancies, reference_of, rows_of
from studyportal.clinical.services import (
    add_row,
    complete_form,
    enter_second,
    import_forms,
    needs_second_entry,
    open_form,
    reasons_against_verifying,
    reconcile,
    reopen_form,
    save_answers,
    template_of,
    verify_form,
    void_row,
)
from studyportal.clinical.services.spreadsheets import read_table
from studyportal.clinical.states import FormStatus
from studyportal.core.errors import NotAllowed, Refused
from studyportal.participants.rules import Answer
from studyportal.participants.selectors import latest_assessment
from studyportal.queries.models import DataQuery
from studyportal.queries.states import QueryStatus
from studyportal.sites.rules import Role
from tests import factories as make
from tests.portal.scenes import enrolled, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("study")]

BASELINE = {
    "examined_on": "2026-01-12", "sex": "M", "age_years": "60", "height_cm": "171.0",
    "weight_kg": "70.5", "ecog": "1", "smoking": "former", "pack_years": "20.0",
    "quit_on": "2019", "prior_malignancy": "no", "family_history": "unknown",
    "tuberculosis": "no", "copd": "no", "diabetes": "no", "glucose_mmol_l": "5.4",
}  # fmt: skip
SPECIMEN = {
    "lesion": "1", "method": "resection", "taken_on": "2026-02", "result": "malignant",
    "histology": "adenocarcinoma",
}  # fmt: skip


def changes(texts, unit="", was=""):
    return [Change(unit, name, was, text) for name, text in texts.items()]


def filled(participant, kind, texts, *, unit="", by=None):
    """A form with these answers, entered by one person."""
    by = by or person(Role.COORDINATOR)
    form = open_form(participant=participant, kind=kind, by=by)
    if unit:
        add_row(form=form, unit=unit, by=by)
    save_answers(form=form, changes=changes(texts, unit), by=by)
    return Form.objects.get(pk=form.pk), by


def completed(participant, kind, texts, *, unit=""):
    form, by = filled(participant, kind, texts, unit=unit)
    return complete_form(form=form, by=by), by


# the database holds the definition


@pytest.mark.parametrize("kind", FORMS)
def test_each_form_has_a_typed_column_for_each_field_that_leaves_nothing_to_guess(kind):
    columns = {column.name for column in RECORDS[kind]._meta.concrete_fields}
    for field in FORMS[kind].fields:
        assert field.name in columns
        assert (f"{field.name}_absent" in columns) == bool(field.absent)


BROKEN = [
    (make.BaselineFactory, {"height_cm": 49}),
    (make.BaselineFactory, {"weight_kg_absent": "unknown"}),
    (make.BaselineFactory, {"smoking": "sometimes"}),
    (make.BaselineFactory, {"smoking": "never", "pack_years": 3}),
    (make.BaselineFactory, {"smoking": "never", "quit_on_absent": "unknown"}),
    (make.BaselineFactory, {"smoking": "former", "quit_on": "spring"}),
    (make.BaselineFactory, {"unit": "1"}),
    (make.NodeRowFactory, {"unit": "99X"}),
    (make.LesionRowFactory, {"unit": "01"}),
    (make.SpecimenRowFactory, {"result": "benign", "histology": "squamous"}),
    (make.StagingFactory, {"resected": "no", "pt": "T1a"}),
]


@pytest.mark.parametrize(("factory", "columns"), BROKEN)
def test_what_a_form_says_cannot_be_the_database_refuses_too(factory, columns):
    with pytest.raises(DatabaseError), transaction.atomic():
        factory(**columns)


def test_a_row_stands_once_on_a_form():
    row = make.NodeRowFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        make.NodeRowFactory(form=row.form, unit=row.unit)


# filling in


def test_answers_are_kept_with_their_types_and_read_back():
    form, _by = filled(enrolled(), "baseline", {**BASELINE, "glucose_mmol_l": "not_done"})
    row = rows_of(form)[""]
    assert (row["age_years"], str(row["weight_kg"])) == (60, "70.5")
    assert row["glucose_mmol_l"] is Absent.NOT_DONE
    assert (row["quit_on"], row["examined_on"]) == (PartialDate(2019), PartialDate(2026, 1, 12))
    kept = Baseline.objects.get(form=form)
    assert (kept.examined_on, kept.quit_on) == (date(2026, 1, 12), "2019")
    assert form.revision == 1


def test_opening_a_form_twice_opens_it_once_and_visits_follow_each_other():
    participant, by = enrolled(), person(Role.COORDINATOR)
    forms = [open_form(participant=participant, kind="baseline", by=by) for _ in range(2)]
    assert forms[0] == forms[1]
    with pytest.raises(Refused, match="filled in once"):
        open_form(participant=participant, kind="baseline", occurrence=2, by=by)
    with pytest.raises(Refused, match="comes before"):
        open_form(participant=participant, kind="follow_up", occurrence=2, by=by)
    with pytest.raises(Refused, match="no such form"):
        open_form(participant=participant, kind="horoscope", by=by)


def test_what_cannot_be_read_is_kept_as_typed_and_stands_in_the_way():
    form, by = filled(enrolled(), "baseline", {**BASELINE, "weight_kg": "705"})
    assert form.unreadable == {".weight_kg": "705"}
    assert rows_of(form)[""]["weight_kg"] is None
    with pytest.raises(Refused, match="between 10 and 400") as refusal:
        complete_form(form=form, by=by)
    assert [reason.where for reason in refusal.value.reasons] == [".weight_kg"]
    save_answers(form=form, changes=[Change("", "weight_kg", "705", "70.5")], by=by)
    assert complete_form(form=form, by=by).unreadable == {}


def test_an_answer_that_is_not_asked_any_more_is_emptied_and_told():
    form, by = filled(enrolled(), "baseline", BASELINE)
    saved = save_answers(form=form, changes=[Change("", "smoking", "former", "never")], by=by)
    assert {field.name for _unit, field in saved.emptied} == {"pack_years", "quit_on"}
    assert rows_of(form)[""]["pack_years"] is None


def test_of_two_people_the_second_is_told_and_loses_nothing():
    form, by = filled(enrolled(), "baseline", BASELINE)
    other = person(Role.DATA_MANAGER)
    save_answers(form=form, changes=[Change("", "weight_kg", "70.5", "71.5")], by=other)
    saved = save_answers(
        form=form,
        changes=[
            Change("", "weight_kg", "70.5", "75.5"),
            Change("", "height_cm", "171.0", "172.0"),
        ],
        by=by,
    )
    assert [(c.theirs, c.mine) for c in saved.conflicts] == [("71.5", "75.5")]
    row = rows_of(form)[""]
    assert (str(row["weight_kg"]), str(row["height_cm"])) == ("71.5", "172.0")


def test_sending_the_same_twice_changes_nothing_the_second_time():
    form, by = filled(enrolled(), "baseline", BASELINE)
    saved = save_answers(form=form, changes=changes(BASELINE), by=by)
    assert (saved.kept, saved.conflicts, saved.form.revision) == ([], [], 1)


@pytest.mark.parametrize(
    ("unit", "name"), [("", "status"), ("", "clinical_stage"), ("7", "ct"), ("", "form_id")]
)
def test_a_forged_field_or_row_is_refused(unit, name):
    form, by = filled(enrolled(), "staging", {"ct": "T1a"})
    with pytest.raises(Refused, match="no such row or field"):
        save_answers(form=form, changes=[Change(unit, name, "", "x")], by=by)


def test_the_stage_groups_follow_from_the_categories():
    texts = {"ct": "T2a", "cn": "N2a", "cm": "M0", "resected": "yes", "pt": "T1c", "pn": "N2a",
             "pm": "M0"}  # fmt: skip
    form, by = filled(enrolled(), "staging", texts)
    row = rows_of(form)[""]
    assert (row["clinical_stage"], row["pathological_stage"]) == ("IIIA", "IIB")
    save_answers(form=form, changes=[Change("", "resected", "yes", "no")], by=by)
    assert rows_of(form)[""]["pathological_stage"] is None


def test_a_row_that_does_not_count_stays_with_its_reason_and_can_count_again():
    form, by = filled(enrolled(), "nodes", {"result": "positive", "method": "ebus"}, unit="7")
    with pytest.raises(Refused, match="on the form already"):
        add_row(form=form, unit="7", by=by)
    with pytest.raises(Refused, match="Say why"):
        void_row(form=form, unit="7", reason=" ", by=by)
    void_row(form=form, unit="7", reason="Another participant.", by=by)
    assert rows_of(form) == {}
    assert NodeRow.objects.get(form=form).void_reason == "Another participant."
    add_row(form=form, unit="7", by=by)
    assert rows_of(form)["7"]["result"] == "positive"


def test_stations_stand_from_the_neck_down():
    participant, by = enrolled(), person(Role.COORDINATOR)
    form = open_form(participant=participant, kind="nodes", by=by)
    for unit in ("10L", "7", "4L", "4R", "2R", "10R"):
        add_row(form=form, unit=unit, by=by)
    assert list(rows_of(form)) == ["2R", "4R", "4L", "7", "10R", "10L"]


@pytest.mark.parametrize("role", [Role.MONITOR, Role.STATISTICIAN, Role.SITE_PI])
def test_who_only_reads_changes_nothing(role):
    form, _by = filled(enrolled(), "baseline", BASELINE)
    with pytest.raises(NotAllowed):
        save_answers(form=form, changes=[Change("", "ecog", "1", "2")], by=person(role))


# complete, asked about, verified, corrected


def test_a_form_with_open_answers_is_not_completed_and_every_one_is_named():
    form, by = filled(enrolled(), "baseline", {"smoking": "never"})
    with pytest.raises(Refused) as refusal:
        complete_form(form=form, by=by)
    places = {reason.where for reason in refusal.value.reasons}
    assert {".sex", ".weight_kg", ".ecog"} <= places
    assert ".pack_years" not in places


def test_what_is_unusual_is_asked_about_and_the_query_closes_when_it_is_mended():
    form, by = completed(enrolled(), "baseline", {**BASELINE, "weight_kg": "150.0"})
    query = DataQuery.objects.get(subject_id=form.pk)
    assert (query.form, query.field, query.rule) == ("baseline", "weight_kg", "baseline_unusual")
    assert "150.0 kg is unusual" in query.question
    form = reopen_form(form=form, reason="A typing error.", by=by)
    save_answers(form=form, changes=[Change("", "weight_kg", "150.0", "75.0")], by=by)
    complete_form(form=form, by=by)
    query.refresh_from_db()
    assert query.status == QueryStatus.CLOSED


def test_a_check_across_forms_is_asked_when_the_other_form_is_completed():
    participant = enrolled()
    conclusion = {"concluded_on": "unknown", "nodal_conclusion": "negative",
                  "nodal_basis": "panel", "distant_conclusion": "none"}  # fmt: skip
    form, _by = completed(participant, "conclusion", conclusion)
    assert not DataQuery.objects.filter(subject_id=form.pk).exists()
    completed(participant, "nodes", {"result": "positive", "method": "ebus",
                                     "examined_on": "2026-02"}, unit="7")  # fmt: skip
    assert DataQuery.objects.get(subject_id=form.pk).rule == "conclusion_stations"


def test_a_complete_form_is_changed_only_after_it_was_reopened_with_a_reason():
    form, by = completed(enrolled(), "baseline", BASELINE)
    with pytest.raises(Refused, match="Reopen it with a reason"):
        save_answers(form=form, changes=[Change("", "ecog", "1", "2")], by=by)
    with pytest.raises(Refused, match="Say why"):
        reopen_form(form=form, reason="", by=by)
    form = reopen_form(form=form, reason="ECOG was misread.", by=by)
    assert (form.status, form.correction_reason) == (FormStatus.DRAFT, "ECOG was misread.")


def test_a_whole_form_is_verified_once_nothing_stands_against_it():
    form, by = completed(enrolled(), "pathology", SPECIMEN, unit="1")
    monitor = person(Role.MONITOR)
    with pytest.raises(Refused, match="second person"):
        verify_form(form=form, by=monitor)
    with pytest.raises(NotAllowed):
        verify_form(form=form, by=by)
    same = {"1": {"result": "malignant", "histology": "adenocarcinoma"}}
    enter_second(form=form, answers=same, by=person(Role.DATA_MANAGER))
    assert reasons_against_verifying(form) == []
    verified = verify_form(form=form, by=monitor)
    assert (verified.status, verified.verified_by) == (FormStatus.VERIFIED, monitor)
    reopened = reopen_form(form=verified, reason="New report.", by=by)
    assert reopened.verified_by is None


def test_a_query_that_is_open_stands_against_verifying():
    form, _by = completed(enrolled(), "baseline", {**BASELINE, "weight_kg": "150.0"})
    assert "form_has_queries" in {reason.id for reason in reasons_against_verifying(form)}


# two entries


def second(**answers):
    given = {"result": "malignant", "histology": "adenocarcinoma", **answers}
    return {"1": given}


def test_the_second_entry_is_another_persons_and_whole():
    form, by = completed(enrolled(), "pathology", SPECIMEN, unit="1")
    assert needs_second_entry(form)
    with pytest.raises(Refused, match="did not make the first"):
        enter_second(form=form, answers=second(), by=by)
    manager = person(Role.DATA_MANAGER)
    with pytest.raises(Refused, match="Histology is not answered"):
        enter_second(form=form, answers={"1": {"result": "malignant"}}, by=manager)
    enter_second(form=form, answers=second(), by=manager)
    assert open_discrepancies(form) == []
    with pytest.raises(Refused, match="already"):
        enter_second(form=form, answers=second(), by=manager)


@pytest.mark.parametrize(("take_second", "stands"), [(True, "squamous"), (False, "adenocarcinoma")])
def test_a_difference_is_settled_with_a_reason_and_both_answers_stay(take_second, stands):
    form, _by = completed(enrolled(), "pathology", SPECIMEN, unit="1")
    manager = person(Role.DATA_MANAGER)
    enter_second(form=form, answers=second(histology="squamous"), by=manager)
    assert "entries_differ" in {reason.id for reason in reasons_against_verifying(form)}
    with pytest.raises(Refused, match="Say why"):
        reconcile(form=form, unit="1", field="histology", take_second=take_second, reason="",
                  by=manager)  # fmt: skip
    reconcile(form=form, unit="1", field="histology", take_second=take_second,
              reason="The report says so.", by=manager)  # fmt: skip
    row = Reconciliation.objects.get(form=form)
    assert (row.first, row.second, row.chosen) == ("adenocarcinoma", "squamous", stands)
    assert rows_of(form)["1"]["histology"] == stands
    assert open_discrepancies(form) == []
    assert reasons_against_verifying(form) == []


def test_an_answer_on_which_others_depend_is_corrected_on_the_form():
    form, _by = completed(enrolled(), "pathology", SPECIMEN, unit="1")
    manager = person(Role.DATA_MANAGER)
    enter_second(form=form, answers=second(result="benign"), by=manager)
    with pytest.raises(Refused, match="depends on this answer"):
        reconcile(form=form, unit="1", field="result", take_second=True, reason="So it is.",
                  by=manager)  # fmt: skip
    assert SpecimenRow.objects.get(form=form).result == "malignant"


# the reference standard


def test_a_complete_form_gives_the_reference_standard_and_settles_pathology():
    participant = enrolled()
    form, by = filled(participant, "pathology", SPECIMEN, unit="1")
    assert not reference_of(participant).exists()
    complete_form(form=form, by=by)
    row = reference_of(participant).get()
    assert (row.status, row.certainty, row.rule, row.source) == (
        "positive", "definite", "M1", "resection",
    )  # fmt: skip
    assert row.lesion.number == 1
    assert latest_assessment(participant).answers.get(criterion="EXC-03").answer == Answer.NOT_MET


def test_a_correction_supersedes_what_stood_and_keeps_it():
    participant = enrolled()
    form, by = completed(participant, "pathology", SPECIMEN, unit="1")
    form = reopen_form(form=form, reason="Second report.", by=by)
    assert reference_of(participant).get().rule == "M1"
    save_answers(form=form, by=by, changes=[
        Change("1", "result", "malignant", "benign"),
        Change("1", "benign_diagnosis", "", "granuloma"),
    ])  # fmt: skip
    complete_form(form=form, by=by)
    assert reference_of(participant).get().rule == "M4"
    every = ReferenceStandard.objects.filter(participant=participant).order_by("entered_at")
    assert [(row.rule, row.superseded_at is None) for row in every] == [
        ("M1", False), ("M4", True),
    ]  # fmt: skip


def test_what_one_form_says_stands_while_another_is_completed():
    participant = enrolled()
    form, by = completed(participant, "pathology", SPECIMEN, unit="1")
    reopen_form(form=form, reason="Looks odd.", by=by)
    completed(participant, "nodes", {"result": "negative", "method": "ebus",
                                     "examined_on": "2026-02"}, unit="7")  # fmt: skip
    rules = set(reference_of(participant).values_list("rule", flat=True))
    assert rules == {"M1", "S4", "N5"}


def test_what_was_entered_before_forms_stands_until_a_form_of_its_condition_is_complete():
    participant = enrolled()
    make.ReferenceStandardFactory(participant=participant, rule="", source="cases file")
    completed(participant, "nodes", {"result": "negative", "method": "ebus",
                                     "examined_on": "2026-02"}, unit="7")  # fmt: skip
    assert "" in set(reference_of(participant).values_list("rule", flat=True))
    completed(participant, "pathology", SPECIMEN, unit="1")
    assert "" not in set(reference_of(participant).values_list("rule", flat=True))


# tables


def table(*lines):
    return "\r\n".join(lines).encode()


def test_a_table_becomes_forms_and_whole_ones_are_complete():
    first, other = enrolled(), enrolled()
    content = table(
        "participant,row,lesion,method,taken_on,result,histology",
        f"{first.code},1,1,resection,2026-02,malignant,adenocarcinoma",
        f"{first.code},2,2,core_biopsy,unknown,malignant,unknown",
        f"{other.code},1,1,resection,,malignant,squamous",
    )
    done = import_forms(
        kind="pathology", content=content, name="p.csv", by=person(Role.COORDINATOR)
    )
    assert (done.rows, done.forms, done.complete) == (3, 2, 1)
    form = Form.objects.get(participant=first, kind="pathology")
    assert (form.status, form.source) == (FormStatus.COMPLETE, "p.csv")
    assert not needs_second_entry(form)
    assert reference_of(first).count() == 2
    assert Form.objects.get(participant=other, kind="pathology").status == FormStatus.DRAFT


def test_every_fault_of_every_line_is_told_and_nothing_is_kept():
    participant, elsewhere = enrolled(), enrolled(at="SEH")
    content = table(
        "participant,row,result,method,nodes_examined,nodes_positive",
        f"{participant.code},7,negative,dissection,3,0",
        f"{participant.code},99X,negative,dissection,3,0",
        f"{participant.code},4R,maybe,dissection,3,0",
        f"{participant.code},4L,negative,dissection,3,4",
        f"{participant.code},5,not_done,dissection,,",
        f"{participant.code},7,positive,ebus,,",
        f"{elsewhere.code},7,negative,ebus,,",
        "SPH-99999,7,negative,ebus,,",
    )
    with pytest.raises(Refused) as refusal:
        import_forms(kind="nodes", content=content, name="n.csv", by=person(Role.COORDINATOR))
    places = [reason.where for reason in refusal.value.reasons]
    assert places == [
        "line 3, row", "line 4, result", "line 5, nodes_positive", "line 5, nodes_positive",
        "line 6, method", "line 7", "line 8, participant", "line 9, participant",
    ]  # fmt: skip
    assert not Form.objects.exists()


def test_a_table_never_overwrites_what_a_form_says():
    participant = enrolled()
    filled(participant, "baseline", {"weight_kg": "70.5"})
    by = person(Role.DATA_MANAGER)
    content = table("participant,weight_kg,height_cm", f"{participant.code},71,171")
    with pytest.raises(Refused, match=r"says “70\.5” already"):
        import_forms(kind="baseline", content=content, name="b.csv", by=by)
    agreeing = table("participant,weight_kg,height_cm", f"{participant.code},70.5,171")
    import_forms(kind="baseline", content=agreeing, name="b.csv", by=by)
    assert str(rows_of(Form.objects.get())[""]["height_cm"]) == "171.0"


def test_a_complete_form_is_not_changed_by_a_table():
    participant = enrolled()
    completed(participant, "baseline", BASELINE)
    content = table("participant,comment", f"{participant.code},later")
    with pytest.raises(Refused, match="Reopen it with a reason"):
        import_forms(kind="baseline", content=content, name="b.csv", by=person(Role.DATA_MANAGER))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x00\x01\x02", "not a table"),
        (b"PK\x03\x04 broken", "not a table"),
        (b"", "no header"),
        (b"participant,weight_kg\r\n", "no row"),
        (b"weight_kg\r\n70\r\n", "“participant” is missing"),
        (b"participant,colour\r\nSPH-00001,red\r\n", "“colour” is not known"),
        (b"participant\r\nSPH-00001,70\r\n", "more cells than the header"),
    ],
)
def test_what_is_no_table_is_refused_in_words(content, why):
    with pytest.raises(Refused, match=why):
        import_forms(kind="baseline", content=content, name="b.csv", by=person(Role.COORDINATOR))


def test_a_table_saved_by_a_chinese_spreadsheet_is_read():
    header, lines = read_table(
        "participant,comment\r\nSPH-00001,咳嗽\r\n".encode("gb18030"), "x.csv"
    )
    assert (header, lines[0][1]["comment"]) == (["participant", "comment"], "咳嗽")


@pytest.mark.parametrize("kind", FORMS)
def test_a_workbook_to_fill_in_is_read_back_and_explains_every_column(kind, tmp_path):
    path = tmp_path / "template.xlsx"
    path.write_bytes(template_of(kind, "xlsx"))
    book = load_workbook(path)
    columns = list(template_columns(FORMS[kind]))
    assert [cell.value for cell in book[kind][1]] == columns
    explained = [row[0].value for row in book["columns"].iter_rows(min_row=2)]
    assert explained == columns
    book[kind].cell(2, 1).value = "SPH-00001"
    dates = [i for i, name in enumerate(columns, 1) if name.endswith("_on")]
    for number in dates:
        book[kind].cell(2, number).value = date(2026, 2, 3)
    book.save(path)
    header, lines = read_table(path.read_bytes(), path.name)
    assert header == columns
    assert lines[0][1]["participant"] == "SPH-00001"
    assert all(lines[0][1][columns[number - 1]] == "2026-02-03" for number in dates)
    assert any(field.kind is Kind.CHOICE for field in FORMS[kind].fields)


def test_there_is_no_template_of_what_is_not_there():
    assert template_of("horoscope", "csv") is None
    assert template_of("baseline", "pdf") is None
