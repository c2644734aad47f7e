# Random effects over sites: variance between sites by restricted maximum likelihood, where the score
# crosses zero, found by bisection; Knapp-Hartung interval; prediction interval. Sums are taken so that
# nothing is lost where one site's weight dwarfs all others.

residuals_of <- function(y, w) as.vector(outer(y, y, "-") %*% w) / sum(w)

# sum(w) - sum(w^2) / sum(w)
shared <- function(w) sum(w / sum(w) * sapply(seq_along(w), function(i) sum(w[-i])))

reml <- function(y, v) {
  score <- function(tau2) {
    w <- 1 / (v + tau2)
    sum((w * residuals_of(y, w))^2) - shared(w)
  }
  if (score(0) <= 0) return(0)
  low <- 0
  high <- max(1e-12, var(y))
  while (score(high) > 0) high <- 2 * high
  for (step in 1:2000) {
    middle <- (low + high) / 2
    if (middle <= low || middle >= high) break
    if (score(middle) > 0) low <- middle else high <- middle
  }
  high
}

dersimonian_laird <- function(y, v) {
  w <- 1 / v
  max(0, (sum(w * residuals_of(y, w)^2) - length(y) + 1) / shared(w))
}

random_effects <- function(parts, method, level) {
  keep <- is.finite(parts$value) & is.finite(parts$variance) & parts$variance > 0
  y <- parts$value[keep]
  v <- parts$variance[keep]
  k <- length(y)
  if (k < 2) return(NULL)
  tau2 <- if (grepl("reml", method)) reml(y, v) else if (grepl(" dl", method)) {
    dersimonian_laird(y, v)
  } else if (grepl("fixed", method)) 0 else return(NULL)
  w <- 1 / (v + tau2)
  m <- sum(w * y) / sum(w)
  hartung <- grepl("Knapp-Hartung", method)
  se <- sqrt(1 / sum(w)) * if (hartung) sqrt(sum(w * residuals_of(y, w)^2) / (k - 1)) else 1
  quantile <- if (hartung) qt(0.5 + level / 2, k - 1) else qnorm(0.5 + level / 2)
  w0 <- 1 / v
  q <- sum(w0 * residuals_of(y, w0)^2)
  typical <- (k - 1) / shared(w0)
  list(pooled = interval(m, quantile * se), tau = sqrt(tau2),
       prediction = interval(m, quantile * sqrt(tau2 + se^2)),
       i2 = 100 * tau2 / (tau2 + typical), q_p = pchisq(q, k - 1, lower.tail = FALSE))
}

# `parts` has one row per site with name, value and variance on the scale of pooling.
check_pooling <- function(i, name, parts, back) {
  row <- row_of(i)
  if (startsWith(name, "leave_out:")) {
    parts <- parts[parts$name != sub("^leave_out:", "", name), ]
    name <- "sites_pooled"
  }
  # Rows of tau, I2 and Q do not name the interval; they do not depend on it.
  found <- random_effects(parts, if (name == "sites_q_p") "fixed" else row$method, row$level)
  if (is.null(found)) return(invisible())
  own <- switch(name, sites_pooled = changed(found$pooled, back),
                sites_prediction = changed(found$prediction, back), sites_tau = list(value = found$tau),
                sites_i2_percent = list(value = found$i2), sites_q_p = list(value = found$q_p))
  if (name == "sites_i2_percent" && grepl("fixed", row$method)) return(invisible())
  compare(i, own, if (name == "sites_q_p") 1e-8 else 1e-6)
}

mean_parts <- function(x, who, site) {
  at <- split(seq_along(x), site)
  data.frame(name = names(at), value = sapply(at, function(j) mean(x[j])),
             variance = sapply(at, function(j) {
               if (length(unique(who[j])) < 2) NA else cluster_variance(x[j], who[j])
             }))
}

logit_parts <- function(parts) {
  inside <- !is.na(parts$value) & parts$value > 0 & parts$value < 1
  parts <- parts[inside, ]
  parts$variance <- parts$variance / (parts$value * (1 - parts$value))^2
  parts$value <- qlogis(parts$value)
  parts
}

# A share of 0 or 1 has no logit: 0.5 is added to both cells, participants standing for the sample
# size; the method of whatever is pooled names such sites.
share_parts <- function(right, who, site) {
  parts <- mean_parts(right, who, site)
  people <- sapply(split(who, site), function(w) length(unique(w)))
  extreme <- parts$value %in% c(0, 1)
  usual <- logit_parts(parts[!extreme, ])
  hits <- parts$value[extreme] * people[extreme] + 0.5
  misses <- (1 - parts$value[extreme]) * people[extreme] + 0.5
  rbind(usual, data.frame(name = parts$name[extreme], value = log(hits / misses),
                          variance = 1 / hits + 1 / misses))
}

area_parts <- function(own) {
  own <- own[!is.na(own$truth) & !is.na(own$score), ]
  at <- split(seq_len(nrow(own)), own$site)
  at <- Filter(function(j) any(own$truth[j] == 1) && any(own$truth[j] == 0), at)
  found <- lapply(at, function(j) areas(own$truth[j], cbind(own$score[j]), own$participant[j]))
  logit_parts(data.frame(name = names(at), value = as.numeric(sapply(found, `[[`, "value")),
                         variance = as.numeric(sapply(found, function(f) f$covariance[1, 1]))))
}
