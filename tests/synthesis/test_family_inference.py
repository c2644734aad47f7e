"""Volume in, volume out: seams, budgets, samples, seeds, cancelling."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from synthesis.contract import CancelledError, RefusedError
from synthesis.families import Family, build_family
from synthesis.inference import Sampling, sample_on_grid, sample_twin, synthesise_volume
from synthesis.inference.memory import batch_within, bytes_of
from synthesis.inference.windows import in_windows
from tests.synthesis.family_cases import blocks, tiny
from tests.synthesis.makers import small_pair


def volume(shape: tuple[int, int, int] = (6, 20, 27)) -> np.ndarray:
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    inside = z**2 / 2 + y**2 + x**2 < 0.8
    return np.where(inside, 40 + 30 * np.sin(5 * x), -1000).astype(np.float32)


@pytest.mark.parametrize("name", ["baseline", "pix2pix", "pix2pix_ddpm", "cpdm"])
@pytest.mark.parametrize("form", ["slices", "blocks"])
def test_a_volume_of_any_size_comes_back_in_its_size(name: str, form: str) -> None:
    config = blocks(name) if form == "blocks" else tiny(name)
    family = build_family(config, seed=1)
    hu = volume((16, 20, 16) if form == "blocks" else (6, 20, 27))
    sampling = Sampling(seed=3, evaluations=2)

    first = sample_on_grid(family, hu, kvp=120.0, sampling=sampling)
    again = sample_on_grid(family, hu, kvp=120.0, sampling=sampling)

    assert first.mean.shape == hu.shape
    assert np.isfinite(first.mean).all()
    assert first.mean.min() >= 0
    assert first.mean.tobytes() == again.mean.tobytes()
    assert first.sd is None


def test_several_samples_give_mean_and_deviation_in_suv() -> None:
    family = build_family(tiny("pix2pix_ddpm"), seed=1)
    hu = volume()

    many = sample_on_grid(family, hu, sampling=Sampling(seed=3, samples=3, evaluations=3))
    one = sample_on_grid(family, hu, sampling=Sampling(seed=3, evaluations=3))

    assert many.sd is not None
    assert many.sd.max() > 0
    np.testing.assert_array_equal(many.first, one.first)
    assert not np.array_equal(many.mean, one.mean)


def test_a_smaller_budget_gives_the_same_image_in_more_batches() -> None:
    family = build_family(tiny("cpdm"), seed=1)
    calls: dict[str, list[int]] = {"wide": [], "narrow": []}

    def image(which: str, budget: int) -> np.ndarray:
        sampling = Sampling(seed=3, evaluations=2, budget_mib=budget)
        heard = lambda done, _t, _s: calls[which].append(done)  # noqa: E731
        sampled = sample_on_grid(family, volume(), kvp=120.0, sampling=sampling, progress=heard)
        return sampled.first

    wide, narrow = image("wide", 2048), image("narrow", 1)

    np.testing.assert_allclose(wide, narrow, rtol=1e-3, atol=1e-4)
    assert len(calls["narrow"]) > len(calls["wide"])
    assert calls["narrow"] == sorted(calls["narrow"])


def test_a_budget_below_one_element_is_said() -> None:
    family = build_family(tiny("baseline"), seed=1)

    sampled = sample_on_grid(family, volume(), sampling=Sampling(budget_mib=0))

    assert "more than the budget of 0 MiB" in sampled.notes[0]


class Hungry(nn.Module):
    """Runs out of memory with more than two slices at a time."""

    def __init__(self, network: nn.Module, most: int) -> None:
        super().__init__()
        self.network, self.most = network, most

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > self.most:
            raise torch.OutOfMemoryError
        return torch.as_tensor(self.network(x))


def hungry(most: int) -> Family:
    family = build_family(tiny("baseline"), seed=1)
    family.networks["generator"] = Hungry(family.networks["generator"], most)
    return family


def test_where_memory_runs_out_smaller_batches_are_taken_and_it_is_said() -> None:
    plain = sample_on_grid(build_family(tiny("baseline"), seed=1), volume())

    sampled = sample_on_grid(hungry(2), volume())

    assert sampled.notes == (
        "Memory ran out with 6 at a time; the work went on with 3.",
        "Memory ran out with 3 at a time; the work went on with 1.",
    )
    np.testing.assert_allclose(sampled.first, plain.first, rtol=1e-4, atol=1e-5)


def test_memory_for_not_even_one_element_is_refused() -> None:
    with pytest.raises(RefusedError, match="does not suffice for one element"):
        sample_on_grid(hungry(0), volume())


def test_a_cancel_is_heard_between_batches() -> None:
    family = build_family(tiny("baseline"), seed=1)
    heard: list[int] = []

    with pytest.raises(CancelledError):
        sample_on_grid(
            family,
            volume((20, 20, 27)),
            progress=lambda done, _t, _s: heard.append(done),
            cancelled=lambda: bool(heard),
        )

    assert heard == [7]  # 20 slices in three batches as equal as can be


def test_a_ct_volume_becomes_a_pet_over_its_extent() -> None:
    family = build_family(tiny("cpdm"), seed=1)
    ct = small_pair().ct

    sampled, grid = synthesise_volume(family, ct, kvp=120.0, sampling=Sampling(evaluations=1))

    assert sampled.first.shape == grid.shape
    assert grid.spacing_mm == family.config.domain.spacing_zyx_mm
    extent = np.array(grid.shape) * grid.spacing_mm
    np.testing.assert_allclose(extent, np.array(ct.grid.shape) * ct.grid.spacing_mm, rtol=0.05)


def test_a_twin_is_a_ct_and_a_pet_on_one_grid() -> None:
    family = build_family(tiny("cascade3d"), seed=1)

    ct, pet = sample_twin(family, (1.7, 70.0, 1.0, 60.0), sampling=Sampling(seed=2, evaluations=1))

    assert (ct.unit, pet.unit) == ("HU", "SUVbw")
    assert ct.grid == pet.grid
    assert ct.array.shape == (32, 16, 16)
    with pytest.raises(TypeError, match="baseline makes no twins"):
        sample_twin(build_family(tiny("baseline")), (1.7, 70.0, 1.0, 60.0))


def test_windows_leave_no_seam_although_a_network_errs_at_the_edges_of_each() -> None:
    torch.manual_seed(1)
    layers = [nn.Conv3d(1, 4, 3, padding=1), nn.SiLU(), nn.Conv3d(4, 1, 3, padding=1)]
    network = nn.Sequential(*layers)  # pads with zeros: each window is wrong at its edges
    x = torch.randn(1, 1, 16, 72, 72, generator=torch.Generator().manual_seed(2))
    x = nn.functional.avg_pool3d(x, 3, stride=1, padding=1)

    with torch.no_grad():
        whole = network(x)
        with in_windows(network, (16, 16, 16), batch=4):
            parts = network(x)
        assert torch.equal(network(x), whole)

    blended, original = _steps(parts), _steps(whole)
    for start in range(8):  # windows of 16 begin every 8 voxels, wherever these meet
        at = torch.arange(len(blended)) % 8 == start
        excess = blended[at].mean() / blended[~at].mean()
        assert float(excess) < 1.05 * float(original[at].mean() / original[~at].mean())
    assert float(blended.mean() / original.mean()) == pytest.approx(1, abs=0.1)


def _steps(image: Tensor) -> Tensor:
    """Mean squared difference from each column of voxels to the next, away from the ends."""
    return (image[0, 0].diff(dim=2) ** 2).mean(dim=(0, 1))[8:-8]


def test_the_memory_of_an_evaluation_is_the_sum_of_what_its_layers_give() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU())
    x = torch.zeros(1, 1, 8, 8)

    assert bytes_of(network, lambda: network(x)) == 2 * 4 * 64 * 4
    assert batch_within(1, 2**18, 100, torch.device("cpu")) == 4
    assert batch_within(1, 2**30, 100, torch.device("cpu")) == 1
