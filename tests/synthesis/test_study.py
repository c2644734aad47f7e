"""Studies: settings, rows, estimates, tables, and one from the command to its files."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from synthesis.__main__ import main
from synthesis.config import ConfigRefusedError, StudyMeasuresConfig, load_study, preset
from synthesis.data.pairs import make_pair_case
from synthesis.data.repainting import with_one_more, without_lesions
from synthesis.data.sources import PhantomSource, open_source
from synthesis.data.strays import lungs_of
from synthesis.registry import load_release
from synthesis.study import study as study_module
from synthesis.study.cost import cost_of
from synthesis.study.estimates import differences_to, estimates_of
from synthesis.study.evaluations import chosen
from synthesis.study.foci import stray_foci
from synthesis.study.held_out_rows import held_out_rows
from synthesis.study.memorisation import nearness
from synthesis.study.records import (
    CurvePoint,
    MeasurementRefusedError,
    load_measured,
    store_measured,
)
from synthesis.training.family_held_out import summary
from tests.synthesis.study_cases import case_with, measured, study_file

MEASURES = StudyMeasuresConfig(replicates=100)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"colour": 1}, "Unknown key colour"),
        ({"schema": 2}, "schema = 1"),
        ({"cohort": "my-pairs"}, "simulated cohort"),
        ({"measures": {"focus_suv": 0.0}}, "positive SUV"),
        ({"families": [{"config": "baseline.toml", "samples": 0}]}, "at least one"),
        ({"families": [{"config": "baseline.toml"}] * 2}, "name of its own"),
    ],
)
def test_a_study_that_means_nothing_is_refused(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigRefusedError, match=sentence):
        load_study(study_file(tmp_path, "baseline", **changes))


def test_a_family_with_a_split_of_its_own_is_refused(tmp_path: Path) -> None:
    path = study_file(tmp_path, "baseline")
    family = tmp_path / "baseline.toml"
    family.write_text(family.read_text("utf-8") + "\n[split]\nseed = 9\n", encoding="utf-8")

    with pytest.raises(ConfigRefusedError, match="split of its own"):
        load_study(path)


def test_families_on_two_grids_are_refused(tmp_path: Path) -> None:
    path = study_file(tmp_path, "baseline", "pix2pix")
    family = tmp_path / "pix2pix.toml"
    grid = "\n[domain]\nspacing_zyx_mm = [8.0, 8.0, 8.0]\n"
    family.write_text(family.read_text("utf-8") + grid, encoding="utf-8")

    with pytest.raises(ConfigRefusedError, match="one grid"):
        load_study(path)


def test_estimates_follow_from_the_rows() -> None:
    found = estimates_of(measured(), "model", MEASURES)

    assert found["recovery"].value == pytest.approx(0.9)
    assert (found["recovery"].n, found["recovery_lung"].n) == (16, 8)
    assert found["bias_malignant"].value == pytest.approx(-0.1 * (11.5 + 4.0) / 2)
    assert found["mae_suv"].value == pytest.approx(0.2 * 1.07)
    assert found["mae_suv"].clusters == 8
    assert found["missed"].value == 0
    assert found["strays"].value == pytest.approx(1 / 8)
    assert found["absent_when_inserted"].value == 0
    assert found["stayed_when_removed"].value == pytest.approx(1 / 8)


@pytest.mark.parametrize("control", ["zero", "body_mean", "lesions_erased"])
def test_controls_miss_what_is_put_into_the_ct(control: str) -> None:
    found = estimates_of(measured(), control, MEASURES)

    assert found["missed"].value == 1
    assert found["absent_when_inserted"].value == 1


def test_a_family_does_not_differ_from_itself() -> None:
    found = differences_to(measured(), measured(), "model", MEASURES)

    assert all(e.value == 0 for e in found.values())


def test_less_bias_shows_as_a_difference_below_zero() -> None:
    found = differences_to(measured(better_by=0.05), measured(), "model", MEASURES)

    assert found["bias_malignant"].upper is not None
    assert found["bias_malignant"].upper < 0
    assert found["recovery"].value == pytest.approx(0.05)


def test_families_measured_on_other_participants_are_not_compared() -> None:
    other = measured()
    fewer = replace(other, rows=tuple(r for r in other.rows if r.participant != "P0"))

    with pytest.raises(ValueError, match="same participants"):
        differences_to(fewer, other, "model", MEASURES)


def test_a_record_is_read_back_and_one_of_other_settings_refused(tmp_path: Path) -> None:
    store_measured(measured(), tmp_path / "m.json")

    assert load_measured(tmp_path / "m.json", "k") == measured()
    assert load_measured(tmp_path / "none.json", "k") is None
    with pytest.raises(MeasurementRefusedError):
        load_measured(tmp_path / "m.json", "another")


def test_the_number_of_evaluations_is_chosen_on_recovery() -> None:
    points = [
        CurvePoint(n, 0.2, share, 4, 6) for n, share in [(1, 0.8), (2, 0.97), (4, 1.03), (8, 1.2)]
    ]

    assert chosen(points, otherwise=9) == 2
    assert chosen([CurvePoint(1, 0.2, math.nan, 4, 0)], otherwise=9) == 9


def test_a_stray_focus_counts_unless_acquired_uptake_explains_it() -> None:
    acquired = np.full((8, 16, 16), 0.5, dtype=np.float32)
    acquired[4, 12, 12] = 4.0
    synthetic = np.full_like(acquired, 0.5)
    synthetic[4, 4, 4] = synthetic[4, 11, 11] = 3.0

    assert stray_foci(case_with(acquired), "model", synthetic, 2.5).count == 1


def test_lungs_that_nobody_outlined_are_found_in_the_ct_clear_of_edges_and_foci() -> None:
    suv = np.full((12, 24, 24), 0.5, dtype=np.float32)
    hu = np.full(suv.shape, 40, np.int16)
    hu[2:10, 4:20, 4:20] = -850
    foci = np.zeros(suv.shape, np.uint8)
    foci[6, 12, 12] = 1
    case = replace(case_with(suv), hu=hu, foci=foci, organs=None, organ_names=())

    lungs = lungs_of(case)

    inner = lungs[3:9, 5:19, 5:19]
    assert inner.sum() == lungs.sum() == inner.size - 25  # a diamond of radius 2
    assert not lungs_of(replace(case, hu=np.full_like(hu, 40))).any()


def test_the_gate_is_asked_with_the_strays_and_removed_lesions_of_a_study() -> None:
    found = summary(held_out_rows(measured(), focus_suv=2.5))["hallucination"]

    assert found["model"]["stray_foci"] == pytest.approx(1 / 8)
    assert found["model"]["removed_focus_stayed"] == pytest.approx(1 / 8)
    assert found["model"]["removed_foci"] == 8
    assert found["zero"]["stray_foci"] == 0
    assert held_out_rows(measured(), focus_suv=4.0) == measured().rows


def test_copies_of_training_participants_are_found() -> None:
    rng = np.random.default_rng(1)
    people = {f"P{n}": case_with(rng.gamma(2, 1, (4, 24, 24)).astype(np.float32), f"P{n}") for n in range(6)}  # fmt: skip
    training, held_out = ["P0", "P1", "P2"], [people["P4"], people["P5"]]

    def found(synthetic: np.ndarray) -> float:
        return nearness(
            [(case, synthetic) for case in held_out], people.__getitem__, training, seed=1
        ).suspicious

    assert found(people["P1"].suv.astype(np.float32)) == 1
    assert found(rng.gamma(2, 1, (4, 24, 24)).astype(np.float32)) < 0.2


def test_a_participant_painted_again_differs_at_the_lesion_alone(tmp_path: Path) -> None:
    domain = preset("baseline", "tiny").domain
    source = open_source("phantom:3", domain.spacing_zyx_mm, tmp_path)
    assert isinstance(source, PhantomSource)
    name = "1000000"
    case = make_pair_case(source.pair(name), domain)

    bare = without_lesions(source, name, domain)
    more = with_one_more(source, name, domain)

    assert not any(n.startswith("lesion:") for n in bare.focus_names)
    changed = np.abs(bare.hu.astype(float) - case.hu) > 0
    assert changed.any()
    assert changed.mean() < 0.05
    assert more is not None
    painted, added = more
    site = painted.foci == 1 + painted.focus_names.index(added)
    assert painted.hu[site].max() > case.hu[site].max()


def test_the_cost_of_a_volume_is_measured() -> None:
    cost = cost_of(lambda: np.ones(10_000_000).sum(), slices=3, device=torch.device("cpu"))

    assert cost.seconds > 0
    assert cost.processor_seconds > 0
    if Path("/proc/self/clear_refs").exists():
        assert cost.peak_mib is not None
        assert cost.peak_mib > 76  # ten million numbers of eight bytes


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    path = study_file(folder, "baseline")
    assert main(["study", str(path), "--out", str(folder / "out")]) == 0
    return folder


def test_a_study_writes_numbers_that_can_be_traced(finished: Path) -> None:
    table = json.loads((finished / "out" / "study.json").read_text("utf-8"))
    own = finished / "out" / "families" / "tiny-baseline"

    assert table["split_sha256"] == json.loads((own / "split.json").read_text("utf-8"))["sha256"]
    assert table["study_sha256"] == load_study(finished / "study.toml").digest
    assert table["families"][0]["release_sha256"]
    assert {e["name"] for e in table["entries"]} >= {"zero", "body_mean", "lesions_erased"}
    assert not any(e["passed"] for e in table["entries"])
    assert (finished / "out" / "lesions.svg").stat().st_size > 0
    assert (finished / "out" / "examples.svg").stat().st_size > 0


def test_a_release_of_a_study_says_what_the_study_found(finished: Path) -> None:
    release = load_release(finished / "out" / "families" / "tiny-baseline" / "release")

    assert "## In the study on the same participants" in release.card
    assert "| zero | 0.00 (no interval) | 0 % of 2 |" in release.card  # one held out
    assert release.metrics["simulated"] is True
    assert set(release.metrics["hallucination"]) >= {"model", "zero", "lesions_erased"}
    assert set(release.metrics["study"]) >= {"recovery", "bias_malignant", "absent_when_inserted"}


def test_the_controls_stand_in_every_table_of_predictors(finished: Path) -> None:
    parts = (finished / "out" / "table.md").read_text("utf-8").split("\n## ")[1:]

    of_predictors = [part for part in parts if not part.startswith(("Cost", "Network", "Twins"))]

    assert len(of_predictors) == 5
    for part in of_predictors:
        assert all(f"| {name} |" in part for name in ("zero", "body_mean", "lesions_erased"))


def test_a_finished_family_is_not_trained_again(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (finished / "out" / "table.csv").read_bytes()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(study_module, "fit_family", refuse)

    assert main(["study", str(finished / "study.toml"), "--out", str(finished / "out")]) == 0
    assert (finished / "out" / "table.csv").read_bytes() == before
