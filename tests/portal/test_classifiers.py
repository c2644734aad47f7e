"""Classifiers through the portal: trained on people of its database, who are in no analysis of it afterwards."""

from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from evaluation.classifiers import FEATURE_SETS
from studyportal.core import clock
from studyportal.imaging.states import SeriesRole
from studyportal.outcomes.models import CutPair, IndexTest, Measurement
from studyportal.outcomes.services import (
    freeze_cut,
    lock_index_test,
    register_index_tests,
    tables_of,
)
from studyportal.outcomes.services.classifiers import with_classifiers
from studyportal.outcomes.services.index_tests import read_plan
from studyportal.outcomes.services.runs import _result
from studyportal.sites.rules import Role
from studyportal.syntheses.services import name_primary_release
from tests import factories as make
from tests.portal.scenes import opened, person, quick_plan

pytestmark = pytest.mark.django_db
DEVELOPMENT, JUDGED = 24, 8
CLASSIFIER = """
[[index_test]]
id = "{code}"
title = "Model"
kind = "classifier"
arm = "{features}"
sha256 = "{sha256}"

[index_test.cutoff]
malignancy = 0.5
"""


def read_out(number, sick, site, release):
    """One participant with two lesions of one verdict: all that an outcome needs, except measurements."""
    participant = make.ParticipantFactory(site=site)
    pair = make.ScanPairFactory(participant=participant, ready=True)
    source = make.ImagingSeriesFactory(pair=pair, accepted=True)
    make.ImagingSeriesFactory(pair=pair, accepted=True, role=SeriesRole.REFERENCE)
    job = make.SynthesisJobFactory(pair=pair, source=source, release=release, succeeded=True)
    make.SyntheticSeriesFactory(job=job)
    for lesion in (1, 2):
        make.ReferenceStandardFactory(
            participant=participant, status="positive" if sick else "negative",
            lesion=make.LesionFactory(participant=participant, number=lesion),
        )  # fmt: skip
    return participant.code


def measured(cut, sick):
    """Numbers of each lesion: of the CT a fingerprint of the participant, of the synthetic PET the verdict too."""
    rows = []
    for number, cut_pair in enumerate(CutPair.objects.filter(cut=cut).order_by("pair__participant__code")):  # fmt: skip
        code = cut_pair.pair.participant.code
        for feature in FEATURE_SETS["ct_spet"]:
            seed = [number, *map(ord, f"{feature.image}{feature.quantity}")]
            own = np.random.default_rng(seed).normal()
            told = 3.0 * sick[code] if feature.image == "synthetic" else 0.0
            rows += [
                make.MeasurementFactory.build(
                    cut_pair=cut_pair, region=f"lesion:{lesion}", image=feature.image,
                    quantity=feature.quantity, value=own + told,
                )
                for lesion in (1, 2)
            ]  # fmt: skip
    Measurement.objects.bulk_create(rows)
    CutPair.objects.filter(cut=cut).update(measured_at=clock.now())
    return cut


@pytest.fixture
def scene(study, tmp_path):
    """A measured exploratory cut, its statistician, who is sick, and a file of those who develop."""
    release = make.ModelReleaseFactory()
    sites = [make.SiteFactory() for _ in range(2)]
    sick = {
        read_out(n, n // 2 % 2 == 1, sites[n % 2], release): n // 2 % 2 == 1
        for n in range(DEVELOPMENT + JUDGED)
    }
    by = person(Role.STATISTICIAN)
    cut = freeze_cut(name="Development", release=release, plan_text=quick_plan(), exploratory=True, by=by)  # fmt: skip
    path = tmp_path / "development.txt"
    path.write_text("\n".join(list(sick)[:DEVELOPMENT]))
    return measured(cut, sick), by, sick, path


def trained(scene, features, *, kind="forest", lock=True):
    cut, by, _, path = scene
    call_command(
        "train_classifier", cut.name, "--code", f"model_{features}", "--features", features,
        "--participants", str(path), "--kind", kind, "--by", by.username,
        *(["--lock"] if lock else []), stdout=StringIO(),
    )  # fmt: skip
    return IndexTest.objects.get(code=f"model_{features}")


def planned(*tests):
    return quick_plan() + "".join(
        CLASSIFIER.format(code=one.code, features=one.definition["arm"], sha256=one.classifier_sha256)
        for one in tests
    )  # fmt: skip


def primary_cut(scene, plan_text):
    cut, by, sick, _ = scene
    pi = person(Role.STUDY_PI)
    name_primary_release(release=cut.release, seed=0, reason="Best.", by=pi)
    return measured(freeze_cut(name="Main", release=cut.release, plan_text=plan_text, by=by), sick)


def test_who_developed_a_classifier_is_judged_by_nobody(scene):
    ct, both = trained(scene, "ct"), trained(scene, "ct_spet")
    # Both lesions of a participant bear the same numbers: a fold that parted them would know the answer.
    assert 0.2 < ct.performance["auc_by_participant"]["value"] < 0.8
    assert both.performance["auc_by_participant"]["value"] > 0.85
    assert both.performance["auc_by_site"]["n"] == both.performance["units"] == 2 * DEVELOPMENT
    _, _, sick, path = scene
    cut = primary_cut(scene, planned(ct, both))
    developed, others = set(list(sick)[:DEVELOPMENT]), set(list(sick)[DEVELOPMENT:])
    tables = with_classifiers(read_plan(cut.plan_text), tables_of(cut))
    assert set(tables.measurements["participant"]) == others
    assert set(tables.reference_standard["participant"]) == others
    assert set(tables.index_scores["participant"]) == others
    assert set(tables.index_scores["test"]) == {"model_ct", "model_ct_spet"}
    people = tables.participants.set_index("participant")
    assert not people.loc[sorted(developed), "analysed"].any()
    assert people.loc[sorted(developed), "exclusion_reason"].str.contains("classifier").all()
    path.write_text("\n".join(others))
    with pytest.raises(CommandError, match="belong to a primary data cut"):
        trained(scene, "ct", kind="logistic")


def test_every_number_of_a_classifier_that_was_locked_after_an_opening_is_exploratory(scene):
    early = trained(scene, "ct", kind="logistic")
    for test in register_index_tests(plan_text=planned(early), by=scene[1]):
        lock_index_test(test=test, by=scene[1])  # its cut-off, too, before anybody saw an outcome
    opened(scene[0])
    late = trained(scene, "ct_spet", kind="logistic")
    run = make.EvaluationRunFactory(cut=primary_cut(scene, planned(early, late)))
    rows = [row for row in _result(run, tables_of(run.cut)).rows if "model_" in row.test]
    resting = {name: [row for row in rows if name in row.test.split(" - ")] for name in ("model_ct", "model_ct_spet")}  # fmt: skip
    assert len(resting["model_ct_spet"]) > 5
    assert not any(row.prespecified for row in resting["model_ct_spet"])
    assert all("after outcomes had been opened" in row.exploratory for row in resting["model_ct_spet"])  # fmt: skip
    assert any(row.prespecified for row in resting["model_ct"])
