"""MR as the source: one scale for all participants, from a tissue that the disease spares."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from evaluation.imaging import Grid, Volume, write_nifti
from synthesis.config import CtWindow, DomainConfig, family_run, preset
from synthesis.contract import RefusedError
from synthesis.data.folder_source import FolderSource
from synthesis.data.mr import REFERENCE, standardise
from synthesis.data.pairs import PairRefusedError
from synthesis.data.source import SourceRefusedError
from synthesis.data.sources import open_source
from synthesis.inference import translator_of
from synthesis.training import train_family
from tests.synthesis.family_runs import ALONE, run_table

GRID = Grid((16, 32, 32), (16.0, 12.5, 12.5), (0.0, 0.0, 0.0))
MUSCLE = (slice(None), slice(20, 24), slice(12, 20))


def mr_participant(folder: Path, *, gain: float, seed: int, reference: bool = True) -> None:
    """Write a body of muscle with one hot and bright lesion, on a scanner of this gain."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32]
    body = np.broadcast_to((y - 16) ** 2 + (x - 16) ** 2 < 144, GRID.shape)
    signal = np.where(body, 300 + rng.normal(0, 10, GRID.shape), 0).clip(0).astype(np.float32)
    suv = np.where(body, 1.0, 0).astype(np.float32)
    lesion = (slice(6, 10), slice(8, 12), slice(10 + seed, 14 + seed))
    signal[lesion], suv[lesion] = 900, 6
    folder.mkdir(parents=True)
    write_nifti(Volume(gain * signal, GRID, "MR"), folder / "mr.nii.gz")
    write_nifti(Volume(suv, GRID, "SUVbw"), folder / "pet.nii.gz")
    if reference:
        mask = np.zeros(GRID.shape, dtype=np.uint8)
        mask[MUSCLE] = 1
        write_nifti(Volume(mask, GRID, "labels"), folder / "reference.nii.gz")


def mr_table(**changes: Any) -> dict[str, Any]:
    domain = {
        "source": "mr", "reference_tissue": "muscle",
        "windows": [{"low_hu": 0.0, "high_hu": 3000.0}],
    }  # fmt: skip
    return {**run_table("pix2pix", steps=2), "domain": {**domain, **changes}}


def test_the_same_tissue_has_the_same_number_on_scanners_of_another_gain(tmp_path: Path) -> None:
    mr_participant(tmp_path / "A", gain=1.0, seed=1)
    mr_participant(tmp_path / "B", gain=7.5, seed=1)
    source = FolderSource(tmp_path, "mr", source="mr")

    a, b = source.pair("A").ct.array, source.pair("B").ct.array

    np.testing.assert_allclose(a, b, rtol=1e-4, atol=0.1)
    assert np.median(a[MUSCLE]) == pytest.approx(REFERENCE)
    assert a[8, 10, 12] == pytest.approx(3 * REFERENCE, rel=0.01)


def test_a_larger_lesion_does_not_change_the_number_of_the_tissue_around_it() -> None:
    plain = np.full(GRID.shape, 300, dtype=np.float32)
    hot = plain.copy()
    hot[:, :16] = 3000

    rest = [standardise(Volume(v, GRID, "MR"), 300).array[:, 16:] for v in (plain, hot)]

    assert np.array_equal(*rest)


@pytest.mark.parametrize("target", ["pet", "fusion"])
def test_a_model_of_mr_trains_from_a_folder_to_a_release(tmp_path: Path, target: str) -> None:
    for number in range(3):
        folder = tmp_path / "data" / f"P{number}"
        mr_participant(folder, gain=1.0 + number, seed=number)

    run = family_run(mr_table(target=target))
    release = train_family(run, str(tmp_path / "data"), tmp_path / "out", world=ALONE)

    assert release is not None
    assert release.config.domain.reference_tissue == "muscle"
    assert "thousandths of the median MR signal of muscle" in release.card
    assert bool(release.metrics["images"]) == (target == "pet")
    with pytest.raises(RefusedError, match="translates MR, not CT"):
        translator_of(release, torch.device("cpu"))


@pytest.mark.parametrize(
    ("table", "change", "sentence"),
    [
        ("", {"reference": False}, "MR needs its reference tissue once"),
        ("participant,mr_reference\nA,300\n", {}, "MR needs its reference tissue once"),
        ("participant,mr_reference\nA,0\n", {"reference": False}, "no positive signal"),
        ("", {"gain": -1.0}, "no positive signal"),
    ],
)
def test_mr_without_a_usable_reference_is_refused(
    tmp_path: Path, table: str, change: dict[str, Any], sentence: str
) -> None:
    mr_participant(tmp_path / "A", **{"gain": 1.0, "seed": 1, **change})
    if table:
        (tmp_path / "participants.csv").write_text(table, encoding="utf-8")

    with pytest.raises(PairRefusedError, match=f"Participant A: .*{sentence}"):
        FolderSource(tmp_path, "mr", source="mr").pair("A")


def test_a_signal_measured_elsewhere_scales_as_well(tmp_path: Path) -> None:
    mr_participant(tmp_path / "A", gain=2.0, seed=1, reference=False)
    table = "participant,mr_reference\nA,600\n"
    (tmp_path / "participants.csv").write_text(table, encoding="utf-8")

    read = FolderSource(tmp_path, "mr", source="mr").pair("A")

    assert np.median(read.ct.array[MUSCLE]) == pytest.approx(REFERENCE, rel=0.01)
    assert read.kvp is None


def test_mr_with_signal_below_zero_is_refused() -> None:
    volume = Volume(np.full(GRID.shape, -3, dtype=np.float32), GRID, "MR")

    with pytest.raises(ValueError, match="its zero is not that of air"):
        standardise(volume, 300)


def test_a_folder_of_ct_or_phantoms_is_no_source_of_mr(tmp_path: Path) -> None:
    (tmp_path / "A" / "CT").mkdir(parents=True)
    (tmp_path / "A" / "PET").mkdir()

    with pytest.raises(SourceRefusedError, match="with an MR and a PET"):
        open_source(str(tmp_path), (4.0, 4.0, 4.0), tmp_path, source="mr")
    with pytest.raises(SourceRefusedError, match="Phantoms have no MR"):
        open_source("phantom:5", (4.0, 4.0, 4.0), tmp_path, source="mr")


def test_a_domain_of_mr_states_its_reference_tissue_and_no_negative_signal() -> None:
    plain = preset("pix2pix", "tiny").domain

    with pytest.raises(ValueError, match="names the reference_tissue"):
        replace(plain, source="mr", windows=(CtWindow(0.0, 3000.0),))
    with pytest.raises(ValueError, match="names the reference_tissue"):
        DomainConfig(reference_tissue="muscle")
    with pytest.raises(ValueError, match="begin at 0"):
        replace(plain, source="mr", reference_tissue="muscle")
