"""Intensities to network values and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synthesis.config import CtWindow, SuvCodec

CODEC = SuvCodec()
CODECS = (CODEC, SuvCodec(20, "linear"), SuvCodec(7, "gamma"), SuvCodec(25, "gamma", gamma=3.0))


@given(arrays(np.float32, 20, elements=st.floats(0, 40, width=32)), st.sampled_from(CODECS))
@settings(max_examples=20, deadline=None)
def test_suv_comes_back_from_its_code(suv: np.ndarray, codec: SuvCodec) -> None:
    within = np.clip(suv, 0, codec.top_suv)

    np.testing.assert_allclose(codec.decode(codec.encode(suv)), within, rtol=2e-5, atol=2e-5)


def test_gamma_two_is_the_square_root() -> None:
    codec = SuvCodec(7, "gamma")

    assert codec.encode(np.float32([0, 1.75, 7])).tolist() == [0, 0.5, 1]


def test_a_linear_scale_is_a_share_of_its_top() -> None:
    assert SuvCodec(20, "linear").encode(np.float32([0, 5, 30])).tolist() == [0, 0.25, 1]


def test_the_scale_is_the_stated_logarithm() -> None:
    suv = np.array([0, 1, 3, 40], dtype=np.float32)

    expected = np.log2(1 + suv) / np.log2(41)

    np.testing.assert_allclose(CODEC.encode(suv), expected, rtol=1e-6)


def test_values_beyond_the_top_are_clipped_and_counted() -> None:
    suv = np.array([1, 2, 50, 41], dtype=np.float32)

    assert CODEC.encode(suv).max() == 1
    assert CODEC.clipped_share(suv) == 0.5


def test_codes_outside_the_scale_stay_inside_it() -> None:
    assert CODEC.decode(np.array([-0.2, 1.3], dtype=np.float32)).tolist() == [0, 40]


def test_a_window_maps_its_range_to_zero_and_one() -> None:
    window = CtWindow(-1000, 0)

    coded = window.encode(np.array([-2000, -1000, -500, 0, 3000], dtype=np.float32))

    assert coded.tolist() == [0, 0, 0.5, 1, 1]


def test_an_empty_window_and_a_scale_without_top_are_refused() -> None:
    with pytest.raises(ValueError, match="low < high"):
        CtWindow(10, 10)
    with pytest.raises(ValueError, match="positive"):
        SuvCodec(0)
    with pytest.raises(ValueError, match="log2, linear or gamma"):
        SuvCodec(scale="cube")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="between 1 and 8"):
        SuvCodec(scale="gamma", gamma=0.5)
