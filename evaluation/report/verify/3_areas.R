# Areas under ROC curves: DeLong by pROC where it is installed, else by formula; clustered by the
# formula of Obuchowski (Biometrics 1997;53:567). `scores` is a matrix with one column per test.

placements <- function(truth, score) {
  both <- rank(score)
  yes <- truth == 1
  list(positive = (both[yes] - rank(score[yes])) / sum(!yes),
       negative = 1 - (both[!yes] - rank(score[!yes])) / sum(yes))
}

areas <- function(truth, scores, who) {
  yes <- truth == 1
  m <- sum(yes)
  n <- sum(!yes)
  placed <- lapply(seq_len(ncol(scores)), function(j) placements(truth, scores[, j]))
  value <- sapply(placed, function(p) mean(p$positive))
  clustered <- anyDuplicated(who) > 0
  if (!clustered && with_proc && min(m, n) > 1) {
    return(list(value = value, covariance = by_proc(truth, scores)))
  }
  u <- sweep(matrix(sapply(placed, `[[`, "positive"), m), 2, value)
  v <- sweep(matrix(sapply(placed, `[[`, "negative"), n), 2, value)
  if (!clustered) {
    return(list(value = value, covariance = crossprod(u) / (m - 1) / m + crossprod(v) / (n - 1) / n))
  }
  people <- unique(who)
  sums <- function(x, of) {
    all <- matrix(0, length(people), ncol(x))
    found <- rowsum(x, match(of, people))
    all[as.integer(rownames(found)), ] <- found
    all
  }
  su <- sums(u, who[yes])
  sv <- sums(v, who[!yes])
  k <- length(people)
  ku <- length(unique(who[yes]))
  kv <- length(unique(who[!yes]))
  # One participant shows no variation between participants.
  raised <- function(k) if (k > 1) k / (k - 1) else NA
  cross <- raised(k) * crossprod(su, sv)
  covariance <- raised(ku) * crossprod(su) / m^2 + raised(kv) * crossprod(sv) / n^2 +
    (cross + t(cross)) / (m * n)
  list(value = value, covariance = covariance)
}

by_proc <- function(truth, scores) {
  curves <- lapply(seq_len(ncol(scores)), function(j) {
    pROC::roc(truth, scores[, j], levels = c(0, 1), direction = "<", quiet = TRUE)
  })
  covariance <- diag(sapply(curves, function(curve) {
    # pROC warns that it cannot know whether an area of 1 has no variance.
    suppressWarnings(pROC::var(curve, method = "delong"))
  }), length(curves))
  if (length(curves) == 2) {
    covariance[1, 2] <- covariance[2, 1] <-
      suppressWarnings(pROC::cov(curves[[1]], curves[[2]], method = "delong"))
  }
  covariance
}

# Pairs within a site only; sites weigh by their positives. A site without a variance of its own
# borrows that of the others, scaled by its numbers.
stratified_areas <- function(truth, scores, who, site) {
  parts <- lapply(split(seq_along(truth), site), function(at) {
    m <- sum(truth[at] == 1)
    n <- length(at) - m
    if (m == 0 || n == 0) return(NULL)
    c(areas(truth[at], scores[at, , drop = FALSE], who[at]), m = m, size = m * n / (m + n))
  })
  parts <- Filter(Negate(is.null), parts)
  if (!length(parts)) return(NULL)
  own <- sapply(parts, function(p) isTRUE(all(diag(p$covariance) > 0)))
  if (any(own)) {
    common <- Reduce(`+`, lapply(parts[own], function(p) p$covariance * p$size)) / sum(own)
    parts[!own] <- lapply(parts[!own], function(p) {
      p$covariance <- common / p$size
      p
    })
  }
  weight <- sapply(parts, `[[`, "m") / sum(sapply(parts, `[[`, "m"))
  list(value = Reduce(`+`, Map(function(w, p) w * p$value, weight, parts)),
       covariance = Reduce(`+`, Map(function(w, p) w^2 * p$covariance, weight, parts)))
}

area_interval <- function(value, variance, level, logit) {
  half <- qnorm(0.5 + level / 2) * sqrt(variance)
  if (!logit) return(interval(value, half))
  changed(interval(qlogis(value), half / (value * (1 - value))), plogis)
}

one_area <- function(method, own, level) {
  keep <- !is.na(own$truth) & !is.na(own$score)
  own <- own[keep, ]
  if (!any(own$truth == 1) || all(own$truth == 1)) return(list())
  scores <- cbind(own$score)
  found <- if (grepl("^stratified", method)) {
    stratified_areas(own$truth, scores, own$participant, own$site)
  } else {
    areas(own$truth, scores, own$participant)
  }
  if (is.null(found)) return(list())
  area_interval(found$value, found$covariance[1, 1], level, grepl(", logit", method))
}

area_difference <- function(method, both, level) {
  keep <- !is.na(both$truth) & !is.na(both$score) & !is.na(both$score_against)
  both <- both[keep, ]
  if (!any(both$truth == 1) || all(both$truth == 1)) return(list())
  scores <- cbind(both$score, both$score_against)
  found <- if (grepl("stratified", method)) {
    stratified_areas(both$truth, scores, both$participant, both$site)
  } else {
    areas(both$truth, scores, both$participant)
  }
  contrast <- c(1, -1)
  variance <- drop(contrast %*% found$covariance %*% contrast)
  value <- sum(contrast * found$value)
  # A single case of a kind has no variance: there is a value and neither interval nor test.
  if (is.na(variance)) return(list(value = value))
  own <- interval(value, qnorm(0.5 + level / 2) * sqrt(max(variance, 0)))
  own$p <- if (variance <= 1e-18) 1 else 2 * pnorm(-abs(value) / sqrt(variance))
  own
}
