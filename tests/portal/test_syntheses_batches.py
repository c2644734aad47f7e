"""One request for all ready pairs: what it would do, what it does, and that it does it once."""

import pytest

from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.models import AuditEvent
from studyportal.sites.rules import PERMISSIONS, Action, Role
from studyportal.syntheses.models import SynthesisBatch, SynthesisJob
from studyportal.syntheses.selectors import preview_batch
from studyportal.syntheses.services import request_ready_pairs
from tests import factories as make
from tests.portal.scenes import person

pytestmark = pytest.mark.django_db


def ready(**changes):
    return make.ScanPairFactory(ready=True, complete=True, **changes)


def requested(release, *, seed: int = 0):
    return request_ready_pairs(release=release, seed=seed, by=person(Role.SYNTHESIS_OPERATOR))


def test_the_preview_tells_new_from_existing_from_not_ready_with_the_reason(study):
    release, new, old = make.ModelReleaseFactory(), ready(), ready()
    job = make.SynthesisJobFactory(
        pair=old, source=old.series.get(role="source"), release=release, errored=True
    )
    left_out = [
        make.ScanPairFactory(**{trait: True}) for trait in ("checking", "query_open", "excluded")
    ]
    seen = preview_batch(person(Role.SYNTHESIS_OPERATOR), release=release, seed=0)
    assert (list(seen.new), list(seen.existing)) == ([new], [job])
    assert {one.pair.pk for one in seen.left_out} == {pair.pk for pair in left_out}
    assert {one.why for one in seen.left_out} == {
        "the images are being checked",
        "a check of the images stands open",
        "the pair is excluded",
    }
    assert not SynthesisBatch.objects.exists()


def test_a_batch_makes_what_was_new_with_one_act_each_and_one_for_the_batch(study):
    pairs, release = {ready().pk, ready().pk}, make.ModelReleaseFactory()
    made = requested(release)
    assert {job.pair_id for job in made.jobs} == pairs
    assert {job.batch for job in made.jobs} == {made.batch}
    verbs = list(AuditEvent.objects.order_by("at").values_list("verb", flat=True))
    assert (verbs.count("request_synthesis"), verbs.count("request_batch")) == (2, 1)


def test_the_same_batch_again_adds_nothing(study):
    ready()
    release = make.ModelReleaseFactory()
    requested(release)
    again = requested(release)
    assert (again.batch, again.jobs, again.existing) == (None, (), 1)
    assert SynthesisJob.objects.count() == SynthesisBatch.objects.count() == 1


def test_a_pair_that_became_ready_since_is_the_only_new_one(study):
    ready()
    release = make.ModelReleaseFactory()
    requested(release)
    late = ready()
    assert [job.pair for job in requested(release).jobs] == [late]


def test_another_seed_or_release_is_new_again(study):
    ready()
    release = make.ModelReleaseFactory()
    assert [len(requested(release, seed=seed).jobs) for seed in (0, 1)] == [1, 1]
    assert len(requested(make.ModelReleaseFactory()).jobs) == 1


def test_a_batch_holds_the_pairs_of_the_persons_sites_only(study):
    own, _other = ready(), ready()
    role, site = Role.SYNTHESIS_OPERATOR, own.participant.site
    by = make.MembershipFactory(role=role, site=site).user
    made = request_ready_pairs(release=make.ModelReleaseFactory(), seed=0, by=by)
    assert [job.pair for job in made.jobs] == [own]


@pytest.mark.parametrize("trait", ["candidate", "validated", "retired"])
def test_a_batch_with_a_model_that_is_not_released_is_refused(study, trait):
    ready()
    with pytest.raises(Refused, match="only a released model"):
        requested(make.ModelReleaseFactory(**{trait: True}))
    assert not SynthesisBatch.objects.exists()


@pytest.mark.parametrize(
    "role", [r for r in Role if Action.REQUEST_SYNTHESIS not in PERMISSIONS[r]]
)
def test_only_the_operator_requests_a_batch(study, role):
    with pytest.raises(NotAllowed):
        request_ready_pairs(release=make.ModelReleaseFactory(), seed=0, by=person(role))
