"""Every family: learns one batch, repeats itself for a seed, stops when asked, refuses nonsense."""

from dataclasses import replace

import pytest
import torch

from synthesis.contract import CancelledError
from synthesis.families import BUILDERS, Condition, ConditionRefusedError, Family, build_family
from synthesis.samplers import generator_of
from tests.synthesis.family_cases import (
    FAMILIES,
    PEOPLE,
    batch_of,
    condition_of,
    cpdm,
    overfit,
    tiny,
)

STEPS = {"generator": 20, "segmentor": 35, "low": 25, "high": 25}  # 15 for the others


def loss_of(family: Family, stage: str) -> float:
    """Mean over fixed noise, so that before and after can be compared."""
    batch, generator = batch_of(family.config), torch.Generator().manual_seed(9)
    with torch.no_grad():
        losses = [family.fit_step(batch, generator, stages=(stage,)) for _ in range(6)]
    return sum(float(loss.totals[family.parts(stage)[0]]) for loss in losses) / 6


@pytest.mark.parametrize(
    ("name", "stage"), [(name, stage) for name in FAMILIES for stage in build_family(tiny(name)).stages]
)  # fmt: skip
def test_every_stage_of_every_family_overfits_one_batch(name: str, stage: str) -> None:
    family = build_family(tiny(name), seed=1)
    before = loss_of(family, stage)

    overfit(family, batch_of(family.config), STEPS.get(stage, 15), stages=(stage,))

    assert loss_of(family, stage) < 0.7 * before


def condition_for(family: Family) -> Condition:
    if family.config.family == "cascade3d":
        return Condition(demographics=PEOPLE)
    return condition_of(family.config)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    family, again = build_family(tiny(name), seed=1), build_family(tiny(name), seed=1)
    condition = condition_for(family)

    first = family.sample(condition, seed=5, evaluations=3)
    second = again.sample(condition, seed=5, evaluations=3)

    assert first.numpy().tobytes() == second.numpy().tobytes()
    outputs = family.spec().outputs
    assert first.shape[:3] == (1, 2, len(outputs))


@pytest.mark.parametrize("name", ["pix2pix_ddpm", "cascade3d"])
def test_another_seed_and_another_sample_give_another_image(name: str) -> None:
    family = build_family(tiny(name), seed=1)
    condition = condition_for(family)

    both = family.sample(condition, seed=5, evaluations=2, samples=2)
    other = family.sample(condition, seed=6, evaluations=2)

    assert not torch.equal(both[0], both[1])
    assert not torch.equal(both[0], other[0])
    alone = family.sample(condition, seed=5, evaluations=2)
    torch.testing.assert_close(both[0], alone[0], rtol=0, atol=0)


@pytest.mark.parametrize("name", FAMILIES)
def test_progress_counts_every_evaluation_up_to_the_total(name: str) -> None:
    family = build_family(tiny(name), seed=1)
    heard: list[tuple[int, int]] = []

    family.sample(
        condition_for(family),
        seed=1,
        evaluations=3,
        progress=lambda done, total, _stage: heard.append((done, total)),
    )

    assert [done for done, _ in heard] == list(range(1, heard[-1][1] + 1))
    assert len({total for _, total in heard}) == 1


@pytest.mark.parametrize("name", FAMILIES)
def test_a_cancel_is_heard_before_the_next_evaluation(name: str) -> None:
    family = build_family(tiny(name), seed=1)
    heard: list[int] = []

    with pytest.raises(CancelledError):
        family.sample(
            condition_for(family),
            seed=1,
            evaluations=3,
            progress=lambda done, _total, _stage: heard.append(done),
            cancelled=lambda: name in ("baseline", "pix2pix") or len(heard) == 1,
        )

    assert len(heard) <= 1


@pytest.mark.parametrize("name", FAMILIES)
def test_a_total_reaches_no_other_part(name: str) -> None:
    family = build_family(tiny(name), seed=1)
    losses = family.fit_step(batch_of(family.config), torch.Generator().manual_seed(1))

    for part, total in losses.totals.items():
        family.networks.zero_grad(set_to_none=True)
        torch.autograd.backward(total)
        reached = {
            name
            for name, network in family.networks.items()
            if any(p.grad is not None for p in network.parameters())
        }
        assert reached == {part}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_step_depends_on_the_generator_alone(name: str) -> None:
    family = build_family(tiny(name), seed=1)
    batch = batch_of(family.config)
    torch.manual_seed(1)
    first = family.fit_step(batch, torch.Generator().manual_seed(4))
    torch.manual_seed(2)

    again = family.fit_step(batch, torch.Generator().manual_seed(4))

    assert first.shown == again.shown


def test_sampling_leaves_training_mode_and_random_state_alone() -> None:
    family = build_family(tiny("cpdm"), seed=1)
    family.networks.train()
    before = torch.random.get_rng_state()

    family.sample(condition_of(family.config), seed=1)

    assert family.networks.training
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_image_of_a_slice_does_not_depend_on_its_batch() -> None:
    config = cpdm(bridge=replace(cpdm().bridge, deterministic=False, eta=1.0), shared_noise=False)
    family = build_family(config, seed=1)
    overfit(family, batch_of(config), 3)
    whole = replace(condition_of(config), index=(40, 41))
    second = Condition(hu=whole.hu[1:], kvp=whole.kvp[1:], index=(41,))  # type: ignore[index]

    together = family.sample(whole, seed=3)
    alone = family.sample(second, seed=3)

    torch.testing.assert_close(together[:, 1:], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["baseline", "pix2pix", "cpdm"])
def test_several_samples_of_a_deterministic_family_are_refused(name: str) -> None:
    family = build_family(tiny(name))

    with pytest.raises(ConditionRefusedError, match="deterministic: several samples"):
        family.sample(condition_of(family.config), seed=1, samples=2)


def test_conditions_that_cannot_be_are_refused() -> None:
    family = build_family(tiny("cpdm"))
    good = condition_of(family.config)
    assert good.hu is not None

    for faulty, sentence in (
        (replace(good, kvp=()), "needs kvp"),
        (replace(good, hu=None), "needs hu"),
        (replace(good, hu=good.hu[:, :1]), "takes 3 source slices"),
        (replace(good, hu=good.hu[..., :20]), "multiple of 16"),
        (replace(good, hu=good.hu * float("nan")), "not numbers"),
    ):
        with pytest.raises(ConditionRefusedError, match=sentence):
            family.sample(faulty, seed=1)
    with pytest.raises(ConditionRefusedError, match="one evaluation"):
        family.sample(good, seed=1, evaluations=0)


def test_building_a_family_leaves_the_global_random_state_alone() -> None:
    before = torch.random.get_rng_state()

    build_family(tiny("pix2pix"), seed=4)

    assert torch.equal(before, torch.random.get_rng_state())


def test_an_unknown_stage_is_refused() -> None:
    family = build_family(tiny("baseline"))

    with pytest.raises(ValueError, match="no stage 'critic'"):
        family.fit_step(batch_of(family.config), generator_of(1), stages=("critic",))


def test_every_family_has_a_builder_and_a_spec() -> None:
    for name in BUILDERS:
        spec = build_family(tiny(name)).spec()

        assert spec.family == name
        assert spec.parameters > 1000
        assert "suv" in spec.outputs
        assert spec.parts_in_release
