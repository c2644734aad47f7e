"""The release gate passes a model that shows metabolism, and none of the three controls."""

import copy
import math
from typing import Any

import numpy as np
import pytest

from synthesis.registry import packaged_releases, release_gate
from synthesis.training.family_held_out import Row, summary, weighted_median

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
    return rows


@pytest.fixture
def metrics() -> dict[str, Any]:
    return copy.deepcopy(summary(_rows()))


def test_a_model_that_shows_metabolism_passes(metrics: dict[str, Any]) -> None:
    verdict = release_gate(metrics)

    assert verdict.passed, verdict.reasons
    assert [c.id for c in verdict.criteria] == [f"GATE-0{n}" for n in range(1, 6)]


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_fails(metrics: dict[str, Any], control: str) -> None:
    assert not release_gate(metrics, control).passed


def test_erased_lesions_fail_by_their_lesions_alone(metrics: dict[str, Any]) -> None:
    reasons = release_gate(metrics, "lesions_erased").reasons

    assert {c.id for c in reasons} == {"GATE-04", "GATE-05"}


def test_an_interval_that_touches_the_control_fails(metrics: dict[str, Any]) -> None:
    metrics["images"]["model"]["mae_suv_high"] = metrics["images"]["body_mean"]["mae_suv_low"]

    assert [c.id for c in release_gate(metrics).reasons] == ["GATE-03"]


@pytest.mark.parametrize(("recovery", "passes"), [(0.60, True), (1.67, True), (0.59, False), (1.68, False)])  # fmt: skip
def test_recovery_must_be_near_one(metrics: dict[str, Any], recovery: float, passes: bool) -> None:
    metrics["lesions"]["model"]["median_recovery"] = recovery

    assert release_gate(metrics).passed is passes


def test_too_few_participants_fail() -> None:
    assert "GATE-01" in {c.id for c in release_gate(summary(_rows(4))).reasons}


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
    for release in packaged_releases():
        release_gate(release.metrics)  # of any schema: judged, never an error


def test_the_weighted_median_is_the_median_of_repeated_values() -> None:
    values = np.array([3.0, 1.0, 2.0, 10.0])
    weights = np.array([[1.0, 1, 1, 1], [0, 2, 0, 1], [3, 0, 1, 0], [2, 2, 0, 0]])

    found = weighted_median(values)(weights)

    expected = [np.median(np.repeat(values, row.astype(int))) for row in weights]
    assert found.tolist() == expected
