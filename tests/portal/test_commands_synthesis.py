"""The commands of synthesis call the services of the web, in the name of a person."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from studyportal.sites.rules import Role
from studyportal.syntheses.models import SynthesisJob
from studyportal.syntheses.selectors import current_primary
from tests import factories as make
from tests.portal.scenes import person

pytestmark = pytest.mark.django_db


def said(name: str, *words: str, **options) -> str:
    out = StringIO()
    call_command(name, *words, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def operator(study) -> str:
    return person(Role.SYNTHESIS_OPERATOR).username


def test_ready_pairs_are_previewed_and_requested_with_the_primary_release_and_its_seed(operator):
    release = make.ModelReleaseFactory(name="chest", version="1.0")
    make.ModelReleaseFactory(name="newer", version="2.0")
    pi = person(Role.STUDY_PI).username
    told = said("name_primary_release", "chest 1.0", by=pi, reason="Best.", seed=4)
    assert "rests on chest 1.0, seed 4." in told
    assert current_primary().release == release
    make.ScanPairFactory(ready=True, complete=True)

    told = said("synthesise", by=operator, preview=True)
    assert "With chest 1.0, seed 4: 1 new, 0 have one already, 0 not ready." in told
    assert not SynthesisJob.objects.exists()
    assert said("synthesise", by=operator).startswith("1 jobs with chest 1.0 are requested")
    assert said("synthesise", by=operator).startswith(
        "0 jobs with chest 1.0 are requested; 1 pairs"
    )
    assert SynthesisJob.objects.get().seed == 4


def test_another_release_is_chosen_by_its_name_and_version(operator):
    make.PrimaryReleaseFactory(protocol_version=make.ProtocolVersionFactory())
    make.ModelReleaseFactory(name="chest cpdm", version="2.0")
    told = said("synthesise", by=operator, release="chest cpdm 2.0", preview=True)
    assert told.startswith("With chest cpdm 2.0, seed 0:")


@pytest.mark.parametrize(
    ("name", "words", "options"),
    [
        ("synthesise", (), {"release": "nothing 1.0"}),
        ("name_primary_release", ("nothing 1.0",), {"reason": "Best."}),
    ],
)
def test_a_release_that_does_not_exist_is_named_in_the_refusal(operator, name, words, options):
    with pytest.raises(CommandError, match=r"There is no release nothing 1\.0"):
        said(name, *words, by=operator, **options)


def test_an_evaluation_without_a_primary_release_is_refused(study, tmp_path):
    by = person(Role.STATISTICIAN).username
    with pytest.raises(CommandError, match="No release is named for the primary analysis"):
        said("evaluate", "First", by=by, out=tmp_path)
