"""Training: learns, repeats itself, goes on where it stopped, and never tests on what it saw."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from synthesis.config import CohortConfig, Config, ReleaseConfig, TrainingConfig
from synthesis.losses import AdversarialLoss, voxel_weights, weighted_l1
from synthesis.models import build_discriminator, build_generator
from synthesis.training import LeakError, Split, split_of, train
from synthesis.training.batches import SliceSampler
from synthesis.training.cases import Case, make_case
from synthesis.training.held_out import assess, erase_lesions, image_numbers, lesion_numbers
from synthesis.training.trainer import Trainer
from tests.synthesis.makers import TINY_MODEL

MODEL = replace(TINY_MODEL, spacing_zyx_mm=(16.0, 12.5, 12.5))
COHORT = CohortConfig(train=2, validation=1, test=1, ct_shape=(16, 64, 64))
SETTINGS = TrainingConfig(
    steps=3, batch=2, check_every=2, adversarial_from_step=1, generator_rate=2e-3, threads=1
)
CPU = torch.device("cpu")


def tiny_case(seed: int = 1) -> Case:
    return make_case(seed, COHORT, MODEL)


def test_a_shared_participant_is_refused() -> None:
    with pytest.raises(LeakError, match="Participant 3"):
        Split(train=(1, 2, 3), validation=(4,), test=(3, 5))


def test_a_cohort_is_split_by_participant() -> None:
    split = split_of(CohortConfig(train=5, validation=2, test=3))

    assert [len(p) for p in (split.train, split.validation, split.test)] == [5, 2, 3]
    assert split.digest != split_of(CohortConfig(train=5, validation=3, test=2)).digest


def test_two_steps_overfit_in_the_right_direction_and_many_overfit_one_batch() -> None:
    settings = replace(SETTINGS, steps=150, adversarial_weight=0.0, generator_rate=1e-2)
    trainer = Trainer(MODEL, settings, CPU)
    batch = SliceSampler([tiny_case()], MODEL, seed=1).batch(0, 2)

    losses = [trainer.step(batch)["l1"] for _ in range(150)]

    assert losses[-1] < 0.25 * losses[0]


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    config = Config(ReleaseConfig("t", "1", "2026-01-01"), MODEL, COHORT, SETTINGS)

    first = train(config, tmp_path / "a")
    second = train(config, tmp_path / "b")

    assert first.release.weights_sha256 == second.release.weights_sha256
    assert first.release.digest == second.release.digest


def test_resumed_training_ends_where_uninterrupted_training_ends(tmp_path: Path) -> None:
    case = tiny_case()
    sampler = SliceSampler([case], MODEL, seed=1)
    straight = Trainer(MODEL, SETTINGS, CPU)
    for step in range(3):
        straight.step(sampler.batch(step, 2))

    before = Trainer(MODEL, SETTINGS, CPU)
    for step in range(2):
        before.step(sampler.batch(step, 2))
    before.save(tmp_path)
    after = Trainer(MODEL, SETTINGS, CPU)
    after.resume(tmp_path)
    after.step(sampler.batch(after.step_number, 2))

    for a, b in zip(straight.generator.parameters(), after.generator.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_a_release_is_written_with_card_curves_and_metrics(tmp_path: Path) -> None:
    config = Config(ReleaseConfig("t", "1", "2026-01-01"), MODEL, COHORT, SETTINGS)
    stages: list[str] = []

    report = train(config, tmp_path, report=lambda stage, _done, _total: stages.append(stage))

    assert report.release.title == "t 1"
    assert "Not for clinical use" in report.release.card
    assert set(report.release.metrics["images"]) == {"model", "zero", "body_mean", "lesions_erased"}
    assert (tmp_path / "curves.csv").read_text("utf-8").count("\n") == 3
    assert stages[-1] == "training"


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    case = tiny_case()
    again = SliceSampler([case], MODEL, seed=1).batch(5, 2)

    batch = SliceSampler([case], MODEL, seed=1).batch(5, 2)

    torch.testing.assert_close(batch.ct, again.ct)
    assert batch.ct.shape == (2, MODEL.input_channels, 32, 32)
    assert float(batch.target.max()) <= 1


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


def test_the_critic_sees_ct_and_pet_together() -> None:
    critic = build_discriminator(MODEL, seed=1)

    patches = critic(torch.zeros(2, MODEL.input_channels + 1, 64, 64))[-1]

    assert patches.shape[:2] == (2, 1)
    assert patches.shape[2] > 1


def test_building_a_generator_leaves_the_global_random_state_alone() -> None:
    before = torch.random.get_rng_state()

    build_generator(MODEL, seed=4)

    assert torch.equal(before, torch.random.get_rng_state())


def test_a_perfect_prediction_has_no_error_and_full_recovery() -> None:
    case = tiny_case()
    perfect = case.suv.astype(np.float32)

    numbers = image_numbers(case, perfect)

    assert numbers["mae_suv"] == 0
    assert numbers["ssim"] == pytest.approx(1)
    recovery = lesion_numbers([case], lambda _case: perfect)
    assert recovery["suvmax_recovery_malignant"] == pytest.approx(1)


def test_only_lesion_numbers_tell_the_erased_control_from_a_good_image() -> None:
    config = CohortConfig(train=1, validation=1, test=1)
    case = make_case(6, config, replace(TINY_MODEL))

    result = assess([case], erase_lesions, mean_body_suv=0.8)

    assert result.images["lesions_erased"]["ssim"] > 0.98
    assert result.lesions["suvmax_recovery_malignant"] < 0.5
    assert result.images["zero"]["mae_suv"] > result.images["lesions_erased"]["mae_suv"]
