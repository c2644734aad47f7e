"""Training on from a release: its weights, its lineage, and nobody tested on whom it learned."""

import tempfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
import torch

from synthesis.config import ConfigRefusedError, family_run
from synthesis.data.scanner import SCANNERS
from synthesis.data.splits import LeakError, ParticipantSplit
from synthesis.families import build_family, load_family
from synthesis.jobs import train_release
from synthesis.registry import (
    Learned,
    Lineage,
    Release,
    ReleaseRefusedError,
    lineage_tables,
    load_release,
)
from synthesis.registry.lineage import read_lineage
from synthesis.training import train_family
from synthesis.training.descent import Descent, begin_from, learned_by, require_unseen, saw_nobody
from synthesis.training.family_run import FamilyTraining
from synthesis.training.prepared import prepare
from tests.synthesis.family_runs import ALONE, DATA, run_file, run_table, tiny_run, trained

DIGEST = "ab" * 32
SPLIT = ParticipantSplit(("A", "B"), ("C",), ("D",))


@lru_cache(maxsize=1)
def parent() -> Release:
    return trained("baseline", Path(tempfile.mkdtemp(prefix="parent-")), steps=2)


def knowing(split: ParticipantSplit) -> Release:
    return replace(parent(), learned=learned_by(split, None))


def test_a_child_begins_with_the_weights_of_its_parent(tmp_path: Path) -> None:
    run = tiny_run("baseline", steps=2)
    data = prepare(run, DATA, tmp_path, world=ALONE, descent=Descent(parent()))

    begun = FamilyTraining(run, data, tmp_path, world=ALONE).family

    theirs = load_family(parent()).networks.state_dict()
    assert all(torch.equal(t, theirs[n]) for n, t in begun.networks.state_dict().items())
    assert all(p.requires_grad for p in begun.networks.parameters())


def test_a_child_states_its_parent_and_whom_both_learned_from(tmp_path: Path) -> None:
    child = train_family(
        tiny_run("baseline", steps=2, seed=6), DATA, tmp_path, world=ALONE, parent=parent()
    )

    assert child is not None
    assert child.lineage == Lineage(parent().digest, "fine_tuned")
    assert load_release(child.folder).lineage == child.lineage
    assert child.learned == parent().learned  # the same split: one entry, not two
    assert parent().digest in child.card
    assert parent().lineage is None


def test_a_release_names_nobody_it_learned_from_in_plain() -> None:
    text = (parent().folder / "release.toml").read_text("utf-8")

    assert "1000000" not in text
    assert len(parent().learned[0].train) == parent().training["participants"]["train"]


def test_participants_of_every_ancestor_are_kept() -> None:
    first = knowing(SPLIT)
    second = replace(
        first, learned=learned_by(ParticipantSplit(("E",), ("F",), ("D",)), Descent(first))
    )

    assert not saw_nobody(("A",), second)
    assert not saw_nobody(("E",), second)
    assert saw_nobody(("D",), second)


@pytest.mark.parametrize(
    ("split", "sentence"),
    [
        (ParticipantSplit(("X",), ("Y",), ("A",)), "fitted on participant A, who is in the test"),
        (ParticipantSplit(("X",), ("B",), ("Y",)), "B, who is in the validation part"),
        (ParticipantSplit(("X",), ("Y",), ("C",)), "tuned on participant C, who is in the test"),
    ],
)
def test_a_child_is_not_tested_on_whom_its_parent_learned(
    split: ParticipantSplit, sentence: str
) -> None:
    with pytest.raises(LeakError, match=sentence):
        require_unseen(split, knowing(SPLIT))


def test_whom_the_parent_was_only_tested_on_may_be_learned_from_or_tested_on() -> None:
    require_unseen(ParticipantSplit(("D",), ("E",), ("F",)), knowing(SPLIT))
    require_unseen(ParticipantSplit(("A",), ("C",), ("D",)), knowing(SPLIT))


def test_a_parent_that_does_not_say_whom_it_learned_from_is_refused_for_another_split() -> None:
    silent = replace(parent(), learned=(), training={"split_sha256": SPLIT.digest})

    require_unseen(SPLIT, silent)
    with pytest.raises(LeakError, match="does not say whom it learned from"):
        require_unseen(ParticipantSplit(("A",), ("C",), ("E",)), silent)


def test_the_command_refuses_a_leak_from_the_parent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = run_file(tmp_path, "baseline", steps=2)
    other = f'[split]\nby = "site"\ntest_site = "{max(SCANNERS)}"'
    config.write_text(config.read_text("utf-8").replace("[split]", other), encoding="utf-8")
    options = ["--data", DATA, "--out", str(tmp_path / "out"), "--from", str(parent().folder)]

    assert train_release.main([str(config), *options]) == 2
    assert "was fitted on participant" in capsys.readouterr().err
    assert not (tmp_path / "out" / "release").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"domain": {"spacing_zyx_mm": [8.0, 12.5, 13.0]}}, "its domain.spacing_zyx_mm is not"),
        ({"generator": {"dropout": 0.1}}, "its generator"),
    ],
)
def test_only_recipes_losses_and_the_critic_may_differ_from_the_parents(
    change: dict[str, object], sentence: str
) -> None:
    family = build_family(family_run({**run_table("baseline"), **change}).family)

    with pytest.raises(ReleaseRefusedError, match=sentence):
        begin_from(family, parent())


def test_a_recipe_of_its_own_is_no_difference() -> None:
    family = build_family(tiny_run("baseline", steps=9, recipe={"rate": 1e-5}).family)

    begin_from(family, parent())


def test_another_family_is_no_parent() -> None:
    with pytest.raises(ReleaseRefusedError, match="its family is not that"):
        begin_from(build_family(tiny_run("cpdm").family), parent())


def test_lineage_survives_the_way_through_a_table() -> None:
    lineage = Lineage(DIGEST, "distilled")
    learned = (Learned.of(DIGEST, train=["A"], validation=["B"]),)

    assert read_lineage(lineage_tables(lineage, learned)) == (lineage, learned)
    assert read_lineage({}) == (None, ())


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"lineage": {"parent": "ab", "relation": "distilled"}}, "named by the SHA-256"),
        ({"lineage": {"parent": DIGEST, "relation": "copied"}}, "must be one of"),
        ({"lineage": {"parent": DIGEST}}, "Missing key lineage.relation"),
        ({"lineage": DIGEST}, "lineage must be a table"),
        ({"learned": {}}, "must be a list"),
        ({"learned": [{"salt": DIGEST, "train": [], "validation": [], "x": 1}]}, "learned.x"),
    ],
)
def test_a_malformed_lineage_is_refused(table: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigRefusedError, match=sentence):
        read_lineage(table)
