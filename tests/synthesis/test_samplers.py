"""Samplers with networks whose answer is known: exact where the mathematics says exact."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from synthesis.config import BridgeConfig, EdmConfig, FlowConfig, GaussianConfig
from synthesis.contract import CancelledError
from synthesis.models.processes import (
    BrownianBridge,
    GaussianProcess,
    StraightFlow,
    heun_sigmas,
    sub_schedule,
)
from synthesis.samplers import (
    Chunked,
    NoiseSource,
    Watch,
    blend_chunks,
    heun_steps,
    sample_bridge,
    sample_flow,
    sample_gaussian,
    sample_heun,
    sample_in_chunks,
    warm_start,
)

NOISE = NoiseSource(seed=3, sample=0, index=(0, 1), device=torch.device("cpu"))
X0 = torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(1))
Y = torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("evaluations", [1, 2, 4, 25])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_ddim_with_perfect_epsilon_gives_x0_in_any_number_of_steps(
    evaluations: int, eta: float
) -> None:
    process = GaussianProcess(GaussianConfig(eta=eta))

    def perfect(x: Tensor, t: Tensor) -> Tensor:
        return process.noise_of(x, int(t[0]), X0)

    times = sub_schedule(process.T, evaluations)
    x0 = sample_gaussian(perfect, process, NOISE.draw((1, 6, 6)), times, noise=NOISE)

    torch.testing.assert_close(x0, X0, rtol=1e-3, atol=1e-3)


def test_a_clip_keeps_the_estimate_in_its_range() -> None:
    process = GaussianProcess(GaussianConfig())
    wild = lambda x, _t: torch.full_like(x, -50.0)  # noqa: E731 # a network in one line

    x0 = sample_gaussian(wild, process, X0, sub_schedule(1000, 3), noise=NOISE, clip=(-1, 1))

    assert float(x0.max()) <= 1


@pytest.mark.parametrize("target", ["grad", "x0", "ysubx"])
@pytest.mark.parametrize(("deterministic", "eta"), [(True, 0.0), (False, 1.0), (False, 0.0)])
@pytest.mark.parametrize("evaluations", [1, 3, 20])
def test_the_bridge_with_a_perfect_network_gives_x0(
    target: str, deterministic: bool, eta: float, evaluations: int
) -> None:
    bridge = BrownianBridge(BridgeConfig(target=target, deterministic=deterministic, eta=eta))  # type: ignore[arg-type]

    def perfect(x: Tensor, _t: Tensor) -> Tensor:
        return {"grad": x - X0, "x0": X0, "ysubx": Y - X0}[target]

    x0 = sample_bridge(perfect, bridge, Y, evaluations, noise=NOISE)

    torch.testing.assert_close(x0, X0)


def test_boot_noise_puts_the_deterministic_bridge_on_its_marginals_at_once() -> None:
    bridge = BrownianBridge(BridgeConfig(deterministic=True, boot_noise=True))
    seen: list[Tensor] = []
    y, x0 = torch.zeros(2, 1, 64, 64), torch.ones(2, 1, 64, 64)

    def listening(x: Tensor, _t: Tensor) -> Tensor:
        seen.append(x)
        return x - x0

    again = sample_bridge(listening, bridge, y, 4, noise=NOISE)

    for x, t in zip(seen[1:], sub_schedule(1000, 4)[1:], strict=True):
        assert float(x.mean()) == pytest.approx(1 - float(bridge.m[t]), abs=0.03)
        assert float(x.std()) == pytest.approx(float(bridge.delta[t]) ** 0.5, rel=0.03)
    torch.testing.assert_close(again, x0)


def test_the_bridge_starts_exactly_at_the_source_and_evaluates_once_a_step() -> None:
    bridge = BrownianBridge(BridgeConfig())
    seen: list[tuple[float, Tensor]] = []

    def listening(x: Tensor, t: Tensor) -> Tensor:
        seen.append((float(t[0]), x))
        return x - X0

    sample_bridge(listening, bridge, Y, 5, noise=NOISE)

    assert torch.equal(seen[0][1], Y)
    assert [t for t, _ in seen] == list(sub_schedule(1000, 5))


@pytest.mark.parametrize("evaluations", [1, 2, 7])
def test_a_straight_flow_is_exact_in_any_number_of_steps(evaluations: int) -> None:
    flow = StraightFlow(FlowConfig(source_noise=0.2))
    x1 = flow.start(Y, NOISE.draw((1, 6, 6)))

    x0 = sample_flow(lambda _x, _t: x1 - X0, flow, Y, evaluations, noise=NOISE)

    torch.testing.assert_close(x0, X0)


@pytest.mark.parametrize("evaluations", [1, 2, 3, 9, 35])
def test_heun_of_a_constant_image_is_exact(evaluations: int) -> None:
    """D = x0 gives dx/dsigma = (x - x0) / sigma: a line through x0, which every step follows."""
    start = NOISE.draw((1, 6, 6))

    x0 = sample_heun(lambda _x, _s: X0, EdmConfig(), start, evaluations)

    torch.testing.assert_close(x0, X0, rtol=1e-4, atol=1e-4)


def test_heun_is_exact_where_the_trajectory_is_a_parabola() -> None:
    """dx/dsigma = a + b sigma has x = x0 + a sigma + b sigma^2 / 2: the trapezoid rule is exact."""
    config = EdmConfig(sigma_max=2.0, sigma_min=0.5)
    a, b = 0.7, -0.3
    start = torch.ones(1, 1, 1, 1, dtype=torch.float64)

    def network(x: Tensor, sigma: Tensor) -> Tensor:
        return x - float(sigma[0]) * (a + b * float(sigma[0]))

    x = sample_heun(network, config, start, 9)

    first, last = heun_sigmas(config, 5)[0], heun_sigmas(config, 5)[-2]
    until_last = a * (last - first) + b * (last**2 - first**2) / 2
    euler = -last * (a + b * last)  # the step to zero has one evaluation
    assert float(x) == pytest.approx(2.0 + until_last + euler, abs=1e-6)


def test_heun_converges_with_second_order_on_gaussian_data() -> None:
    """For data N(0, s^2), D = x s^2 / (s^2 + sigma^2) and x(0) = x(S) s / sqrt(s^2 + S^2)."""
    config, s2 = EdmConfig(sigma_max=5.0, sigma_min=0.002), 0.25
    start = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    exact = 5.0 * math.sqrt(s2 / (s2 + 25.0))

    def network(x: Tensor, sigma: Tensor) -> Tensor:
        return x * s2 / (s2 + float(sigma[0]) ** 2)

    errors = [abs(float(sample_heun(network, config, start, n)) - exact) for n in (39, 79, 159)]

    assert errors[2] < 2e-3
    assert errors[0] / errors[1] > 3.5
    assert errors[1] / errors[2] > 3.5


@pytest.mark.parametrize(("evaluations", "steps"), [(1, 1), (2, 1), (3, 2), (35, 18), (199, 100)])
def test_each_step_of_heun_takes_two_evaluations_but_the_last(evaluations: int, steps: int) -> None:
    assert heun_steps(evaluations) == steps


def test_a_warm_start_begins_part_of_the_way_from_the_coarse_image() -> None:
    process = GaussianProcess(GaussianConfig())

    start, times = warm_start(process, X0, 0.4, evaluations=5, noise=NOISE)

    assert times[0] == 399
    assert times[-1] == 0
    assert len(times) == 5
    torch.testing.assert_close(start, process.marginal(X0, 399, NOISE.draw((1, 6, 6))))


def test_noise_depends_on_seed_sample_place_and_step_alone() -> None:
    cpu = torch.device("cpu")
    alone = NoiseSource(seed=3, sample=0, index=(1,), device=cpu)

    torch.testing.assert_close(alone.draw((4, 4))[0], NOISE.draw((4, 4))[1], rtol=0, atol=0)
    others = [
        NoiseSource(4, 0, (1,), cpu).draw((4, 4)),
        NoiseSource(3, 1, (1,), cpu).draw((4, 4)),
        NoiseSource(3, 0, (2,), cpu).draw((4, 4)),
        alone.draw((4, 4), step=0),
    ]
    assert not any(torch.equal(other, alone.draw((4, 4))) for other in others)


def test_noise_is_standard() -> None:
    noise = NoiseSource(1, 0, tuple(range(8)), torch.device("cpu")).draw((1, 64, 64))

    assert float(noise.mean()) == pytest.approx(0, abs=0.02)
    assert float(noise.std()) == pytest.approx(1, abs=0.02)


def test_a_chunk_gets_its_part_of_one_noise() -> None:
    cpu, box = torch.device("cpu"), (slice(2, 6), slice(0, 8))
    whole = NoiseSource(1, 0, (0,), cpu).draw((3, 8, 8))

    part = NoiseSource(1, 0, (0,), cpu, window=((8, 8), box)).draw((3, 4, 8))

    torch.testing.assert_close(part, whole[:, :, 2:6], rtol=0, atol=0)


@given(st.integers(8, 60), st.integers(4, 30), st.integers(0, 6))
@settings(max_examples=25, deadline=None)
def test_chunks_cover_every_voxel_once_with_their_overlap_around(
    side: int, chunk: int, overlap: int
) -> None:
    chunk = min(max(chunk, 2 * overlap + 1), side)
    plan = Chunked((side, 6), (chunk, 6), overlap)
    volume = torch.arange(side * 6, dtype=torch.float32).reshape(1, 1, side, 6)

    result = sample_in_chunks(plan, lambda box: volume[(..., *box)], channels=1, device=volume.device)  # fmt: skip

    assert torch.equal(result, volume)
    for seen, kept, _ in plan.boxes():
        assert kept[0].start == 0 or kept[0].start - seen[0].start >= overlap
        assert kept[0].stop == side or seen[0].stop - kept[0].stop >= overlap


def test_chunks_that_keep_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="more than its overlaps"):
        Chunked((32,), (16,), 8)
    with pytest.raises(ValueError, match="within the volume"):
        Chunked((8,), (16,), 0)


def test_chunks_show_no_seam_where_the_network_reaches_no_further_than_the_overlap() -> None:
    """A 3 x 3 mean twice reaches two voxels: with an overlap of two, chunks equal the whole."""
    noise = torch.randn(1, 1, 48, 12, generator=torch.Generator().manual_seed(5))
    mean = lambda x: torch.nn.functional.avg_pool2d(x, 3, 1, 1)  # noqa: E731

    whole = mean(mean(noise))
    plan = Chunked((48, 12), (16, 12), 2)
    pieces = sample_in_chunks(plan, lambda box: mean(mean(noise[(..., *box)])), channels=1, device=noise.device)  # fmt: skip

    torch.testing.assert_close(pieces, whole)


def test_chunks_that_agree_are_blended_to_the_whole() -> None:
    volume = torch.randn(2, 1, 40, 12, generator=torch.Generator().manual_seed(5))
    plan = Chunked((40, 12), (16, 12), 4)

    blended = blend_chunks(plan, lambda box: volume[(..., *box)], channels=1, device=volume.device)

    torch.testing.assert_close(blended, volume)


def test_where_chunks_differ_the_difference_is_spread_over_the_overlap() -> None:
    plan = Chunked((24, 4), (16, 4), 4)
    level = iter((0.0, 1.0))

    def one(_box: tuple[slice, ...]) -> Tensor:
        return torch.full((1, 1, 16, 4), next(level))

    blended = blend_chunks(plan, one, channels=1, device=torch.device("cpu"))[0, 0, :, 0]

    assert blended[:8].max() == 0
    assert blended[16:].min() == 1
    assert float(blended.diff().max()) == pytest.approx(1 / 8)


def test_a_watch_counts_and_stops() -> None:
    heard: list[tuple[int, int, str]] = []
    watch = Watch(3, lambda *news: heard.append(news), lambda: len(heard) == 2, "sampling")
    network = watch.over(lambda x, _t: x)

    network(X0, X0)
    network(X0, X0)

    with pytest.raises(CancelledError):
        network(X0, X0)
    assert heard == [(1, 3, "sampling"), (2, 3, "sampling")]
