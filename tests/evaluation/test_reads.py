"""Reads as a table: every fault by its line; layouts of iMRMC and MRMCaov; numbers of late tests marked."""

import shutil
import subprocess

import pandas as pd
import pytest

from evaluation.analysis import default_plan
from evaluation.analysis.locking import index_tests_behind, mark_exploratory
from evaluation.analysis.results import AnalysisResult, Place
from evaluation.readers import (
    index_scores,
    largest_crossing,
    reads_from_csv,
    write_mrmc_files,
)
from tests.evaluation.reference_cases import FOLDER, reference_json

HEAD = "session,arm,reader,participant,question,unit,unit_id,score,call,indeterminate\n"
GOOD = "S1,ct,R1,SPH-00001,malignancy,lesion,1,4,positive,no\n"


def test_a_read_is_read():
    reads, faults = reads_from_csv(HEAD + GOOD)
    assert faults == []
    assert (reads[2].reader, reads[2].score, reads[2].call) == ("R1", 4.0, "positive")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("S1,,R1,P,malignancy,lesion,1,4,,", "line 2, arm: this is empty"),
        ("S1,ct,R1,P,malignancy,lesion,1,four,,", "line 2, score: “four” is no number"),
        ("S1,ct,R1,P,malignancy,lesion,1,inf,,", "line 2, score: “inf” is no finite number"),
        ("S1,ct,R1,P,malignancy,lesion,1,,,no", "line 2, score: a read without a score must be indeterminate"),
        ("S1,ct,R1,P,malignancy,lesion,1,4,maybe,", "line 2, call: “maybe” is neither positive nor negative"),
        ("S1,ct,R1,P,malignancy,lesion,1,4,,perhaps", "line 2, indeterminate: write yes or no"),
        ("S1,ct,R1,P,malignancy,lesion,1,4,,no,more", "line 2, row: there are more cells than columns"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_line_is_said(line, said):
    assert [str(fault) for fault in reads_from_csv(f"{HEAD}{line}\n")[1]] == [said]


def test_a_read_that_stands_twice_and_a_column_that_is_missing_are_faults():
    assert "stands in line 2" in str(reads_from_csv(HEAD + GOOD + GOOD)[1][0])
    assert "this column is missing" in str(reads_from_csv("arm,reader\n")[1][0])


def test_an_indeterminate_read_keeps_its_place_without_a_score():
    reads, _ = reads_from_csv(HEAD + GOOD.replace(",4,positive,no", ",,,yes"))
    table = index_scores(reads.values(), sites={"SPH-00001": "SPH"})
    assert table["indeterminate"].tolist() == [True]
    assert table["score"].isna().all()


def van_dyke():
    reference_json("mrmc_vandyke_expected.json")  # skips where the published cases are not
    rows = pd.read_csv(FOLDER / "mrmc_vandyke.csv", comment="#")
    return pd.DataFrame(
        {
            "target_condition": "distant_metastasis", "unit": "participant",
            "test": rows["treatment"].map({1: "reader_ct", 2: "reader_ct_spet"}),
            "participant": [f"P{case:03d}" for case in rows["case"]], "unit_id": "",
            "reader": [f"R{reader}" for reader in rows["reader"]],
            "truth": rows["truth"].astype(float), "score": rows["rating"].astype(float),
        }
    )  # fmt: skip


def test_a_study_in_the_layout_of_imrmc_states_its_counts_and_every_score(tmp_path):
    files = {path.suffix: path for path in write_mrmc_files(van_dyke(), tmp_path)}
    lines = files[".imrmc"].read_text("utf-8").splitlines()
    assert lines[1:6] == ["N0: 69", "N1: 45", "NR: 5", "NM: 2", "BEGIN DATA:"]
    assert len(lines) == 6 + 114 + 1140
    assert len(pd.read_csv(files[".csv"])) == 1140


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="needs R")
def test_the_script_computes_the_published_figures_of_van_dyke(tmp_path):
    files = {path.suffix: path for path in write_mrmc_files(van_dyke(), tmp_path)}
    said = subprocess.run(
        ["Rscript", files[".R"], files[".csv"]], capture_output=True, text=True, check=True
    ).stdout
    found = {line.split()[0]: line.split()[1:] for line in said.splitlines()[1:]}
    expected = reference_json("mrmc_vandyke_expected.json")
    equality = expected["DeLong"]["test_equality"]
    assert float(found["f"][0]) == pytest.approx(equality["F"], abs=1e-8)
    assert float(found["df2"][0]) == pytest.approx(equality["df2"], abs=1e-6)
    assert float(found["p"][0]) == pytest.approx(equality["p-value"], abs=1e-8)


def test_cases_that_one_reader_missed_are_left_out_and_one_reader_is_no_study(tmp_path):
    rows = van_dyke()
    lacking = rows[~((rows["participant"] == "P001") & (rows["reader"] == "R2"))]
    path = write_mrmc_files(lacking, tmp_path)[2]
    assert pd.read_csv(path)["case"].nunique() == 113
    assert write_mrmc_files(rows[rows["reader"] == "R1"], tmp_path / "one") == ()


def test_numbers_that_rest_on_a_late_test_are_marked_and_keep_their_values():
    plan = default_plan()
    place = Place("malignancy", "secondary", "eligible", 0.95)
    tests = ("reader_ct", "reader_ct:R1", "reader_ct_spet - reader_ct", "spet_suvpeak", "")
    rows = tuple(Place(**{**vars(place), "test": test}).plain("auc", 0.8, n=9) for test in tests)
    result = AnalysisResult(rows, {}, plan.digest, plan)
    marked = mark_exploratory(result, plan, {"reader_ct": "It was late."})
    assert [row.prespecified for row in marked.rows] == [False, False, False, True, True]
    assert marked.rows[0].exploratory == "reader_ct: It was late."
    assert [row.value for row in marked.rows] == [0.8] * 5


def test_a_hypothesis_rests_on_the_tests_it_names():
    row = Place("multiplicity", "multiplicity", "", 0.95, test="S4.auc").plain("p", 0.01, n=9)
    assert index_tests_behind(row, default_plan()) == {"reader_ct", "reader_ct_spet"}


def test_readers_who_read_other_cases_leave_the_largest_crossing_as_it_is():
    usual = [(f"R{n}", case) for n in (1, 2, 3) for case in range(20)]
    left = [("R4", case) for case in range(3)]
    elsewhere = [(f"S{n}", case) for n in (1, 2) for case in range(50, 75)]
    found = largest_crossing([*elsewhere, *left, *usual])
    assert found.readers == ("R1", "R2", "R3")
    assert found.cases == frozenset(range(20))


def test_a_case_that_one_reader_could_not_judge_is_left_out_and_the_reader_stays():
    reads = [(f"R{n}", case) for n in (1, 2, 3) for case in range(20) if (n, case) != (2, 5)]
    found = largest_crossing(reads)
    assert found.readers == ("R1", "R2", "R3")
    assert found.cases == frozenset(range(20)) - {5}


@pytest.mark.parametrize("reads", [[], [("R1", 1)], [("R1", 1), ("R2", 2)]])
def test_without_a_case_that_two_readers_read_nothing_is_crossed(reads):
    assert largest_crossing(reads).readers == ()
