"""A real pair comes to a training with the SUV that evaluation gives."""

import numpy as np
import pytest

from evaluation.imaging import read_series
from synthesis.data.folder_source import FolderSource
from tests.real_data.places import published

pytestmark = pytest.mark.real_data


def test_a_real_pair_is_learned_from_in_the_suv_of_the_evaluation(tmp_path):
    place = published("pet_ct_ge_sts_pairs", "STS_002")
    own = tmp_path / "A"
    own.mkdir()
    for part in ("CT", "PET"):
        (own / part).symlink_to(place / part / "image")
    (own / "LESIONS").symlink_to(place / "PET" / "mask")

    pair = FolderSource(tmp_path, "x").pair("A")

    series = read_series(place / "PET" / "image")
    assert np.array_equal(pair.pet.array, series.suv_volume().array)
    assert float(pair.pet.array.max()) == pytest.approx(21.676, abs=0.001)  # as published
    assert float(pair.pet.array[pair.foci > 0].max()) == pytest.approx(21.676, abs=0.001)
    assert np.array_equal(pair.ct.array, read_series(place / "CT" / "image").stored_volume().array)
    assert pair.kvp == 140.0
