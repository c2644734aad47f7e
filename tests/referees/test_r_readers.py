"""Base R as referee of reader studies: analysis of variance by aov, kappa and d' by hand."""

import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from evaluation.readers import d_prime, fleiss_kappa, kappa, obuchowski_rockette

pytestmark = pytest.mark.referee

_ANOVA = """
d <- read.csv(file("stdin"))
d$test <- factor(d$test); d$reader <- factor(d$reader); d$case <- factor(d$case)
auc <- function(x) {
  p <- x$rating[x$truth == 1]; n <- x$rating[x$truth == 0]
  k <- outer(p, n, ">") + 0.5 * outer(p, n, "==")
  list(a = mean(k), v10 = rowMeans(k), v01 = colMeans(k))
}
cell <- expand.grid(reader = levels(d$reader), test = levels(d$test))
found <- lapply(seq_len(nrow(cell)), function(i)
  auc(d[d$reader == cell$reader[i] & d$test == cell$test[i], ]))
cell$a <- sapply(found, `[[`, "a")
v10 <- sapply(found, `[[`, "v10"); v01 <- sapply(found, `[[`, "v01")
s <- cov(v10) / nrow(v10) + cov(v01) / nrow(v01)
ms <- summary(aov(a ~ test + reader, data = cell))[[1]][["Mean Sq"]]
same <- function(x) outer(as.character(x), as.character(x), "==")
cov2 <- mean(s[same(cell$test) & !same(cell$reader)])
cov3 <- mean(s[!same(cell$test) & !same(cell$reader)])
t <- nlevels(d$test); r <- nlevels(d$reader)
below <- ms[3] + r * max(cov2 - cov3, 0)
df2 <- below^2 / (ms[3]^2 / ((t - 1) * (r - 1)))
f <- ms[1] / below
cat(sprintf("[%.17g,%.17g,%.17g,%.17g,%.17g,%.17g]", ms[1], ms[3], cov2, cov3, df2,
  pf(f, t - 1, df2, lower.tail = FALSE)))
"""

_KAPPA = """
x <- as.matrix(read.csv(file("stdin"), header = FALSE)); n <- sum(x); p <- x / n
r <- rowSums(p); k <- colSums(p); w <- 1 - (outer(1:3, 1:3, "-") / 2)^2
po <- sum(w * p); pe <- sum(w * outer(r, k)); value <- (po - pe) / (1 - pe)
wr <- as.vector(w %*% k); wc <- as.vector(t(w) %*% r)
v <- 0; v0 <- 0
for (i in 1:3) for (j in 1:3) {
  v <- v + p[i, j] * (w[i, j] - (wr[i] + wc[j]) * (1 - value))^2
  v0 <- v0 + r[i] * k[j] * (w[i, j] - (wr[i] + wc[j]))^2
}
se <- sqrt((v - (value - pe * (1 - value))^2) / n) / (1 - pe)
se0 <- sqrt((v0 - pe^2) / n) / (1 - pe)
cat(sprintf("[%.17g,%.17g,%.17g]", value, value - qnorm(0.975) * se, value / se0))
"""

_FLEISS = """
x <- as.matrix(read.csv(file("stdin"), header = FALSE)); n <- nrow(x); m <- sum(x[1, ])
kappa <- function(x) {
  p <- colSums(x) / sum(x)
  agree <- mean((rowSums(x^2) - m) / (m * (m - 1)))
  (agree - sum(p^2)) / (1 - sum(p^2))
}
cat(sprintf("[%.17g]", kappa(x)))
"""

_D_PRIME = """
d <- read.csv(file("stdin"), header = FALSE); h <- d[1, 1] / d[1, 2]; f <- d[1, 3] / d[1, 4]
v <- h * (1 - h) / (d[1, 2] * dnorm(qnorm(h))^2) + f * (1 - f) / (d[1, 4] * dnorm(qnorm(f))^2)
value <- qnorm(h) - qnorm(f)
cat(sprintf("[%.17g,%.17g,%.17g]", value, value - qnorm(0.975) * sqrt(v), -(qnorm(h) + qnorm(f)) / 2))
"""


def _r(script, text):
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    done = subprocess.run(
        ["Rscript", "--vanilla", "-e", script], input=text, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def _csv(rows):
    return "\n".join(",".join(map(str, row)) for row in rows) + "\n"


@pytest.mark.parametrize(("seed", "tests", "rounded"), [(1, 2, False), (2, 3, False), (3, 3, True)])
def test_the_analysis_of_variance_equals_aov(seed, tests, rounded):
    rng = np.random.default_rng(seed)
    names = ("reader", "test", "case", "truth", "rating")
    rows = []
    for case in range(30):
        truth, own = case % 3 == 0, rng.normal()
        for reader in range(4):
            for test in range(tests):
                rating = rng.normal(truth * (1 + 0.2 * test) + 0.5 * own)
                rows.append((reader, test, case, int(truth), round(rating) if rounded else rating))
    r = obuchowski_rockette(pd.DataFrame(rows, columns=names))
    ours = [r.ms_test, r.ms_test_reader, r.errors.cov2, r.errors.cov3, r.df2, r.p_value]
    assert ours == pytest.approx(_r(_ANOVA, _csv([names, *rows])), rel=1e-10)


@pytest.mark.parametrize("seed", [1, 2])
def test_weighted_kappa_equals_sums_written_out_in_r(seed):
    table = np.random.default_rng(seed).integers(1, 40, size=(3, 3))
    e = kappa(table, weights="quadratic")
    expected = _r(_KAPPA, _csv(table.tolist()))
    assert [e.value, e.lower, e.statistic] == pytest.approx(expected, rel=1e-10)


def test_fleiss_kappa_equals_sums_written_out_in_r():
    rng = np.random.default_rng(4)
    counts = rng.multinomial(5, [0.5, 0.3, 0.2], size=25)
    assert fleiss_kappa(counts).value == pytest.approx(_r(_FLEISS, _csv(counts.tolist()))[0])


@pytest.mark.parametrize("counts", [(80, 100, 30, 90), (19, 20, 4, 17)])
def test_d_prime_equals_r(counts):
    e = d_prime(*counts)
    expected = _r(_D_PRIME, _csv([counts]))
    assert [e.d_prime.value, e.d_prime.lower, e.criterion.value] == pytest.approx(expected)
