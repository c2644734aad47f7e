"""Splits by participant and by site: stored, and refused when anybody leaks."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthesis.data.splits import (
    LeakError,
    ParticipantSplit,
    SplitRefusedError,
    folds,
    leave_site_out,
    load_split,
    require_no_leak,
    split_participants,
)

SITES = {f"P{n:03d}": "ABC"[n % 3] for n in range(60)}
SPLIT = ParticipantSplit(("a", "b"), ("c",), ("d",))


def test_a_participant_in_two_parts_is_refused() -> None:
    with pytest.raises(LeakError, match="Participant b is in more than one part"):
        ParticipantSplit(("a", "b"), ("c",), ("d", "b"))


def test_an_empty_part_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one participant"):
        ParticipantSplit(("a",), (), ("d",))


def test_every_site_gives_its_share_to_every_part() -> None:
    split = split_participants(SITES, seed=1, validation=0.2, test=0.2)

    for part in (split.train, split.validation, split.test):
        counts = [sum(SITES[p] == site for p in part) for site in "ABC"]
        assert max(counts) - min(counts) <= 1
    assert len(split.test) == len(split.validation) == 12


@given(st.integers(0, 10_000), st.integers(4, 40))
@settings(max_examples=20, deadline=None)
def test_everybody_is_in_exactly_one_part(seed: int, count: int) -> None:
    sites = {f"P{n}": f"S{n % 4}" for n in range(count)}

    split = split_participants(sites, seed=seed)

    assert sorted((*split.train, *split.validation, *split.test)) == sorted(sites)


def test_the_same_seed_gives_the_same_split_in_any_order() -> None:
    backwards = dict(reversed(SITES.items()))

    assert split_participants(SITES, seed=3) == split_participants(backwards, seed=3)
    assert split_participants(SITES, seed=3) != split_participants(SITES, seed=4)


def test_a_left_out_site_is_tested_on_whole_and_never_learned() -> None:
    split = leave_site_out(SITES, "B", seed=1)

    assert {SITES[p] for p in split.test} == {"B"}
    assert len(split.test) == 20
    assert {SITES[p] for p in (*split.train, *split.validation)} == {"A", "C"}
    with pytest.raises(ValueError, match="site 'Z'"):
        leave_site_out(SITES, "Z", seed=1)


def test_a_stored_split_comes_back_and_its_digest_guards_it(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    SPLIT.store(path)
    assert load_split(path) == SPLIT

    table = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**table, "train": ["a"]}), encoding="utf-8")

    with pytest.raises(SplitRefusedError, match="was changed"):
        load_split(path)


@pytest.mark.parametrize("text", ["{", "[]", '{"train": ["a"]}'])
def test_a_file_that_is_no_split_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "split.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(SplitRefusedError, match="is no split"):
        load_split(path)


def test_a_model_that_depends_on_a_leaking_one_is_refused() -> None:
    require_no_leak(SPLIT, {"segmentor": ["a", "b"], "autoencoder": ["z"]})

    with pytest.raises(LeakError, match=r"segmentor was fitted on participant d.*test part"):
        require_no_leak(SPLIT, {"segmentor": ["a", "d"]})
    with pytest.raises(LeakError, match=r"scaling was fitted on participant c.*validation part"):
        require_no_leak(SPLIT, {"scaling": ["c"]})


def test_folds_hold_everybody_once() -> None:
    groups = folds(SITES, 5, seed=2)

    assert sorted(name for group in groups for name in group) == sorted(SITES)
    assert {len(group) for group in groups} == {12}
    with pytest.raises(ValueError, match="3 folds"):
        folds(["a", "b"], 3, seed=1)


def test_the_part_of_a_participant_is_known_or_refused() -> None:
    assert SPLIT.part_of("d") == "test"
    with pytest.raises(KeyError, match="Participant x"):
        SPLIT.part_of("x")


def test_the_digest_does_not_depend_on_the_order_of_names() -> None:
    assert SPLIT.digest == ParticipantSplit(("b", "a"), ("c",), ("d",)).digest
    assert SPLIT.digest != ParticipantSplit(("a", "c"), ("b",), ("d",)).digest
