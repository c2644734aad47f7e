"""The report's own verify.R, run as a reader of the report would run it."""

import csv
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from evaluation.analysis import default_plan, run
from evaluation.report import write_report
from evaluation.statistics import random_effects
from tests.evaluation.simulated_study import simulated_tables

pytestmark = pytest.mark.referee
PLAN = replace(default_plan(), bootstrap_replicates=100)


def _verify(folder, *arguments):
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    return subprocess.run(
        ["Rscript", "--vanilla", str(folder / "verify.R"), *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    result = run(PLAN, simulated_tables(participants=40))
    write_report(result, provenance={"Registration": "NCT07243873"}, out=folder, title="Outcomes")
    return folder


def _copy(report, tmp_path):
    return shutil.copytree(report, tmp_path / "copy")


def _tamper(path, wanted, column, change):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    row = next(r for r in rows if all(r[name] == value for name, value in wanted.items()))
    row[column] = change(float(row[column]))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def test_r_finds_every_key_number_of_the_report(report):
    done = _verify(report)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert done.stderr == ""
    last = done.stdout.strip().splitlines()[-1]
    found = re.fullmatch(r"verified (\d+) numbers, largest relative difference (\S+)", last)
    assert int(found[1]) > 1500
    assert float(found[2]) < 1e-8
    for what in ("mean", "sites_tau", "bias_percent", "loa_upper", "ccc", "icc_a1", "pearson",
                 "sensitivity", "npv", "auc_crude", "auc_difference"):  # fmt: skip
        assert re.search(rf"\| {what} \| value$", done.stdout, re.MULTILINE), what


@pytest.mark.parametrize(("participants", "seed"), [(4, 1), (9, 3), (13, 7)])
def test_r_follows_a_study_whose_sites_have_one_case_or_none(tmp_path, participants, seed):
    tables = simulated_tables(participants=participants, seed=seed)
    write_report(run(PLAN, tables), provenance={}, out=tmp_path, title="Outcomes")
    done = _verify(tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert done.stderr == ""


TAMPERED = [
    (
        "results.csv",
        {"quantity": "ssim", "statistic": "mean", "subgroup": "all", "analysis": "main"},
        "value",
        1.0000001,
    ),
    ("results.csv", {"statistic": "loa_upper_percent", "subgroup": "all"}, "upper", 1.0000001),
    (
        "results.csv",
        {"statistic": "sensitivity", "subgroup": "all", "analysis": "main"},
        "lower",
        1.0000001,
    ),
    ("results.csv", {"statistic": "auc_difference", "subgroup": "all"}, "value", 1.0000001),
    ("results.csv", {"quantity": "psnr", "statistic": "sites_pooled"}, "value", 1.00001),
    ("plot_data/similarity.csv", {"quantity": "ssim"}, "value", 1.01),
]


def test_one_changed_number_is_found(report, tmp_path):
    folder = _copy(report, tmp_path)
    name, wanted, column, factor = TAMPERED[0]
    _tamper(folder / name, wanted, column, lambda value: repr(value * factor))
    done = _verify(folder, "--brief")
    assert done.returncode == 1
    assert done.stdout.count("DIFFERS") == 1
    assert done.stdout.strip().splitlines()[-1] == "1 number differs"


def test_a_change_of_any_kind_of_number_or_of_a_point_is_found(report, tmp_path):
    folder = _copy(report, tmp_path)
    for name, wanted, column, factor in TAMPERED:
        _tamper(folder / name, wanted, column, lambda value, f=factor: repr(value * f))
    done = _verify(folder, "--brief")
    assert done.returncode == 1
    for _, wanted, column, _ in TAMPERED[:-1]:
        line = rf"\| {wanted['statistic']} \| {column}   <-- DIFFERS"
        assert re.search(line, done.stdout), wanted
    # The changed value belongs to a site whose mean, spread and limits all move.
    assert done.stdout.count("ssim |") > 5


def test_a_report_without_points_is_not_called_verified(report, tmp_path):
    folder = _copy(report, tmp_path)
    for path in (folder / "plot_data").glob("*.csv"):
        path.unlink()
    done = _verify(folder)
    assert done.returncode == 1
    assert done.stdout.startswith("verified 0 numbers")


def test_the_script_holds_no_number_of_the_study(report):
    text = (report / "verify.R").read_text(encoding="utf-8")
    code = re.sub(r"#.*", "", text)
    decimals = set(re.findall(r"\b\d+\.\d+\b", code))
    assert decimals <= {"0.5", "0.025", "0.25", "0.75", "0.975", "1.96"}


def test_without_proc_the_areas_come_from_the_formula(report, tmp_path):
    folder = _copy(report, tmp_path)
    script = folder / "verify.R"
    text = script.read_text(encoding="utf-8")
    there = 'suppressWarnings(requireNamespace("pROC", quietly = TRUE))'
    assert there in text
    script.write_text(text.replace(there, "FALSE"), encoding="utf-8")
    done = _verify(folder, "--brief")
    assert done.returncode == 0
    assert "by formula (pROC is not installed)" in done.stdout


# Three sites, of which one measured so evenly that its weight dwarfs the others, or all agree.
SITES = [
    ([1.0, 2.0, 6.0], [0.1, 0.2, 0.1]),
    ([0.5, 0.9, 0.2], [1e-33, 0.01, 0.02]),
    ([3.0, 3.0, 3.0], [1e-30, 1e-31, 0.4]),
    ([1e-5, 4e-5, 2e-5], [1e-11, 2e-11, 1e-12]),
]


def test_r_pools_sites_as_the_report_does_also_where_one_dwarfs_the_others(report):
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    text = (report / "verify.R").read_text("utf-8")
    begin, end = text.index("residuals_of <-"), text.index("random_effects <-")
    asked = "".join(
        f"cat(format(reml(c({str(y)[1:-1]}), c({str(v)[1:-1]})), digits = 17), '\\n')\n"
        for y, v in SITES
    )
    done = subprocess.run(
        ["Rscript", "--vanilla", "-"], input=text[begin:end] + asked,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    own = [random_effects(y, v).tau2 for y, v in SITES]
    np.testing.assert_allclose([float(word) for word in done.stdout.split()], own, rtol=1e-9)
    assert own[0] > 0
