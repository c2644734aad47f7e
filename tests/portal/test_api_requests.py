"""Bodies, errors, pages, filters, tokens and the description of the API."""

import json
from io import BytesIO
from uuid import UUID
from zipfile import ZipFile

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from studyportal.core.models import User
from studyportal.core.selectors import acts_on
from studyportal.core.storage import path_of, store_bytes
from studyportal.exports.models import Export, ExportDownload
from studyportal.exports.services import build_export
from studyportal.imaging.selectors import waiting_files
from studyportal.imaging.states import PairStatus
from studyportal.participants.models import Participant
from studyportal.sites.rules import Role
from studyportal.syntheses.models import SynthesisJob
from studyportal.tasks.dispatch import app
from tests import factories as make
from tests.portal.test_api_rights import MISSING, PLAN, pair, screening

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_earlier_requests():
    cache.clear()


@pytest.fixture
def site():
    make.ProtocolVersionFactory()
    return make.SiteFactory()


def client_of(role, site=None):
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(make.person(role, site))
    return client


def problem(answer, status, kind):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = json.loads(answer.content)
    assert body["type"] == f"urn:studyportal:{kind}"
    assert body["status"] == status
    assert body["detail"]
    assert "Traceback" not in body["detail"]
    return body


# Bodies


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sex": "X"}, "sex"),
        ({"age_years": "old"}, "age_years"),
        ({"screening_date": "03/02/2026"}, "screening_date"),
        ({"answers": {"INC-01": "yes"}}, "answers"),
        ({"answers": ["INC-01"]}, "answers"),
        ({"site": "NOWHERE"}, "site"),
        ({"site": "\x00"}, "site"),
        ({"name": "Zhang"}, "name"),
        ({"age": 61, "weight": 62}, "weight"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(site, change, field):
    answer = client_of(Role.COORDINATOR, site).post(
        "/api/v1/participants/", {**screening(site), **change}
    )
    assert field in problem(answer, 400, "fields")["fields"]
    assert not Participant.objects.exists()


@pytest.mark.parametrize("field", ["site", "sex", "age_years", "screening_date", "answers"])
def test_a_field_that_is_missing_is_named(site, field):
    body = {name: value for name, value in screening(site).items() if name != field}
    answer = client_of(Role.COORDINATOR, site).post("/api/v1/participants/", body)
    assert list(problem(answer, 400, "fields")["fields"]) == [field]


@pytest.mark.parametrize("text", ["{", "", "[", '{"site": NaN}', b"\xff\xfe"])
def test_a_body_that_is_not_json_is_refused(site, text):
    answer = client_of(Role.COORDINATOR, site).post(
        "/api/v1/participants/", text, content_type="application/json"
    )
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("text", ["[]", '"text"', "1", "null"])
def test_a_body_that_is_not_an_object_is_refused(site, text):
    answer = client_of(Role.COORDINATOR, site).post(
        "/api/v1/participants/", text, content_type="application/json"
    )
    problem(answer, 400, "fields")


def test_deeply_nested_json_is_refused_and_breaks_nothing(site):
    answer = client_of(Role.COORDINATOR, site).post(
        "/api/v1/participants/", "[" * 200_000, content_type="application/json"
    )
    problem(answer, 400, "bad-request")


def test_a_body_larger_than_any_needs_to_be_is_refused(site, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = client_of(Role.COORDINATOR, site).post(
        "/api/v1/participants/", {**screening(site), "consent_version": "1" * 2000}
    )
    problem(answer, 413, "too-large")


def test_another_media_type_is_refused(site):
    answer = client_of(Role.COORDINATOR, site).post(
        "/api/v1/participants/", "site=SPH", content_type="text/plain"
    )
    problem(answer, 415, "media-type")


def test_an_object_in_a_body_that_one_may_not_see_reads_like_one_that_does_not_exist(site):
    client = client_of(Role.COORDINATOR, site)
    strangers = make.ParticipantFactory()
    texts = [
        problem(
            client.post("/api/v1/uploads/", {"participant": key, "role": "source"}), 400, "fields"
        )["fields"]
        for key in (str(strangers.pk), MISSING)
    ]
    assert texts[0] == texts[1]


# What the work says


def test_screening_answers_the_verdict_with_a_reason_per_criterion(site):
    body = screening(site)
    body["answers"]["EXC-01"] = "met"
    answer = client_of(Role.COORDINATOR, site).post("/api/v1/participants/", body)
    assert answer.status_code == 201
    assert answer.data["status"] == "screen_failed"
    assert answer.data["eligibility"]["verdict"] == "not_eligible"
    reasons = {row["criterion"]: row["reason"] for row in answer.data["eligibility"]["answers"]}
    assert reasons["EXC-01"]


def test_a_screened_participant_is_enrolled_and_the_act_is_kept(site):
    client = client_of(Role.COORDINATOR, site)
    key = client.post("/api/v1/participants/", screening(site)).data["id"]
    answer = client.post(f"/api/v1/participants/{key}/enrol/")
    assert answer.data["status"] == "enrolled"
    assert [act.verb for act in acts_on("participant", key)][-1] == "enrol_participant"


def test_a_contradiction_is_refused_with_every_reason(site):
    answer = client_of(Role.COORDINATOR, site).post(
        "/api/v1/participants/", {**screening(site), "consent_date": None, "age_years": 12}
    )
    reasons = problem(answer, 422, "refused")["reasons"]
    assert {reason["id"] for reason in reasons} == {"consent_contradiction", "age_contradiction"}
    assert not Participant.objects.exists()


def test_a_move_that_the_machine_does_not_know_is_refused_in_words(site):
    row = make.ParticipantFactory(site=site, screen_failed=True)
    answer = client_of(Role.COORDINATOR, site).post(f"/api/v1/participants/{row.pk}/enrol/")
    assert "screen failed" in problem(answer, 422, "refused")["detail"]


def test_a_row_that_was_moved_in_the_meantime_is_a_conflict(site, monkeypatch):
    """Two coordinators read the same participant; the one who comes second is told."""
    row = make.ConsentFactory(participant__site=site, participant__eligible=True).participant
    stale = Participant.objects.get(pk=row.pk)
    client = client_of(Role.COORDINATOR, site)
    assert client.post(f"/api/v1/participants/{row.pk}/enrol/").status_code == 200
    monkeypatch.setattr(
        "studyportal.api.views.study.ParticipantEndpoint.get_object", lambda self: stale
    )
    problem(client.post(f"/api/v1/participants/{row.pk}/enrol/"), 409, "stale")


def test_a_finding_of_another_pair_cannot_be_accepted_through_this_one(site):
    own = pair(site, query_open=True)
    other = make.FindingFactory(pair=pair(site, query_open=True))
    answer = client_of(Role.DATA_MANAGER).post(
        f"/api/v1/scan-pairs/{own.pk}/accept-finding/",
        {"finding": str(other.pk), "reason": "It is fine."},
    )
    assert list(problem(answer, 400, "fields")["fields"]) == ["finding"]


def test_accepting_the_last_finding_makes_the_pair_ready(site):
    row = make.FindingFactory(pair=pair(site, query_open=True, complete=True))
    answer = client_of(Role.DATA_MANAGER).post(
        f"/api/v1/scan-pairs/{row.pair_id}/accept-finding/",
        {"finding": str(row.pk), "reason": "The sheet says 60 minutes."},
    )
    assert answer.data["status"] == PairStatus.READY
    assert answer.data["findings"][0]["accepted_reason"] == "The sheet says 60 minutes."


def test_a_broken_service_answers_a_problem_and_keeps_its_traceback(site, caplog):
    row = make.ExportFactory(ready=True, archive_sha256="not a digest")
    answer = client_of(Role.STATISTICIAN).get(f"/api/v1/exports/{row.pk}/download/")
    problem(answer, 500, "errored")
    assert b"digest" not in answer.content
    assert any(record.exc_info for record in caplog.records)
    assert not ExportDownload.objects.exists()


# Uploads


def test_a_series_arrives_in_several_requests(site, django_capture_on_commit_callbacks):
    client = client_of(Role.COORDINATOR, site)
    participant = make.ParticipantFactory(site=site)
    key = client.post(
        "/api/v1/uploads/", {"participant": str(participant.pk), "role": "reference"}
    ).data["id"]
    for chunk in ((b"a", b"b"), (b"b", b"c")):  # a file that is sent twice counts once
        files = [SimpleUploadedFile("x.dcm", content) for content in chunk]
        sent = client.post(f"/api/v1/uploads/{key}/files/", {"files": files}, format="multipart")
        assert len(sent.data["received"]) == 2
    assert client.get(f"/api/v1/uploads/{key}/").data["waiting_files"] == 3
    problem(client.post(f"/api/v1/uploads/{key}/complete/", {"announced": 4}), 422, "refused")
    with django_capture_on_commit_callbacks() as callbacks:
        answer = client.post(f"/api/v1/uploads/{key}/complete/", {"announced": 3})
    assert (answer.status_code, answer.data["status"]) == (202, "received")
    assert len(callbacks) == 1


def test_a_file_that_is_too_large_is_refused_and_not_kept(site, settings):
    settings.UPLOAD_MAX_BYTES_PER_FILE = 2**20
    row = make.ImagingSeriesFactory(pair=pair(site))
    large = SimpleUploadedFile("x.dcm", b"x" * (2**20 + 1))
    answer = client_of(Role.COORDINATOR, site).post(
        f"/api/v1/uploads/{row.pk}/files/", {"files": [large]}, format="multipart"
    )
    assert problem(answer, 422, "refused")["reasons"][0]["id"] == "file_too_large"
    assert waiting_files(row.pk) == []


@pytest.mark.parametrize("body", [{}, {"file": SimpleUploadedFile("x", b"x")}, {"files": "x"}])
def test_a_request_without_files_is_refused(site, body):
    row = make.ImagingSeriesFactory(pair=pair(site))
    answer = client_of(Role.COORDINATOR, site).post(
        f"/api/v1/uploads/{row.pk}/files/", body, format="multipart"
    )
    problem(answer, 400, "fields")


def test_more_parts_than_a_request_may_have_are_refused(site, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    row = make.ImagingSeriesFactory(pair=pair(site))
    files = [SimpleUploadedFile("x.dcm", b"%d" % number) for number in range(3)]
    answer = client_of(Role.COORDINATOR, site).post(
        f"/api/v1/uploads/{row.pk}/files/", {"files": files}, format="multipart"
    )
    problem(answer, 400, "bad-request")


# Dispatch


def received(queue):
    with app.connection_for_read() as connection:
        channel = connection.channel()
        names = []
        while message := channel.basic_get(queue, no_ack=True):
            names.append((message.headers["task"], json.loads(message.body)[0]))
        return names


def test_a_requested_synthesis_wakes_a_worker_after_commit(
    site, django_capture_on_commit_callbacks
):
    received("gpu")
    body = {
        "pair": str(pair(site, ready=True, complete=True).pk),
        "release": str(make.ModelReleaseFactory().pk),
        "seed": 1,
    }
    client = client_of(Role.SYNTHESIS_OPERATOR)
    with django_capture_on_commit_callbacks(execute=True):
        first = client.post("/api/v1/synthesis-jobs/", body)
        assert received("gpu") == []  # nothing is sent before the commit
    assert received("gpu") == [("studyportal.tasks.gpu.translate", [first.data["id"]])]
    again = client.post("/api/v1/synthesis-jobs/", body)
    assert again.data["id"] == first.data["id"]
    assert SynthesisJob.objects.count() == 1


def test_an_evaluation_wakes_a_worker_per_pair_and_one_for_the_run(
    site, django_capture_on_commit_callbacks
):
    received("cpu")
    cut = make.DataCutFactory()
    waiting = make.CutPairFactory(cut=cut)
    make.CutPairFactory(cut=cut, measured=True)
    with django_capture_on_commit_callbacks(execute=True):
        run = client_of(Role.STATISTICIAN).post("/api/v1/evaluation-runs/", {"cut": str(cut.pk)})
    assert (run.data["pairs"], run.data["measured"]) == (2, 1)
    assert received("cpu") == [
        ("studyportal.tasks.evaluation.measure", [str(waiting.pk)]),
        ("studyportal.tasks.evaluation.analyse", [run.data["id"]]),
    ]


# Cuts, results, exports


def test_a_plan_that_names_a_file_of_the_server_is_not_read(site):
    release = make.ModelReleaseFactory()
    answer = client_of(Role.STATISTICIAN).post(
        "/api/v1/data-cuts/",
        {"name": "Cut", "release": str(release.pk), "plan": "evaluation/plans/nct07243873.toml"},
    )
    reasons = problem(answer, 422, "refused")["reasons"]
    assert reasons[0]["id"] == "plan"
    assert "TOML" in reasons[0]["sentence"]


def test_a_cut_without_pairs_is_refused(site):
    release = make.PrimaryReleaseFactory().release
    body = {"name": "Cut", "release": str(release.pk), "plan": PLAN}
    answer = client_of(Role.STATISTICIAN).post("/api/v1/data-cuts/", body)
    assert problem(answer, 422, "refused")["reasons"][0]["id"] == "nothing_to_compare"


def test_results_are_filtered_and_stay_in_the_order_of_the_report(site):
    cut = make.ResultOpeningFactory(opened=True).cut
    run = make.EvaluationRunFactory(completed=True, cut=cut)
    for order, (endpoint, subgroup, statistic) in enumerate(
        [("ssim", "all", "mean"), ("psnr", "all", "mean"), ("ssim", "site:SPH", "mean"),
         ("ssim", "all", "sd")]
    ):  # fmt: skip
        make.ResultRowFactory(
            run=run, order=order, endpoint=endpoint, subgroup=subgroup, statistic=statistic
        )
    make.ResultRowFactory()  # of another run
    client = client_of(Role.STATISTICIAN)
    address = f"/api/v1/evaluation-runs/{run.pk}/results/"
    assert [row["order"] for row in client.get(address).data["results"]] == [0, 1, 2, 3]
    chosen = client.get(address, {"endpoint": "ssim", "subgroup": "all", "statistic": "mean"})
    assert [row["order"] for row in chosen.data["results"]] == [0]


def test_a_download_is_the_zip_and_is_kept(site):
    stored = store_bytes(b"PK the zip")
    row = make.ExportFactory(ready=True, archive_sha256=stored.sha256, size=stored.size)
    client = client_of(Role.STATISTICIAN)
    answer = client.get(
        f"/api/v1/exports/{row.pk}/download/", headers={"accept": "application/zip"}
    )
    assert answer.getvalue() == b"PK the zip"
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert [act.verb for act in acts_on("export", row.pk)] == ["download_export"]
    assert ExportDownload.objects.get().export == row


def test_image_pairs_are_asked_for_of_a_site_and_for_a_reason(site):
    client = client_of(Role.STATISTICIAN)
    body = {"site": site.code, "reason": "To train."}

    row = client.post("/api/v1/exports/pairs/", body, format="json").data

    assert (row["kind"], row["site"], row["run"], row["purpose"]) == (
        "pairs", site.code, None, "To train.",
    )  # fmt: skip
    for wrong, field in (({"site": "XXX", "reason": "To train."}, "site"), ({}, "reason")):
        answer = client.post("/api/v1/exports/pairs/", wrong, format="json")
        assert answer.status_code == 400
        assert field in str(answer.data)


def test_clinical_data_are_asked_for_listed_and_fetched_in_one_format(site):
    client = client_of(Role.STATISTICIAN)
    make.ConsentFactory(participant=make.ParticipantFactory(site=site))
    body = {"format": "odm", "site": site.code, "language": "zh", "with_drafts": True}

    row = client.post("/api/v1/exports/clinical/", body, format="json").data
    build_export(export=Export.objects.get(pk=row["id"]))
    listed = client.get("/api/v1/exports/").data["results"][0]
    answer = client.get(f"/api/v1/exports/{row['id']}/download/")

    assert (row["kind"], row["format"], row["site"], row["language"], row["with_drafts"]) == (
        "clinical", "odm", site.code, "zh", True,
    )  # fmt: skip
    assert (listed["id"], listed["status"]) == (row["id"], "ready")
    assert "data/odm.xml" in ZipFile(BytesIO(answer.getvalue())).namelist()
    assert ExportDownload.objects.get().export_id == UUID(row["id"])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({}, "format"), ({"format": "doc"}, "format"), ({"format": "csv", "site": "XXX"}, "site")],
)
def test_clinical_data_in_no_format_or_of_no_site_are_refused(site, wrong, field):
    answer = client_of(Role.STATISTICIAN).post("/api/v1/exports/clinical/", wrong, format="json")
    assert answer.status_code == 400
    assert field in str(answer.data)


def test_a_damaged_export_is_refused_and_no_download_is_kept(site):
    stored = store_bytes(b"PK the zip")
    path_of(stored.sha256).chmod(0o600)
    path_of(stored.sha256).write_bytes(b"PK another")
    row = make.ExportFactory(ready=True, archive_sha256=stored.sha256, size=stored.size)
    answer = client_of(Role.STATISTICIAN).get(f"/api/v1/exports/{row.pk}/download/")
    assert problem(answer, 422, "refused")["reasons"][0]["id"] == "file_damaged"
    assert not ExportDownload.objects.exists()


# Pages and filters


def test_lists_come_in_pages(site):
    make.ParticipantFactory.create_batch(5, site=site)
    client = client_of(Role.COORDINATOR, site)
    first = client.get("/api/v1/participants/", {"page_size": 2}).data
    assert (first["count"], len(first["results"]), first["previous"]) == (5, 2, None)
    seen = [row["code"] for row in first["results"]]
    while first["next"]:
        first = client.get(first["next"]).data
        seen += [row["code"] for row in first["results"]]
    assert len(set(seen)) == 5


@pytest.mark.parametrize("page", ["99", "0", "-1", "x"])
def test_a_page_that_does_not_exist_is_not_found(site, page):
    answer = client_of(Role.COORDINATOR, site).get("/api/v1/participants/", {"page": page})
    problem(answer, 404, "not-found")


def test_a_list_filters_by_status_and_site(site):
    make.ParticipantFactory(site=site, eligible=True)
    make.ParticipantFactory(site=site)
    client = client_of(Role.COORDINATOR, site)
    rows = client.get("/api/v1/participants/", {"status": "eligible", "site": site.code}).data
    assert [row["status"] for row in rows["results"]] == ["eligible"]
    assert client.get("/api/v1/participants/", {"site": "ELSEWHERE"}).data["count"] == 0


@pytest.mark.parametrize(
    ("filters", "field"),
    [({"status": "gone"}, "status"), ({"statsu": "eligible"}, "statsu"), ({"sex": "F"}, "sex")],
)
def test_a_filter_that_does_not_exist_is_named(site, filters, field):
    answer = client_of(Role.COORDINATOR, site).get("/api/v1/participants/", filters)
    assert list(problem(answer, 400, "fields")["fields"]) == [field]


@pytest.mark.parametrize(
    ("name", "rows"),
    [("participants", 12), ("scan-pairs", 12), ("synthesis-jobs", 12), ("series", 12)],
)
def test_a_list_asks_the_database_as_often_for_many_rows_as_for_few(
    site, name, rows, django_assert_max_num_queries
):
    for number in range(rows):
        make.SynthesisJobFactory(pair=pair(site, ready=True), seed=number)
    client = client_of(Role.COORDINATOR, site)
    with django_assert_max_num_queries(7):
        assert client.get(f"/api/v1/{name}/").data["count"] == rows


# Addresses and methods


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_a_method_that_an_address_does_not_have_is_refused(site, method):
    answer = getattr(client_of(Role.COORDINATOR, site), method)("/api/v1/participants/")
    problem(answer, 405, "method")


def test_an_address_that_does_not_exist_is_a_problem_like_any_other(site):
    client = client_of(Role.COORDINATOR, site)
    assert "slash" in problem(client.get("/api/v1/participants"), 404, "not-found")["detail"]
    problem(client.post("/api/v1/patients/"), 404, "not-found")
    problem(client.get("/api/v1/participants/not-an-id/"), 404, "not-found")


def test_answers_are_kept_by_nobody_in_between(site):
    assert client_of(Role.COORDINATOR, site).get("/api/v1/participants/")["Cache-Control"] == (
        "no-store"
    )


# Signing in


def test_a_token_opens_the_api_until_it_is_withdrawn(site):
    make.MembershipFactory(user__username="wang", site=site)
    client = APIClient()
    body = {"username": "wang", "password": "correct horse battery"}
    token = client.post("/api/v1/token/", body).data["token"]
    assert client.post("/api/v1/token/", body).data["token"] == token
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert client.get("/api/v1/participants/").status_code == 200
    assert client.delete("/api/v1/token/").status_code == 204
    problem(client.get("/api/v1/participants/"), 401, "not-signed-in")
    owner = User.objects.get(username="wang")
    assert [act.verb for act in acts_on("user", owner.pk)] == ["obtain_token", "withdraw_token"]
    assert not any(token in act.sentence for act in acts_on("user", owner.pk))


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"username": "nobody"}])
def test_a_wrong_password_and_an_unknown_person_read_the_same(site, change):
    make.UserFactory(username="wang")
    answer = APIClient().post(
        "/api/v1/token/", {"username": "wang", "password": "correct horse battery", **change}
    )
    body = problem(answer, 400, "fields")
    assert body["fields"] == {"password": ["The user name and the password do not fit."]}
    assert not Token.objects.exists()


def test_a_person_who_left_gets_no_token(site):
    make.UserFactory(username="wang", is_active=False)
    body = {"username": "wang", "password": "correct horse battery"}
    problem(APIClient().post("/api/v1/token/", body), 400, "fields")


def test_guessing_passwords_is_slowed_down(site):
    guesses = [{"username": f"wang{n}", "password": "wrong"} for n in range(11)]
    answers = [APIClient().post("/api/v1/token/", guess) for guess in guesses]
    assert {answer.status_code for answer in answers[:-1]} == {400}
    problem(answers[-1], 429, "too-many-requests")
    assert int(answers[-1]["Retry-After"]) > 0


def test_five_wrong_passwords_lock_one_person_out_of_the_token_too(site):
    make.UserFactory(username="wang")
    body = {"username": "wang", "password": "wrong"}
    answers = [APIClient().post("/api/v1/token/", body) for _ in range(5)]
    right = APIClient().post("/api/v1/token/", {**body, "password": "correct horse battery"})
    assert [answer.status_code for answer in (*answers, right)] == [400] * 4 + [429] * 2
    assert right.json()["type"] == "urn:studyportal:locked"


def test_a_session_writes_only_with_its_csrf_token(site):
    coordinator = make.person(Role.COORDINATOR, site)
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(coordinator)
    assert client.get("/api/v1/participants/").status_code == 200
    problem(client.post("/api/v1/participants/", screening(site)), 403, "not-allowed")


def test_a_wrong_token_is_refused(site):
    client = APIClient(HTTP_AUTHORIZATION="Token wrong")
    problem(client.get("/api/v1/participants/"), 401, "not-signed-in")


# Description


def test_the_description_is_valid_and_complete(tmp_path):
    call_command("spectacular", file=str(tmp_path / "schema.yml"), validate=True, fail_on_warn=True)
    text = (tmp_path / "schema.yml").read_text()
    for name in ("participants", "scan-pairs", "uploads", "evaluation-runs", "exports"):
        assert f"/api/v1/{name}/" in text
    assert "application/problem+json" in text


def test_the_description_is_served_to_whoever_is_signed_in(site):
    answer = client_of(Role.READER).get(
        "/api/v1/schema/", headers={"accept": "application/vnd.oai.openapi+json"}
    )
    assert json.loads(answer.content)["info"]["title"] == "StudyPortal API"
