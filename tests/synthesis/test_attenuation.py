"""Attenuation at 511 keV: published values, tube voltage, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthesis.data.attenuation import TubeVoltageError, hu_to_mu, mu_knots, path_attenuation

# Carney 2006: where the two lines meet, in HU, by tube voltage.
CARNEY_BREAKS = {80: 50, 100: 52, 110: 43, 120: 47, 130: 37, 140: 30}


@pytest.mark.parametrize(("kvp", "break_hu"), CARNEY_BREAKS.items())
def test_the_lines_of_carney_meet_where_the_paper_says(kvp: int, break_hu: int) -> None:
    places, _ = mu_knots(kvp, "carney")

    assert places[1] == pytest.approx(break_hu, abs=1.0)


@pytest.mark.parametrize(("hu", "mu"), [(-1000, 0.0), (-500, 0.048), (0, 0.096), (1000, 0.1491)])
def test_carney_at_120_kvp(hu: float, mu: float) -> None:
    assert hu_to_mu(np.float32([hu]), 120.0)[0] == pytest.approx(mu, abs=1e-6)


@pytest.mark.parametrize(
    ("kvp", "at_1000", "at_3000"),
    [
        (80, 0.093 + 0.0328, 0.093 + 0.0328 + 0.0082),
        (100, 0.093 + 0.0400, 0.093 + 0.0400 + 0.0100),
        (120, 0.093 + 0.0471, 0.093 + 0.0471 + 0.01178),
        (140, 0.093 + 0.0559, 0.093 + 0.0559 + 0.01396),
    ],
)
def test_the_knots_of_cpdm(kvp: float, at_1000: float, at_3000: float) -> None:
    mu = hu_to_mu(np.float32([-1000, -500, 0, 1000, 3000, 4000]), kvp, "cpdm")

    expected = [0, 0.0465, 0.093, at_1000, at_3000, at_3000]
    np.testing.assert_allclose(mu, expected, rtol=1e-5)


def test_between_the_listed_voltages_cpdm_is_linear() -> None:
    hu = np.float32([800])

    halfway = (hu_to_mu(hu, 100, "cpdm") + hu_to_mu(hu, 120, "cpdm")) / 2

    np.testing.assert_allclose(hu_to_mu(hu, 110, "cpdm"), halfway, rtol=1e-6)


def test_the_published_factor_of_water_and_air() -> None:
    factors = np.exp(-hu_to_mu(np.float32([-1000, 0]), 140, "cpdm"))

    np.testing.assert_allclose(factors, [1.0, 0.911], atol=5e-4)


@given(st.floats(80, 140), st.sampled_from(["carney", "cpdm"]))
@settings(max_examples=20, deadline=None)
def test_denser_never_attenuates_less_and_bone_less_at_lower_voltage(
    kvp: float, table: str
) -> None:
    hu = np.linspace(-2000, 3000, 200, dtype=np.float32)

    mu = hu_to_mu(hu, kvp, table)  # type: ignore[arg-type]

    assert np.all(np.diff(mu) >= 0)
    assert mu.min() == 0
    bone = hu > 100
    assert np.all(hu_to_mu(hu, 80.0, table)[bone] <= mu[bone] + 1e-6)  # type: ignore[arg-type]


@pytest.mark.parametrize("kvp", [None, float("nan"), 70.0, 160.0])
def test_an_unknown_tube_voltage_is_refused(kvp: float | None) -> None:
    with pytest.raises(TubeVoltageError, match=r"KVP|kVp"):
        hu_to_mu(np.float32([0]), kvp)


def test_the_path_to_the_front_attenuates_exponentially() -> None:
    mu = np.full((1, 10, 2), 0.1, dtype=np.float32)  # 10 voxels of 10 mm

    factors = path_attenuation(mu, spacing_mm=10.0)

    np.testing.assert_allclose(factors[0, :, 0], np.exp(-0.1 * (np.arange(10) + 0.5)), rtol=1e-5)
