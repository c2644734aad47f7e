"""R's pROC as referee of areas, intervals and paired tests, on random data."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from evaluation.diagnostic import auc, compare_auc
from evaluation.statistics import proportion_interval

_SCRIPT = """
suppressMessages(library(pROC))
d <- read.csv(file("stdin"))
one <- roc(d$truth, d$a, levels = c(0, 1), direction = "<", quiet = TRUE)
two <- roc(d$truth, d$b, levels = c(0, 1), direction = "<", quiet = TRUE)
test <- roc.test(one, two, method = "delong", paired = TRUE)
ci <- ci.auc(one, method = "delong")
p <- prop.test(sum(d$truth), nrow(d), correct = FALSE)$conf.int
exact <- binom.test(sum(d$truth), nrow(d))$conf.int
cat(sprintf("[%.15g,%.15g,%.15g,%.15g,%.15g,%.15g,%.15g,%.15g,%.15g]", ci[2], ci[1], ci[3],
  test$statistic, test$p.value, p[1], p[2], exact[1], exact[2]))
"""


def _r(text):
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    run = ["Rscript", "--vanilla", "-e"]
    has_proc = subprocess.run(
        [*run, 'cat(requireNamespace("pROC", quietly = TRUE))'],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    if has_proc.stdout.strip() != "TRUE":
        pytest.skip("the R package pROC is not installed")
    done = subprocess.run([*run, _SCRIPT], input=text, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.referee
@pytest.mark.parametrize(("seed", "step"), [(1, 0.0), (2, 0.5), (3, 1.0), (4, 0.0)])
def test_areas_and_tests_equal_proc(seed, step):
    rng = np.random.default_rng(seed)
    truth = (rng.random(90) < 0.35).astype(int)
    a, b = (rng.normal(truth * shift, 1) for shift in (0.9, 0.5))
    if step:
        a, b = np.round(a / step) * step, np.round(b / step) * step
    lines = "\n".join(
        f"{t},{x!r},{y!r}" for t, x, y in zip(truth, a.tolist(), b.tolist(), strict=True)
    )
    expected = _r(f"truth,a,b\n{lines}\n")
    e, test = auc(truth, a), compare_auc(truth, a, b)
    assert [e.value, e.lower, e.upper] == pytest.approx(expected[:3], rel=1e-9)
    assert [test.statistic, test.p_value] == pytest.approx(expected[3:5], rel=1e-7)
    wilson = proportion_interval(int(truth.sum()), 90)
    exact = proportion_interval(int(truth.sum()), 90, method="clopper_pearson")
    ours = [wilson.lower, wilson.upper, exact.lower, exact.upper]
    assert ours == pytest.approx(expected[5:], rel=1e-9)
