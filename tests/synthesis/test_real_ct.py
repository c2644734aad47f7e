"""Published CT of limbs and chests: outside what the model knows, yet it runs or says why not."""

import os
from pathlib import Path

import numpy as np
import pytest

from evaluation.imaging import read_series
from synthesis.jobs import translate_series
from synthesis.registry import packaged_releases
from tests.synthesis.makers import request_for, untrained_release

DATA = Path(
    os.environ.get("STUDYPORTAL_REAL_DATA") or Path(__file__).parents[3] / "shared" / "data"
)
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="the published DICOM is not beside the checkout"),
]
PAIRS = [
    f"pet_ct_ge_sts_pairs/STS_{n}/CT/image" for n in ("002", "003", "008", "024", "025", "035")
]


@pytest.mark.parametrize("folder", [*PAIRS, "pet_ct_ge_sts001_raw/CT_crop"])
def test_a_cropped_ct_of_a_limb_becomes_a_series_in_suv_over_its_extent(
    folder: str, tmp_path: Path
) -> None:
    release = untrained_release(tmp_path / "release")  # it does not state which CTs it knows
    ct = read_series(DATA / folder)

    result = translate_series.run(request_for(DATA / folder, release, tmp_path / "out"))

    assert result.status == "succeeded", result.reason
    pet = read_series(tmp_path / "out", allow_synthetic=True)
    suv = pet.suv_volume()
    assert suv.unit == "SUVbw"
    assert np.all(np.isfinite(suv.array))
    assert 0 <= suv.array.min() <= suv.array.max() <= 40
    assert pet.header.FrameOfReferenceUID == ct.header.FrameOfReferenceUID
    for axis in range(3):
        extent = ct.grid.shape[axis] * ct.grid.spacing_mm[axis]
        covered = pet.grid.shape[axis] * pet.grid.spacing_mm[axis]
        assert covered == pytest.approx(extent, abs=pet.grid.spacing_mm[axis] / 2 + 0.01)


def test_the_shipped_release_refuses_a_limb_that_fills_the_field_of_view(tmp_path: Path) -> None:
    (release,) = packaged_releases()

    result = translate_series.run(request_for(DATA / PAIRS[0], release, tmp_path / "out"))

    assert (result.status, result.reason_id) == ("refused", "field_of_view"), result.reason
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("folder", "words"),
    [("gantrytilting_001", "tilted"), ("sliceincrement_001", "missing")],
)
def test_ct_with_bad_geometry_is_refused(folder: str, words: str, tmp_path: Path) -> None:
    (release,) = packaged_releases()
    request = request_for(DATA / "ct_bad_geometry" / folder, release, tmp_path / "out")

    result = translate_series.run(request)

    assert result.status == "refused"
    assert words in result.reason
    assert not (tmp_path / "out").exists()
