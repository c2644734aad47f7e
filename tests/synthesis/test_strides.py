"""One step in place of many: exact where the mathematics says exact."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from synthesis.config import (
    BridgeConfig,
    FlowConfig,
    GaussianConfig,
)
from synthesis.models.processes import (
    BrownianBridge,
    GaussianProcess,
    StraightFlow,
    sub_schedule,
)
from synthesis.samplers import (
    NoiseSource,
    Stride,
    sample_bridge,
    sample_gaussian,
    strides,
    walk_bridge,
    walk_gaussian,
)

NOISE = NoiseSource(seed=3, sample=0, index=tuple(range(256)), device=torch.device("cpu"))
STILL = BridgeConfig(deterministic=True, eta=0.0, start_noise=True, spacing="trailing")
Y = torch.linspace(-1, 1, 256, dtype=torch.float64).reshape(256, 1, 1, 1)
MEAN, SD = 0.3, 0.4  # of the toy's images, which do not depend on the source


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("steps", [(999, 700), (500, 1), (3, 2), (40, -1)])
def test_the_aim_of_a_bridge_step_is_hit_by_that_step(steps: tuple[int, int]) -> None:
    bridge = BrownianBridge(STILL)
    x_t, x_n, y = random(4, 1, 3), random(4, 1, 3, seed=1), random(4, 1, 3, seed=2)

    x0 = bridge.aim(x_t, x_n, y, steps)

    reached = x0 if steps[1] < 0 else bridge.step(x_t, x0, y, steps, eps=None)
    torch.testing.assert_close(reached, x_n, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("steps", [(999, 700), (500, 1), (3, 2), (40, -1)])
def test_the_aim_of_a_ddim_step_is_hit_by_that_step(steps: tuple[int, int]) -> None:
    process = GaussianProcess(GaussianConfig())
    x_t, x_n = random(4, 1, 3), random(4, 1, 3, seed=1)

    x0 = process.aim(x_t, x_n, steps)

    reached = x0 if steps[1] < 0 else process.step(x_t, x0, steps, eps=None)
    torch.testing.assert_close(reached, x_n, rtol=1e-9, atol=1e-9)


def test_the_aim_of_a_flow_step_is_hit_by_that_step() -> None:
    flow = StraightFlow(FlowConfig())
    x_t, x_n = random(4, 1, 3), random(4, 1, 3, seed=1)

    velocity = flow.aim(x_t, x_n, (0.75, 0.5))

    torch.testing.assert_close(flow.step(x_t, velocity, (0.75, 0.5)), x_n)


@pytest.mark.parametrize("target", ["grad", "x0", "ysubx"])
def test_what_a_bridge_network_should_say_gives_the_estimate_back(target: Any) -> None:
    bridge = BrownianBridge(replace(STILL, target=target))
    x_t, x0, y = random(4, 1, 3), random(4, 1, 3, seed=1), random(4, 1, 3, seed=2)

    f = bridge.output(x_t, y, x0)

    torch.testing.assert_close(bridge.estimate(x_t, y, f), x0)


@pytest.mark.parametrize("target", ["epsilon", "v", "x0"])
def test_what_a_denoiser_should_say_gives_the_estimate_back(target: Any) -> None:
    process = GaussianProcess(GaussianConfig(target=target))
    x_t, x0 = random(4, 1, 3), random(4, 1, 3, seed=1)

    torch.testing.assert_close(process.estimate(x_t, 600, process.output(x_t, 600, x0)), x0)


@pytest.mark.parametrize("process", ["bridge", "gaussian"])
def test_the_aim_of_a_long_stride_is_a_mean_of_the_teachers_estimates(process: str) -> None:
    """With z = x / sqrt(delta), dz = x0 dl, l = (1 - m) / sqrt(delta): weights dl, all positive."""
    bridge, gaussian = BrownianBridge(STILL), GaussianProcess(GaussianConfig(target="x0"))
    said: list[Tensor] = []

    def network(x: Tensor, t: Tensor) -> Tensor:
        said.append(x - torch.sin(3 * x + t[0] / 300))
        x0 = x - said[-1]
        said[-1] = x0
        return x - x0 if process == "bridge" else x0

    times = sub_schedule(1000, 12, "trailing")
    if process == "bridge":
        way = walk_bridge(network, bridge, Y, 12, noise=NOISE)
        level = (1 - bridge.m) / bridge.delta.sqrt()
    else:
        way = walk_gaussian(network, gaussian, Y, times, noise=NOISE)
        level = (gaussian.abar / (1 - gaussian.abar)).sqrt()
    first = strides(way, 4)[0]

    steps = (int(first.times[0]), int(first.times[1]))
    if process == "bridge":
        aim = bridge.aim(first.x, first.ahead, Y, steps)
    else:
        aim = gaussian.aim(first.x, first.ahead, steps)

    levels = level[list(times[:5])].float()
    weights = (levels.diff() / (levels[-1] - levels[0])).tolist()
    assert min(weights) > 0
    expected = sum(w * x0 for w, x0 in zip(weights, said, strict=False))
    torch.testing.assert_close(aim.float(), expected.float(), rtol=1e-4, atol=1e-4)  # type: ignore[union-attr]


@pytest.mark.parametrize(("evaluations", "substeps"), [(1, 8), (3, 7), (4, 250)])
def test_the_students_times_are_among_its_teachers(evaluations: int, substeps: int) -> None:
    teacher = sub_schedule(1000, evaluations * substeps, "trailing")

    assert sub_schedule(1000, evaluations, "trailing") == teacher[::substeps]
    assert teacher[0] == 999


def test_a_way_that_strides_do_not_fill_is_refused() -> None:
    way = iter([(3.0, Y), (2.0, Y), (1.0, Y), (-1.0, Y)])

    with pytest.raises(ValueError, match="way of 3 steps has no whole strides of 2"):
        strides(way, 2)


def exact_bridge(bridge: BrownianBridge) -> Callable[[Tensor, Tensor], Tensor]:
    """x_t - E[x0 | x_t, y] for images N(MEAN, SD^2): the best network there is."""

    def network(x: Tensor, t: Tensor) -> Tensor:
        m, delta = float(bridge.m[int(t[0])]), float(bridge.delta[int(t[0])])
        precision = 1 / SD**2 + (1 - m) ** 2 / delta
        return x - (MEAN / SD**2 + (1 - m) * (x - m * Y) / delta) / precision

    return network


def exact_denoiser(process: GaussianProcess) -> Callable[[Tensor, Tensor], Tensor]:
    def network(x: Tensor, t: Tensor) -> Tensor:
        abar = float(process.abar[int(t[0])])
        precision = 1 / SD**2 + abar / (1 - abar)
        return (MEAN / SD**2 + abar**0.5 * x / (1 - abar)) / precision

    return network


def learned(way: tuple[Stride, ...], said: Callable[[Stride], Tensor]) -> dict[int, Tensor]:
    """The affine student a x + b y + c of each stride, by least squares."""
    weights = {}
    for stride in way:
        x = stride.x.flatten()
        seen = torch.stack([x, Y.flatten().to(x), torch.ones_like(x)], dim=1)
        weights[int(stride.times[0])] = torch.linalg.lstsq(
            seen, said(stride).flatten().to(x)
        ).solution
    return weights


def affine(weights: dict[int, Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    def network(x: Tensor, t: Tensor) -> Tensor:
        a, b, c = weights[int(t[0])]
        return a * x + b * Y.to(x) + c

    return network


def ideal_images(x: Tensor, mean: Tensor, sd: float) -> Tensor:
    """Where the flow of probability leads in the limit: the same place of the distribution."""
    return MEAN + SD * (x - mean) / sd


@pytest.mark.parametrize("evaluations", [1, 2, 4])
def test_the_student_of_an_exact_bridge_reaches_it_in_few_evaluations(evaluations: int) -> None:
    bridge = BrownianBridge(STILL)
    network = exact_bridge(bridge)
    long = 1000 - 1000 % evaluations
    way = strides(walk_bridge(network, bridge, Y, long, noise=NOISE), long // evaluations)

    def said(stride: Stride) -> Tensor:
        t, n = (int(time) for time in stride.times)
        return bridge.output(stride.x, Y, bridge.aim(stride.x, stride.ahead, Y, (t, n)))

    student = affine(learned(way, said))
    images = sample_bridge(student, bridge, Y, evaluations, noise=NOISE)

    torch.testing.assert_close(images, way[-1].ahead, rtol=1e-3, atol=1e-3)
    m, delta = float(bridge.m[-1]), float(bridge.delta[-1])
    sd = (delta + ((1 - m) * SD) ** 2) ** 0.5
    ideal = ideal_images(way[0].x, (1 - m) * MEAN + m * Y, sd)
    short = sample_bridge(network, bridge, Y, evaluations, noise=NOISE)
    assert float((images - ideal).abs().max()) < 0.02
    assert float((images - ideal).abs().mean()) < 0.1 * float((short - ideal).abs().mean())


def test_the_student_of_an_exact_denoiser_reaches_it_in_two_evaluations() -> None:
    process = GaussianProcess(GaussianConfig(target="x0", spacing="trailing"))
    network, start = exact_denoiser(process), NOISE.draw((1, 1, 1)).double()
    long, short = sub_schedule(1000, 1000, "trailing"), sub_schedule(1000, 2, "trailing")
    way = strides(walk_gaussian(network, process, start, long, noise=NOISE), 500)

    def said(stride: Stride) -> Tensor:
        t, n = (int(time) for time in stride.times)
        return process.aim(stride.x, stride.ahead, (t, n))

    student = affine(learned(way, said))
    images = sample_gaussian(student, process, start, short, noise=NOISE)

    torch.testing.assert_close(images, way[-1].ahead, rtol=1e-3, atol=1e-3)
    ideal = ideal_images(start, torch.zeros(()), 1.0)
    undistilled = sample_gaussian(network, process, start, short, noise=NOISE)
    assert float((images - ideal).abs().max()) < 0.02
    assert float((images - ideal).abs().mean()) < 0.1 * float((undistilled - ideal).abs().mean())


def test_a_noisy_start_puts_the_bridge_on_its_marginals() -> None:
    bridge = BrownianBridge(STILL)
    noise = NoiseSource(1, 0, (0, 1), torch.device("cpu"))
    y, x0 = torch.zeros(2, 1, 64, 64), torch.ones(2, 1, 64, 64)

    places = dict(walk_bridge(lambda x, _t: x - x0, bridge, y, 4, noise=noise))

    for t in sub_schedule(1000, 4, "trailing")[1:]:
        assert float(places[t].mean()) == pytest.approx(1 - float(bridge.m[t]), abs=0.03)
        assert float(places[t].std()) == pytest.approx(float(bridge.delta[t]) ** 0.5, rel=0.03)
