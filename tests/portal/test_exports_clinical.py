"""Clinical data leave in every format with labels, dictionary and checksums; no identifier does."""

import csv
import hashlib
import json
import zipfile
from io import StringIO

import pyarrow.parquet as pq
import pyreadstat
import pytest
from openpyxl import load_workbook

from studyportal.clinical.rules import FORMS, Change
from studyportal.clinical.services import add_row, complete_form, open_form, save_answers
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.selectors import acts_on
from studyportal.exports.rules import DATASETS, label_of, numbers_of
from studyportal.exports.selectors import downloads_of, every_export
from studyportal.exports.services import build_export, download_export, request_clinical_export
from studyportal.exports.states import DataFormat, ExportStatus
from studyportal.sites.models import Site
from studyportal.sites.rules import PERMISSIONS, Action, Role
from tests.portal.scenes import enrolled, person, site

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("study")]

BASELINE = {
    "examined_on": "2026-01-12", "sex": "M", "age_years": "60", "height_cm": "171.0",
    "weight_kg": "70.5", "ecog": "1", "smoking": "former", "pack_years": "unknown",
    "quit_on": "2019-02", "prior_malignancy": "yes", "prior_malignancy_text": "Zhang San, 13800138000",
    "family_history": "unknown", "tuberculosis": "no", "copd": "no", "diabetes": "no",
    "glucose_mmol_l": "not_done", "comment": "lives at 12 Nanjing Road",
}  # fmt: skip
NODES = {
    "4R": {"result": "positive", "method": "dissection", "examined_on": "2026",
           "nodes_examined": "3", "nodes_positive": "1"},
    "7": {"result": "not_done"},
}  # fmt: skip


def changes(texts, unit=""):
    return [Change(unit, name, "", text) for name, text in texts.items()]


def case(*, at="SPH"):
    """A participant with a complete baseline and a draft of the nodal stations."""
    participant, by = enrolled(at=at), person(Role.COORDINATOR, at=at)
    form = open_form(participant=participant, kind="baseline", by=by)
    save_answers(form=form, changes=changes(BASELINE), by=by)
    complete_form(form=form, by=by)
    nodes = open_form(participant=participant, kind="nodes", by=by)
    for unit, texts in NODES.items():
        add_row(form=nodes, unit=unit, by=by)
        save_answers(form=nodes, changes=changes(texts, unit), by=by)
    return participant


def exported(kind, *, language="en", with_drafts=True, at=None, by=None):
    by = by or person(Role.STATISTICIAN)
    asked = request_clinical_export(
        file_format=kind, site=at, language=language, with_drafts=with_drafts, by=by
    )
    export = build_export(export=asked)
    assert export.status == ExportStatus.READY, export.reason
    return export, download_export(export=export, by=by)


def spoken(archive, tmp_path):
    """Everything an archive says, unpacked."""
    for name in archive.namelist():
        body = archive.read(name)
        if name.endswith(".xlsx"):
            inner = zipfile.ZipFile(archive.open(name))
            body = b"".join(inner.read(one) for one in inner.namelist())
        if name.endswith(".parquet"):
            (tmp_path / "one").write_bytes(body)
            body = str(pq.read_table(tmp_path / "one").to_pylist()).encode()
        yield body


@pytest.mark.parametrize("kind", DataFormat)
def test_every_format_comes_with_dictionary_manifest_and_checksums_and_no_identifier(
    kind, tmp_path
):
    participant = case()
    export, path = exported(kind)
    archive = zipfile.ZipFile(path)
    sums = dict(
        reversed(line.split("  ", 1)) for line in archive.read("SHA256SUMS").decode().splitlines()
    )
    assert set(sums) | {"SHA256SUMS"} == set(archive.namelist())
    for name, sha256 in sums.items():
        assert hashlib.sha256(archive.read(name)).hexdigest() == sha256
    manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["participants"], manifest["format"]) == (1, kind)
    assert manifest["software"]["studyportal"]
    assert manifest["data_cut"]
    assert set(manifest["audit_trail"]) == {"link", "sha256"}
    rows = {one["table"]: one["rows"] for one in manifest["tables"]}
    assert (rows["baseline"], rows["nodes"], rows["lesions"]) == (1, 2, 0)
    listed = {one["name"]: one["sha256"] for one in manifest["files"]}
    assert listed == {name: sha for name, sha in sums.items() if name.startswith("data/")}
    assert "受试者编号".encode() in archive.read("data_dictionary.csv")
    every = b"".join(spoken(archive, tmp_path))
    assert participant.code.encode() in every
    for secret in (b"Zhang San", b"13800138000", b"Nanjing Road", b"coordinator-SPH"):
        assert secret not in every
    assert [one.verb for one in acts_on("export", export.pk)] == [
        "request_clinical_export", "download_export",
    ]  # fmt: skip
    assert downloads_of(export).count() == 1


def entry(path, name):
    return zipfile.ZipFile(path).read(f"data/{name}")


def statistics_file(path, name, tmp_path, read):
    target = tmp_path / name
    target.write_bytes(entry(path, name))
    return read(str(target))


def test_csv_holds_codes_partial_dates_and_why_there_is_no_value():
    case()
    _export, path = exported(DataFormat.CSV)
    row = next(csv.DictReader(StringIO(entry(path, "baseline.csv").decode())))
    assert (row["smoking"], row["quit_on"], row["examined_on"]) == (
        "former",
        "2019-02",
        "2026-01-12",
    )
    assert (row["pack_years"], row["pack_years_absent"]) == ("", "unknown")
    assert (row["glucose_mmol_l"], row["glucose_mmol_l_absent"]) == ("", "not_done")
    assert row["weight_kg"] == "70.5"
    nodes = list(csv.DictReader(StringIO(entry(path, "nodes.csv").decode())))
    assert [(one["row"], one["result"], one["examined_on"]) for one in nodes] == [
        ("4R", "positive", "2026"), ("7", "not_done", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "ending", "read"),
    [
        (DataFormat.SPSS, "sav", pyreadstat.read_sav),
        (DataFormat.STATA, "dta", pyreadstat.read_dta),
    ],
)
def test_spss_and_stata_hold_numbers_with_chinese_labels(kind, ending, read, tmp_path):
    case()
    _export, path = exported(kind, language="zh")
    frame, meta = statistics_file(path, f"baseline.{ending}", tmp_path, read)
    smoking = FORMS["baseline"].field("smoking")
    assert frame.smoking[0] == numbers_of(smoking.codes)["former"]
    assert meta.variable_value_labels["smoking"][frame.smoking[0]] == "已戒"
    assert meta.column_names_to_labels["weight_kg"] == "体重 (kg)"
    assert meta.variable_value_labels["glucose_mmol_l_absent"][98] == "未做"
    assert str(frame.examined_on[0]) == "2026-01-12"
    assert (frame.quit_on[0], frame.weight_kg[0]) == ("2019-02", 70.5)
    assert frame.pack_years.isna()[0]


@pytest.mark.parametrize(
    ("kind", "name", "weight", "label"),
    [
        (DataFormat.XPORT8, "weight_kg", 70.5, "体重 (kg)"),
        (DataFormat.XPORT5, "WEIGHTKG", 70.5, "Weight (kg)"),
    ],
)
def test_sas_transport_files_come_with_a_program_of_formats(kind, name, weight, label, tmp_path):
    case()
    _export, path = exported(kind, language="zh")
    frame, meta = statistics_file(path, "baseline.xpt", tmp_path, pyreadstat.read_xport)
    assert frame[name][0] == weight
    assert meta.column_names_to_labels[name] == label
    assert '"已戒"' in entry(path, "formats.sas").decode()


def test_parquet_holds_types_and_words_of_both_languages(tmp_path):
    case()
    _export, path = exported(DataFormat.PARQUET)
    target = tmp_path / "baseline.parquet"
    target.write_bytes(entry(path, "baseline.parquet"))
    table = pq.read_table(target)
    words = table.schema.field("smoking").metadata
    assert words[b"label_zh"].decode() == "吸烟"
    assert json.loads(words[b"codes"])["former"] == {"en": "former", "zh": "已戒"}
    assert str(table.column("examined_on")[0].as_py()) == "2026-01-12"
    assert table.column("smoking")[0].as_py() == "former"


def test_a_workbook_runs_no_formula_and_keeps_chinese(tmp_path):
    case()
    Site.objects.filter(code="SPH").update(name="=HYPERLINK(1)", name_zh="上海市胸科医院")
    _export, path = exported(DataFormat.XLSX)
    target = tmp_path / "data.xlsx"
    target.write_bytes(entry(path, "data.xlsx"))
    book = load_workbook(target)
    found = {cell.value: cell.data_type for row in book["sites"].iter_rows() for cell in row}
    assert found["'=HYPERLINK(1)"] == "s"
    assert "上海市胸科医院" in found
    assert book["baseline"].max_row == 2
    assert set(book.sheetnames) == {*DATASETS, "data_dictionary", "codes"}
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds


def test_a_csv_runs_no_formula():
    case()
    Site.objects.filter(code="SPH").update(name="=1+1")
    _export, path = exported(DataFormat.CSV)
    assert b"'=1+1" in entry(path, "sites.csv")


def test_every_column_comes_from_a_field_that_may_leave():
    for dataset in DATASETS.values():
        for one in dataset.variables:
            assert label_of(*one.source) == "export", (dataset.key, one.name)


def test_short_names_fit_sas_version_5_and_stand_once():
    for dataset in DATASETS.values():
        names = list(dataset.short_names().values())
        assert len(set(names)) == len(names)
        assert all(0 < len(name) <= 8 and name.isascii() and name[0].isalpha() for name in names)


def test_drafts_leave_only_when_asked_for():
    case()
    _export, path = exported(DataFormat.CSV, with_drafts=False)
    assert len(entry(path, "nodes.csv").splitlines()) == 1
    assert len(entry(path, "baseline.csv").splitlines()) == 2


def test_an_export_of_one_site_holds_no_row_of_another():
    case()
    other = case(at="SEH")
    _export, path = exported(DataFormat.CSV, at=site("SPH"))
    archive = zipfile.ZipFile(path)
    assert not any(other.code.encode() in archive.read(name) for name in archive.namelist())


@pytest.mark.parametrize("role", [one for one in Role if Action.EXPORT not in PERMISSIONS[one]])
def test_only_who_may_export_asks_for_clinical_data(role):
    with pytest.raises(NotAllowed):
        request_clinical_export(
            file_format=DataFormat.CSV, site=None, language="en", with_drafts=False, by=person(role)
        )


def test_a_right_that_ended_before_building_stops_the_export():
    case()
    by = person(Role.STATISTICIAN)
    asked = request_clinical_export(
        file_format=DataFormat.CSV, site=None, language="en", with_drafts=False, by=by
    )
    by.memberships.update(ended_at="2026-01-01T00:00Z")
    export = build_export(export=every_export().get(pk=asked.pk))
    assert export.status == ExportStatus.ERRORED
    assert not export.archive_sha256


def test_there_are_labels_in_two_languages():
    with pytest.raises(Refused, match="English and Chinese"):
        request_clinical_export(
            file_format=DataFormat.CSV, site=None, language="fr", with_drafts=False,
            by=person(Role.STATISTICIAN),
        )  # fmt: skip
