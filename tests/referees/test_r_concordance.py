"""Base R as referee of the concordance of organs: var.test, t.test, and the interval for pairs."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from evaluation.metabolic import subgroup_concordance

pytestmark = pytest.mark.referee
_SCRIPT = """
d <- read.csv(file("stdin"), header = FALSE); x <- d$V1; y <- d$V2; m <- 150
f <- var.test(y, x)
ci <- t.test(y, x, paired = TRUE)$conf.int
ninety <- t.test(y, x, paired = TRUE, conf.level = 0.9)$conf.int
above <- t.test(y, x, paired = TRUE, mu = -m, alternative = "greater")$p.value
below <- t.test(y, x, paired = TRUE, mu = m, alternative = "less")$p.value
pitman <- function(w) cor.test(sqrt(w) * x + y, sqrt(w) * x - y)$p.value - 0.05
low <- uniroot(pitman, c(f$estimate / 50, f$estimate), tol = 1e-12)$root
high <- uniroot(pitman, c(f$estimate, f$estimate * 50), tol = 1e-12)$root
cat(sprintf("[%s]", paste(sprintf("%.15g",
  c(f$estimate, f$conf.int, ci, ninety, max(above, below), low, high)), collapse = ",")))
"""


def of_r(x, y):
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    text = "\n".join(f"{a!r},{b!r}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    done = subprocess.run(
        ["Rscript", "--vanilla", "-e", _SCRIPT],
        input=text, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.parametrize(("seed", "n"), [(1, 5), (2, 24), (3, 200)])
def test_bias_equivalence_and_both_intervals_of_the_variances_equal_r(seed, n):
    rng = np.random.default_rng(seed)
    x = rng.normal(1500, 250, n)
    y = 1.02 * x + rng.normal(0, 120, n)
    found = subgroup_concordance(x, y, subgroup=["all"] * n, margin=150.0)[0]
    ratio, paired = found.variance_ratio, found.variance_ratio_paired
    ours = [
        ratio.value, ratio.lower, ratio.upper, found.bias.lower, found.bias.upper,
        found.equivalence.lower, found.equivalence.upper, found.equivalence.p_value,
        paired.lower, paired.upper,
    ]  # fmt: skip

    assert ours == pytest.approx(of_r(x, y), rel=1e-7)
