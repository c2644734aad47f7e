"""The primary analysis rests on one named release with one seed; everything else is exploratory and says so."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps

from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.selectors import acts_on, history_of
from studyportal.outcomes.models import CutPair, DataCut
from studyportal.outcomes.selectors import latest_completed_run
from studyportal.outcomes.services import freeze_cut
from studyportal.outcomes.services.runs import provenance_of, title_of
from studyportal.protocol.selectors import active_version, packaged_text
from studyportal.protocol.services import activate_protocol, load_protocol
from studyportal.sites.rules import PERMISSIONS, Action, Role
from studyportal.syntheses.models import PrimaryRelease
from studyportal.syntheses.selectors import current_primary, in_role, jobs_visible_to, role_of
from studyportal.syntheses.services import (
    move_release,
    name_primary_release,
    seal_primary_release,
)
from studyportal.syntheses.states import AnalysisRole, PrimaryStatus, ReleaseStatus
from tests import factories as make
from tests.portal.scenes import person, quick_plan

pytestmark = pytest.mark.django_db


def pi():
    return person(Role.STUDY_PI)


def named(release, *, seed: int = 0, reason: str = "Best on held-out participants."):
    return name_primary_release(release=release, seed=seed, reason=reason, by=pi())


def comparable(*, seed: int = 0, release=None, pair=None):
    """A synthetic series that passed its checks, of a pair that can be compared."""
    pair = pair or make.ScanPairFactory(ready=True, complete=True)
    job = make.SynthesisJobFactory(
        pair=pair,
        source=pair.series.get(role="source"),
        release=release or make.ModelReleaseFactory(),
        seed=seed,
        succeeded=True,
    )
    return make.SyntheticSeriesFactory(job=job)


def frozen(release, *, name: str = "first", exploratory: bool = False):
    by = person(Role.STATISTICIAN)
    return freeze_cut(
        name=name, release=release, plan_text=quick_plan(), by=by, exploratory=exploratory
    )


def test_a_release_is_named_with_its_reason_and_by_whom(study):
    row = named(make.ModelReleaseFactory(), seed=3)
    assert current_primary() == row
    assert (row.seed, row.protocol_version) == (3, active_version())
    assert row.named_because == "Best on held-out participants."
    assert acts_on("primaryrelease", row.pk).get().by == pi()


def test_naming_the_same_release_and_seed_again_changes_nothing(study):
    release = make.ModelReleaseFactory()
    assert named(release) == named(release, reason="Once more.")
    assert PrimaryRelease.objects.count() == 1


def test_before_a_primary_cut_another_release_may_be_named_and_the_first_stays_in_the_history(
    study,
):
    first, second = named(make.ModelReleaseFactory()), named(make.ModelReleaseFactory())
    first.refresh_from_db()
    assert first.status == PrimaryStatus.REPLACED
    assert current_primary() == second
    assert history_of("primary release", first.pk).count() == 2


@pytest.mark.parametrize("trait", ["candidate", "validated", "retired"])
def test_only_a_released_model_can_be_the_primary_one(study, trait):
    with pytest.raises(Refused, match="only a released model"):
        named(make.ModelReleaseFactory(**{trait: True}))


def test_the_release_of_the_primary_analysis_does_not_retire(study):
    release = named(make.ModelReleaseFactory()).release
    operator = person(Role.SYNTHESIS_OPERATOR)
    with pytest.raises(Refused, match="name another one before it retires"):
        move_release(release=release, target=ReleaseStatus.RETIRED, reason="Old.", by=operator)


def test_a_release_is_named_for_a_reason(study):
    with pytest.raises(Refused, match="Say why"):
        named(make.ModelReleaseFactory(), reason=" ")


@pytest.mark.parametrize(
    "role", [r for r in Role if Action.NAME_PRIMARY_RELEASE not in PERMISSIONS[r]]
)
def test_only_the_study_pi_names_it(study, role):
    with pytest.raises(NotAllowed):
        name_primary_release(
            release=make.ModelReleaseFactory(), seed=0, reason="Mine.", by=person(role)
        )


def test_after_a_primary_cut_another_release_is_refused_until_the_protocol_has_a_new_version(study):
    row = seal_primary_release(primary=named(make.ModelReleaseFactory()), by=pi())
    other = make.ModelReleaseFactory()
    for asked in ({"release": other}, {"release": row.release, "seed": 1}):
        with pytest.raises(Refused, match="needs a new version of the protocol"):
            named(**asked)
    assert current_primary() == row

    amended = load_protocol(text=packaged_text().replace('"1.1"', '"1.2"', 1), by=None)
    activate_protocol(version=amended, by=None)
    assert current_primary() is None
    assert named(other).protocol_version == amended


def test_a_job_is_primary_only_with_the_named_release_and_seed(study):
    series = comparable()
    primary, job = named(series.job.release), series.job
    beside = make.SynthesisJobFactory(release=job.release, seed=1)
    assert role_of(job, primary) == AnalysisRole.PRIMARY
    assert role_of(beside, primary) == AnalysisRole.EXPLORATORY
    assert role_of(job, None) == AnalysisRole.EXPLORATORY


def test_jobs_are_found_by_their_role(study):
    own, other = comparable().job, comparable().job
    primary = named(own.release)
    rows = jobs_visible_to(pi())
    assert list(in_role(rows, AnalysisRole.PRIMARY, primary)) == [own]
    assert list(in_role(rows, AnalysisRole.EXPLORATORY, primary)) == [other]
    assert not in_role(rows, AnalysisRole.PRIMARY, None).exists()


# data cuts


def test_a_cut_without_a_named_release_is_refused_and_says_who_names_one(study):
    with pytest.raises(Refused, match=r"No release is named .* The study PI names one"):
        frozen(comparable().job.release)
    assert not DataCut.objects.exists()


def test_a_shadow_release_never_enters_a_primary_cut(study):
    shadow, primary = comparable().job.release, named(make.ModelReleaseFactory())
    with pytest.raises(Refused, match=f"is exploratory: .* tied to {primary.release}"):
        frozen(shadow)
    assert not DataCut.objects.exists()


def test_a_primary_cut_seals_its_release(study):
    release = comparable().job.release
    primary = named(release)
    cut = frozen(release)
    primary.refresh_from_db()
    assert (cut.role, primary.status) == (AnalysisRole.PRIMARY, PrimaryStatus.SEALED)


def test_no_other_seed_stands_in_for_the_primary_one(study):
    first = comparable()
    release, pair = first.job.release, make.ScanPairFactory(ready=True, complete=True)
    comparable(release=release, seed=1, pair=pair)  # passed where the primary seed did not
    named(release)
    assert [row.synthetic for row in CutPair.objects.filter(cut=frozen(release))] == [first]


def test_an_exploratory_cut_takes_any_release_says_so_and_seals_nothing(study):
    shadow, primary = comparable().job.release, named(make.ModelReleaseFactory())
    cut = frozen(shadow, exploratory=True)
    run = make.EvaluationRunFactory(cut=cut, completed=True)
    primary.refresh_from_db()
    assert (cut.role, primary.status) == (AnalysisRole.EXPLORATORY, PrimaryStatus.NAMED)
    assert title_of(cut).startswith("Exploratory – ")
    assert provenance_of(run)["analysis_role"] == "exploratory"
    assert latest_completed_run() is None  # what the dashboard shows as the study's results


def test_cuts_frozen_before_the_rule_name_the_release_of_the_first_of_them(study):
    migration = import_module("studyportal.outcomes.migrations.0004_primary_release")
    version, first = active_version(), make.ModelReleaseFactory()
    cuts = [
        make.DataCutFactory(
            protocol_version=version,
            release=release,
            frozen_at=make.MOMENT + timedelta(days=day),
        )
        for day, release in enumerate((first, make.ModelReleaseFactory(), first))
    ]
    migration.name_the_release_of_the_first_cut(apps, None)
    for cut in cuts:
        cut.refresh_from_db()
    assert [cut.role for cut in cuts] == ["primary", "exploratory", "primary"]
    assert (current_primary().release, current_primary().status) == (first, PrimaryStatus.SEALED)
