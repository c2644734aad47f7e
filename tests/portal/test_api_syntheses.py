"""Batches, roles and attempts in the API."""

import pytest
from rest_framework.test import APIClient

from studyportal.sites.rules import Role
from studyportal.syntheses.models import SynthesisBatch, SynthesisJob
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> APIClient:
    make.ProtocolVersionFactory()
    client = APIClient()
    client.force_authenticate(make.person(Role.SYNTHESIS_OPERATOR))
    return client


def test_a_preview_says_what_a_batch_would_do_and_does_nothing(operator):
    pair = make.ScanPairFactory(ready=True, complete=True)
    left_out = make.ScanPairFactory(checking=True)
    body = {"release": str(make.ModelReleaseFactory().pk), "seed": 0, "preview": True}
    answer = operator.post("/api/v1/synthesis-jobs/batch/", body)
    assert (answer.status_code, answer.data["batch"]) == (200, None)
    assert answer.data["new"] == [pair.participant.code]
    assert answer.data["left_out"] == [
        {
            "pair": str(left_out.pk),
            "participant_code": left_out.participant.code,
            "why": "the images are being checked",
        }
    ]
    assert not SynthesisJob.objects.exists()


def test_a_batch_is_made_once_and_its_jobs_are_found_by_it(operator):
    make.ScanPairFactory(ready=True, complete=True)
    body = {"release": str(make.ModelReleaseFactory().pk), "seed": 0}
    answers = [operator.post("/api/v1/synthesis-jobs/batch/", body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].data["batch"] == str(SynthesisBatch.objects.get().pk)
    assert (answers[1].data["batch"], answers[1].data["existing"]) == (None, 1)
    found = operator.get(f"/api/v1/synthesis-jobs/?batch={answers[0].data['batch']}")
    assert found.data["count"] == 1


def test_a_job_tells_its_role_its_attempts_and_that_its_end_is_not_known(operator):
    job = make.SynthesisJobFactory(running=True, device="gpu-1")
    make.JobAttemptFactory(job=job, outcome="errored", cause="killed", device="gpu-1")
    told = operator.get(f"/api/v1/synthesis-jobs/{job.pk}/").data
    assert told["analysis_role"] == "exploratory"
    assert told["expected_end"] is None
    assert [row["cause"] for row in told["attempt_rows"]] == ["killed"]


def test_a_list_of_jobs_asks_once_which_release_is_primary(operator, django_assert_max_num_queries):
    primary = make.PrimaryReleaseFactory(protocol_version=make.ProtocolVersionFactory())
    for release in (primary.release, make.ModelReleaseFactory(), make.ModelReleaseFactory()):
        make.SynthesisJobFactory(release=release)
    with django_assert_max_num_queries(8):
        rows = operator.get("/api/v1/synthesis-jobs/").data["results"]
    assert sorted(row["analysis_role"] for row in rows) == ["exploratory"] * 2 + ["primary"]
