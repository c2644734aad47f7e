"""The writer of synthetic PET by itself: slopes, decimal strings, identifiers, and what a lone file tells."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from evaluation.imaging import Series, Volume, read_series
from synthesis.data import write_dicom
from synthesis.dicom_out import PRIVATE_CREATOR, Provenance, write_synthetic_pet
from tests.synthesis.makers import small_pair

PROVENANCE = Provenance("job-1", "untrained", "0", "a" * 64, 7, {"pair": "7"})


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Series:
    folder = tmp_path_factory.mktemp("ct")
    write_dicom(small_pair(), folder, with_pet=False)
    return read_series(folder / "CT")


def uptake(ct: Series) -> Volume:
    """Slices of very different heights: nothing at all, faint, below zero, and a full bladder."""
    depth = ct.grid.shape[0]
    generator = np.random.default_rng(5)
    values = generator.random((depth, *ct.grid.shape[1:])).astype(np.float32)
    values *= (10.0 ** np.linspace(-6, 3, depth))[:, None, None].astype(np.float32)
    values[0], values[1] = 0, -5 * values[-1] / values[-1].max()
    return Volume(values, ct.grid, "SUVbw")


def written(ct: Series, folder: Path, provenance: Provenance = PROVENANCE) -> list[Path]:
    folder.mkdir()
    return list(write_synthetic_pet(uptake(ct), folder, ct, provenance))


def decimal_strings(dataset: Dataset) -> Iterator[str]:
    """Every number in text, at every depth, as its bytes stand in the file."""
    for tag in dataset.keys():  # noqa: SIM118
        raw = dataset.get_item(tag)
        if raw.VR == "DS":
            yield from raw.value.decode("ascii").strip().split("\\")
        elif raw.VR == "SQ":
            for part in dataset[tag].value:
                yield from decimal_strings(part)


def test_no_number_is_longer_than_sixteen_characters(ct: Series, tmp_path: Path) -> None:
    found = [
        d for path in written(ct, tmp_path / "out") for d in decimal_strings(pydicom.dcmread(path))
    ]
    assert len(found) > 10 * ct.grid.shape[0]
    assert max(map(len, found)) <= 16
    assert all(np.isfinite(float(text)) for text in found)


def test_every_slice_has_its_own_slope_and_comes_back_within_half_of_it(
    ct: Series, tmp_path: Path
) -> None:
    series = read_series(written(ct, tmp_path / "out"), allow_synthetic=True)
    slopes = np.array([float(h.RescaleSlope) for h in series.slice_headers])[:, None, None]
    error = np.abs(series.values.astype(np.float64) - uptake(ct).array)
    assert np.all(error <= 0.5 * slopes * (1 + 1e-6) + 1e-6 * np.abs(uptake(ct).array))
    assert len(set(slopes.ravel())) > ct.grid.shape[0] // 2
    assert {float(h.RescaleIntercept) for h in series.slice_headers} == {0.0}


def test_the_same_job_run_again_writes_files_of_the_same_digest(ct: Series, tmp_path: Path) -> None:
    first, second = written(ct, tmp_path / "first"), written(ct, tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_never_written(
    ct: Series, tmp_path: Path, value: float
) -> None:
    wrong = uptake(ct)
    wrong.array[3, 4, 5] = value
    with pytest.raises(ValueError, match="no finite number"):
        write_synthetic_pet(wrong, tmp_path, ct, PROVENANCE)


def test_identifiers_derive_from_ct_and_job_and_are_nobody_elses(
    ct: Series, tmp_path: Path
) -> None:
    def uids(name: str, provenance: Provenance) -> list[str]:
        headers = [pydicom.dcmread(p) for p in written(ct, tmp_path / name, provenance)]
        return [h.SOPInstanceUID for h in headers] + [headers[0].SeriesInstanceUID]

    first, again = uids("first", PROVENANCE), uids("again", PROVENANCE)
    other = uids("other", replace(PROVENANCE, job_id="job-2"))
    assert first == again
    assert len({*first, *other}) == 2 * len(first)
    assert all(uid.startswith("2.25.") and len(uid) <= 44 for uid in first)
    assert not {*first} & {str(h.SOPInstanceUID) for h in ct.slice_headers}


def test_a_lone_file_says_which_model_with_which_seed_made_it_from_which_images(
    ct: Series, tmp_path: Path
) -> None:
    header = pydicom.dcmread(written(ct, tmp_path / "out")[12])
    block = header.private_block(0x0011, PRIVATE_CREATOR)
    assert [block[n].value for n in (1, 2, 3, 4)] == ["job-1", "untrained 0", "a" * 64, 7]
    assert json.loads(block[5].value) == {"pair": "7"}
    (origin,) = header.ReferencedSeriesSequence
    assert origin.SeriesInstanceUID == ct.header.SeriesInstanceUID
    named = [one.ReferencedSOPInstanceUID for one in origin.ReferencedInstanceSequence]
    assert named == [h.SOPInstanceUID for h in ct.slice_headers]


def test_the_seal_of_the_ct_is_not_handed_on_with_how_it_was_deidentified(
    ct: Series, tmp_path: Path
) -> None:
    header = Dataset()
    header.update(ct.header)
    header.DeidentificationMethod = ["StudyPortal; table", f"SEAL 0123abcd {'0' * 32}"]
    sealed = replace(ct, header=header)
    assert (
        pydicom.dcmread(written(sealed, tmp_path / "out")[0]).DeidentificationMethod
        == "StudyPortal; table"
    )
