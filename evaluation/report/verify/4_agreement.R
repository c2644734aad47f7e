# Agreement of synthetic (x) and reference (y): bias, limits, proportional bias, concordance.

variance_bounds <- function(variance, df, level) {
  tail <- (1 - level) / 2
  variance * df / qchisq(c(1 - tail, tail), df)
}

# One pair per participant: s with its standard error. Several: components of variance by a one-way
# analysis (unequal numbers by m0), intervals by recovery of variances (Zou 2013).
limit <- function(d, who, sign, level) {
  n <- length(d)
  k <- length(unique(who))
  if (k == n) {
    s <- sd(d)
    half <- qt(0.5 + level / 2, n - 1) * s * sqrt(1 / n + 1.96^2 / (2 * (n - 1)))
    return(interval(mean(d) + sign * 1.96 * s, half))
  }
  sizes <- rowsum(rep(1, n), who)[, 1]
  means <- rowsum(d, who)[, 1] / sizes
  between <- sum(sizes * (means - mean(d))^2) / (k - 1)
  within <- sum((d - means[as.character(who)])^2) / (n - k)
  m0 <- (n^2 - sum(sizes^2)) / ((k - 1) * n)
  variance <- within + (between - within) / m0
  shares <- c(between / m0, (1 - 1 / m0) * within)
  bounds <- mapply(variance_bounds, shares, c(k - 1, n - k), MoreArgs = list(level = level))
  low <- max(0, variance - sqrt(sum((shares - bounds[1, ])^2)))
  high <- variance + sqrt(sum((bounds[2, ] - shares)^2))
  bias <- clustered_mean(d, who, level)
  inner <- 1.96 * (sqrt(variance) - sqrt(low))
  outer <- 1.96 * (sqrt(high) - sqrt(variance))
  down <- if (sign > 0) inner else outer
  up <- if (sign > 0) outer else inner
  value <- mean(d) + sign * 1.96 * sqrt(variance)
  list(value = value, lower = value - sqrt((bias$value - bias$lower)^2 + down^2),
       upper = value + sqrt((bias$upper - bias$value)^2 + up^2))
}

slope_of <- function(x, y, who, level) {
  d <- x - y
  centred <- (x + y) / 2 - mean((x + y) / 2)
  k <- length(unique(who))
  if (k == length(d)) {
    fit <- summary(lm(d ~ centred))$coefficients
    return(interval(fit[2, 1], qt(0.5 + level / 2, length(d) - 2) * fit[2, 2]))
  }
  slope <- sum(centred * d) / sum(centred^2)
  pulls <- rowsum(centred * (d - mean(d) - slope * centred), who)
  se <- sqrt(k / (k - 1) * sum(pulls^2)) / sum(centred^2)
  interval(slope, qt(0.5 + level / 2, k - 1) * se)
}

concordance <- function(x, y) {
  n <- length(x)
  2 * cov(x, y) * (n - 1) / n / ((var(x) + var(y)) * (n - 1) / n + (mean(x) - mean(y))^2)
}

# ICC(A,1): two-way, absolute agreement, single measurement.
absolute_icc <- function(x, y) {
  n <- length(x)
  long <- data.frame(value = c(y, x), pair = factor(rep(seq_len(n), 2)),
                     image = factor(rep(1:2, each = n)))
  rows <- 2 * var((x + y) / 2)
  columns <- n * ((mean(x) - mean(y))^2 / 2)
  rest <- sum((long$value - ave(long$value, long$pair) - ave(long$value, long$image) +
                 mean(long$value))^2) / (n - 1)
  (rows - rest) / (rows + rest + 2 / n * (columns - rest))
}

pearson <- function(x, y, level) {
  n <- length(x)
  r <- cor(x, y)
  half <- qnorm(0.5 + level / 2) / sqrt(n - 3)
  list(value = r, lower = tanh(atanh(r) - half), upper = tanh(atanh(r) + half))
}
