"""Stochastic processes against their closed forms."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.networks.schedulers import DDIMScheduler, DDPMScheduler
from torch import Tensor

from synthesis.config import BridgeConfig, EdmConfig, FlowConfig, GaussianConfig
from synthesis.models.processes import (
    BrownianBridge,
    GaussianProcess,
    Preconditioning,
    StraightFlow,
    heun_sigmas,
    sub_schedule,
    training_sigmas,
)

BRIDGE = BrownianBridge(BridgeConfig())


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def numbers(value: float, count: int = 200_000) -> Tensor:
    return torch.full((count, 1), value, dtype=torch.float64)


@pytest.mark.parametrize("t", [0, 250, 500, 999])
def test_the_bridge_has_its_closed_marginals(t: int) -> None:
    x0, y, eps = numbers(0.8), numbers(0.2), normal(200_000, 1)
    m = 0.001 + 0.998 * t / 999

    x_t = BRIDGE.marginal(x0, y, torch.full((200_000,), t), eps)

    assert float(x_t.mean()) == pytest.approx((1 - m) * 0.8 + m * 0.2, abs=5e-3)
    assert float(x_t.var()) == pytest.approx(2 * (m - m**2), rel=0.02)


def test_the_bridge_is_widest_in_the_middle_and_closed_at_both_ends() -> None:
    assert float(BRIDGE.delta.max()) == pytest.approx(0.5, abs=1e-5)
    assert float(BRIDGE.delta[0]) == pytest.approx(2 * 0.001 * 0.999)
    assert float(BRIDGE.delta[-1]) == pytest.approx(2 * 0.001 * 0.999)


@given(st.integers(1, 999), st.floats(0.01, 0.99))
@settings(max_examples=25, deadline=None)
def test_the_posterior_of_the_bridge_is_that_of_bayes(t: int, share: float) -> None:
    n = int(share * (t - 1)) if t > 1 else 0
    x0, y, x_t = numbers(0.7, 1), numbers(-0.3, 1), numbers(0.35, 1)
    m_t, m_n = float(BRIDGE.m[t]), float(BRIDGE.m[n])
    d_t, d_n = float(BRIDGE.delta[t]), float(BRIDGE.delta[n])
    a = (1 - m_t) / (1 - m_n)  # x_t = a x_n + (m_t - a m_n) y + N(0, d_t - a^2 d_n)
    between = d_t - a**2 * d_n
    precision = 1 / d_n + a**2 / between
    prior = (1 - m_n) * 0.7 + m_n * -0.3
    mean = (prior / d_n + a * (0.35 - (m_t - a * m_n) * -0.3) / between) / precision

    step = BRIDGE.step(x_t, x0, y, (t, n), eps=torch.zeros_like(x_t))

    assert float(step) == pytest.approx(mean, abs=1e-9)
    assert BRIDGE.posterior_variance(t, n) == pytest.approx(1 / precision, rel=1e-9)


def test_a_step_of_the_bridge_keeps_its_marginals() -> None:
    x0, y = numbers(0.9), numbers(0.1)
    x_t = BRIDGE.marginal(x0, y, torch.full((200_000,), 700), normal(200_000, 1))

    x_n = BRIDGE.step(x_t, x0, y, (700, 300), eps=normal(200_000, 1, seed=1))

    m = float(BRIDGE.m[300])
    assert float(x_n.mean()) == pytest.approx((1 - m) * 0.9 + m * 0.1, abs=5e-3)
    assert float(x_n.var()) == pytest.approx(2 * (m - m**2), rel=0.02)


def test_the_deterministic_bridge_keeps_its_marginals_without_noise() -> None:
    bridge = BrownianBridge(BridgeConfig(deterministic=True))
    x0, y = numbers(0.9), numbers(0.1)
    x_t = bridge.marginal(x0, y, torch.full((200_000,), 700), normal(200_000, 1))

    x_n = bridge.step(x_t, x0, y, (700, 300), eps=None)

    m = float(bridge.m[300])
    assert float(x_n.var()) == pytest.approx(2 * (m - m**2), rel=0.02)


def test_without_noise_eta_alone_narrows_the_bridge_as_in_the_seed() -> None:
    x0, y = numbers(0.9), numbers(0.1)
    x_t = BRIDGE.marginal(x0, y, torch.full((200_000,), 700), normal(200_000, 1))

    x_n = BRIDGE.step(x_t, x0, y, (700, 300), eps=None)

    narrowed = float(BRIDGE.delta[300]) - BRIDGE.posterior_variance(700, 300)
    assert float(x_n.var()) == pytest.approx(narrowed, rel=0.02)


@pytest.mark.parametrize("target", ["grad", "x0", "ysubx"])
def test_a_perfect_network_gives_x0_back_over_the_bridge(target: str) -> None:
    bridge = BrownianBridge(BridgeConfig(target=target))  # type: ignore[arg-type]
    x0, y, eps, t = normal(4, 1, 3), normal(4, 1, 3, seed=1), normal(4, 1, 3, seed=2), torch.arange(4) * 300  # fmt: skip
    x_t = bridge.marginal(x0, y, t, eps)

    f = bridge.target(x0, y, t, eps)

    torch.testing.assert_close(bridge.estimate(x_t, y, f), x0)
    if target == "grad":
        torch.testing.assert_close(f, x_t - x0)


@pytest.mark.parametrize("target", ["epsilon", "v", "x0"])
def test_a_perfect_network_gives_x0_back_from_noise(target: str) -> None:
    process = GaussianProcess(GaussianConfig(target=target))  # type: ignore[arg-type]
    x0, eps, t = normal(4, 1, 3), normal(4, 1, 3, seed=2), torch.tensor([0, 100, 500, 999])
    x_t = process.marginal(x0, t, eps)

    f = process.target(x0, t, eps)

    torch.testing.assert_close(process.estimate(x_t, t, f), x0, rtol=1e-6, atol=1e-6)


def test_noise_and_schedule_are_those_of_monai() -> None:
    process = GaussianProcess(GaussianConfig())
    monai = DDPMScheduler(1000, schedule="linear_beta", beta_start=1e-4, beta_end=0.02)
    x0, eps, t = normal(3, 1, 5).float(), normal(3, 1, 5, seed=1).float(), torch.tensor([0, 400, 999])  # fmt: skip

    expected = monai.add_noise(x0, eps, t)

    torch.testing.assert_close(process.marginal(x0, t, eps), expected, rtol=1e-5, atol=1e-6)


def test_a_ddim_step_is_that_of_monai() -> None:
    process = GaussianProcess(GaussianConfig())
    monai = DDIMScheduler(
        1000, schedule="linear_beta", beta_start=1e-4, beta_end=0.02, clip_sample=False
    )
    monai.set_timesteps(10)
    x_t, f = normal(2, 1, 6).float(), normal(2, 1, 6, seed=1).float()

    expected, _ = monai.step(f, 800, x_t)

    x0 = process.estimate(x_t, 800, f)
    torch.testing.assert_close(process.step(x_t, x0, (800, 700), eps=None), expected)


def test_eta_one_between_neighbours_is_ddpm() -> None:
    process = GaussianProcess(GaussianConfig(eta=1.0))
    beta, abar = process.beta, process.abar
    x_t, x0 = normal(2, 3), normal(2, 3, seed=1)
    t = 400
    mean = (
        abar[t - 1].sqrt() * beta[t] / (1 - abar[t]) * x0
        + (1 - beta[t]).sqrt() * (1 - abar[t - 1]) / (1 - abar[t]) * x_t
    )
    variance = float((1 - abar[t - 1]) / (1 - abar[t]) * beta[t])

    step = process.step(x_t, x0, (t, t - 1), eps=torch.zeros_like(x_t))

    torch.testing.assert_close(step, mean)
    assert process.sigma(t, t - 1) ** 2 == pytest.approx(variance)


def test_a_ddim_step_keeps_the_marginals() -> None:
    process = GaussianProcess(GaussianConfig())
    x0, eps = normal(3, 4), normal(3, 4, seed=1)

    x_n = process.step(process.marginal(x0, 800, eps), x0, (800, 300), eps=None)

    torch.testing.assert_close(x_n, process.marginal(x0, 300, eps))


@given(st.integers(1, 60), st.sampled_from([60, 1000]))
@settings(max_examples=25, deadline=None)
def test_a_sub_schedule_falls_from_the_last_step_to_the_first(evaluations: int, T: int) -> None:
    times = sub_schedule(T, evaluations)

    assert len(times) == evaluations
    assert times[0] == T - 1
    assert all(a > b for a, b in pairwise(times))
    assert evaluations == 1 or times[-1] == 0


@pytest.mark.parametrize("evaluations", [0, 11])
def test_a_schedule_cannot_be_shorter_than_one_or_longer_than_whole(evaluations: int) -> None:
    with pytest.raises(ValueError, match="1 to 10 evaluations"):
        sub_schedule(10, evaluations)


def test_preconditioning_without_noise_passes_the_image() -> None:
    c, sigma = Preconditioning(0.5), torch.tensor(1e-6, dtype=torch.float64)

    assert float(c.c_skip(sigma)) == pytest.approx(1)
    assert float(c.c_out(sigma)) == pytest.approx(1e-6)
    assert float(c.c_in(sigma)) == pytest.approx(2)
    assert float(c.weight(sigma)) == pytest.approx(1 / 1e-6**2)


def test_preconditioning_in_pure_noise_passes_the_network() -> None:
    c, sigma = Preconditioning(0.5), torch.tensor(1e6, dtype=torch.float64)

    assert float(c.c_skip(sigma)) == pytest.approx(0, abs=1e-12)
    assert float(c.c_out(sigma)) == pytest.approx(0.5)
    assert float(c.c_in(sigma)) == pytest.approx(1e-6)
    assert float(c.weight(sigma)) == pytest.approx(4)


@given(st.floats(0.01, 80))
@settings(max_examples=20, deadline=None)
def test_preconditioning_keeps_unit_variance_and_unit_weight(level: float) -> None:
    c, sigma = Preconditioning(0.5), torch.tensor(level, dtype=torch.float64)

    input_variance = c.c_in(sigma) ** 2 * (0.5**2 + sigma**2)
    residual = (1 - c.c_skip(sigma)) ** 2 * 0.5**2 + c.c_skip(sigma) ** 2 * sigma**2
    assert float(input_variance) == pytest.approx(1)
    assert float(residual / c.c_out(sigma) ** 2) == pytest.approx(1)
    assert float(c.weight(sigma) * c.c_out(sigma) ** 2) == pytest.approx(1)
    assert float(c.c_noise(sigma)) == pytest.approx(math.log(level) / 4)


def test_noise_levels_of_training_are_log_normal() -> None:
    levels = training_sigmas(50_000, EdmConfig(), torch.Generator().manual_seed(1)).log()

    assert float(levels.mean()) == pytest.approx(-0.4, abs=0.02)
    assert float(levels.std()) == pytest.approx(1.0, abs=0.02)


def test_noise_levels_of_sampling_fall_from_80_to_0() -> None:
    sigmas = heun_sigmas(EdmConfig(), 18)

    assert sigmas[0] == pytest.approx(80)
    assert sigmas[-2] == pytest.approx(0.002)
    assert sigmas[-1] == 0
    # Equation 5 at the second of 18 steps: (80^(1/7) + (0.002^(1/7) - 80^(1/7)) / 17)^7.
    assert sigmas[1] == pytest.approx(57.5860, abs=1e-3)
    assert all(a > b for a, b in pairwise(sigmas))


def test_a_flow_is_straight_and_its_velocity_constant() -> None:
    flow = StraightFlow(FlowConfig(source_noise=0.0))
    x0, y = normal(2, 1, 4), normal(2, 1, 4, seed=1)

    halfway = flow.marginal(x0, y, torch.tensor([0.5, 0.25]))

    torch.testing.assert_close(halfway[0], (x0[0] + y[0]) / 2)
    torch.testing.assert_close(halfway[1], 0.75 * x0[1] + 0.25 * y[1])
    torch.testing.assert_close(flow.step(y, flow.velocity(x0, y), (1.0, 0.0)), x0)
