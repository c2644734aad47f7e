"""What a release says of itself, in order, and nothing that it does not say."""

from __future__ import annotations

import math
import tomllib

import pytest

from synthesis.config import FAMILY_SCHEMA, family_config, to_table
from synthesis.registry import DESCRIPTION, facts_of, packaged_releases

INTERVAL = {"mae_suv": 0.2, "mae_suv_low": 0.1, "mae_suv_high": 0.3}
METRICS = {
    "images": {
        "zero": {"mae_suv": 0.7, "mae_suv_low": math.nan, "mae_suv_high": math.nan},
        "mean_of_samples": INTERVAL,
        "model": INTERVAL,
    },
    "lesions": {"model": {"median_recovery": 0.9, "lesions": 12, "participants": 6}},
}


def table(**changes: object) -> dict[str, object]:
    return {"schema": 2, "family": "cpdm", "metrics": METRICS, **changes}


def test_the_model_comes_first_and_what_is_no_model_last() -> None:
    held_out = facts_of(table()).held_out

    assert held_out.quantities == ("mae_suv", "median_recovery")
    assert [(row.predictor, row.control) for row in held_out.rows] == [
        ("model", False),
        ("mean_of_samples", False),
        ("zero", True),
    ]


def test_a_figure_has_its_interval_and_what_is_missing_stays_missing() -> None:
    model, mean, zero = facts_of(table()).held_out.rows

    figure = model.figures[0]
    assert (figure.value, figure.low, figure.high) == (0.2, 0.1, 0.3)
    assert (model.foci, model.participants) == (12, 6)
    assert (zero.figures[0].value, zero.figures[0].low) == (0.7, None)
    assert mean.figures[1].value is None
    assert mean.foci is None


@pytest.mark.parametrize("name", ["tiny", "paper", "h200"])
def test_the_preset_is_the_one_that_the_settings_equal(name: str) -> None:
    config = family_config({"schema": FAMILY_SCHEMA, "family": "cpdm", "preset": name})
    assert facts_of(table(config=to_table(config))).preset == name


def test_settings_of_its_own_are_no_preset() -> None:
    own = {
        "schema": FAMILY_SCHEMA,
        "family": "cpdm",
        "preset": "tiny",
        "bridge": {"evaluations": 7},
    }
    assert facts_of(table(config=to_table(family_config(own)))).preset == ""
    assert facts_of(table(config={"no": "such"})).preset == ""


def test_data_digests_and_lineage_are_told_apart() -> None:
    training = {
        "participants": {"train": 80, "test": 20}, "sites": ["A", "B"], "seed": 5,
        "split_sha256": "aa", "parent": {"name": "chest", "sha256": "bb"},
    }  # fmt: skip
    facts = facts_of(table(training=training, files={"model.safetensors": "cc"}))

    assert facts.data == (
        ("participants.train", "80"),
        ("participants.test", "20"),
        ("sites", "A, B"),
    )
    assert facts.training == (("seed", "5"),)
    assert facts.digests == (("split", "aa"), ("model.safetensors", "cc"))
    assert facts.lineage == (("parent.name", "chest"), ("parent.sha256", "bb"))


def test_the_packaged_release_states_figures_with_intervals_and_how_many_were_measured() -> None:
    release = packaged_releases()[0]
    facts = facts_of(tomllib.loads((release.folder / DESCRIPTION).read_text("utf-8")))

    assert facts.parameters is not None
    assert "not for clinical use" in facts.intended_use
    model = facts.held_out.rows[0]
    assert (model.predictor, model.foci, model.participants) == ("model", 93, 41)
    known = [f for f in model.figures if None not in (f.value, f.low, f.high)]
    assert len(known) == len(model.figures)


def test_a_description_that_says_nothing_gives_empty_facts() -> None:
    facts = facts_of({"metrics": {"images": 3, "lesions": {}}, "training": None})
    assert facts.held_out.rows == ()
    assert (facts.data, facts.lineage, facts.parameters) == ((), (), None)
