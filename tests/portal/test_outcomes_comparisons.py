"""Releases compared on a cut: which series, what is measured, what is kept, and what the page says."""

import csv
import io
import json
from dataclasses import asdict

import pandas as pd
import pytest
from django.test import Client
from django.urls import reverse

from evaluation.analysis import load_plan
from evaluation.analysis.release_comparison import compare_releases
from studyportal.core.errors import NotAllowed, Refused
from studyportal.outcomes.models import ComparedSeries, Measurement
from studyportal.outcomes.selectors import (
    comparable_releases,
    compared_share,
    results_of_comparison,
    series_in_cut,
)
from studyportal.outcomes.services import (
    compute_comparison,
    freeze_cut,
    measure_compared,
    measure_cut_pair,
    plan_comparison,
)
from studyportal.outcomes.services.measuring import measured_rows
from studyportal.outcomes.states import ComparisonStatus
from studyportal.sites.rules import PERMISSIONS, Action, Role
from studyportal.syntheses.models import SyntheticSeries
from studyportal.syntheses.services import release_process
from studyportal.tasks import dispatch, evaluation, sweep
from synthesis.registry import load_release
from tests.factories import (
    CutPairFactory,
    DataCutFactory,
    ImagingSeriesFactory,
    ModelReleaseFactory,
    SyntheticSeriesFactory,
)
from tests.portal.scenes import opened, person, quick_plan, ready_pair, released, synthesised
from tests.synthesis.makers import untrained_release

pytestmark = pytest.mark.django_db


def statistician():
    return person(Role.STATISTICIAN)


@pytest.fixture(scope="session")
def other_model(tmp_path_factory, model_folder):
    """The same small release under another version: its own seed of first weights."""
    folder = tmp_path_factory.mktemp("models") / "other"
    untrained_release(folder, seed=2)
    text = (folder / "release.toml").read_text("utf-8")
    (folder / "release.toml").write_text(text.replace('version = "0"', 'version = "1"'), "utf-8")

    release_process._FITTING.add(load_release(folder).digest)
    return folder


def series_on(cut_pair, release, **changes):
    return SyntheticSeriesFactory(
        job__pair=cut_pair.pair, job__source=cut_pair.source, job__release=release, **changes
    )


# which series


def test_a_series_of_another_ct_or_that_failed_its_checks_is_not_compared(study):
    own, other = CutPairFactory(), ModelReleaseFactory()
    assert series_in_cut(own.cut, other) == []
    series_on(own, other, qc_failed=True)
    earlier = ImagingSeriesFactory(pair=own.pair)
    SyntheticSeriesFactory(job__pair=own.pair, job__release=other, job__source=earlier)
    assert series_in_cut(own.cut, other) == []
    later = series_on(own, other, job__seed=2)
    first = series_on(own, other, job__seed=1)
    assert series_in_cut(own.cut, other) == [(own, first)] != [(own, later)]
    assert series_in_cut(own.cut, own.cut.release) == [(own, own.synthetic)]
    assert comparable_releases(own.cut) == [(own.cut.release, 1), (other, 1)]


def test_the_release_of_the_cut_comes_first_whatever_the_order(study):
    own, other = CutPairFactory(), ModelReleaseFactory(name="a-first-name")
    series_on(own, other)
    comparison = plan_comparison(cut=own.cut, releases=[other, own.cut.release], by=statistician())
    assert [one.release for one in comparison.compared.all()] == [own.cut.release, other]


@pytest.mark.parametrize("which", ["one", "twice the same", "none of the cut", "open"])
def test_what_cannot_be_compared_is_refused_in_words(study, which):
    own, stranger = CutPairFactory(), ModelReleaseFactory()
    releases = {
        "one": [own.cut.release],
        "twice the same": [own.cut.release, own.cut.release],
        "none of the cut": [own.cut.release, stranger],
        "open": [own.cut.release, stranger],
    }[which]
    cut = DataCutFactory(open=True) if which == "open" else own.cut
    said = {"none of the cut": "has no synthetic series", "open": "Freeze the cut"}
    with pytest.raises(Refused, match=said.get(which, "from two to 8 releases")):
        plan_comparison(cut=cut, releases=releases, by=statistician())
    assert not ComparedSeries.objects.exists()


@pytest.mark.parametrize("role", [r for r in Role if Action.RUN_EVALUATION not in PERMISSIONS[r]])
def test_only_the_statistician_compares(study, role):
    own = CutPairFactory()
    with pytest.raises(NotAllowed):
        plan_comparison(cut=own.cut, releases=[own.cut.release], by=person(role))


# measuring and computing


def test_a_comparison_measures_each_series_once_and_keeps_what_evaluation_says(
    study, phantom, model_folder, other_model
):
    first, second = released(model_folder), released(other_model)
    pair = ready_pair(phantom(3), outlines=True)
    for release in (first, second):
        synthesised(pair, release)
    cut = freeze_cut(name="first", release=first, plan_text=quick_plan(), by=statistician())
    opened(cut)
    comparison = plan_comparison(cut=cut, releases=[first, second], by=statistician())
    assert compared_share(comparison) == (0, 2)
    assert compute_comparison(comparison=comparison).status == ComparisonStatus.PLANNED
    measure_cut_pair(cut_pair=cut.pairs.get())  # its rows are taken, the other series is measured
    for series in ComparedSeries.objects.all():
        for _ in range(2):
            evaluation.measure_compared(str(series.pk))
    evaluation.compare(str(comparison.pk))
    comparison.refresh_from_db()

    assert (comparison.status, comparison.reason) == (ComparisonStatus.COMPLETED, "")
    results = results_of_comparison(comparison)
    assert [(r["primary"], r["measured"], r["lacking"]) for r in results["releases"]] == [
        (True, 1, 0),
        (False, 1, 0),
    ]
    assert results["provenance"]["tables_sha256"] == cut.tables_sha256
    assert results["releases"][1]["sha256"] == second.digest
    assert list(results["releases"][1]["synthesis_notes"].values()) == ["1 of 1 series"]
    expected = compare_releases(
        load_plan(cut.plan_text), by_hand(cut), releases=[str(first), str(second)]
    )
    for kept, row in zip(results["rows"], expected, strict=True):
        assert kept == json.loads(json.dumps(asdict(row)))
    again = plan_comparison(cut=cut, releases=[first, second], by=statistician())
    former = {s.synthetic_id: s.measurements_sha256 for s in series_of(comparison)}
    for series in series_of(again):
        assert measure_compared(series=series).measurements_sha256 == former[series.synthetic_id]
    pages(comparison, results)


def series_of(comparison):
    return ComparedSeries.objects.filter(compared__comparison=comparison)


def by_hand(cut):
    """The long table: the cut's own measurements, and the other series measured again."""
    cut_pair = cut.pairs.get()
    own = Measurement.objects.filter(cut_pair=cut_pair).exclude(image__startswith="control:")
    other = SyntheticSeries.objects.exclude(job__release=cut.release).get()
    measured = [(cut.release, row) for row in own] + [
        (other.job.release, row) for row in measured_rows(cut_pair, other, controls=False)
    ]
    participant = cut_pair.pair.participant
    rows = [
        (participant.code, participant.site.code, str(release), row.region, row.image,
         row.quantity, row.value, row.unit)
        for release, row in measured
    ]  # fmt: skip
    names = ["participant", "site", "release", "region", "image", "quantity", "value", "unit"]
    return pd.DataFrame(rows, columns=names)


def pages(comparison, results):
    """What the statistician sees and takes; others see nothing of it."""
    client, outsider = Client(), Client()
    client.force_login(statistician())
    outsider.force_login(person(Role.COORDINATOR))
    place = reverse("web:comparison", args=[comparison.pk])
    text = client.get(place).content.decode()
    assert "shadow, exploratory" in text
    assert "paired difference (95 % interval)" in text
    assert results["releases"][1]["sha256"] in text
    answer = client.get(reverse("web:comparison_csv", args=[comparison.pk]))
    lines = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(lines) == len(results["rows"])
    for line, row in zip(lines, results["rows"], strict=True):
        assert line["value"] == ("" if row["value"] is None else str(row["value"]))
        assert line["release_sha256"] == next(
            r["sha256"] for r in results["releases"] if r["name"] == row["release"]
        )
        assert line["tables_sha256"] == results["provenance"]["tables_sha256"]
    assert outsider.get(place).status_code == 403
    choice = client.get(reverse("web:compare", args=[comparison.cut_id])).content.decode()
    assert "release of the cut" in choice


def test_a_series_that_cannot_be_measured_says_why_and_the_comparison_goes_on(study):
    own, other = CutPairFactory(cut__plan_text=quick_plan()), ModelReleaseFactory()
    opened(own.cut)
    series_on(own, other)  # its images are not in the archive
    comparison = plan_comparison(cut=own.cut, releases=[own.cut.release, other], by=statistician())
    for one in ComparedSeries.objects.all():
        measure_compared(series=one)
    compute_comparison(comparison=comparison)

    assert comparison.status == ComparisonStatus.COMPLETED
    results = results_of_comparison(comparison)
    assert "missing from the archive" in results["releases"][1]["faults"][0]
    assert results["releases"][1]["lacking"] == 1
    assert {row["value"] for row in results["rows"]} == {None}


def test_a_comparison_that_breaks_is_errored_and_says_so(study, monkeypatch):
    own, other = CutPairFactory(cut__plan_text="schema = 1\n"), ModelReleaseFactory()
    series_on(own, other)
    comparison = plan_comparison(cut=own.cut, releases=[own.cut.release, other], by=statistician())
    ComparedSeries.objects.update(measured_at=comparison.planned_at, fault="no images")
    compute_comparison(comparison=comparison)  # a plan of one line is no plan
    assert comparison.status == ComparisonStatus.ERRORED
    assert "It was logged" in comparison.reason


def test_the_sweeper_sends_again_what_was_lost(
    study, monkeypatch, django_capture_on_commit_callbacks
):
    sent = []
    monkeypatch.setattr(dispatch, "_send_now", lambda name, key, *_: sent.append((name, key)))
    own, other = CutPairFactory(), ModelReleaseFactory()
    series_on(own, other)
    comparison = plan_comparison(cut=own.cut, releases=[own.cut.release, other], by=statistician())
    type(comparison).objects.update(planned_at="2026-01-01T00:00Z")

    with django_capture_on_commit_callbacks(execute=True):
        sweep.sweep()
    keys = set(ComparedSeries.objects.values_list("pk", flat=True))
    assert {key for name, key in sent if name.endswith("measure_compared")} == set(map(str, keys))
    ComparedSeries.objects.update(measured_at=comparison.planned_at)
    sent.clear()
    with django_capture_on_commit_callbacks(execute=True):
        sweep.sweep()
    assert ("studyportal.tasks.evaluation.compare", str(comparison.pk)) in sent
    assert not Measurement.objects.exists()


def test_the_page_plans_a_comparison_and_says_what_is_missing(study):
    own, other = CutPairFactory(), ModelReleaseFactory()
    client = Client()
    client.force_login(statistician())
    place = reverse("web:compare", args=[own.cut_id])
    assert "Fewer than two releases" in client.get(place).content.decode()
    series_on(own, other)
    assert client.post(place, {"releases": [str(own.cut.release_id)]}).status_code == 422
    answer = client.post(place, {"releases": [str(own.cut.release_id), str(other.pk)]})
    comparison = own.cut.comparisons.get()
    assert answer["Location"] == reverse("web:comparison", args=[comparison.pk])
    shown = client.get(reverse("web:comparison_progress", args=[comparison.pk])).content.decode()
    assert "Measured 0 of 2 series." in shown
