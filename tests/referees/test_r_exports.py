"""R's haven and foreign as referees of the files for SPSS, Stata and SAS: numbers, dates, labels in Chinese, what is missing."""

import json
import shutil
import subprocess
from datetime import date
from decimal import Decimal

import pytest

from studyportal.exports.rules import DATASETS
from studyportal.exports.services.writers import WRITERS, Table
from studyportal.exports.states import DataFormat

_LINES = [
    {"participant": "SPH-00001", "site": "SPH", "form_status": "complete",
     "examined_on": date(2026, 1, 12), "sex": "F", "age_years": 63, "weight_kg": Decimal("58.5"),
     "smoking": "former", "quit_on": "2019-02", "glucose_mmol_l_absent": "not_done"},
    {"participant": "SPH-00002", "site": "SPH", "form_status": "draft", "smoking": "unknown"},
]  # fmt: skip
_HAVEN = """
x <- haven::read_{read}("{file}")
{short}
word <- function(v) {{ l <- attr(v, "labels"); names(l)[as.numeric(l) == as.numeric(v)[1]] }}
cell <- function(v) if (is.na(v)) "" else as.character(v)
out <- list(n = nrow(x), age = cell(x$age_years[1]), weight = cell(x$weight_kg[1]),
  none = cell(x$weight_kg[2]), day = cell(x$examined_on[1]), part = cell(x$quit_on[1]),
  label = attr(x$weight_kg, "label"),
  smoking = word(x$smoking),
  why = word(x$glucose_mmol_l_absent))
cat("{{", paste(sprintf('"%s": "%s"', names(out), sapply(out, function(v)
  if (length(v)) as.character(v) else "")), collapse = ", "), "}}")
"""
_FOREIGN = """
x <- suppressWarnings(foreign::{call})
names(x) <- tolower(names(x))
cat(nrow(x), x[[ "{weight}" ]][1], is.na(x[[ "{weight}" ]][2]))
"""


def _r(script: str, package: str) -> str:
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    run = ["Rscript", "--vanilla", "-e"]
    has = f'cat(requireNamespace("{package}", quietly = TRUE))'
    asked = subprocess.run([*run, has], capture_output=True, text=True, check=True)
    if asked.stdout.strip() != "TRUE":
        pytest.skip(f"the R package {package} is not installed")
    return subprocess.run([*run, script], capture_output=True, text=True, check=True).stdout


@pytest.mark.referee
@pytest.mark.parametrize(
    ("kind", "read", "ending"),
    [
        (DataFormat.SPSS, "sav", "sav"),
        (DataFormat.STATA, "dta", "dta"),
        (DataFormat.XPORT8, "xpt", "xpt"),
        (DataFormat.XPORT5, "xpt", "xpt"),
    ],
)
def test_haven_reads_what_was_written(kind, read, ending, tmp_path):
    baseline = DATASETS["baseline"]
    written = list(WRITERS[kind](tmp_path, [Table(baseline, _LINES)], "zh"))
    assert [(one.table, one.rows) for one in written] == [("baseline", 2)]
    short = ""
    if kind is DataFormat.XPORT5:
        pairs = ", ".join(f'{new} = "{old}"' for new, old in baseline.short_names().items())
        short = f"map <- c({pairs}); names(x) <- names(map)[match(names(x), map)]"
    script = _HAVEN.format(read=read, file=tmp_path / f"baseline.{ending}", short=short)
    found = json.loads(_r(script, "haven"))
    assert (found["n"], found["age"], found["weight"], found["none"]) == ("2", "63", "58.5", "")
    assert (found["day"], found["part"]) == ("2026-01-12", "2019-02")
    assert found["label"] == ("Weight (kg)" if kind is DataFormat.XPORT5 else "体重 (kg)")
    labelled = kind in (DataFormat.SPSS, DataFormat.STATA)
    assert (found["smoking"], found["why"]) == (("已戒", "未做") if labelled else ("", ""))


@pytest.mark.referee
@pytest.mark.parametrize(
    ("kind", "call", "weight"),
    [
        (DataFormat.SPSS, 'read.spss("{}", to.data.frame = TRUE)', "weight_kg"),
        (DataFormat.XPORT5, 'read.xport("{}")', "weightkg"),
    ],
)
def test_foreign_reads_what_was_written(kind, call, weight, tmp_path):
    list(WRITERS[kind](tmp_path, [Table(DATASETS["baseline"], _LINES)], "en"))
    path = next(one for one in tmp_path.iterdir() if one.suffix in (".sav", ".xpt"))
    said = _r(_FOREIGN.format(call=call.format(path), weight=weight), "foreign")
    assert said.split() == ["2", "58.5", "TRUE"]
