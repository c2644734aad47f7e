"""Students of released teachers: they learn, name their teacher, and are refused where they must be."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch

from synthesis.config import (
    BridgeConfig,
    ConfigRefusedError,
    DistillationConfig,
    GaussianConfig,
    distillation_run,
    student_config,
    teacher_config,
)
from synthesis.data.splits import SplitRefusedError, load_split
from synthesis.families import Batch, Family, build_family, load_family
from synthesis.jobs import distil_release
from synthesis.registry import Lineage, Release, load_release
from synthesis.samplers import Stride
from synthesis.training import distil, train_family
from synthesis.training.student import Student
from tests.synthesis.family_cases import batch_of, condition_of, cpdm, overfit, tiny
from tests.synthesis.family_runs import ALONE, DATA, TRAINING, release_of, tiny_run


def taught(name: str, **changes: Any) -> Family:
    """A teacher that has learned a little: its way is not straight."""
    config = cpdm(attention=False, **changes) if name == "cpdm" else tiny(name, **changes)
    family = build_family(config, seed=1)
    overfit(family, batch_of(config, 1), 8, stages=(family.stages[-1],), rate=1e-2)
    return family


STOCHASTIC = BridgeConfig(evaluations=20)
WANTED = DistillationConfig(evaluations=2, substeps=3)


# The student of a denoiser of epsilon begins far away: it has to say v.
@pytest.mark.parametrize(
    ("name", "steps", "rate"), [("cpdm", 18, 3e-4), ("pix2pix_ddpm", 12, 4e-3)]
)
def test_a_student_comes_nearer_to_its_teachers_images(
    tmp_path: Path, name: str, steps: int, rate: float
) -> None:
    student = Student(release_of(taught(name), tmp_path / "teacher"), WANTED)
    batch = batch_of(student.config, 1)
    way = student.teacher.way(batch.condition, 4, WANTED.substeps)
    image = (way[-1].ahead + 1) / 2
    before, far = student.sample(batch.condition, seed=4)[0], cost(student, batch, way)

    overfit(student, batch, steps, rate=rate)

    after = student.sample(batch.condition, seed=4)[0]
    assert cost(student, batch, way) < 0.85 * far
    if name == "cpdm":  # its image follows from the source alone
        assert float((after - image).abs().mean()) < 0.85 * float((before - image).abs().mean())


@torch.no_grad()
def cost(student: Student, batch: Batch, way: tuple[Stride, ...]) -> float:
    return float(student.follow(batch, way).totals["denoiser"])


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("cpdm", {"path": "flow"}),
        ("cpdm", {"space": "latent"}),
        ("pix2pix_ddpm", {"mode": "warm_start", "process": GaussianConfig(target="v")}),
        ("pix2pix_ddpm", {"mode": "independent"}),
        ("pix2pix_ddpm", {"target": "residual"}),
    ],
)
def test_every_form_of_a_diffusion_can_be_followed(
    tmp_path: Path, name: str, changes: dict[str, Any]
) -> None:
    config = cpdm(attention=False, **changes) if name == "cpdm" else tiny(name, **changes)
    student = Student(release_of(build_family(config, seed=1), tmp_path / "teacher"), WANTED)
    batch = batch_of(student.config, 1)

    (stride, *others) = student.teacher.way(batch.condition, 4, WANTED.substeps)
    loss = student.follow(batch, (stride, *others)).totals["denoiser"]

    assert len(others) == 1
    assert torch.equal(others[0].x, stride.ahead)
    assert bool(torch.isfinite(loss))
    assert loss.requires_grad


def test_only_the_denoiser_of_a_student_changes(tmp_path: Path) -> None:
    release = release_of(build_family(tiny("pix2pix_ddpm"), seed=1), tmp_path / "teacher")
    student = Student(release, WANTED)

    overfit(student, batch_of(student.config, 1), 1)

    old = load_family(release).networks["generator"].state_dict()
    for key, tensor in student.networks["generator"].state_dict().items():
        assert torch.equal(tensor, old[key])
    assert all(p.grad is None for p in student.teacher.networks.parameters())
    assert student.parts("distillation") == ("denoiser",)


def test_a_stochastic_bridge_is_taught_in_its_form_without_noise_on_the_way() -> None:
    config = cpdm(bridge=STOCHASTIC)

    way, own = teacher_config(config, WANTED), student_config(config, WANTED)

    assert way.bridge == replace(  # type: ignore[union-attr]
        STOCHASTIC, deterministic=True, eta=0.0, start_noise=True, spacing="trailing",
        evaluations=6,
    )  # fmt: skip
    assert own.bridge.evaluations == 2  # type: ignore[union-attr]
    assert build_family(own).spec().stochastic


def test_a_bridge_that_follows_from_its_source_alone_stays_so() -> None:
    assert not build_family(student_config(cpdm(), WANTED)).spec().stochastic


def test_the_student_of_epsilon_says_v() -> None:
    assert student_config(tiny("pix2pix_ddpm"), WANTED).process.target == "v"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["baseline", "pix2pix", "cascade3d"])
def test_what_is_no_diffusion_from_a_ct_cannot_be_distilled(name: str) -> None:
    with pytest.raises(ConfigRefusedError, match=f"{name} cannot be distilled"):
        student_config(tiny(name), WANTED)


def test_more_steps_than_the_teacher_has_are_refused() -> None:
    with pytest.raises(ConfigRefusedError, match="cannot take 2000 steps"):
        teacher_config(cpdm(), DistillationConfig(evaluations=4, substeps=500))


def settings(**distillation: Any) -> dict[str, Any]:
    return {
        "schema": 2,
        "release": {"name": "tiny-student", "version": "1", "created": "2026-11-25"},
        "distillation": {
            "evaluations": 2, "substeps": 3, "recipe": {"steps": 2, "batch": 2}, **distillation,
        },
        "training": TRAINING,
    }  # fmt: skip


def test_a_setting_that_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(ConfigRefusedError, match=r"Unknown key distillation\.rate"):
        distillation_run(settings(rate=1.0))
    with pytest.raises(ConfigRefusedError, match="schema 3"):
        distillation_run({**settings(), "schema": 3})


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Release]:
    out = tmp_path_factory.mktemp("teacher")
    run = tiny_run("cpdm", steps=2)
    run = replace(run, family=replace(run.family, attention=False))
    release = train_family(run, DATA, out, world=ALONE)
    assert release is not None
    return out, release


def test_the_command_makes_a_release_that_names_its_teacher(
    tmp_path: Path, teacher: tuple[Path, Release], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, release = teacher
    out = tmp_path / "student"
    out.mkdir()
    (out / "cases").symlink_to(folder / "cases")
    config = tmp_path / "student.toml"
    config.write_text(tomli_w.dumps(settings()), encoding="utf-8")

    code = distil_release.main(
        [str(config), "--teacher", str(release.folder), "--data", DATA, "--out", str(out)]
    )

    assert code == 0, capsys.readouterr().err
    student = load_release(out / "release")
    assert student.lineage == Lineage(release.digest, "distilled")
    assert student.training["split_sha256"] == load_split(folder / "split.json").digest
    assert release.digest in student.card
    assert student.config.bridge.evaluations == 2  # type: ignore[union-attr]
    assert student.weights_sha256 != release.weights_sha256
    assert "distillation,2,validation_body_mae," in (out / "curves.csv").read_text("utf-8")
    sample = load_family(student).sample(condition_of(student.config), seed=1)
    assert bool(torch.isfinite(sample).all())


def test_data_that_give_another_split_are_refused(
    tmp_path: Path, teacher: tuple[Path, Release]
) -> None:
    with pytest.raises(SplitRefusedError, match="another split than tiny-cpdm 1"):
        distil(distillation_run(settings()), teacher[1], "phantom:5:2", tmp_path, world=ALONE)


def test_a_teacher_that_does_not_say_its_split_is_refused(tmp_path: Path) -> None:
    release = release_of(build_family(cpdm(attention=False)), tmp_path / "teacher")

    with pytest.raises(ConfigRefusedError, match="does not say how its participants were split"):
        distil(distillation_run(settings()), release, DATA, tmp_path / "out", world=ALONE)


def test_a_refused_distillation_ends_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "student.toml"
    config.write_text(tomli_w.dumps(settings()), encoding="utf-8")

    code = distil_release.main(
        [str(config), "--teacher", "phantom-pix2pix", "--data", DATA, "--out", str(tmp_path / "o")]
    )

    assert code == 2
    assert "pix2pix cannot be distilled" in capsys.readouterr().err
