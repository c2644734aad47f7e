"""What the networks see equals what the configuration says, on tensors as on arrays; and losses."""

import math

import numpy as np
import pytest
import torch

from synthesis.config import CtWindow, DemographicsConfig, DomainConfig, SuvCodec, preset
from synthesis.data.attenuation import hu_to_mu, path_attenuation
from synthesis.losses import (
    AdversarialLoss,
    dice_loss,
    edm_loss,
    kl_to_standard,
    matching_loss,
    voxel_weights,
    weighted_l1,
)
from synthesis.models.encoding import (
    attenuation,
    coordinates,
    decode_suv,
    decode_window,
    encode_demographics,
    encode_source,
    encode_suv,
    encode_window,
)
from synthesis.models.fusion import fuse
from synthesis.models.preconditioned import PreconditionedDenoiser
from synthesis.models.seeded import seeded

CODECS = (SuvCodec(), SuvCodec(20, "linear"), SuvCodec(7, "gamma"))
RNG = np.random.default_rng(1)


@pytest.mark.parametrize("codec", CODECS)
def test_tensors_are_encoded_as_arrays_are(codec: SuvCodec) -> None:
    suv = RNG.uniform(-1, 60, 100).astype(np.float32)
    code = encode_suv(torch.from_numpy(suv), codec)

    np.testing.assert_allclose(code.numpy(), codec.encode(suv), atol=1e-6)
    np.testing.assert_allclose(
        decode_suv(code, codec).numpy(), codec.decode(code.numpy()), rtol=1e-5, atol=1e-5
    )


def test_channels_are_slices_from_the_feet_up_then_windows() -> None:
    slab = torch.tensor([-1000.0, 0.0, 1000.0])[None, :, None, None].expand(1, 3, 2, 2)

    channels = encode_source(slab, DomainConfig().windows)

    assert channels.shape == (1, 9, 2, 2)
    assert channels[0, :, 1, 1].tolist() == pytest.approx([0, 0, 0, 0.5, 1, 0.4, 1, 1, 1])


def test_a_window_is_undone() -> None:
    window = CtWindow(-1000, 1000)
    hu = torch.tensor([-1000.0, -300.0, 1000.0])

    torch.testing.assert_close(decode_window(encode_window(hu, window), window), hu)


@pytest.mark.parametrize("table", ["carney", "cpdm"])
def test_attenuation_of_tensors_is_that_of_arrays(table: str) -> None:
    hu = RNG.uniform(-1500, 2900, (2, 1, 6, 6)).astype(np.float32)
    factors = attenuation(torch.from_numpy(hu), (90.0, 120.0), table)  # type: ignore[arg-type]

    for k, kvp in enumerate((90.0, 120.0)):
        expected = np.exp(-hu_to_mu(hu[k], kvp, table))  # type: ignore[arg-type]
        np.testing.assert_allclose(factors[k].numpy(), expected, rtol=1e-5)


def test_path_attenuation_of_tensors_is_that_of_arrays() -> None:
    hu = RNG.uniform(-1000, 1000, (1, 1, 9, 4)).astype(np.float32)

    factors = attenuation(torch.from_numpy(hu), (120.0,), "carney", path_step_mm=4.0)

    expected = path_attenuation(hu_to_mu(hu, 120.0), 4.0)
    np.testing.assert_allclose(factors.numpy(), expected, rtol=1e-5)


def test_demographics_become_zero_to_one() -> None:
    people = torch.tensor([[1.3, 30.0, 0.0, 16.0], [2.2, 200.0, 1.0, 100.0]])

    assert encode_demographics(people, DemographicsConfig()).tolist() == [[0] * 4, [1] * 4]


def test_coordinates_run_from_minus_one_to_one_over_the_whole() -> None:
    whole = coordinates((4, 2), (0, 0), (4, 2), torch.device("cpu"))
    part = coordinates((2, 2), (2, 0), (4, 2), torch.device("cpu"))

    assert whole[0, 0, :, 0].tolist() == [-0.75, -0.25, 0.25, 0.75]
    torch.testing.assert_close(part, whole[:, :, 2:])


def test_a_fusion_shows_the_source_where_there_is_no_uptake() -> None:
    grey, cold, hot = torch.full((1, 1, 2, 2), 0.4), torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)

    torch.testing.assert_close(fuse(grey, cold), grey.expand(1, 3, 2, 2))
    assert float(fuse(grey, hot).min()) == pytest.approx(0.2 * 0.4 + 0.8)


def test_matching_is_a_weighted_mean() -> None:
    f, target = torch.tensor([[[1.0, 3.0]]]), torch.zeros(1, 1, 2)
    weights = torch.tensor([[[3.0, 1.0]]])

    assert float(matching_loss(f, target, "l1", weights)) == pytest.approx(6 / 4)
    assert float(matching_loss(f, target, "l2", weights)) == pytest.approx(12 / 4)
    assert float(matching_loss(f, target, "l1")) == pytest.approx(2)


def test_lesion_voxels_weigh_more_than_body_and_body_more_than_air() -> None:
    target = torch.zeros(1, 1, 1, 3)
    lesion = torch.tensor([[[[1.0, 0, 0]]]])
    body = torch.tensor([[[[1.0, 1, 0]]]])

    weights = voxel_weights(target, lesion, body, lesion_weight=6, uptake_weight=4)

    assert weights.flatten().tolist() == pytest.approx([7, 1, 0.15])
    only_air_wrong = weighted_l1(torch.tensor([[[[0.0, 0, 1]]]]), target, weights)
    assert float(only_air_wrong) == pytest.approx(0.15 / 8.15)


def test_the_adversarial_loss_is_least_squares_without_activation() -> None:
    class Constant(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
            return [torch.full((len(images), 1, 2, 2), -1.0)]

    slices = torch.zeros(1, 1, 4, 4)

    assert float(AdversarialLoss().generator(Constant(), slices, slices)) == pytest.approx(4.0)
    halves = float(AdversarialLoss().critic(Constant(), slices, (slices, slices)))
    assert halves == pytest.approx(0.5 * (4 + 1))


def test_the_cross_entropy_of_a_critic_that_cannot_tell_is_log_two() -> None:
    class Undecided(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
            return [torch.zeros(len(images), 1, 2, 2)]

    slices = torch.zeros(1, 1, 4, 4)
    loss = AdversarialLoss("bce")

    assert float(loss.generator(Undecided(), slices, slices)) == pytest.approx(math.log(2))
    assert float(loss.critic(Undecided(), slices, (slices, slices))) == pytest.approx(math.log(2))


def test_dice_and_divergence_at_their_limits() -> None:
    mask = torch.tensor([[[[1.0, 0.0]]], [[[0.0, 0.0]]]])

    assert float(dice_loss(mask, mask)) == pytest.approx(0, abs=1e-4)
    assert float(dice_loss(1 - mask, mask)) == pytest.approx(1, abs=1e-4)
    standard = kl_to_standard(torch.zeros(4), torch.ones(4))
    assert float(standard) == pytest.approx(0)
    assert float(kl_to_standard(torch.full((4,), 2.0), torch.ones(4))) == pytest.approx(2)


def tiny_denoiser() -> PreconditionedDenoiser:
    config = preset("cascade3d", "tiny").low  # type: ignore[union-attr]
    return seeded(
        1,
        lambda: PreconditionedDenoiser(config, 0.5, spatial_dims=2, in_channels=1, out_channels=1),
    )


def test_the_loss_of_edm_starts_at_the_variance_of_what_noise_hides() -> None:
    """An untrained network says 0, so D = c_skip x; for data N(0, sd^2) the mean loss is 1."""
    generator = torch.Generator().manual_seed(1)
    x0 = 0.5 * torch.randn(512, 1, 8, 8, generator=generator)
    eps = torch.randn(x0.shape, generator=generator)
    sigma = torch.randn(512, generator=generator).exp()

    with torch.no_grad():
        loss = edm_loss(tiny_denoiser(), x0, (sigma, eps))

    assert float(loss) == pytest.approx(1, abs=0.03)


def test_a_denoiser_passes_a_clean_image_and_gives_zero_for_pure_noise() -> None:
    denoiser, x = tiny_denoiser(), torch.rand(2, 1, 8, 8)

    with torch.no_grad():
        clean = denoiser(x, torch.full((2,), 1e-6))
        noise = denoiser(1e6 * x, torch.full((2,), 1e6))

    torch.testing.assert_close(clean, x, rtol=1e-4, atol=1e-5)
    assert float(noise.abs().max()) < 1e-3  # c_skip x, with an untrained network that says 0


def test_the_learned_log_variance_divides_the_cost_and_adds_itself() -> None:
    denoiser, x0 = tiny_denoiser(), torch.rand(4, 1, 8, 8)
    noise = torch.tensor([0.1, 0.5, 2.0, 9.0]), torch.rand(4, 1, 8, 8)
    with torch.no_grad():
        plain = float(edm_loss(denoiser, x0, noise))
        denoiser.log_variance[2].bias.fill_(math.log(plain))  # type: ignore[operator, union-attr]

        best = float(edm_loss(denoiser, x0, noise))

    assert best == pytest.approx(1 + math.log(plain), rel=1e-5)
