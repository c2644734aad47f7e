"""The release gate passes a model that shows metabolism, and none of the three controls."""

import copy
import math
from typing import Any

import numpy as np
import pytest

from synthesis.registry import packaged_releases, release_gate
from synthesis.training.family_held_out import Row, summary, weighted_median
from synthesis.training.hallucination import poisson_interval, stray_table

CONTROLS = ("zero", "body_mean", "lesions_erased")
MAE = {"model": 0.20, "zero": 0.72, "body_mean": 0.36, "lesions_erased": 0.01}
RECOVERY = {"model": 0.95, "zero": 0.0, "body_mean": 0.15, "lesions_erased": 0.22}


def _rows(participants: int = 12) -> list[Row]:
    """One error and two recoveries a participant and predictor, spread a little."""
    rows = []
    for n in range(participants):
        spread = 1 + 0.02 * (n % 5)
        for name, value in MAE.items():
            rows.append(Row(f"P{n}", name, "mae_suv", value * spread))
        for name, value in RECOVERY.items():
            rows += [Row(f"P{n}", name, "lesion_suvmax_recovery", value * spread)] * 2
            rows.append(Row(f"P{n}", name, "stray_foci", 0.0))
            rows.append(Row(f"P{n}", name, "removed_focus_stayed", 0.0))
    return rows


@pytest.fixture
def metrics() -> dict[str, Any]:
    return copy.deepcopy(summary(_rows())) | {"simulated": True}


def _reasons(metrics: dict[str, Any], predictor: str = "model") -> list[str]:
    return [criterion.id for criterion in release_gate(metrics, predictor).reasons]


def test_a_model_that_shows_metabolism_passes(metrics: dict[str, Any]) -> None:
    verdict = release_gate(metrics)

    assert verdict.passed, verdict.reasons
    assert [c.id for c in verdict.criteria] == [f"GATE-0{n}" for n in range(1, 8)]


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_fails(metrics: dict[str, Any], control: str) -> None:
    assert not release_gate(metrics, control).passed


def test_erased_lesions_fail_by_their_lesions_alone(metrics: dict[str, Any]) -> None:
    reasons = release_gate(metrics, "lesions_erased").reasons

    assert {c.id for c in reasons} == {"GATE-04", "GATE-05"}


@pytest.mark.parametrize(
    ("criterion", "table", "changes"),
    [
        ("GATE-01", "lesions", {"lesions": 9}),
        ("GATE-01", "lesions", {"participants": 4}),
        ("GATE-05", "lesions", {"median_recovery": 0.59}),
        ("GATE-05", "lesions", {"median_recovery": 1.68}),
        ("GATE-06", "hallucination", {"stray_foci": 0.26}),
        ("GATE-06", "hallucination", {"stray_foci_high": 0.51}),
        ("GATE-07", "hallucination", {"removed_focus_stayed": 0.11}),
        ("GATE-07", "hallucination", {"removed_foci": 9}),
        ("GATE-07", "hallucination", {"removed_participants": 4}),
    ],
)
def test_a_figure_beyond_its_limit_fails_one_criterion_alone(
    metrics: dict[str, Any], criterion: str, table: str, changes: dict[str, Any]
) -> None:
    metrics[table]["model"] |= changes

    assert _reasons(metrics) == [criterion]


@pytest.mark.parametrize(
    ("criterion", "control", "end"),
    [("GATE-02", "zero", "mae_suv_low"), ("GATE-03", "body_mean", "mae_suv_low")],
)
def test_an_interval_that_touches_the_control_fails(
    metrics: dict[str, Any], criterion: str, control: str, end: str
) -> None:
    metrics["images"][control][end] = metrics["images"]["model"]["mae_suv_high"]

    assert _reasons(metrics) == [criterion]


def test_recovery_that_touches_that_of_erased_lesions_fails(metrics: dict[str, Any]) -> None:
    lesions = metrics["lesions"]
    lesions["lesions_erased"]["median_recovery_high"] = lesions["model"]["median_recovery_low"]

    assert _reasons(metrics) == ["GATE-04"]


@pytest.mark.parametrize(
    ("criterion", "figure", "sentence"),
    [
        ("GATE-06", "stray_foci_high", "Stray foci were not counted."),
        ("GATE-07", "removed_foci", "No lesion was taken out of the CT"),
    ],
)
def test_a_release_without_figures_of_hallucination_is_told_so(
    metrics: dict[str, Any], criterion: str, figure: str, sentence: str
) -> None:
    del metrics["hallucination"]["model"][figure]

    (reason,) = release_gate(metrics).reasons
    assert (reason.id, reason.standing) == (criterion, "not_known")
    assert sentence in reason.shown


def test_acquired_participants_are_not_asked_for_a_ct_without_their_lesions(
    metrics: dict[str, Any],
) -> None:
    del metrics["hallucination"]["model"]["removed_foci"]

    assert release_gate(metrics | {"simulated": False}).passed
    assert _reasons({k: v for k, v in metrics.items() if k != "simulated"}) == ["GATE-07"]


def test_the_model_with_two_and_a_half_stray_foci_fails_by_them(metrics: dict[str, Any]) -> None:
    counts = [1.0, 4.0, 2.0, 3.0] * 4
    metrics["hallucination"]["model"] |= stray_table(counts)

    assert _reasons(metrics) == ["GATE-06"]


@pytest.mark.parametrize(("participants", "passes"), [(7, False), (8, True)])
def test_few_participants_without_stray_foci_prove_little(
    metrics: dict[str, Any], participants: int, passes: bool
) -> None:
    metrics["hallucination"]["model"] |= stray_table([0.0] * participants)

    assert release_gate(metrics).passed is passes


def test_the_interval_of_strays_is_the_wider_of_two() -> None:
    exact = poisson_interval(5, 15)
    assert exact == pytest.approx((1.6235 / 15, 11.6683 / 15), abs=1e-4)  # tables of the Poisson

    even = stray_table([1.0] * 5 + [0.0] * 10)
    assert (even["stray_foci_low"], even["stray_foci_high"]) == pytest.approx((0.0631, exact[1]), abs=1e-4)  # fmt: skip
    together = stray_table([5.0] + [0.0] * 14)
    assert together["stray_foci_high"] > exact[1]
    assert math.isnan(stray_table([0.0])["stray_foci_high"])  # type: ignore[arg-type]


@pytest.mark.parametrize(("recovery", "passes"), [(0.60, True), (1.67, True), (0.59, False), (1.68, False)])  # fmt: skip
def test_recovery_must_be_near_one(metrics: dict[str, Any], recovery: float, passes: bool) -> None:
    metrics["lesions"]["model"]["median_recovery"] = recovery

    assert release_gate(metrics).passed is passes


def test_too_few_participants_fail() -> None:
    assert "GATE-01" in _reasons(summary(_rows(4)))


@pytest.mark.parametrize("value", [math.nan, None, "0.2"])
def test_a_missing_figure_is_not_known_and_does_not_pass(
    metrics: dict[str, Any], value: object
) -> None:
    metrics["images"]["model"]["mae_suv_high"] = value

    standings = {c.id: c.standing for c in release_gate(metrics).criteria}

    assert standings["GATE-02"] == standings["GATE-03"] == "not_known"
    assert not release_gate(metrics).passed


def test_nothing_is_known_of_a_release_without_such_a_table() -> None:
    assert {c.standing for c in release_gate({}).criteria} == {"not_known"}


def test_the_packaged_release_passes_and_none_of_its_controls_does() -> None:
    (release,) = packaged_releases()
    controls = [name for name in release.metrics["images"] if name != "model"]

    assert release_gate(release.metrics).reasons == ()
    assert controls == ["zero", "body_mean", "lesions_erased"]
    assert not any(release_gate(release.metrics, name).passed for name in controls)


def test_the_weighted_median_is_the_median_of_repeated_values() -> None:
    values = np.array([3.0, 1.0, 2.0, 10.0])
    weights = np.array([[1.0, 1, 1, 1], [0, 2, 0, 1], [3, 0, 1, 0], [2, 2, 0, 0]])

    found = weighted_median(values)(weights)

    expected = [np.median(np.repeat(values, row.astype(int))) for row in weights]
    assert found.tolist() == expected
