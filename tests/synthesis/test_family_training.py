"""Training of families: repeats itself, goes on after a kill, shares work, and stops early."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from synthesis.config import RecipeConfig, preset
from synthesis.families import build_family
from synthesis.training.checkpoint import CheckpointRefusedError, find_progress
from synthesis.training.courses import Plateau, rate_share
from synthesis.training.family_run import FamilyTraining
from synthesis.training.prepared import prepare
from synthesis.training.stage import StageTrainer, TrainingBrokeError
from tests.synthesis.family_cases import batch_of
from tests.synthesis.family_runs import ALONE, DATA, run_file, tiny_run, trained

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def command(config: Path, out: Path) -> list[str]:
    arguments = ["train", str(config), "--data", DATA, "--out", str(out)]
    return [sys.executable, "-m", "synthesis", *arguments]


def curves(out: Path) -> str:
    path = out / "curves.csv"
    return path.read_text("utf-8") if path.exists() else ""


def test_a_training_killed_in_the_middle_ends_with_the_same_curve_and_weights(
    tmp_path: Path,
) -> None:
    family = "pix2pix"
    settings = {"steps": 40, "recipe": {"ema_decay": 0.9, "accumulation": 2}}
    straight = trained(family, tmp_path / "straight", **settings)
    out = tmp_path / "killed"
    (out).mkdir()
    (tmp_path / "straight" / "cases").rename(out / "cases")
    config = run_file(tmp_path, family, **settings)
    first = subprocess.Popen(command(config, out), env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    while curves(out).count("judged") < 3:
        assert first.poll() is None, "it ended before it was killed"
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert not (out / "release").exists()

    again = trained(family, out, **settings)

    assert curves(out) == curves(tmp_path / "straight")
    assert again.weights_sha256 == straight.weights_sha256
    assert again.digest == straight.digest


def test_lines_written_after_the_last_checkpoint_are_cut_off(tmp_path: Path) -> None:
    run = tiny_run("baseline", steps=4)
    data = prepare(run, DATA, tmp_path, world=ALONE)
    training = FamilyTraining(run, data, tmp_path, world=ALONE)
    training.fit()
    whole = curves(tmp_path)
    with (tmp_path / "curves.csv").open("a", encoding="utf-8") as stream:
        stream.write("generator,6,l1,0.1\n")

    FamilyTraining(run, data, tmp_path, world=ALONE).fit()

    assert curves(tmp_path) == whole


def test_a_checkpoint_that_was_being_written_is_not_taken_for_one(tmp_path: Path) -> None:
    run = tiny_run("baseline", steps=2)
    data = prepare(run, DATA, tmp_path, world=ALONE)
    FamilyTraining(run, data, tmp_path, world=ALONE).fit()
    half = tmp_path / "checkpoint" / "leg1-step00000002"
    half.mkdir()
    (half / "state.safetensors").write_bytes(b"half")

    again = FamilyTraining(run, data, tmp_path, world=ALONE)
    again.fit()

    found = find_progress(tmp_path / "checkpoint", data.fingerprint)
    assert found is not None
    assert (found.leg, found.step) == (1, 0)
    assert not list((tmp_path / "checkpoint").rglob("*.pt"))


def test_two_processes_train_as_one_with_twice_the_batch(tmp_path: Path) -> None:
    alone = trained("baseline", tmp_path / "one", steps=2, recipe={"batch": 2}, keep="last")
    out = tmp_path / "two"
    out.mkdir()
    (tmp_path / "one" / "cases").rename(out / "cases")
    config = run_file(tmp_path, "baseline", steps=2, recipe={"batch": 1}, keep="last")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]

    ended = subprocess.run(
        [*torchrun, *command(config, out)[1:]], env=ENVIRONMENT, capture_output=True, check=False
    )

    assert ended.returncode == 0, ended.stderr[-2000:]
    one, two = (_losses(folder) for folder in (tmp_path / "one", out))
    # Weighted means of two batches are not the weighted mean of both: alike, not equal.
    assert two == pytest.approx(one, rel=0.1)
    assert alone.metrics["images"]["model"]["mae_suv"] > 0


def _losses(out: Path) -> list[float]:
    lines = [line.split(",") for line in curves(out).splitlines()]
    return [float(value) for _, _, name, value in lines if name in ("l1", "validation_loss")]


def test_several_gradients_are_added_before_one_update() -> None:
    config = preset("baseline", "tiny")
    training = tiny_run("baseline").training
    first, second = batch_of(config, seed=1), batch_of(config, seed=2)
    family = build_family(config, seed=1)
    trainer = StageTrainer(family, "generator", training, world=ALONE, key="g")
    seen: list[torch.Tensor] = []
    trainer.optimisers["generator"].register_step_pre_hook(
        lambda *_: seen.append(_gradient(family.networks["generator"]))
    )
    config_uncut = replace(trainer.recipe, largest_gradient=0.0)
    trainer.recipe = config_uncut

    trainer.step([first, second])

    expected = torch.zeros_like(seen[0])
    plain = build_family(config, seed=1)
    for batch in (first, second):
        plain.networks.zero_grad(set_to_none=True)
        losses = plain.fit_step(batch, torch.Generator())
        torch.autograd.backward(losses.totals["generator"])
        expected += _gradient(plain.networks["generator"]) / 2
    torch.testing.assert_close(seen[0], expected, rtol=1e-4, atol=1e-6)


def _gradient(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])


def test_the_average_follows_its_equation() -> None:
    config = replace(
        preset("baseline", "tiny"), recipe=RecipeConfig(steps=3, batch=2, ema_decay=0.5)
    )
    family = build_family(config, seed=1)
    trainer = StageTrainer(family, "generator", tiny_run("baseline").training, world=ALONE, key="g")
    name, parameter = next(iter(family.networks["generator"].named_parameters()))
    trainer.step([batch_of(config)])
    after_one = parameter.detach().clone()

    trainer.step([batch_of(config)])

    expected = 0.5 * after_one + 0.5 * parameter.detach()
    torch.testing.assert_close(trainer.average.weights[f"generator/{name}"], expected)
    with trainer.average.in_place():
        torch.testing.assert_close(parameter.detach(), expected)
    assert not torch.equal(parameter.detach(), expected)


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    config = preset("baseline", "tiny")
    family = build_family(config, seed=1)
    trainer = StageTrainer(family, "generator", tiny_run("baseline").training, world=ALONE, key="g")
    batch = batch_of(config)
    trainer.step([replace(batch, suv=batch.suv * float("nan"))])

    with pytest.raises(TrainingBrokeError, match="l1 of the stage generator is not a finite"):
        trainer.means()


def test_bfloat16_trains_and_keeps_losses_in_float32() -> None:
    config = preset("cpdm", "tiny")
    family = build_family(config, seed=1)
    training = tiny_run("cpdm", precision="bfloat16").training
    trainer = StageTrainer(family, "bridge", training, world=ALONE, key="b")

    losses = trainer._losses(batch_of(config), torch.Generator())

    assert losses.totals["denoiser"].dtype == torch.float32
    trainer.step([batch_of(config)])
    assert all(p.dtype == torch.float32 for p in family.networks.parameters())


def test_a_stage_without_progress_stops_early_and_keeps_the_best_weights(tmp_path: Path) -> None:
    recipe = {"rate": 1e-9, "warm_up_steps": 0}
    trained("baseline", tmp_path, steps=40, recipe=recipe, patience=2, measure="lesion_recovery")

    steps = {int(line.split(",")[1]) for line in curves(tmp_path).splitlines()[1:]}

    assert max(steps) < 40


def test_a_training_with_other_settings_does_not_go_on_in_the_same_folder(tmp_path: Path) -> None:
    trained("baseline", tmp_path, steps=2)

    with pytest.raises(CheckpointRefusedError, match="other settings, another split or other data"):
        trained("baseline", tmp_path, steps=4)


@pytest.mark.parametrize(
    ("course", "step", "share"),
    [
        ("constant", 50, 1.0),
        ("cosine", 100, 0.02),
        ("linear_decay", 75, 0.5),
        ("inverse_sqrt", 200, 0.5),
    ],
)
def test_rates_go_as_their_course_says(course: str, step: int, share: float) -> None:
    recipe = RecipeConfig(steps=100, course=course, warm_up_steps=10, decay_from_step=50)  # type: ignore[arg-type]

    assert rate_share(recipe, step) == pytest.approx(share)
    assert rate_share(recipe, 0) == pytest.approx(0.1)


def test_a_plateau_halves_the_rate_after_its_patience() -> None:
    recipe = RecipeConfig(course="plateau", patience=20)
    plateau = Plateau()

    for step, loss in ((10, 1.0), (20, 1.0), (30, 1.0), (40, 0.5)):
        plateau.look(loss, step, recipe)

    assert plateau.share == 0.5
    assert plateau.best == 0.5
