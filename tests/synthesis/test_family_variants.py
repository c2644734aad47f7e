"""What single families can be asked to do: forms, spaces, targets, guides, published sizes."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from synthesis.config import (
    Cascade3dConfig,
    DomainConfig,
    GeneratorConfig,
    Pix2PixDdpmConfig,
    preset,
)
from synthesis.data.attenuation import TubeVoltageError
from synthesis.families import Condition, ConditionRefusedError, build_family
from synthesis.models.encoding import DemographicsError
from tests.synthesis.family_cases import PEOPLE, batch_of, condition_of, cpdm, overfit, tiny

BLOCK = DomainConfig(
    form="3d", spacing_zyx_mm=(8.0, 8.0, 8.0), neighbours=0, patch=(16, 16, 16),
    windows=tiny("cpdm").domain.windows,
)  # fmt: skip


@pytest.mark.parametrize("name", ["baseline", "pix2pix", "cpdm"])
def test_blocks_are_translated_as_slices_are(name: str) -> None:
    config = tiny(name, domain=BLOCK, **({"overlap": 4} if name == "cpdm" else {}))
    family = build_family(config, seed=1)

    losses = family.fit_step(batch_of(config, 1), torch.Generator().manual_seed(1))
    sample = family.sample(condition_of(config, 1), seed=1, evaluations=2)

    assert all(bool(torch.isfinite(t)) for t in losses.totals.values())
    assert sample.shape == (1, 1, 1, 16, 16, 16)


@pytest.mark.parametrize("path", ["bridge", "flow"])
@pytest.mark.parametrize("space", ["pixel", "latent"])
def test_bridge_and_flow_in_pixels_and_latents(space: str, path: str) -> None:
    config = cpdm(space=space, path=path)
    family = build_family(config, seed=1)

    curve = overfit(family, batch_of(config), 2)
    sample = family.sample(condition_of(config), seed=1, evaluations=2)

    assert ("reconstruction" in curve[-1]) == (space == "latent")
    assert sample.shape == (1, 2, 1, 32, 32)
    assert bool(torch.isfinite(sample).all())


@pytest.mark.parametrize(
    "changes",
    [
        {"attention": False},
        {"attenuation": "none"},
        {"attenuation": "path", "mu_table": "cpdm"},
        {"attention": False, "attenuation": "none", "concat_source": False},
        {"concat_source": False, "space": "latent"},
    ],
)
def test_guides_of_the_bridge_can_be_left_out(changes: dict[str, Any]) -> None:
    config = cpdm(**changes)
    family = build_family(config, seed=1)

    losses = family.fit_step(batch_of(config), torch.Generator().manual_seed(1))

    assert ("segmentor" in losses.totals) == config.attention
    assert ("kvp" in family.spec().needs) == (config.attenuation != "none")


def test_the_tube_voltage_is_never_assumed() -> None:
    family = build_family(cpdm(), seed=1)

    with pytest.raises(TubeVoltageError, match="does not say its tube voltage"):
        family.sample(replace(condition_of(family.config), kvp=(120.0, None)), seed=1)


def test_a_given_attention_map_takes_the_place_of_the_segmentor() -> None:
    family = build_family(cpdm(), seed=1)
    overfit(family, batch_of(family.config), 4, stages=("bridge",))
    condition = condition_of(family.config)

    dark = family.sample(replace(condition, attention=torch.zeros(2, 1, 32, 32)), seed=1)
    bright = family.sample(replace(condition, attention=torch.ones(2, 1, 32, 32)), seed=1)

    assert not torch.equal(dark, bright)


def test_slices_of_a_volume_share_their_noise() -> None:
    config = cpdm(bridge=replace(cpdm().bridge, deterministic=False, eta=1.0))
    family = build_family(config, seed=1)
    one = condition_of(config, 1)
    assert one.hu is not None
    same = Condition(hu=one.hu.repeat(2, 1, 1, 1), kvp=(120.0, 120.0))

    sample = family.sample(same, seed=1)

    torch.testing.assert_close(sample[0, 0], sample[0, 1], rtol=1e-5, atol=1e-6)
    assert family.spec().stochastic


def test_a_block_larger_than_the_patch_is_put_together_from_chunks() -> None:
    config = cpdm(domain=BLOCK, overlap=4, attention=False)
    family = build_family(config, seed=1)
    hu = condition_of(replace(config, domain=replace(BLOCK, patch=(32, 16, 16))), 1).hu
    heard: list[int] = []

    sample = family.sample(
        Condition(hu=hu, kvp=(120.0,)), seed=1, evaluations=2,
        progress=lambda _done, total, _stage: heard.append(total),
    )  # fmt: skip

    assert sample.shape == (1, 1, 1, 32, 16, 16)
    assert heard[-1] == len(heard) > 2


@pytest.mark.parametrize("mode", ["refine", "independent", "warm_start"])
def test_three_readings_of_adversarial_and_diffusion(mode: str) -> None:
    config = tiny("pix2pix_ddpm", mode=mode)
    family = build_family(config, seed=1)
    heard: list[int] = []

    sample = family.sample(
        condition_of(config), seed=1, evaluations=4,
        progress=lambda done, _total, _stage: heard.append(done),
    )  # fmt: skip

    assert sample.shape == (1, 2, 1, 32, 32)
    assert heard[-1] == 4  # the pair's own evaluation counts


def test_a_residual_of_nothing_is_the_pairs_image() -> None:
    config = tiny("pix2pix_ddpm", target="residual", gain=1e6)
    assert isinstance(config, Pix2PixDdpmConfig)
    family = build_family(config, seed=1)
    condition = condition_of(config)

    refined = family.sample(condition, seed=1, evaluations=3)
    coarse = build_family(config.gan, seed=1).sample(condition, seed=1)

    torch.testing.assert_close(refined, coarse, rtol=0, atol=1e-3)


def test_a_fusion_image_has_three_colours_and_is_not_suv() -> None:
    domain = replace(tiny("pix2pix").domain, target="fusion")
    config = tiny("pix2pix", domain=domain)
    family = build_family(config, seed=1)

    overfit(family, batch_of(config), 2)

    assert family.sample(condition_of(config), seed=1).shape == (1, 2, 3, 32, 32)
    assert family.spec().outputs == ("red", "green", "blue")


def test_the_generator_of_isola_halves_to_one_voxel_and_back() -> None:
    generator = GeneratorConfig("isola", features=(8, 8, 8, 8, 8), dropout=0.5)
    config = tiny("baseline", generator=generator)
    family = build_family(config, seed=1)

    curve = overfit(family, batch_of(config), 5)

    assert curve[-1]["l1"] < curve[0]["l1"]
    assert family.spec().multiple == 32


def cascade(**changes: Any) -> Cascade3dConfig:
    config = tiny("cascade3d", **changes)
    assert isinstance(config, Cascade3dConfig)
    return config


@pytest.mark.parametrize("target", ["residual", "full"])
def test_the_cascade_makes_a_ct_and_a_pet_of_the_whole_volume(target: str) -> None:
    family = build_family(cascade(target=target), seed=1)

    twin = family.sample(Condition(demographics=PEOPLE[:1]), seed=1, evaluations=3)

    assert twin.shape == (1, 1, 2, 32, 16, 16)
    assert family.spec().outputs == ("hu", "suv")


def test_impossible_demographics_are_refused() -> None:
    family = build_family(cascade(), seed=1)

    with pytest.raises(DemographicsError, match=r"height \(m\) 0.7 is outside"):
        family.sample(Condition(demographics=torch.tensor([[0.70, 71.0, 1.0, 64.0]])), seed=1)
    with pytest.raises(DemographicsError, match="age"):
        family.sample(
            Condition(demographics=torch.tensor([[1.7, 71.0, 1.0, float("nan")]])), seed=1
        )


def test_the_cascade_learns_from_whole_volumes_only() -> None:
    family = build_family(cascade(), seed=1)
    batch = batch_of(replace(cascade(), volume=(16, 16, 16)))

    with pytest.raises(ConditionRefusedError, match="whole volumes"):
        family.fit_step(batch, torch.Generator().manual_seed(1))


# Published or measured elsewhere: 93 M for the denoiser of CPDM, 2.76 M for the patch critic,
# about 75 M for the first stage of the cascade, 15.7 M for the f4 autoencoder, 54.4 M for U-Net-256.
@pytest.mark.parametrize(
    ("family", "part", "millions"),
    [
        ("cpdm", "denoiser", 92.6),
        ("cpdm", "autoencoder", 15.7),
        ("pix2pix", "critic", 2.76),
        ("pix2pix", "generator", 54.4),
        ("cascade3d", "low", 74.8),
        ("pix2pix_ddpm", "denoiser", 113.7),
    ],
)
def test_the_published_sizes(family: str, part: str, millions: float) -> None:
    with torch.device("meta"):
        networks = build_family(preset(family, "paper"), device="meta").networks

    count = sum(p.numel() for p in networks[part].parameters()) / 1e6
    assert count == pytest.approx(millions, abs=0.06)
