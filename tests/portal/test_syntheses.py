"""Releases, requests and attempts; the queue is rows, so it is tested without any worker."""

import shutil
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.selectors import acts_on, history_of
from studyportal.imaging.services import exclude_pair
from studyportal.sites.rules import PERMISSIONS, Action, Role
from studyportal.syntheses.models import ModelRelease, SynthesisJob
from studyportal.syntheses.rules import SUV_CEILING, SyntheticFacts, quality_faults
from studyportal.syntheses.selectors import (
    current_release,
    folder_of,
    job_for,
    queue_position,
)
from studyportal.syntheses.services import (
    cancel_job,
    move_release,
    register_release,
    request_synthesis,
    retry_job,
)
from studyportal.syntheses.states import ReleaseStatus
from synthesis.registry import load_release
from tests.factories import ModelReleaseFactory, ScanPairFactory, SynthesisJobFactory
from tests.portal.scenes import person, ready_pair, released, site

pytestmark = pytest.mark.django_db


def operator():
    return person(Role.SYNTHESIS_OPERATOR)


def a_job(**changes) -> SynthesisJob:
    return SynthesisJobFactory(**changes)


# releases


def test_a_release_is_registered_with_what_its_folder_says(study, model_folder):
    release = register_release(folder=model_folder, by=operator())

    assert (release.name, release.status) == ("untrained", ReleaseStatus.CANDIDATE)
    assert (release.card, len(release.digest)) == ("# untrained\n", 64)
    kept = folder_of(release)
    assert load_release(kept, release.digest).digest == release.digest
    assert (kept.parent, kept.name) == (Path(settings.RELEASES_DIR), release.digest)


def test_the_same_release_again_is_the_same_row(study, model_folder):
    rows = [register_release(folder=model_folder, by=operator()) for _ in range(2)]
    assert rows[0].pk == rows[1].pk
    assert history_of("model release", rows[0].pk).count() == 1


def test_tampered_weights_are_refused_by_name(study, model_folder, tmp_path):
    copy = tmp_path / "tampered"
    shutil.copytree(model_folder, copy)
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(bytes(weights))
    with pytest.raises(Refused, match=r"model\.safetensors of release was changed"):
        register_release(folder=copy, by=operator())
    assert not ModelRelease.objects.exists()


def test_a_folder_that_is_no_release_is_refused(study, tmp_path):
    with pytest.raises(Refused, match="is no release"):
        register_release(folder=tmp_path, by=operator())


def test_other_content_under_the_same_version_is_refused(study, model_folder, tmp_path):
    from tests.synthesis.makers import untrained_release

    register_release(folder=model_folder, by=operator())
    untrained_release(tmp_path / "other", seed=2)
    with pytest.raises(Refused, match="registered already with other content"):
        register_release(folder=tmp_path / "other", by=operator())


def test_a_release_is_validated_before_it_is_released(study):
    release = ModelReleaseFactory(candidate=True)
    with pytest.raises(Refused, match="candidate cannot become released"):
        move_release(release=release, target=ReleaseStatus.RELEASED, reason="now", by=operator())
    assert current_release() is None
    for target in (ReleaseStatus.VALIDATED, ReleaseStatus.RELEASED):
        move_release(release=release, target=target, reason="checked", by=operator())
    assert current_release() == release


def test_a_release_moves_for_a_reason(study):
    with pytest.raises(Refused, match="Say why"):
        move_release(
            release=ModelReleaseFactory(candidate=True),
            target=ReleaseStatus.VALIDATED,
            reason=" ",
            by=operator(),
        )


@pytest.mark.parametrize("role", [r for r in Role if Action.REGISTER_RELEASE not in PERMISSIONS[r]])
def test_only_the_operator_registers_and_moves_releases(study, role, model_folder):
    by = person(role)
    with pytest.raises(NotAllowed):
        register_release(folder=model_folder, by=by)
    with pytest.raises(NotAllowed):
        move_release(release=ModelReleaseFactory(), target=ReleaseStatus.RETIRED, reason="x", by=by)


# requests


@pytest.mark.django_db(transaction=True)
def test_a_request_is_one_job_per_source_release_and_seed(study, phantom, model_folder):
    pair, release = ready_pair(phantom()), released(model_folder)
    ask = {"pair": pair, "release": release, "by": operator()}
    jobs = [request_synthesis(seed=seed, **ask) for seed in (0, 0, 1)]

    assert jobs[0].pk == jobs[1].pk != jobs[2].pk
    assert acts_on("synthesisjob", jobs[0].pk).count() == 1
    assert [queue_position(job) for job in (jobs[0], jobs[2])] == [1, 2]
    exclude_pair(pair=pair, reason="wrong examination", by=person(Role.DATA_MANAGER))
    with pytest.raises(Refused, match="is not ready"):
        request_synthesis(seed=2, **ask)


@pytest.mark.parametrize("trait", ["checking", "query_open", "excluded"])
def test_a_pair_that_is_not_ready_is_not_synthesised(study, trait):
    pair = ScanPairFactory(**{trait: True})
    with pytest.raises(Refused, match="is not ready"):
        request_synthesis(pair=pair, release=ModelReleaseFactory(), seed=0, by=operator())


@pytest.mark.parametrize("trait", ["candidate", "validated", "retired"])
def test_a_model_that_is_not_released_is_not_used(study, trait):
    pair = ScanPairFactory(ready=True, complete=True)
    release = ModelReleaseFactory(**{trait: True})
    with pytest.raises(Refused, match="only a released model"):
        request_synthesis(pair=pair, release=release, seed=0, by=operator())


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_seed_that_cannot_be_kept_is_refused_in_words(study, seed):
    pair = ScanPairFactory(ready=True, complete=True)
    with pytest.raises(Refused, match="seed"):
        request_synthesis(pair=pair, release=ModelReleaseFactory(), seed=seed, by=operator())


@pytest.mark.parametrize(
    "role", [r for r in Role if Action.REQUEST_SYNTHESIS not in PERMISSIONS[r]]
)
def test_only_the_operator_requests_cancels_and_retries(study, role):
    by, job = person(role), a_job()
    with pytest.raises(NotAllowed):
        request_synthesis(pair=job.pair, release=job.release, seed=1, by=by)
    with pytest.raises(NotAllowed):
        cancel_job(job=job, by=by)
    with pytest.raises(NotAllowed):
        retry_job(job=a_job(errored=True), by=by)


def test_a_coordinator_sees_the_jobs_of_the_own_site_only(study):
    own, other = (
        a_job(pair__participant__site=site("SPH")),
        a_job(pair__participant__site=site("SEH")),
    )
    by = person(Role.COORDINATOR)
    assert job_for(by, own.pk) == own
    assert job_for(by, other.pk) is None


# checks of the result

GOOD = {
    "marked_synthetic": True,
    "frame_of_reference_uid": "1.2",
    "source_frame_of_reference_uid": "1.2",
    "slices": 10,
    "finite": True,
    "suv_min": 0.0,
    "suv_max": 12.0,
    "z_extent_mm": 250.0,
    "source_z_extent_mm": 250.0,
}


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, []),
        ({"suv_max": SUV_CEILING}, []),
        ({"z_extent_mm": 260.0}, []),
        ({"marked_synthetic": False}, ["not_marked"]),
        ({"frame_of_reference_uid": "1.3"}, ["frame_of_reference"]),
        ({"finite": False}, ["not_finite"]),
        ({"suv_min": -0.01}, ["negative"]),
        ({"suv_max": SUV_CEILING + 0.1}, ["ceiling"]),
        ({"suv_max": 0.0}, ["empty"]),
        ({"z_extent_mm": 260.1}, ["coverage"]),
        ({"marked_synthetic": False, "suv_max": 0.0}, ["not_marked", "empty"]),
    ],
)
def test_each_check_of_a_synthetic_series_speaks_for_itself(changes, faults):
    assert [fault.id for fault in quality_faults(SyntheticFacts(**{**GOOD, **changes}))] == faults


@given(st.floats(0, SUV_CEILING, exclude_min=True), st.floats(-10, 10))
def test_nothing_within_the_limits_is_held_against_a_series(largest, shift):
    facts = SyntheticFacts(**{**GOOD, "suv_max": largest, "z_extent_mm": 250 + shift})
    assert quality_faults(facts) == ()
