# Means: Student's t, cluster-robust, and within sites.

cluster_variance <- function(x, who) {
  sums <- rowsum(x - mean(x), who)
  k <- length(sums)
  k / (k - 1) * sum(sums^2) / length(x)^2
}

t_mean <- function(x, level) {
  if (length(x) < 2) return(list(value = mean(x)))
  interval(mean(x), qt(0.5 + level / 2, length(x) - 1) * sd(x) / sqrt(length(x)))
}

clustered_mean <- function(x, who, level) {
  k <- length(unique(who))
  if (k == length(x)) return(t_mean(x, level))
  if (k < 2) return(list(value = mean(x)))
  interval(mean(x), qt(0.5 + level / 2, k - 1) * sqrt(cluster_variance(x, who)))
}

# Sites with one participant are merged, with each other or with the smallest other site.
merged_sites <- function(who, site) {
  people <- tapply(who, site, function(w) length(unique(w)))
  single <- names(people)[people == 1]
  if (!length(single)) return(site)
  others <- people[people > 1]
  site[site %in% single] <- single[1]
  if (length(single) == 1 && length(others)) {
    others <- others[order(names(others), method = "radix")]
    site[site == single] <- names(others)[which.min(others)]
  }
  site
}

stratified_mean <- function(x, who, site, level) {
  site <- merged_sites(who, site)
  parts <- sapply(split(seq_along(x), site), function(at) {
    k <- length(unique(who[at]))
    c(n = length(at), variance = cluster_variance(x[at], who[at]), df = k - 1)
  })
  part <- (parts["n", ] / length(x))^2 * parts["variance", ]
  df <- sum(part)^2 / sum(part^2 / parts["df", ])
  interval(mean(x), qt(0.5 + level / 2, df) * sqrt(sum(part)))
}

mean_by_method <- function(method, x, who, site, level) {
  method <- sub(", ln ratio$", "", method)
  if (method == "t") t_mean(x, level)
  else if (method == "cluster-robust t") clustered_mean(x, who, level)
  else if (grepl("^stratified", method)) stratified_mean(x, who, site, level)
  else if (grepl("^mean difference", method)) clustered_mean(x, who, level)
  else list(value = mean(x))
}

quantile_with_bounds <- function(x, p, level) {
  x <- sort(x)
  n <- length(x)
  low <- qbinom((1 - level) / 2, n, p)
  high <- qbinom((1 + level) / 2, n, p) + 1
  list(value = unname(quantile(x, p, type = 7)), lower = if (low < 1) NA else x[low],
       upper = if (high > n) NA else x[high])
}

# Proportions. `right` is 1 or 0 per observation.

wilson <- function(x, n, level) {
  # prop.test wants whole numbers; this is the score interval for any x.
  z <- qnorm(0.5 + level / 2)
  p <- x / n
  centre <- (p + z^2 / (2 * n)) / (1 + z^2 / n)
  half <- z * sqrt(p * (1 - p) / n + z^2 / (4 * n^2)) / (1 + z^2 / n)
  list(value = p, lower = if (x == 0) 0 else centre - half, upper = if (x == n) 1 else centre + half)
}

exact <- function(x, n, level) {
  bounds <- binom.test(x, n, conf.level = level)$conf.int
  list(value = x / n, lower = bounds[1], upper = bounds[2])
}

logit_clustered <- function(right, who, level) {
  p <- mean(right)
  k <- length(unique(who))
  if (k < 2) return(list(value = p))
  half <- qt(0.5 + level / 2, k - 1) * sqrt(cluster_variance(right, who)) / (p * (1 - p))
  list(value = p, lower = plogis(qlogis(p) - half), upper = plogis(qlogis(p) + half))
}

proportion <- function(method, right, who, level) {
  n <- length(right)
  x <- sum(right)
  k <- length(unique(who))
  if (n == 0) return(list())
  if (grepl("^wilson \\(number", method)) return(wilson(k * x / n, k, level))
  if (grepl("^clopper_pearson \\(number", method)) return(exact(round(k * x / n), k, level))
  if (grepl("^cluster-robust logit", method)) return(logit_clustered(right, who, level))
  if (method == "wilson") return(wilson(x, n, level))
  if (method == "clopper_pearson") return(exact(x, n, level))
  list(value = x / n)
}
