"""R's pROC and base R as referees of partial areas, tests, calibration and paired calls."""

import functools
import json
import shutil
import subprocess

import numpy as np
import pytest

from evaluation.diagnostic import auc, calibration, compare_auc, compare_paired, mcnemar, roc

_SCRIPT = """
suppressMessages(library(pROC))
d <- read.csv(file("stdin"))
said <- list()
say <- function(name, values) {
  said[[length(said) + 1]] <<- sprintf('"%s": [%s]', name,
    paste(sprintf("%.15g", as.numeric(values)), collapse = ", "))
}
curve <- function(y, s) roc(y, s, levels = c(0, 1), direction = "<", quiet = TRUE)
one <- curve(d$truth, d$a); two <- curve(d$truth, d$b)

part <- function(of, low, high, correct)
  auc(one, partial.auc = c(high, low), partial.auc.focus = of, partial.auc.correct = correct)
for (of in c("sp", "se")) for (range in list(c(0.8, 1), c(0.35, 0.75))) {
  focus <- if (of == "sp") "specificity" else "sensitivity"
  say(paste0(of, range[1]), c(part(focus, range[1], range[2], FALSE),
    suppressWarnings(part(focus, range[1], range[2], TRUE))))
}

test <- function(...) { t <- roc.test(..., method = "delong"); c(t$statistic, t$p.value) }
say("unpaired", test(one, two, paired = FALSE))
say("greater", test(one, two, paired = TRUE, alternative = "greater"))
say("less", test(one, two, paired = TRUE, alternative = "less"))
half <- d$site %in% c("s1", "s2")
say("samples", test(curve(d$truth[half], d$a[half]), curve(d$truth[!half], d$b[!half]), paired = FALSE))

sites <- split(d, d$site)
cases <- sapply(sites, function(x) sum(x$truth)); w <- cases / sum(cases)
areas <- sapply(sites, function(x) as.numeric(auc(curve(x$truth, x$a))))
others <- sapply(sites, function(x) as.numeric(auc(curve(x$truth, x$b))))
v <- sapply(sites, function(x) var(curve(x$truth, x$a), method = "delong"))
v2 <- sapply(sites, function(x) var(curve(x$truth, x$b), method = "delong"))
co <- sapply(sites, function(x) cov(curve(x$truth, x$a), curve(x$truth, x$b), method = "delong"))
say("stratified", c(sum(w * areas), sqrt(sum(w^2 * v))))
z <- sum(w * (areas - others)) / sqrt(sum(w^2 * (v + v2 - 2 * co)))
say("stratified_difference", c(sum(w * (areas - others)), z))

logit <- qlogis(d$risk)
fit <- glm(truth ~ logit, family = binomial, data = d, control = list(epsilon = 1e-14))
X <- model.matrix(fit); e <- d$truth - fitted(fit); bread <- vcov(fit)
robust <- function(S) sqrt(diag(bread %*% crossprod(S) %*% bread))
K <- length(unique(d$who))
say("slope", c(coef(fit)[2], robust(X * e)[2], robust(rowsum(X * e, d$who))[2] * sqrt(K / (K - 1))))
say("intercept", c(coef(fit)[1], robust(X * e)[1]))
large <- glm(truth ~ 1, offset = logit, family = binomial, data = d, control = list(epsilon = 1e-14))
r <- d$truth - fitted(large)
say("large", c(coef(large), sqrt(sum(r^2)) * vcov(large)))

m <- table(factor(d$x[d$truth == 1], 0:1), factor(d$y[d$truth == 1], 0:1))
chi <- mcnemar.test(m, correct = FALSE)
b <- m[2, 1]; n <- m[2, 1] + m[1, 2]
say("mcnemar", c(chi$statistic, chi$p.value, binom.test(b, n)$p.value,
  2 * pbinom(min(b, n - b), n, 0.5) - dbinom(min(b, n - b), n, 0.5)))
cat("{", paste(said, collapse = ", "), "}")
"""


def _study(seed, step):
    rng = np.random.default_rng(seed)
    n = 150
    who = np.repeat(np.arange(n // 2), 2)
    own = rng.normal(0, 0.6, n // 2)[who]
    truth = (rng.random(n) < 0.4).astype(int)
    a, b = (rng.normal(truth * shift + own, 1) for shift in (1.1, 0.6))
    if step:
        a, b = np.round(a / step) * step, np.round(b / step) * step
    risk = 1 / (1 + np.exp(0.8 - 0.7 * a))
    site = np.array(["s1", "s2", "s3"])[who % 3]
    return {
        "truth": truth, "a": a, "b": b, "risk": risk, "site": site, "who": who,
        "x": (a > 0.4).astype(int), "y": (b > 0.4).astype(int),
    }  # fmt: skip


@functools.cache
def _referee(seed, step):
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    run = ["Rscript", "--vanilla", "-e"]
    has_proc = subprocess.run(
        [*run, 'cat(requireNamespace("pROC", quietly = TRUE))'],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    if has_proc.stdout.strip() != "TRUE":
        pytest.skip("the R package pROC is not installed")
    d = _study(seed, step)
    rows = zip(*(np.asarray(v).tolist() for v in d.values()), strict=True)
    text = "\n".join([",".join(d), *(",".join(str(v) for v in row) for row in rows)])
    done = subprocess.run(
        [*run, _SCRIPT], input=text + "\n", capture_output=True, text=True, check=True
    )
    return d, json.loads(done.stdout)


pytestmark = pytest.mark.referee
both = pytest.mark.parametrize(("seed", "step"), [(1, 0.0), (2, 0.5)])


def _se(e):
    return (e.upper - e.lower) / 2 / 1.959963984540054


@both
@pytest.mark.parametrize("of", ["specificity", "sensitivity"])
@pytest.mark.parametrize(("low", "high"), [(0.8, 1.0), (0.35, 0.75)])
def test_partial_areas_equal_proc(seed, step, of, low, high):
    d, expected = _referee(seed, step)
    curve = roc(d["truth"], d["a"], partial=(of, low, high))
    raw, mapped = expected[f"{of[:2]}{low}"]
    assert curve.partial_auc.value == pytest.approx(raw, rel=1e-9)
    assert curve.partial_auc_standardised.value == pytest.approx(mapped, rel=1e-9)


@both
def test_unpaired_and_one_sided_tests_equal_proc(seed, step):
    d, expected = _referee(seed, step)
    scores = (d["truth"], d["a"], d["b"])
    found = compare_auc(*scores, paired=False)
    assert [found.statistic, found.p_value] == pytest.approx(expected["unpaired"], rel=1e-7)
    for side in ("greater", "less"):
        found = compare_auc(*scores, alternative=side)
        assert [found.statistic, found.p_value] == pytest.approx(expected[side], rel=1e-7)


@both
def test_two_independent_samples_equal_proc(seed, step):
    d, expected = _referee(seed, step)
    half = np.isin(d["site"], ["s1", "s2"])
    found = compare_auc(
        d["truth"][half], d["a"][half], d["b"][~half], paired=False, truth_b=d["truth"][~half]
    )
    assert [found.statistic, found.p_value] == pytest.approx(expected["samples"], rel=1e-7)


@both
def test_stratified_areas_equal_proc_site_by_site(seed, step):
    d, expected = _referee(seed, step)
    e = auc(d["truth"], d["a"], strata=d["site"])
    assert [e.value, _se(e)] == pytest.approx(expected["stratified"], rel=1e-9)
    e = compare_auc(d["truth"], d["a"], d["b"], strata=d["site"])
    assert [e.value, e.statistic] == pytest.approx(expected["stratified_difference"], rel=1e-7)


@both
def test_calibration_equals_glm_with_sandwich_variances(seed, step):
    d, expected = _referee(seed, step)
    found = calibration(d["truth"], d["risk"])
    slope, se, se_clustered = expected["slope"]
    assert [found.slope.value, _se(found.slope)] == pytest.approx([slope, se], rel=1e-6)
    for name, e in (("intercept", found.intercept), ("large", found.in_the_large)):
        assert [e.value, _se(e)] == pytest.approx(expected[name], rel=1e-6)
    clustered = calibration(d["truth"], d["risk"], cluster=d["who"]).slope
    t = 1.9925434951809  # qt(0.975, 74)
    assert (clustered.upper - clustered.lower) / 2 / t == pytest.approx(se_clustered, rel=1e-6)


@both
def test_mcnemar_tests_equal_base_r(seed, step):
    d, expected = _referee(seed, step)
    chi, p_chi, exact, mid = expected["mcnemar"]
    found = compare_paired(d["truth"], d["x"], d["y"], test="chi2").sensitivity
    assert [found.statistic, found.p_value] == pytest.approx([chi, p_chi])
    difference = (d["x"] - d["y"])[d["truth"] == 1]
    b, c = int((difference == 1).sum()), int((difference == -1).sum())
    assert mcnemar(b, c, method="exact")[1] == pytest.approx(exact)
    assert mcnemar(b, c, method="mid_p")[1] == pytest.approx(mid)
