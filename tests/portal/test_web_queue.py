"""The operator's home: what runs, waits and failed; one request for all; which release is primary."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from studyportal.core import clock
from studyportal.sites.rules import Role
from studyportal.syntheses.models import PrimaryRelease, SynthesisBatch, SynthesisJob
from studyportal.syntheses.selectors import synthesis_notes
from studyportal.tasks import dispatch
from tests import factories as make
from tests.portal.scenes import person, site

pytestmark = pytest.mark.django_db
GPU = "gpu-1 · NVIDIA H100 (cuda:0)"


@pytest.fixture
def operator(study) -> Client:
    return client_of(Role.SYNTHESIS_OPERATOR)


def client_of(role: Role) -> Client:
    client = Client()
    client.force_login(person(role))
    return client


def page_of(client: Client, name: str, *keys, **query) -> str:
    return client.get(reverse(f"web:{name}", args=keys), query).content.decode()


def running(**changes) -> SynthesisJob:
    return make.SynthesisJobFactory(
        **{"running": True, "device": GPU, "stage": "translating", "steps_done": 3, **changes},
        steps_total=8,
    )


def test_the_queue_shows_what_runs_where_and_what_waits_at_which_place(operator):
    job = running()
    make.SynthesisJobFactory()
    page = page_of(operator, "jobs")
    assert f"1 · {GPU}" in page
    assert 'max="8" value="3"' in page
    assert job.pair.participant.code in page
    assert "place 1 of 1" in page
    assert "Expected end: not known" in page


def test_failures_of_the_last_day_stand_with_their_cause_and_can_be_tried_again(operator):
    lately = clock.now() - timedelta(hours=1)
    new = make.SynthesisJobFactory(errored=True, ended_at=lately, reason="Out of memory.")
    make.SynthesisJobFactory(errored=True, reason="Long ago.")
    page = page_of(operator, "jobs").partition("All jobs")[0]
    assert "Out of memory." in page
    assert "Long ago." not in page
    assert reverse("web:job_retry", args=[new.pk]) in page


def test_a_person_without_the_right_is_not_offered_to_try_again(study):
    make.SynthesisJobFactory(errored=True, ended_at=clock.now())
    assert "/retry/" not in page_of(client_of(Role.MONITOR), "jobs")


def test_jobs_of_other_sites_are_counted_and_not_shown(study):
    other = running(pair__participant__site=site("SEH"))
    page = page_of(client_of(Role.COORDINATOR), "jobs")
    assert "1 job of another site runs." in page
    assert other.pair.participant.code not in page


@pytest.mark.parametrize(
    ("name", "value_of"),
    [
        ("status", lambda job: "queued"),
        ("site", lambda job: job.pair.participant.site.code),
        ("release", lambda job: job.release_id),
        ("batch", lambda job: job.batch_id),
        ("participant", lambda job: job.pair.participant.code.lower()),
        ("role", lambda job: "primary"),
    ],
)
def test_each_filter_keeps_what_it_names(operator, name, value_of):
    kept = make.SynthesisJobFactory(batch=make.SynthesisBatchFactory())
    dropped = make.SynthesisJobFactory(succeeded=True)
    make.PrimaryReleaseFactory(release=kept.release, protocol_version=make.ProtocolVersionFactory())
    rows = page_of(operator, "jobs_now", **{name: value_of(kept)})
    assert kept.pair.participant.code in rows
    assert dropped.pair.participant.code not in rows


@pytest.mark.parametrize("name", ["status", "release", "batch", "role"])
def test_a_filter_that_makes_no_sense_filters_nothing(operator, name):
    job = make.SynthesisJobFactory()
    assert job.pair.participant.code in page_of(operator, "jobs_now", **{name: "nonsense"})


def test_the_page_of_a_job_tells_stages_attempts_with_causes_and_what_comes_next(operator):
    job = running(attempts=2)
    make.JobAttemptFactory(
        job=job, outcome="errored", cause="out_of_memory", device=GPU, ended_at=make.MOMENT
    )
    page = page_of(operator, "job", job.pk)
    assert 'aria-current="step">translate' in page
    assert "step 3 of 8" in page
    assert "<strong>out of memory</strong>" in page
    assert "this is attempt 2 of 3" in page


def test_what_went_otherwise_than_asked_stands_on_the_pages_and_is_counted_in_provenance(operator):
    note = "Memory ran out with 8 at a time; the work went on with 4."
    said = make.SyntheticSeriesFactory(facts={"notes": [note], "suv_max": 9.0})
    silent = make.SyntheticSeriesFactory(facts={"suv_max": 9.0})
    assert note in page_of(operator, "job", said.job.pk)
    assert note in page_of(operator, "pair", said.job.pair_id)
    assert "otherwise than asked" not in page_of(operator, "job", silent.job.pk)
    assert synthesis_notes([said.facts, silent.facts]) == {note: "1 of 2 series"}


def test_all_ready_pairs_are_previewed_then_requested_and_sent(
    operator, monkeypatch, django_capture_on_commit_callbacks
):
    sent = []
    monkeypatch.setattr(dispatch, "_send_now", lambda _name, key, *_: sent.append(key))
    make.ScanPairFactory(ready=True, complete=True)
    make.ScanPairFactory(query_open=True)
    asked = {"release": make.ModelReleaseFactory().pk, "seed": 0}
    page = page_of(operator, "synthesise_all", **asked)
    assert "Request 1 synthetic PET with" in page
    assert "a check of the images stands open" in page
    assert not SynthesisJob.objects.exists()

    with django_capture_on_commit_callbacks(execute=True):
        answer = operator.post(reverse("web:synthesise_all"), asked)
    assert sent == [str(SynthesisJob.objects.get().pk)]
    assert answer["Location"].endswith(f"?batch={SynthesisBatch.objects.get().pk}")


def test_the_study_pi_names_the_primary_release_on_its_page(study):
    release, pi = make.ModelReleaseFactory(), client_of(Role.STUDY_PI)
    assert "Name this release" in page_of(pi, "release", release.pk)
    typed = {"primary-seed": "0", "primary-reason": "Best lesion recovery."}
    pi.post(reverse("web:name_primary", args=[release.pk]), typed)
    assert PrimaryRelease.objects.get().release == release
    page = page_of(client_of(Role.STATISTICIAN), "release", release.pk)
    assert "Best lesion recovery." in page
    assert "Name this release" not in page


def test_without_a_reason_no_release_is_named(study):
    release = make.ModelReleaseFactory()
    place = reverse("web:name_primary", args=[release.pk])
    client_of(Role.STUDY_PI).post(place, {"primary-seed": "0", "primary-reason": ""})
    assert not PrimaryRelease.objects.exists()


def test_every_run_of_a_pair_says_which_analysis_it_belongs_to(operator):
    job = make.SynthesisJobFactory()
    primary = make.SynthesisJobFactory(pair=job.pair, source=job.source)
    make.PrimaryReleaseFactory(
        release=primary.release, protocol_version=make.ProtocolVersionFactory()
    )
    page = page_of(operator, "pair", job.pair_id)
    assert page.count("tag--primary") == page.count("tag--exploratory") == 1
