"""Faster ways to the same image: how far it may differ, and what happens where a way is closed."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from synthesis.config import BridgeConfig, ConfigRefusedError, family_config
from synthesis.data.model_grid import smooth_resample
from synthesis.families import Condition, Family, build_family, load_family
from synthesis.inference import Sampling, sample_on_grid
from synthesis.inference.haste import NOT_COMPILED, compile_where_it_pays, lay_out, lower
from synthesis.inference.memory import batch_within
from synthesis.registry import packaged_releases
from synthesis.samplers import Chunked
from tests.synthesis.family_cases import BLOCKS, batch_of, condition_of, cpdm, overfit, smooth, tiny
from tests.synthesis.makers import full_pair

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@lru_cache(maxsize=1)
def trained() -> Family:
    """The packaged release as a family: weights that were really trained."""
    return load_family(packaged_releases()[0])


@lru_cache(maxsize=1)
def slices() -> np.ndarray:
    pair = full_pair(6, "SPH")
    hu = smooth_resample(pair.ct, pair.pet.grid).array
    lesion = int(np.argmax(pair.region("lesion:1").sum(axis=(1, 2))))
    return hu[lesion : lesion + 1, 16:80]


@pytest.mark.parametrize(
    ("precision", "device", "low"),
    [
        ("auto", CPU, False), ("auto", CUDA, True), ("float32", CUDA, False),
        ("bfloat16", CPU, True),
    ],
)  # fmt: skip
def test_bfloat16_is_for_cuda_unless_it_is_asked_for(
    precision: str, device: torch.device, *, low: bool
) -> None:
    assert lower(precision, device) is low  # type: ignore[arg-type]


def test_bfloat16_stays_within_its_stated_tolerance_on_a_trained_release() -> None:
    exact = sample_on_grid(trained(), slices()).first

    rough = sample_on_grid(trained(), slices(), sampling=Sampling(precision="bfloat16")).first

    difference, top = np.abs(rough - exact), float(exact.max())
    assert 0 < difference.max() <= 0.02 * top
    assert difference.mean() <= 0.005 * top
    assert float(rough.max()) == pytest.approx(top, rel=0.02)  # SUVmax of the lesion


def test_the_fast_layout_gives_the_same_image() -> None:
    plain = sample_on_grid(trained(), slices()).first
    again = build_family(trained().config)
    again.networks.load_state_dict(trained().networks.state_dict())

    lay_out(again.networks, 2)

    weights = next(again.networks["generator"].parameters())
    assert weights.is_contiguous(memory_format=torch.channels_last)
    fast = sample_on_grid(again, slices()).first
    np.testing.assert_allclose(fast, plain, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("count", "fitting", "batch"), [(66, 64, 33), (200, 64, 50), (64, 64, 64), (1, 64, 1)]
)
def test_batches_are_as_equal_as_can_be(count: int, fitting: int, batch: int) -> None:
    assert batch_within(fitting, 2**20, count, CUDA) == batch


def test_nothing_is_compiled_on_a_cpu_of_its_own_accord(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Module, "compile", refuses(AssertionError()))

    sample_on_grid(build_family(tiny("baseline"), seed=1), slices())


def refuses(error: BaseException) -> Callable[..., None]:
    def compiled(*_: object, **__: object) -> None:
        raise error

    return compiled


def compile_to(monkeypatch: pytest.MonkeyPatch, call: Callable[..., object]) -> None:
    monkeypatch.setattr(nn.Module, "compile", lambda self: setattr(self, "_compiled_call_impl", call))  # fmt: skip


def test_where_compiling_fails_the_networks_run_as_they_are_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hu = slices()[:, :16, :16]
    plain = sample_on_grid(build_family(tiny("cpdm"), seed=1), hu, kvp=120.0)
    compile_to(monkeypatch, refuses(RuntimeError("no C++ compiler was found")))

    wanted = Sampling(compiled="always")
    sampled = sample_on_grid(build_family(tiny("cpdm"), seed=1), hu, kvp=120.0, sampling=wanted)  # fmt: skip

    assert sampled.notes == (NOT_COMPILED,)
    np.testing.assert_array_equal(sampled.first, plain.first)


def test_networks_are_compiled_inside_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    family = build_family(tiny("pix2pix_ddpm"), seed=1)
    compiled: list[nn.Module] = []

    def compile_it(self: nn.Module) -> None:
        compiled.append(self)
        self._compiled_call_impl = self._call_impl

    monkeypatch.setattr(nn.Module, "compile", compile_it)
    evaluate = lambda: family.sample(condition_of(family.config), seed=1, evaluations=2)  # noqa: E731

    assert compile_where_it_pays(family, "always", evaluate) is None
    compile_where_it_pays(family, "always", evaluate)

    assert sorted(type(network).__name__ for network in compiled) == ["BasicUNet", "DiffusionModelUNet"]  # fmt: skip


def test_attention_is_asked_for_once_for_all_samples_and_steps() -> None:
    config = cpdm(bridge=BridgeConfig(evaluations=3))
    family = build_family(config, seed=1)
    asked: list[int] = []
    family.networks["segmentor"].register_forward_hook(lambda *_: asked.append(1))

    family.sample(condition_of(config), seed=1, samples=3)

    assert len(asked) == 1


def test_several_samples_of_one_batch_are_those_of_single_calls() -> None:
    config = cpdm(bridge=BridgeConfig(evaluations=2))
    family = build_family(config, seed=1)
    overfit(family, batch_of(config, 1), 1, stages=("bridge",), rate=1e-2)

    both = family.sample(condition_of(config), seed=1, samples=2)

    torch.testing.assert_close(both[0], family.sample(condition_of(config), seed=1)[0])
    assert not torch.equal(both[0], both[1])


def steps(image: Tensor) -> Tensor:
    """Mean squared difference from each slice to the next."""
    return (image[0, 0].diff(dim=0) ** 2).mean(dim=(1, 2))


def test_chunks_of_a_trained_bridge_leave_no_seam() -> None:
    still = BridgeConfig(
        evaluations=2, deterministic=True, eta=0.0, start_noise=True, spacing="trailing"
    )
    config = cpdm(domain=BLOCKS, overlap=4, attention=False, bridge=still)
    family = build_family(config, seed=1)
    overfit(family, batch_of(config, 1), 5, rate=1e-2)
    hu = -1000 + 1200 * smooth(1, 1, 40, 16, 16, seed=3)
    condition = Condition(hu=hu, kvp=(120.0,))
    in_one = build_family(replace(config, domain=replace(BLOCKS, patch=(48, 16, 16))))
    in_one.networks.load_state_dict(family.networks.state_dict())

    chunks = steps(family.sample(condition, seed=2)[0])

    whole = steps(in_one.sample(condition, seed=2)[0])
    plan = Chunked((40, 16, 16), (16, 16, 16), 4)
    cuts = sorted({kept[0].start - 1 for _, kept, _ in plan.boxes()} - {-1})
    elsewhere = [k for k in range(len(chunks)) if k not in cuts]
    excess = chunks[cuts].mean() / chunks[elsewhere].mean()
    assert len(cuts) == 3
    assert float(chunks.mean()) > 0
    assert float(excess) <= 1.05 * float(whole[cuts].mean() / whole[elsewhere].mean())


def test_a_block_that_is_all_overlap_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="must be larger than twice the overlap of 8"):
        cpdm(domain=BLOCKS, overlap=8)
    with pytest.raises(ConfigRefusedError, match="larger than twice the overlap"):
        family_config(
            {
                "schema": 2, "family": "cpdm", "preset": "tiny", "overlap": 8,
                "domain": {"form": "3d", "neighbours": 0, "patch": [16, 16, 16]},
            }
        )  # fmt: skip


def test_an_overlap_that_cuts_through_voxels_of_the_latent_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of the latent's 4 voxels"):
        cpdm(domain=BLOCKS, overlap=6, space="latent")
