"""The forms as data: every field can be stored, shown and explained; answers are read; the reference standard follows."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyportal.clinical.rules import (
    FORMS,
    M_CATEGORIES,
    N_CATEGORIES,
    STAGES,
    STATIONS,
    T_CATEGORIES,
    Absent,
    Change,
    Context,
    Kind,
    Meeting,
    Nature,
    PartialDate,
    Rows,
    Unreadable,
    derive,
    discrepancies,
    header_faults,
    judge,
    meet,
    metastasis_category,
    no_longer_asked,
    node_category,
    progress,
    read,
    read_line,
    read_partial,
    stage_group,
    template_columns,
    written,
)

TODAY = date(2026, 11, 26)
HERE = Context(today=TODAY, sex="F", age_years=61, screening_date=date(2026, 1, 10))
EVERY_FIELD = [(form, field) for form in FORMS.values() for field in form.fields]
by_name = lambda value: getattr(value, "name", None) or getattr(value, "key", str(value))  # noqa: E731


# the definitions


def test_every_label_code_and_check_is_said_in_both_languages():
    labels = [
        label
        for form in FORMS.values()
        for label in (
            form.title,
            form.row_label,
            *(code.label for code in form.units),
            *(field.label for field in form.fields),
            *(code.label for field in form.fields for code in field.codes),
            *(check.sentence for check in form.checks),
        )
    ]
    assert len(labels) > 300
    assert [label for label in labels if not (label.en and label.zh)] == []
    sentences = [check.sentence for form in FORMS.values() for check in form.checks]
    assert all(any("\u4e00" <= sign <= "\u9fff" for sign in text.zh) for text in sentences)


@pytest.mark.parametrize("form", FORMS.values(), ids=by_name)
def test_a_form_names_what_it_speaks_of(form):
    names = [field.name for field in form.fields]
    assert len(names) == len(set(names))
    for field in form.fields:
        assert (field.kind is Kind.CHOICE) == bool(field.codes)
        if field.kind in (Kind.WHOLE, Kind.DECIMAL):
            assert field.low is not None
            assert field.high is not None
        if field.asked_if is not None:
            parent = form.field(field.asked_if.field)
            assert field.asked_if.among <= set(parent.values)
            assert names.index(parent.name) < names.index(field.name)
    assert {check.field for check in form.checks} <= set(names)
    assert set(form.looks_at) <= set(FORMS)


def test_the_issues_forms_are_there():
    assert set(FORMS) == {
        "baseline", "lesions", "pathology", "nodes", "distant", "staging", "conclusion",
        "treatment", "follow_up",
    }  # fmt: skip
    assert {code.value for code in FORMS["nodes"].units} == STATIONS


# staging: every cell of the published table

T1 = ("T1a", "T1b", "T1c")
T2 = ("T2a", "T2b")
# Rami-Porta et al. 2024, written down a second time, row by row of the printed table.
PUBLISHED = {
    **{(t, n, m): "IVA" for t in T_CATEGORIES for n in N_CATEGORIES for m in ("M1a", "M1b")},
    **{(t, n, m): "IVB" for t in T_CATEGORIES for n in N_CATEGORIES for m in ("M1c1", "M1c2")},
    ("TX", "N0", "M0"): "occult",
    ("Tis", "N0", "M0"): "0",
    ("T1mi", "N0", "M0"): "IA1",
    ("T1a", "N0", "M0"): "IA1",
    ("T1b", "N0", "M0"): "IA2",
    ("T1c", "N0", "M0"): "IA3",
    ("T2a", "N0", "M0"): "IB",
    ("T2b", "N0", "M0"): "IIA",
    **{(t, "N1", "M0"): "IIA" for t in T1},
    **{(t, "N2a", "M0"): "IIB" for t in T1},
    **{(t, "N1", "M0"): "IIB" for t in T2},
    ("T3", "N0", "M0"): "IIB",
    **{(t, "N2b", "M0"): "IIIA" for t in T1},
    **{(t, "N2a", "M0"): "IIIA" for t in T2},
    ("T3", "N1", "M0"): "IIIA",
    ("T3", "N2a", "M0"): "IIIA",
    ("T4", "N0", "M0"): "IIIA",
    ("T4", "N1", "M0"): "IIIA",
    **{(t, "N3", "M0"): "IIIB" for t in T1},
    **{(t, n, "M0"): "IIIB" for t in T2 for n in ("N2b", "N3")},
    ("T3", "N2b", "M0"): "IIIB",
    ("T4", "N2a", "M0"): "IIIB",
    ("T4", "N2b", "M0"): "IIIB",
    ("T3", "N3", "M0"): "IIIC",
    ("T4", "N3", "M0"): "IIIC",
}


def test_every_cell_of_the_ninth_edition_gives_its_stage_and_what_it_does_not_group_gives_none():
    for t in T_CATEGORIES:
        for n in N_CATEGORIES:
            for m in M_CATEGORIES:
                assert stage_group(t, n, m) == PUBLISHED.get((t, n, m), ""), (t, n, m)
    assert set(PUBLISHED.values()) == set(STAGES)


@pytest.mark.parametrize("unknown", ["", "unknown", "None"])
def test_an_unknown_m_gives_no_stage(unknown):
    assert stage_group("T1a", "N0", unknown) == ""


@pytest.mark.parametrize(
    ("stations", "side", "category"),
    [
        ((), "right", "N0"),
        (("10R",), "right", "N1"),
        (("10R", "11R"), "right", "N1"),
        (("10L",), "right", "N3"),
        (("4R",), "right", "N2a"),
        (("4R", "7"), "right", "N2b"),
        (("4R", "10R"), "right", "N2a"),
        (("4L",), "right", "N3"),
        (("5",), "left", "N2a"),
        (("5",), "right", "N3"),
        (("1R",), "right", "N3"),
        (("7", "1L"), "left", "N3"),
        (("7",), "unknown", ""),
    ],
)
def test_positive_stations_give_the_n_category(stations, side, category):
    assert node_category(stations, side) == category


@pytest.mark.parametrize(
    ("organs", "category"),
    [
        ({}, "M0"),
        ({"pleura": "multiple"}, "M1a"),
        ({"contralateral_lung": "single", "pericardium": "single"}, "M1a"),
        ({"brain": "single"}, "M1b"),
        ({"brain": "multiple"}, "M1c1"),
        ({"brain": "unknown"}, ""),
        ({"brain": "single", "bone": "single"}, "M1c2"),
        ({"brain": "single", "pleura": "single"}, "M1b"),
    ],
)
def test_organs_give_the_m_category(organs, category):
    assert metastasis_category(organs) == category


def test_a_staging_whose_stations_say_otherwise_is_asked_about():
    row = {"side": "right", "pn": "N1"}
    nodes = {"4R": {"result": "positive"}, "10R": {"result": "positive"}}
    context = Context(today=TODAY, others={"nodes": nodes})
    found = {one.id for one in judge(FORMS["staging"], {"": row}, context)}
    assert "stations_and_pn" in found
    agreeing = judge(FORMS["staging"], {"": {**row, "pn": "N2a"}}, context)
    assert "stations_and_pn" not in {one.id for one in agreeing}


# answers


def field(form, name):
    return FORMS[form].field(name)


@pytest.mark.parametrize(
    ("form", "name", "text", "value"),
    [
        ("baseline", "weight_kg", " 62.5 ", Decimal("62.5")),
        ("baseline", "weight_kg", "62,5", Decimal("62.5")),
        ("baseline", "weight_kg", "62", Decimal("62.0")),
        ("baseline", "weight_kg", "ND", Absent.NOT_DONE),
        ("baseline", "weight_kg", "不详", Absent.UNKNOWN),
        ("baseline", "age_years", "61", 61),
        ("baseline", "sex", "女", "F"),
        ("baseline", "smoking", "Former", "former"),
        ("baseline", "examined_on", "2026/2/3", PartialDate(2026, 2, 3)),
        ("baseline", "examined_on", "20260203", PartialDate(2026, 2, 3)),
        ("baseline", "quit_on", "2019", PartialDate(2019)),
        ("baseline", "quit_on", "2019年5月", PartialDate(2019, 5)),
        ("baseline", "comment", "  ", None),
    ],
)
def test_an_answer_is_read_as_people_write_it(form, name, text, value):
    assert read(field(form, name), text) == value


@pytest.mark.parametrize(
    ("form", "name", "text", "why"),
    [
        ("baseline", "weight_kg", "sixty", "is not a number"),
        ("baseline", "weight_kg", "62 kg", "without the unit"),
        ("baseline", "weight_kg", "NaN", "is not a number"),
        ("baseline", "weight_kg", "9.9", "must lie between 10 and 400 kg"),
        ("baseline", "weight_kg", "400.1", "must lie between 10 and 400 kg"),
        ("baseline", "weight_kg", "62.55", "at most 1 decimal"),
        ("baseline", "age_years", "61.5", "a whole number"),
        ("baseline", "age_years", "17", "between 18 and 120"),
        ("baseline", "quit_on", "nd", "cannot be answered “not done”"),
        ("baseline", "examined_on", "2026-02-30", "is not a date"),
        ("baseline", "examined_on", "2026-02", "needs year, month and day"),
        ("baseline", "examined_on", "0026-01-01", "is not a date"),
        ("baseline", "smoking", "sometimes", "is not one of"),
        ("baseline", "comment", "x" * 1001, "at most 1000"),
    ],
)
def test_what_cannot_be_an_answer_is_refused_in_words(form, name, text, why):
    with pytest.raises(Unreadable, match=why):
        read(field(form, name), text)


@given(st.sampled_from(EVERY_FIELD), st.text(max_size=30))
def test_no_text_breaks_the_reading_and_what_is_read_is_written_the_same(pair, text):
    _form, one = pair
    try:
        value = read(one, text)
    except Unreadable:
        return
    assert read(one, written(value)) == value


@given(st.integers(1900, 2100), st.none() | st.integers(1, 12), st.none() | st.integers(1, 28))
def test_a_partial_date_is_read_back_and_lies_between_its_ends(year, month, day):
    one = PartialDate(year, month, day if month else None)
    assert read_partial(str(one)) == one
    assert one.earliest() <= one.latest()
    assert not one.surely_before(one)


def test_an_unknown_day_is_never_surely_before_or_after():
    assert not PartialDate(2026, 2).surely_after(PartialDate(2026, 2, 3))
    assert not PartialDate(2026, 2).surely_before(PartialDate(2026, 2, 28))
    assert PartialDate(2026, 2).surely_before(date(2026, 3, 1))


# judging


def ids(form, row, context=HERE, unit=""):
    return {(one.id, one.field) for one in judge(FORMS[form], {unit: row}, context)}


def test_missing_answers_are_found_only_where_they_are_asked_for():
    found = ids("baseline", {"smoking": "never"})
    assert ("missing", "weight_kg") in found
    assert ("missing", "pack_years") not in found
    assert ("missing", "comment") not in found
    assert ("missing", "pack_years") in ids("baseline", {"smoking": "former"})


def test_not_done_and_unknown_are_answers():
    assert ("missing", "weight_kg") not in ids("baseline", {"weight_kg": Absent.UNKNOWN})


@pytest.mark.parametrize(
    ("form", "row", "found"),
    [
        ("baseline", {"examined_on": PartialDate(2027)}, ("future", "examined_on")),
        ("baseline", {"sex": "M"}, ("sex_differs", "sex")),
        ("baseline", {"age_years": 63}, ("age_differs", "age_years")),
        ("baseline", {"prior_malignancy": "yes"}, ("prior_malignancy", "prior_malignancy")),
        ("baseline", {"weight_kg": Decimal("140.0")}, ("unusual", "weight_kg")),
        ("baseline", {"glucose_mmol_l": Decimal("7.4"), "diabetes": "no"},
         ("glucose_without_diabetes", "glucose_mmol_l")),
        ("lesions", {"long_axis_mm": Decimal(10), "short_axis_mm": Decimal(11)},
         ("axes", "short_axis_mm")),
        ("lesions", {"long_axis_mm": Decimal(10), "solid_part_mm": Decimal(11)},
         ("solid_part", "solid_part_mm")),
        ("pathology", {"histology": "small_cell"}, ("not_nsclc", "histology")),
        ("pathology", {"taken_on": PartialDate(2024, 12)}, ("screened_later", "taken_on")),
        ("nodes", {"nodes_examined": 2, "nodes_positive": 3}, ("counts", "nodes_positive")),
        ("nodes", {"result": "negative", "nodes_positive": 1},
         ("result_and_count", "nodes_positive")),
        ("distant", {"how": "pet_ct", "metastasis": "present"}, ("pet_only", "how")),
        ("treatment", {"began_on": PartialDate(2026, 3), "ended_on": PartialDate(2026, 2)},
         ("ends_before", "ended_on")),
        ("treatment", {"treatment": "surgery", "ongoing": "yes"}, ("ongoing_surgery", "ongoing")),
        ("follow_up", {"contact_on": PartialDate(2026, 1, 9)}, ("before_screening", "contact_on")),
        ("follow_up", {"contact_on": PartialDate(2026, 5, 1), "died_on": PartialDate(2026, 6)},
         ("dead_after_contact", "died_on")),
        ("follow_up", {"contact_on": PartialDate(2026, 5, 1), "progressed_on": PartialDate(2026, 6)},
         ("progressed_after_contact", "progressed_on")),
    ],
)  # fmt: skip
def test_each_check_finds_its_fault_and_nothing_in_an_empty_row(form, row, found):
    assert found in ids(form, row)
    assert found not in ids(form, {})


@pytest.mark.parametrize(
    ("form", "row", "others", "found"),
    [
        ("pathology", {"lesion": 2}, {"lesions": {"1": {}}}, "lesion_unknown"),
        ("staging", {"cm": "M0"}, {"distant": {"brain": {
            "metastasis": "present", "lesions": "single", "how": "mri"}}}, "sites_and_cm"),
        ("conclusion", {"nodal_conclusion": "negative"},
         {"nodes": {"7": {"result": "positive"}}}, "stations"),
        ("conclusion", {"distant_conclusion": "negative"},
         {"distant": {"bone": {"metastasis": "present", "how": "mri"}}}, "organs"),
        ("conclusion", {"nodal_conclusion": "negative"}, {"staging": {"": {"pn": "N1"}}},
         "n_category"),
        ("conclusion", {"distant_conclusion": "positive"}, {"staging": {"": {"cm": "M0"}}},
         "m_category"),
        ("follow_up", {"contact_on": PartialDate(2026, 9, 1), "vital_status": "alive"},
         {"follow_up": {"2": {"died_on": PartialDate(2026, 8)}}}, "alive_after_death"),
    ],
)  # fmt: skip
def test_a_check_looks_at_other_forms(form, row, others, found):
    def found_in(context):
        return {one.id for one in judge(FORMS[form], {"": row}, context)}

    assert found in found_in(Context(today=TODAY, others=others))
    assert found not in found_in(Context(today=TODAY))
    assert set(others) <= set(FORMS[form].looks_at)


def test_a_form_of_rows_without_a_row_is_not_whole():
    assert [one.nature for one in judge(FORMS["nodes"], {}, HERE)] == [Nature.MISSING]


def test_progress_counts_what_is_asked():
    assert progress(FORMS["treatment"], [{"treatment": "ablation", "ongoing": "yes"}]) == (2, 4)


# entries that meet


@pytest.mark.parametrize(
    ("was", "now", "stands", "meeting"),
    [
        ("", "70.0", "", Meeting.APPLY),
        ("70.0", "71.0", "70.0", Meeting.APPLY),
        ("70.0", "71.0", "72.0", Meeting.CONFLICT),
        ("70.0", "71.0", "71.0", Meeting.SAME),
        ("", "70.0", "72.0", Meeting.CONFLICT),
    ],
)
def test_of_two_changes_the_second_is_asked_unless_both_say_the_same(was, now, stands, meeting):
    assert meet(Change("", "weight_kg", was, now), stands) is meeting


def test_what_is_not_asked_any_more_is_named_with_what_depends_on_it():
    row = {"result": "not_done", "method": "dissection", "nodes_examined": 3}
    names = [one.name for one in no_longer_asked(FORMS["nodes"], row)]
    assert names == ["method", "nodes_examined"]


def test_two_entries_differ_where_one_says_otherwise_or_nothing():
    first = {"": {"weight_kg": Decimal("62.0"), "glucose_mmol_l": Absent.NOT_DONE}}
    same = {"": {"weight_kg": "62", "glucose_mmol_l": "nd"}}
    assert discrepancies(FORMS["baseline"], first, same) == []
    other = {"": {"weight_kg": "26"}}
    found = discrepancies(FORMS["baseline"], first, other)
    assert [(one.field.name, one.first, one.second) for one in found] == [
        ("weight_kg", "62.0", "26"), ("glucose_mmol_l", "not_done", ""),
    ]  # fmt: skip


# templates


@pytest.mark.parametrize("form", FORMS.values(), ids=by_name)
def test_a_template_has_a_column_for_every_entered_field_and_none_for_what_follows(form):
    columns = template_columns(form)
    assert header_faults(form, columns) == []
    assert set(columns) >= {one.name for one in form.entered}
    assert ("row" in columns) == (form.rows is not Rows.ONE)
    assert not {one.name for one in form.fields if one.computed} & set(columns)


def test_a_header_that_does_not_fit_is_named_column_by_column():
    words = [fault.en for fault in header_faults(FORMS["nodes"], ["row", "colour", "row"])]
    assert words == [
        "The column “participant” is missing.",
        "The column “row” stands twice.",
        "The column “colour” is not known.",
    ]


def test_a_line_tells_every_fault_of_every_cell():
    row = read_line(FORMS["nodes"], 7, {"participant": "", "row": "99X", "result": "maybe"})
    assert [column for column, _ in row.faults] == ["participant", "row", "result"]


# the reference standard


def one(forms, condition="malignancy", unit="lesion"):
    found = [d for d in derive(forms) if (d.condition, d.unit) == (condition, unit)]
    assert len(found) <= 1
    return (found[0].status, found[0].certainty, found[0].rule) if found else None


def specimen(method, result, **further):
    return {"lesion": 1, "method": method, "result": result, **further}


@pytest.mark.parametrize(
    ("specimens", "course", "expected"),
    [
        ([("core_biopsy", "malignant")], None, ("positive", "definite", "M1")),
        ([("resection", "benign"), ("core_biopsy", "malignant")], None,
         ("positive", "definite", "M1")),
        ([("fine_needle", "malignant")], None, ("positive", "probable", "M2")),
        ([("cytology", "malignant"), ("resection", "benign")], None,
         ("indeterminate", "none", "M3")),
        ([("resection", "benign")], None, ("negative", "definite", "M4")),
        ([("core_biopsy", "benign", "granuloma")], None, ("negative", "probable", "M5")),
        ([("core_biopsy", "benign", "unspecific")], None, ("indeterminate", "none", "M9")),
        ([("core_biopsy", "benign", "unspecific")], "stable_24_months",
         ("negative", "probable", "M6")),
        ([], "resolved", ("negative", "presumed", "M7")),
        ([], "grew", None),
        ([], "shrank_under_treatment", None),
        ([("not_stated", "malignant")], None, ("positive", "unstated", "M8")),
        ([("not_stated", "benign", "not_stated")], None, ("negative", "unstated", "M8")),
        ([("core_biopsy", "suspicious")], "resolved", ("indeterminate", "none", "M9")),
        ([("core_biopsy", "insufficient")], None, ("indeterminate", "none", "M9")),
    ],
)  # fmt: skip
def test_malignancy_of_a_lesion_follows_from_its_specimens_and_course(specimens, course, expected):
    rows = {
        str(number): specimen(*given[:2], **({"benign_diagnosis": given[2]} if given[2:] else {}))
        for number, given in enumerate(specimens, start=1)
    }
    forms = {"pathology": rows, "lesions": {"1": {"course": course}} if course else {}}
    assert one(forms) == expected


@pytest.mark.parametrize(
    ("result", "method", "expected"),
    [
        ("positive", "mediastinoscopy", ("positive", "definite", "S1")),
        ("positive", "ebus", ("positive", "probable", "S2")),
        ("negative", "dissection", ("negative", "definite", "S3")),
        ("negative", "ebus", ("negative", "probable", "S4")),
        ("negative", "sampling", ("negative", "probable", "S4")),
        ("positive", "not_stated", ("positive", "unstated", "S5")),
        ("positive", "imaging", ("indeterminate", "none", "S6")),
        ("indeterminate", "ebus", ("indeterminate", "none", "S6")),
        ("not_done", None, None),
    ],
)
def test_a_station_follows_from_its_result_and_method(result, method, expected):
    rows = {"4R": {"result": result, "method": method}}
    assert one({"nodes": rows}, "nodal_metastasis", "station") == expected


def stations(names, method="dissection", **further):
    return {name: {"result": "negative", "method": method, **further} for name in names}


@pytest.mark.parametrize(
    ("rows", "concluded", "expected"),
    [
        ({"7": {"result": "positive", "method": "ebus"}}, None, ("positive", "probable", "N1")),
        ({"7": {"result": "positive", "method": "ebus"},
          "4R": {"result": "positive", "method": "dissection"}}, None,
         ("positive", "definite", "N1")),
        (stations(["4R", "7", "9R", "10R", "11R", "12R"]), None, ("negative", "definite", "N2")),
        (stations(["4R", "7", "9R", "11R"], nodes_examined=3), None,
         ("negative", "definite", "N2")),
        (stations(["4R", "7", "10R", "11R", "12R"]), None, ("indeterminate", "none", "N5")),
        (stations(["4R", "8R", "9R", "10R", "11R", "12R"]), None, ("indeterminate", "none", "N5")),
        (stations(["4R", "4L", "7"], "ebus"), None, ("negative", "probable", "N3")),
        (stations(["4R", "4L", "7"], "not_stated"), None, ("indeterminate", "none", "N5")),
        (stations(["4R"], "ebus"), ("negative", "panel"), ("negative", "probable", "N4")),
        ({}, ("positive", "not_stated"), ("positive", "unstated", "N4")),
        ({}, ("indeterminate", "panel"), ("indeterminate", "none", "N4")),
        ({"7": {"result": "positive", "method": "ebus"}}, ("negative", "panel"),
         ("positive", "probable", "N1")),
        ({}, ("none", None), None),
        ({}, None, None),
    ],
)  # fmt: skip
def test_nodal_metastasis_of_a_participant_follows_from_stations_then_from_a_conclusion(
    rows, concluded, expected
):
    forms = {"nodes": rows}
    if concluded:
        said, basis = concluded
        forms["conclusion"] = {"": {"nodal_conclusion": said, "nodal_basis": basis}}
    assert one(forms, "nodal_metastasis", "participant") == expected


def organ(metastasis, how, **further):
    return {"metastasis": metastasis, "how": how, "examined_on": PartialDate(2026, 2, 1), **further}


FREE = {name: organ("absent", "mri") for name in ("brain", "bone", "liver", "adrenal")}
LATER = {"imaged_on": PartialDate(2026, 8, 2), "progression": "no"}


@pytest.mark.parametrize(
    ("organs", "visits", "concluded", "expected"),
    [
        ({"liver": organ("present", "histology")}, {}, None, ("positive", "definite", "D1")),
        ({"liver": organ("present", "cytology")}, {}, None, ("positive", "probable", "D1")),
        ({"bone": organ("present", "follow_up")}, {}, None, ("positive", "probable", "D2")),
        ({"brain": organ("present", "mri")}, {}, None, ("positive", "presumed", "D3")),
        ({"bone": organ("present", "pet_ct")}, {}, None, ("indeterminate", "none", "D7")),
        ({**FREE, "other": organ("present", "pet_ct")}, {"1": LATER}, None,
         ("indeterminate", "none", "D7")),
        (FREE, {"1": LATER}, None, ("negative", "probable", "D4")),
        (FREE, {"1": {**LATER, "imaged_on": PartialDate(2026, 8, 1)}}, None,
         ("negative", "presumed", "D6")),
        (FREE, {"1": LATER, "2": {"progression_where": "distant"}}, None,
         ("negative", "presumed", "D6")),
        (FREE, {}, None, ("negative", "presumed", "D6")),
        ({**FREE, "bone": organ("absent", "pet_ct")}, {}, None, ("indeterminate", "none", "D7")),
        ({**FREE, "other": organ("indeterminate", "ct")}, {}, None,
         ("indeterminate", "none", "D7")),
        (FREE, {}, ("negative", "panel"), ("negative", "probable", "D5")),
        (FREE, {}, ("positive", "not_stated"), ("negative", "presumed", "D6")),
        ({}, {}, ("positive", "not_stated"), ("positive", "unstated", "D5")),
        ({"brain": organ("not_done", None)}, {}, None, None),
    ],
)  # fmt: skip
def test_distant_metastasis_follows_from_organs_then_from_a_conclusion(
    organs, visits, concluded, expected
):
    forms = {"distant": organs, "follow_up": visits}
    if concluded:
        said, basis = concluded
        forms["conclusion"] = {"": {"distant_conclusion": said, "distant_basis": basis}}
    assert one(forms, "distant_metastasis", "participant") == expected
