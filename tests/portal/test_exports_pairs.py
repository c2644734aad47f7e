"""Image pairs for training: who leaves, in which folders, for how long, and that a training can read them."""

import csv
import hashlib
import zipfile
from collections import namedtuple
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from pydicom import Dataset, dcmread

from evaluation.imaging import HeaderEntries, read_series, with_entries
from studyportal.clinical.services import enter_baseline
from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.selectors import acts_on
from studyportal.core.storage import path_of, store_bytes
from studyportal.exports.rules import (
    EXPORTED,
    PARTICIPANTS,
    Candidate,
    LeftOut,
    label_of,
    reason_left_out,
    require_deidentified,
)
from studyportal.exports.selectors import downloads_of
from studyportal.exports.services import (
    build_export,
    download_export,
    expire_old,
    give_up_lost,
    request_pairs_export,
)
from studyportal.exports.states import ExportStatus
from studyportal.imaging.services import enter_injection
from studyportal.imaging.states import EntryField, PairStatus, SeriesRole
from studyportal.participants.states import ParticipantStatus
from studyportal.sites.rules import PERMISSIONS, Action, Role
from synthesis.data.sources import open_source
from tests.factories import ConsentFactory, ExportFactory, ParticipantFactory, ScanPairFactory
from tests.portal.scenes import person, ready_pair, site
from tests.portal.signed_in import signed_in

pytestmark = pytest.mark.django_db
ENROLLED, READY = ParticipantStatus.ENROLLED, PairStatus.READY


def statistician():
    return person(Role.STATISTICIAN)


def asked(**changes):
    return request_pairs_export(
        **{"site": None, "reason": "To train.", "by": statistician(), **changes}
    )


def ready_export(*, codes=("SPH-00001",), **changes):
    """A ready export of these participants, whose archive exists."""
    stored = store_bytes("".join(codes).encode())
    contents = [{"name": f"{code}/", "sha256": "0" * 64, "bytes": 1, "files": 1} for code in codes]
    return ExportFactory(
        pairs=True, ready=True, requested_by=statistician(), archive_sha256=stored.sha256,
        size=stored.size, contents=contents, **changes,
    )  # fmt: skip


def exportable(code="SPH-00001", **consent):
    participant = ParticipantFactory(code=code)
    ConsentFactory(participant=participant, **consent)
    return ScanPairFactory(participant=participant, ready=True)


def test_a_ready_pair_leaves_in_folders_that_a_training_reads(study, phantom, tmp_path):
    pair = ready_pair(phantom(3), outlines=True)
    enter_baseline(
        participant=pair.participant, height_cm=171.0, weight_kg=70.5, by=person(Role.COORDINATOR)
    )
    pet = pair.series.get(role=SeriesRole.REFERENCE)
    enter_injection(
        series=pet,
        field=EntryField.WEIGHT_KG,
        value="80",
        reason="Scale.",
        by=person(Role.COORDINATOR),
    )
    exports = [build_export(export=asked(site=site("SPH"))) for _ in range(2)]
    path = download_export(export=exports[0], by=statistician())
    archive = zipfile.ZipFile(path)

    sums = dict(
        reversed(line.split("  ", 1)) for line in archive.read("SHA256SUMS").decode().splitlines()
    )
    assert set(sums) | {"SHA256SUMS"} == set(archive.namelist())
    for name, sha256 in sums.items():
        assert hashlib.sha256(archive.read(name)).hexdigest() == sha256
    assert exports[0].contents[0] == exports[1].contents[0]
    assert exports[0].contents[0]["name"] == "SPH-00001/"
    rows = list(csv.DictReader(StringIO(archive.read("participants.csv").decode())))
    assert rows == [
        {
            "participant": "SPH-00001", "site": "SPH", "sex": "M", "age_years": "60",
            "height_cm": "171.0", "weight_kg": "70.5", "kvp": "120.0",
            "pet_weight_kg": "80.0", "pet_dose_bq": "", "pet_tracer": "",
        }
    ]  # fmt: skip
    for name in (name for name in sums if name.endswith(".dcm")):
        assert dcmread(BytesIO(archive.read(name))).PatientID == "SPH-00001"

    source = open_source(str(path), (4.0, 4.0, 4.0), tmp_path)
    read = source.pair("SPH-00001")
    assert source.sites == {"SPH-00001": "SPH"}
    entered = HeaderEntries(weight_kg=80.0)
    expected = with_entries(read_series(phantom(3) / "PET"), entered).suv_volume()
    np.testing.assert_allclose(read.pet.array, expected.array, rtol=1e-6)
    np.testing.assert_allclose(read.ct.array, read_series(phantom(3) / "CT").stored_volume().array)
    assert read.demographics == (1.71, 70.5, 1.0, 60.0)
    assert any(name.startswith("lesion:") for name in read.focus_names)
    assert "organ:liver" in read.organ_names
    assert [act.verb for act in acts_on("export", exports[0].pk)] == [
        "request_pairs_export",
        "download_export",
    ]
    assert [d.by for d in downloads_of(exports[0])] == [statistician()]


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (Candidate(READY, ENROLLED, 1, 1), None),
        (Candidate(READY, ParticipantStatus.DISCONTINUED, 1, 1), None),
        (Candidate(READY, ENROLLED, 0, 0), LeftOut.NO_CONSENT),
        (Candidate(READY, ENROLLED, 2, 0), LeftOut.CONSENT_WITHDRAWN),
        (Candidate(READY, ENROLLED, 2, 1), None),
        (Candidate(READY, ParticipantStatus.ELIGIBLE, 1, 1), LeftOut.NOT_ENROLLED),
        (Candidate(READY, ParticipantStatus.SCREEN_FAILED, 1, 1), LeftOut.NOT_ENROLLED),
        (Candidate(PairStatus.EXCLUDED, ENROLLED, 1, 1), LeftOut.PAIR_EXCLUDED),
        (Candidate(PairStatus.QUERY_OPEN, ENROLLED, 1, 1), LeftOut.PAIR_NOT_READY),
        (Candidate(PairStatus.EXCLUDED, ENROLLED, 1, 0), LeftOut.CONSENT_WITHDRAWN),
    ],
)
def test_a_pair_is_left_out_for_the_first_reason_that_holds(candidate, reason):
    assert reason_left_out(candidate) == reason


def test_every_column_beside_the_images_comes_from_a_field_that_may_leave_as_it_is():
    fields = [field for field in PARTICIPANTS.values() if field is not None]

    assert {label_of(*field) for field in fields} == {"export"}
    assert "code" in EXPORTED["participants.participant"]  # so the study code names the folders


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"PatientIdentityRemoved": "NO"}, "not de-identified"),
        ({"PatientID": "SPH-00002"}, "not de-identified for its participant"),
        ({"SeriesDescription": "SYNTHETIC PET"}, "synthetic image"),
    ],
)
def test_no_file_leaves_that_is_synthetic_or_not_deidentified(change, sentence):
    header = Dataset()
    header.PatientIdentityRemoved, header.PatientID = "YES", "SPH-00001"
    require_deidentified(header, "SPH-00001")
    for name, value in change.items():
        setattr(header, name, value)
    with pytest.raises(ValueError, match=sentence):
        require_deidentified(header, "SPH-00001")


def test_an_export_without_a_reason_is_refused(study):
    with pytest.raises(Refused, match="what the images are wanted for"):
        asked(reason="  ")


@pytest.mark.parametrize("role", [r for r in Role if Action.EXPORT not in PERMISSIONS[r]])
def test_only_who_may_export_asks_for_image_pairs(study, role):
    with pytest.raises(NotAllowed):
        asked(by=person(role))


def test_an_export_of_nobody_errs_in_words_and_counts_nothing(study):
    ScanPairFactory(participant=ParticipantFactory(), ready=True)
    export = build_export(export=asked())

    assert (export.status, export.reason) == (
        ExportStatus.ERRORED,
        "No ready pair may be exported.",
    )


def test_an_export_that_the_disk_cannot_hold_errs_before_it_writes(study, monkeypatch):
    pair = exportable()
    for role in ("source", "reference"):
        pair.series.create(
            role=role, status="accepted", stored_bytes=3 * 10**9, opened_at=clock.now(),
            sent_by=statistician(), series_uid=f"1.{role == 'source':d}",
        )  # fmt: skip
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10**10, 5 * 10**9, 5 * 10**9))

    export = build_export(export=asked())

    assert export.status == ExportStatus.ERRORED
    assert "need 6.0 GB and the disk has 5.0 GB free" in export.reason


def test_an_export_holds_nobody_who_withdrew_since(study):
    exportable(withdrawn_on=clock.today(), signed_on=clock.today())
    export = ready_export()

    with pytest.raises(Refused, match="withdrew or was excluded since"):
        download_export(export=export, by=statistician())

    export.refresh_from_db()
    assert export.status == ExportStatus.EXPIRED
    assert not downloads_of(export).exists()
    assert [act.verb for act in acts_on("export", export.pk)] == ["expire_export"]


def test_archives_of_images_end_and_leave_the_disk(study, django_capture_on_commit_callbacks):
    exportable()
    old, new = ready_export(), ready_export(codes=("SPH-00001", "SPH-00009"))
    type(old).objects.filter(pk=new.pk).update(built_at=clock.now())

    with django_capture_on_commit_callbacks(execute=True):
        expire_old(before=clock.now() - timedelta(days=14))

    for export in (old, new):
        export.refresh_from_db()
    assert (old.status, new.status) == (ExportStatus.EXPIRED, ExportStatus.READY)
    assert not path_of(old.archive_sha256).exists()
    assert path_of(new.archive_sha256).exists()


def test_an_archive_that_another_export_still_hands_out_stays(
    study, django_capture_on_commit_callbacks
):
    old, new = ready_export(), ready_export()
    type(old).objects.filter(pk=new.pk).update(built_at=clock.now())

    with django_capture_on_commit_callbacks(execute=True):
        expire_old(before=clock.now() - timedelta(days=14))

    assert path_of(new.archive_sha256).exists()


def test_an_export_whose_worker_died_is_errored(study):
    lost = ExportFactory(
        pairs=True, status=ExportStatus.BUILDING, started_at=clock.now() - timedelta(hours=4)
    )

    give_up_lost(before=clock.now() - timedelta(hours=3))

    lost.refresh_from_db()
    assert lost.status == ExportStatus.ERRORED
    assert "The worker stopped" in lost.reason


def test_the_page_asks_for_image_pairs_and_shows_them(study, client):
    signed_in(statistician(), client)

    client.post(reverse("web:request_pairs_export"), {"site": "SPH", "reason": "To train."})
    page = client.get(reverse("web:exports")).content.decode()

    assert "Image pairs of SPH" in page
    assert "To train." in page


def test_the_page_says_who_was_left_out_and_why(study, client):
    ready_export(left_out={"consent_withdrawn": 2})
    client.force_login(statistician())

    page = client.get(reverse("web:exports")).content.decode()

    assert "Left out: consent withdrawn 2" in " ".join(page.split())


def test_the_command_says_in_words_why_nothing_was_written(study, tmp_path: Path):
    with pytest.raises(CommandError, match="No ready pair may be exported"):
        call_command(
            "export_pairs", by=statistician().username, reason="To train.",
            out=tmp_path / "pairs.zip",
        )  # fmt: skip
    assert not (tmp_path / "pairs.zip").exists()
