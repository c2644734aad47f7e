"""Designs, sampling, allocation and its proof, answers: the pure rules of reading."""

from collections import Counter
from dataclasses import replace
from importlib import resources

import pytest

from studyportal.clinical.rules import STATIONS
from studyportal.reading.rules import (
    STATION_ORDER,
    Candidate,
    CaseEntry,
    Cases,
    DesignRefused,
    Opinion,
    TooFew,
    allocate,
    allocation_digest,
    disagree,
    draw_cases,
    marks_of,
    parse_design,
    prove,
    read_answers,
)

FOLDER = resources.files("studyportal.reading") / "designs"
TEXT = (FOLDER / "diagnostic.toml").read_text("utf-8")
DESIGN = parse_design(TEXT)
TURING = parse_design((FOLDER / "turing.toml").read_text("utf-8"))
READERS = ["R01", "R02", "R03", "R04"]
CASES = Cases(
    study=tuple(CaseEntry(f"c{n:02}", f"site {n % 3}") for n in range(20)),
    practice=(CaseEntry("p1", "practice"), CaseEntry("p2", "practice")),
    attention=(CaseEntry("a1", "attention"),),
)
SPLIT = replace(DESIGN, plan="split_plot", groups=2)


@pytest.mark.parametrize("design", [DESIGN, TURING, SPLIT], ids=["crossed", "turing", "split"])
@pytest.mark.parametrize("seed", range(8))
def test_every_property_of_an_allocation_holds_for_any_seed(design, seed):
    design = replace(design, seed=seed)
    proof = prove(allocate(design=design, readers=READERS, cases=CASES), design=design, cases=CASES)
    assert [one.id for one in proof if not one.holds] == []


def test_the_same_seed_gives_the_same_allocation_and_another_seed_another():
    def digest(seed):
        design = replace(DESIGN, seed=seed)
        return allocation_digest(allocate(design=design, readers=READERS, cases=CASES))

    assert digest(1) == digest(1) != digest(2)


def test_a_proof_tells_a_case_that_is_met_twice_in_a_round():
    slots = list(allocate(design=DESIGN, readers=READERS, cases=CASES))
    first = next(n for n, slot in enumerate(slots) if slot.kind == "independent")
    slots.append(replace(slots[first], place=999))
    failed = {one.id for one in prove(slots, design=DESIGN, cases=CASES) if not one.holds}
    assert {"once_per_arm", "apart"} <= failed


def test_in_a_turing_test_each_reader_sees_as_many_real_as_synthetic_images():
    slots = allocate(design=TURING, readers=READERS, cases=CASES)
    for reader in READERS:
        arms = Counter(s.arm for s in slots if s.reader == reader and s.kind == "independent")
        assert arms == {"real": 10, "synthetic": 10}


def test_readers_of_a_split_plot_share_cases_with_their_group_alone():
    slots = allocate(design=SPLIT, readers=READERS, cases=CASES)
    own = {
        reader: {s.case for s in slots if s.reader == reader and s.kind == "independent"}
        for reader in READERS
    }
    groups = {frozenset(cases) for cases in own.values()}
    assert len(groups) == 2
    assert not frozenset.intersection(*groups)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("seed = 20261126", "seed = 20261126\nspeed = 1"), "the key speed is unknown"),
        (("washout_days = 28", "washout_days = -1"), "washout_days must lie between"),
        (('kind = "diagnostic"', 'kind = "guess"'), "unknown word"),
        (("positive_from = 3\n", "", 1), "needs the score from which"),
        (
            ("positive_from = 50\n", "positive_from = 50\nindex = true\n"),
            "malignancy/lesion stands there twice",
        ),
        (("yes = 5.0 ", "yes = 0.5 "), "needs the scores that yes and no stand for"),
        (("yes = 5.0 ", "# "), "needs the scores that yes and no stand for"),
        (("index = true\nyes", "yes"), "is no index test by yes and no"),
        (
            ('scale = "sites"\n', 'scale = "sites"\nindex = true\n'),
            "distant_sites is no index test",
        ),
        (('unit = "lesion"', 'unit = "organ"', 1), "organ is no unit"),
        (("repeats = 4", "repeats = 21"), "repeats must lie between"),
        (('shows = ["ct", "synthetic"]', 'shows = ["pet", "synthetic"]'), "shows one PET, not two"),
    ],
)
def test_what_a_design_cannot_be_is_refused_with_a_sentence(change, sentence):
    with pytest.raises(DesignRefused, match=sentence):
        parse_design(TEXT.replace(*change))


def test_stations_of_the_page_are_stations_of_the_map():
    assert set(STATION_ORDER) <= STATIONS


def candidates(positive, negative, open_=0):
    verdicts = [True] * positive + [False] * negative + [None] * open_
    return [Candidate(f"k{n:03}", f"S{n % 4}", verdict) for n, verdict in enumerate(verdicts)]


def test_sampling_enriches_and_keeps_sites_in_proportion():
    drawn = draw_cases(candidates(40, 200, 50), sampling=DESIGN.sampling, seed=3)
    assert Counter(one.positive for one in drawn.study) == {True: 10, False: 10}
    sites = Counter(one.site for one in drawn.study)
    assert max(sites.values()) - min(sites.values()) <= 2
    assert not {one.key for one in drawn.study} & {one.key for one in drawn.practice}


def test_too_few_cases_are_refused_with_both_numbers():
    with pytest.raises(TooFew, match="needs 10 positive cases, and 9 are ready"):
        draw_cases(candidates(9, 200), sampling=DESIGN.sampling, seed=3)


def filled(**changes):
    fields = {f"q.stations.{station}": "no" for station in STATION_ORDER}
    fields |= {"q.malignancy.1": "5", "q.probability.1": "95", "q.nodal.": "4", "q.distant.": "1"}
    fields |= {"q.distant_sites.": "none", "q.confidence.": "3", "q.quality.": "4"}
    return {**fields, **changes}


NUMBERED = {1: (10.0, -20.0, 30.0)}


def test_a_whole_read_becomes_calls_by_the_cutoffs_of_the_design():
    answers = read_answers(DESIGN, filled(), NUMBERED)
    calls = {(call.question, call.unit_id): call for call in answers.calls}
    assert answers.reasons == ()
    assert calls["malignancy", "1"].call == "positive"
    assert calls["malignancy", "1"].place_mm == (10.0, -20.0, 30.0)
    assert calls["nodal", ""].score == 4
    assert calls["distant", ""].call == "negative"
    assert calls["confidence", ""].call == ""


def test_what_lacks_an_answer_or_is_off_its_scale_is_named():
    fields = filled(**{"q.nodal.": "6", "q.quality.": ""})
    reasons = read_answers(DESIGN, fields, NUMBERED).reasons
    assert {(one.id, one.where) for one in reasons} == {
        ("answer_impossible", "q.nodal."),
        ("answer_missing", "q.quality."),
    }


def test_an_indeterminate_answer_is_an_answer():
    fields = filled(**{"q.nodal.": "", "i.nodal.": "on"})
    nodal = next(c for c in read_answers(DESIGN, fields, NUMBERED).calls if c.question == "nodal")
    assert nodal.indeterminate
    assert nodal.score is None
    assert nodal.call == ""


def test_a_marked_lesion_is_read_with_its_place_and_nonsense_is_left_out():
    assert marks_of({"m.1": "1.04,2,-3", "m.2": "a,b,c", "m.3": "1,2,nan", "x": "1,2,3"}) == {
        1: (1.0, 2.0, -3.0)
    }


@pytest.mark.parametrize(
    ("scores", "differ"), [((4, 5), False), ((3, 4), True), ((1, 3), False), ((None, 5), True)]
)
def test_readers_differ_where_calls_differ_or_one_could_not_judge(scores, differ):
    nodal = DESIGN.question("nodal")
    opinions = [
        Opinion(
            f"R{n}", "", "" if s is None else "positive" if s >= 4 else "negative", s, s is None
        )
        for n, s in enumerate(scores)
    ]
    assert disagree(opinions, question=nodal, score_gap=2) is differ
