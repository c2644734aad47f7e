"""Base R as referee of statistics and agreement, on random data with and without ties."""

import shutil
import subprocess

import numpy as np
import pytest

from evaluation.agreement import (
    bland_altman,
    correlation,
    deming,
    equivalence,
    icc,
    lin_ccc,
    passing_bablok,
)
from evaluation.statistics import (
    adjusted_p_values,
    clustered_mean,
    mean_interval,
    proportion_interval,
    quantile_intervals,
    random_effects,
    rubin,
    stratified_mean,
)

pytestmark = pytest.mark.referee
_CASES = [(1, None), (2, 1), (3, 0)]  # seed, digits kept: none but random, a few and many ties

_SHOW = """
show <- function(name, ...) cat(name, sprintf("%.17g", c(...)), "\\n")
d <- read.csv(file("stdin"))
"""


def _r(script, **columns):
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    width = max(len(values) for values in columns.values())
    cells = [[repr(float(v)) for v in values] for values in columns.values()]
    filled = [column + ["NA"] * (width - len(column)) for column in cells]
    text = "\n".join([",".join(columns), *(",".join(row) for row in zip(*filled, strict=True))])
    done = subprocess.run(
        ["Rscript", "--vanilla", "-e", _SHOW + script],
        input=text + "\n", capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = [line.split() for line in done.stdout.splitlines()]
    return {line[0]: [float(number) for number in line[1:]] for line in lines}


def _pairs(seed, digits, *, n=37):
    rng = np.random.default_rng(seed)
    x = rng.normal(5, 2, n)
    y = 0.4 + 0.9 * x + rng.normal(0, 0.8, n)
    return (x, y) if digits is None else (np.round(x, digits), np.round(y, digits))


def _numbers(e):
    return [e.value, e.lower, e.upper]


@pytest.mark.parametrize(("seed", "digits"), _CASES)
def test_correlations_equal_cor_test(seed, digits):
    x, y = _pairs(seed, digits)
    r = _r(
        """
        p <- cor.test(d$x, d$y)
        show("pearson", p$estimate, p$conf.int)
        show("spearman", cor(d$x, d$y, method = "spearman"))
        show("kendall", cor(d$x, d$y, method = "kendall"))
        """,
        x=x, y=y,
    )  # fmt: skip
    assert _numbers(correlation(x, y)) == pytest.approx(r["pearson"], rel=1e-10)
    for method in ("spearman", "kendall"):
        assert correlation(x, y, method=method).value == pytest.approx(r[method][0], rel=1e-12)


def test_intervals_of_proportions_equal_binom_test_and_prop_test():
    counts = [(0, 7), (7, 7), (1, 9), (3, 40), (81, 263), (499, 500), (2222, 10_000)]
    r = _r(
        """
        for (i in seq_len(nrow(d))) {
          x <- d$x[i]; n <- d$n[i]
          show(paste0("exact", i), binom.test(x, n)$conf.int)
          show(paste0("score", i), suppressWarnings(prop.test(x, n, correct = FALSE))$conf.int)
          show(paste0("corrected", i), suppressWarnings(prop.test(x, n))$conf.int)
          show(paste0("logit", i), plogis(qlogis(x / n) + c(-1, 1) * qnorm(.975) / sqrt(x * (1 - x / n))))
        }
        """,
        x=[x for x, _ in counts], n=[n for _, n in counts],
    )  # fmt: skip
    methods = {"exact": "clopper_pearson", "score": "wilson", "corrected": "wilson_cc"}
    for i, (x, n) in enumerate(counts, start=1):
        for name, method in methods.items():
            e = proportion_interval(x, n, method=method)
            assert [e.lower, e.upper] == pytest.approx(r[f"{name}{i}"], rel=1e-9, abs=1e-15)
        if 0 < x < n:
            e = proportion_interval(x, n, method="logit")
            assert [e.lower, e.upper] == pytest.approx(r[f"logit{i}"], rel=1e-9)


@pytest.mark.parametrize(("seed", "digits"), [(1, None), (2, 2), (3, 1)])
def test_adjusted_p_values_equal_p_adjust(seed, digits):
    p = np.random.default_rng(seed).beta(0.4, 2, 25)
    p = p if digits is None else np.round(p, digits)
    methods = {"bonferroni": "bonferroni", "holm": "holm", "hochberg": "hochberg", "bh": "BH", "by": "BY"}  # fmt: skip
    script = "\n".join(f'show("{ours}", p.adjust(d$p, "{r}"))' for ours, r in methods.items())
    expected = _r(script, p=p)
    for method in methods:
        assert adjusted_p_values(p, method=method) == pytest.approx(expected[method], rel=1e-12)


@pytest.mark.parametrize(("seed", "digits"), _CASES)
def test_means_quantiles_and_equivalence_equal_r(seed, digits):
    x, y = _pairs(seed, digits)
    r = _r(
        """
        one <- t.test(d$x, conf.level = .9)
        show("mean", one$estimate, one$conf.int)
        show("quantile", quantile(d$x, c(.1, .5, .93), type = 7))
        lower <- t.test(d$x, d$y, paired = TRUE, mu = -.5, alternative = "greater")
        upper <- t.test(d$x, d$y, paired = TRUE, mu = .5, alternative = "less")
        both <- t.test(d$x, d$y, paired = TRUE, conf.level = .9)
        show("tost", max(lower$p.value, upper$p.value), both$conf.int)
        """,
        x=x, y=y,
    )  # fmt: skip
    assert _numbers(mean_interval(x, level=0.9)) == pytest.approx(r["mean"], rel=1e-10)
    quantiles = [e.value for e in quantile_intervals(x, [0.1, 0.5, 0.93])]
    assert quantiles == pytest.approx(r["quantile"], rel=1e-12)
    e = equivalence(x, y, margin=0.5)
    assert [e.p_value, e.lower, e.upper] == pytest.approx(r["tost"], rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2])
def test_clustered_and_stratified_means_equal_the_sandwich_in_r(seed):
    rng = np.random.default_rng(seed)
    who = rng.integers(0, 24, 90)
    site = who % 3
    x = rng.normal(0, 1, 24)[who] + site + rng.normal(0, 0.5, 90)
    r = _r(
        """
        k <- length(unique(d$who)); e <- d$x - mean(d$x)
        se <- sqrt(k / (k - 1) * sum(tapply(e, d$who, sum)^2)) / nrow(d)
        show("clustered", mean(d$x) + c(0, -1, 1) * qt(.975, k - 1) * se)
        part <- sapply(split(d, d$site), function(s) {
          k <- length(unique(s$who)); e <- s$x - mean(s$x)
          c(k / (k - 1) * sum(tapply(e, s$who, sum)^2) / nrow(d)^2, k - 1) })
        v <- sum(part[1, ]); df <- v^2 / sum(part[1, ]^2 / part[2, ])
        show("stratified", mean(d$x) + c(0, -1, 1) * qt(.975, df) * sqrt(v))
        """,
        x=x, who=who, site=site,
    )  # fmt: skip
    assert _numbers(clustered_mean(x, who)) == pytest.approx(r["clustered"], rel=1e-10)
    e = stratified_mean(x, site, cluster=who)
    assert _numbers(e) == pytest.approx(r["stratified"], rel=1e-10)


@pytest.mark.parametrize(("seed", "digits"), _CASES)
def test_limits_of_agreement_equal_r(seed, digits):
    x, y = _pairs(seed, digits, n=21)
    r = _r(
        """
        diff <- d$x - d$y; n <- length(diff); s <- sd(diff); m <- mean(diff)
        se <- s * sqrt(1 / n + 1.96^2 / (2 * (n - 1)))
        show("upper", m + 1.96 * s + c(0, -1, 1) * qt(.975, n - 1) * se)
        show("exact", m + s / sqrt(n) * qt(c(.025, .975), n - 1, ncp = 1.96 * sqrt(n)))
        fit <- lm(diff ~ I((d$x + d$y) / 2)); show("slope", coef(fit)[2], confint(fit)[2, ])
        """,
        x=x, y=y,
    )  # fmt: skip
    plain, exact = bland_altman(x, y), bland_altman(x, y, limit_interval="exact").upper_limit
    assert _numbers(plain.upper_limit) == pytest.approx(r["upper"], rel=1e-10)
    assert [exact.lower, exact.upper] == pytest.approx(r["exact"], rel=1e-7)
    assert _numbers(plain.slope) == pytest.approx(r["slope"], rel=1e-8)


@pytest.mark.parametrize("seed", [1, 2])
def test_limits_with_unequal_replicates_equal_aov(seed):
    rng = np.random.default_rng(seed)
    who = np.sort(rng.integers(0, 15, 60))
    x = rng.normal(5, 1, 60)
    y = x + rng.normal(0, 0.8, 15)[who] + rng.normal(0, 0.4, 60)
    r = _r(
        """
        diff <- d$x - d$y; a <- anova(lm(diff ~ factor(d$who)))[["Mean Sq"]]
        m <- table(d$who); n <- sum(m); k <- length(m)
        m0 <- (n^2 - sum(m^2)) / ((k - 1) * n)
        show("varies", a[2], mean(diff) + c(-1, 1) * 1.96 * sqrt((a[1] - a[2]) / m0 + a[2]))
        of <- function(v) anova(lm(v ~ factor(d$who)))[["Mean Sq"]][2]
        v <- var(tapply(diff, d$who, mean)) + (1 - mean(1 / m)) * (of(d$x) + of(d$y))
        show("constant", of(d$x) + of(d$y), mean(diff) + c(-1, 1) * 1.96 * sqrt(v))
        """,
        x=x, y=y, who=who,
    )  # fmt: skip
    for true_value in ("varies", "constant"):
        ours = bland_altman(x, y, subject=who, true_value=true_value)
        found = [ours.within_sd**2, ours.lower_limit.value, ours.upper_limit.value]
        assert found == pytest.approx(r[true_value], rel=1e-9)


@pytest.mark.parametrize(("seed", "digits"), _CASES)
def test_intraclass_correlations_equal_aov(seed, digits):
    rng = np.random.default_rng(seed)
    table = rng.normal(5, 1, 18)[:, None] + rng.normal(0, 0.7, (18, 4)) + [0, 0.3, 0.6, 0]
    table = table if digits is None else np.round(table, digits)
    rows, columns = np.indices(table.shape)
    r = _r(
        """
        a <- anova(lm(y ~ factor(row) + factor(column), d)); n <- 18; k <- 4
        r <- a[1, 3]; c <- a[2, 3]; e <- a[3, 3]; w <- sum(a[2:3, 2]) / (n * (k - 1))
        show("ICC1", (r - w) / (r + (k - 1) * w), r / w)
        show("ICC2", (r - e) / (r + (k - 1) * e + k * (c - e) / n), r / e)
        show("ICC3", (r - e) / (r + (k - 1) * e), r / e)
        show("ICC1k", (r - w) / r, r / w)
        show("ICC2k", (r - e) / (r + (c - e) / n), r / e)
        show("ICC3k", (r - e) / r, r / e)
        f <- r / e / qf(.975, n - 1, (n - 1) * (k - 1))
        g <- r / e * qf(.975, (n - 1) * (k - 1), n - 1)
        show("interval3", (f - 1) / (f + k - 1), (g - 1) / (g + k - 1))
        """,
        y=table.ravel(), row=rows.ravel(), column=columns.ravel(),
    )  # fmt: skip
    forms = icc(table)
    for name, form in forms.items():
        assert [form.estimate.value, form.f] == pytest.approx(r[name], rel=1e-9)
    e = forms["ICC3"].estimate
    assert [e.lower, e.upper] == pytest.approx(r["interval3"], rel=1e-9)


@pytest.mark.parametrize(("seed", "digits"), _CASES)
def test_lines_and_concordance_equal_their_definitions_in_r(seed, digits):
    x, y = _pairs(seed, digits)
    r = _r(
        """
        line <- function(x, y, l) {
          sx <- var(x); sy <- var(y); sxy <- cov(x, y); g <- sy - sx / l
          b <- (g + sqrt(g^2 + 4 * sxy^2 / l)) / (2 * sxy); c(mean(y) - b * mean(x), b) }
        n <- nrow(d); whole <- line(d$x, d$y, 2)
        left <- sapply(1:n, function(i) line(d$x[-i], d$y[-i], 2))
        se <- apply(n * whole - (n - 1) * left, 1, sd) / sqrt(n)
        for (i in 1:2) show(c("intercept", "slope")[i], whole[i] + c(0, -1, 1) * qt(.975, n - 2) * se[i])
        i <- combn(n, 2); dx <- d$x[i[2, ]] - d$x[i[1, ]]; dy <- d$y[i[2, ]] - d$y[i[1, ]]
        s <- ifelse(dx == 0, Inf, dy / dx)[dx != 0 | dy != 0]; s <- sort(s[s != -1]); K <- sum(s < -1)
        N <- length(s); C <- qnorm(.975) * sqrt(n * (n - 1) * (2 * n + 5) / 18); M <- ceiling((N - C) / 2)
        mid <- mean(atan(s[c(floor((N + 1) / 2), ceiling((N + 1) / 2)) + K]))
        show("bablok", tan(mid), s[M + K], s[N - M + 1 + K])
        f <- (n - 1) / n
        show("ccc", 2 * f * cov(d$x, d$y) / (f * var(d$x) + f * var(d$y) + (mean(d$x) - mean(d$y))^2))
        """,
        x=x, y=y,
    )  # fmt: skip
    fit = deming(x, y, error_ratio=2)
    assert _numbers(fit.intercept) == pytest.approx(r["intercept"], rel=1e-8)
    assert _numbers(fit.slope) == pytest.approx(r["slope"], rel=1e-8)
    assert _numbers(passing_bablok(x, y).slope) == pytest.approx(r["bablok"], rel=1e-12)
    assert lin_ccc(x, y).value == pytest.approx(r["ccc"][0], rel=1e-12)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_effects_equal_base_r(seed):
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.01, 0.08, 7)
    y = rng.normal(0.5, 0.35, 7) + rng.normal(0, np.sqrt(v))
    r = _r(
        """
        y <- d$y; v <- d$v; k <- length(y); w <- 1 / v
        q <- sum(w * (y - weighted.mean(y, w))^2)
        dl <- max(0, (q - k + 1) / (sum(w) - sum(w^2) / sum(w)))
        minus <- function(t) { w <- 1 / (v + t); m <- weighted.mean(y, w)
          (sum(log(v + t)) + log(sum(w)) + sum(w * (y - m)^2)) / 2 }
        reml <- optimize(minus, c(0, 5), tol = 1e-12)$minimum
        pool <- function(t) { w <- 1 / (v + t); m <- weighted.mean(y, w)
          se <- sqrt(sum(w * (y - m)^2) / (k - 1) / sum(w)); m + c(0, -1, 1) * qt(.975, k - 1) * se }
        show("dl", pool(dl), dl); show("reml", pool(reml), reml)
        """,
        y=y, v=v,
    )  # fmt: skip
    for method, tolerance in (("dl", 1e-10), ("reml", 1e-6)):
        ours = random_effects(y, v, method=method)
        assert [*_numbers(ours.estimate), ours.tau2] == pytest.approx(r[method], rel=tolerance)


@pytest.mark.parametrize("seed", [1, 2])
def test_rubins_rules_equal_base_r(seed):
    rng = np.random.default_rng(seed)
    q, u = rng.normal(1, 0.2, 20), rng.uniform(0.02, 0.05, 20)
    r = _r(
        """
        m <- nrow(d); b <- var(d$q); w <- mean(d$u); t <- w + (1 + 1 / m) * b; l <- (1 + 1 / m) * b / t
        old <- (m - 1) / l^2; obs <- (150 + 1) / (150 + 3) * 150 * (1 - l); df <- 1 / (1 / old + 1 / obs)
        show("pooled", mean(d$q) + c(0, -1, 1) * qt(.975, df) * sqrt(t), df)
        """,
        q=q, u=u,
    )  # fmt: skip
    p = rubin(q, u, n=200, clusters=200, missing=9, complete_df=150)
    assert [*_numbers(p.estimate), p.df] == pytest.approx(r["pooled"], rel=1e-10)
