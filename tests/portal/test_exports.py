"""Exports: the same run gives the same bytes, each file with its digest, each download kept."""

import csv
import hashlib
import zipfile
from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.analysis import COLUMNS
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.selectors import acts_on
from studyportal.core.storage import DamagedFile, path_of
from studyportal.exports.rules import DICTIONARY, as_csv, neutral
from studyportal.exports.selectors import downloads_of, export_for
from studyportal.exports.services import build_export, download_export, request_export
from studyportal.exports.states import ExportStatus
from studyportal.outcomes.services import analyse_run, plan_run
from studyportal.sites.rules import PERMISSIONS, Action, Role
from tests.factories import EvaluationRunFactory, ExportFactory, ResultOpeningFactory
from tests.portal.scenes import measured_cut, person

pytestmark = pytest.mark.django_db


def statistician():
    return person(Role.STATISTICIAN)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\x00=1"])
def test_a_text_that_a_spreadsheet_would_run_is_quoted(text):
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("value", [-1.5, 0, True, "plain", "a=1", ""])
def test_numbers_and_plain_texts_stay_as_they_are(value):
    assert neutral(value) == value


@given(st.text())
def test_no_cell_begins_a_formula_and_every_cell_can_be_read_back(text):
    written = as_csv(["cell"], [{"cell": text}]).decode()
    if "\x00" in text:
        return  # no CSV reader takes it
    cell = list(csv.reader(StringIO(written, newline="")))[1:]
    kept = cell[0][0] if cell and cell[0] else ""
    assert not kept.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert kept in {text, f"'{text}"}


def test_the_dictionary_describes_every_column_of_every_table_once():
    described = [(column.table, column.name) for column in DICTIONARY]
    assert len(described) == len(set(described))
    read = {(table, name) for table, names in COLUMNS.items() for name in names}
    assert {table for table, _ in set(described) - read} == {  # what a plan may ask
        "participants",
        "index_scores",
    }
    assert read <= set(described)


def test_an_export_of_a_real_run_is_whole_and_the_same_twice(study, phantom, model_folder):
    cut = measured_cut(phantom, model_folder, seeds=(3,))
    run = analyse_run(evaluation_run=plan_run(cut=cut, by=statistician()))
    exports = [build_export(export=request_export(run=run, by=statistician())) for _ in range(2)]
    bodies = [download_export(export=export, by=statistician()).read_bytes() for export in exports]
    archive = zipfile.ZipFile(BytesIO(bodies[0]))

    assert bodies[0] == bodies[1]
    sums = dict(
        reversed(line.split("  ", 1)) for line in archive.read("SHA256SUMS").decode().splitlines()
    )
    assert set(sums) | {"SHA256SUMS"} == set(archive.namelist())
    for name, sha256 in sums.items():
        assert hashlib.sha256(archive.read(name)).hexdigest() == sha256
    assert {"provenance.json", "data_dictionary.csv", "analysis_plan.toml", "protocol.toml"} <= set(
        sums
    )
    assert {"report/report.html", "report/results.csv"} <= set(sums)
    for table in COLUMNS:
        header = archive.read(f"tables/{table}.csv").decode().split("\r\n")[0]
        assert header.split(",") == [c.name for c in DICTIONARY if c.table == table]
    people = list(csv.DictReader(StringIO(archive.read("tables/participants.csv").decode())))
    assert [row["participant"] for row in people] == ["SPH-00001"]
    assert not any(b"PHANTOM" in archive.read(name) for name in sums)

    assert [d.by for d in downloads_of(exports[0])] == [statistician()]
    assert [act.verb for act in acts_on("export", exports[0].pk)] == [
        "request_export",
        "download_export",
    ]
    path_of(exports[0].archive_sha256).unlink()
    with pytest.raises(DamagedFile, match="missing"):
        download_export(export=exports[0], by=statistician())
    assert downloads_of(exports[0]).count() == 1


@pytest.mark.parametrize("trait", [None, "running", "errored"])
def test_only_a_completed_run_is_exported(study, trait):
    run = EvaluationRunFactory(**({trait: True} if trait else {}))
    with pytest.raises(Refused, match="Only a completed evaluation"):
        request_export(run=run, by=statistician())


def test_an_export_that_is_not_ready_is_not_handed_out(study):
    with pytest.raises(Refused, match="not ready"):
        download_export(export=ExportFactory(), by=statistician())


@pytest.mark.parametrize("role", [r for r in Role if Action.EXPORT not in PERMISSIONS[r]])
def test_only_the_statistician_exports_downloads_and_sees_exports(study, role):
    by, export = person(role), ExportFactory(ready=True)
    with pytest.raises(NotAllowed):
        request_export(run=export.run, by=by)
    with pytest.raises(NotAllowed):
        download_export(export=export, by=by)
    assert export_for(by, export.pk) is None
    assert not downloads_of(export).exists()


def test_an_export_that_breaks_is_errored_and_loud(study, caplog):
    cut = ResultOpeningFactory(opened=True).cut  # its tables lie nowhere
    export = ExportFactory(run=EvaluationRunFactory(completed=True, cut=cut))
    build_export(export=export)
    export.refresh_from_db()
    assert export.status == ExportStatus.ERRORED
    assert "It was logged" in export.reason
    assert "DamagedFile" in caplog.text
