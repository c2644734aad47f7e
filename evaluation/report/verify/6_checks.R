# Which rows of results.csv are recomputed, and from which points.

pooling_pattern <- "^(sites_(pooled|prediction|tau|i2_percent|q_p)|leave_out:.+)$"

of_subgroup <- function(frame, subgroup) {
  if (subgroup == "all") return(frame)
  frame[frame$site == sub("^site:", "", subgroup), ]
}

check_similarity <- function(i, own) {
  row <- row_of(i)
  x <- own$value
  name <- row$statistic
  probability <- c(p2_5 = 0.025, q1 = 0.25, median = 0.5, q3 = 0.75, p97_5 = 0.975)[name]
  if (!length(x)) return(invisible())
  if (name == "mean") {
    compare(i, mean_by_method(row$method, x, own$participant, own$site, row$level))
  } else if (name == "sd") {
    compare(i, list(value = sd(x)))
  } else if (!is.na(probability)) {
    compare(i, quantile_with_bounds(x, probability, row$level))
  } else if (grepl(pooling_pattern, name)) {
    parts <- once(place_of(row, "mean"), mean_parts(x, own$participant, own$site))
    check_pooling(i, name, parts, identity)
  }
}

check_agreement <- function(i, own) {
  row <- row_of(i)
  name <- row$statistic
  level <- row$level
  if (grepl("^mean_", name)) {
    x <- own[[sub("^mean_", "", name)]]
    keep <- !is.na(x)
    return(compare(i, mean_by_method(row$method, x[keep], own$participant[keep], own$site[keep], level)))
  }
  own <- own[!is.na(own$reference) & !is.na(own$synthetic), ]
  positive <- own[own$reference > 0 & own$synthetic > 0, ]
  on_ratio <- grepl("_percent$", name) || grepl(pooling_pattern, name)
  used <- if (on_ratio && !startsWith(name, "within_")) positive else own
  x <- used$synthetic
  y <- used$reference
  who <- used$participant
  if (!length(x)) return(invisible())
  d <- if (on_ratio) log(x) - log(y) else x - y
  if (grepl("^bias", name)) {
    found <- mean_by_method(row$method, d, who, used$site, level)
    compare(i, if (on_ratio) changed(found, percent) else found)
  } else if (grepl("^loa_", name)) {
    found <- limit(d, who, if (grepl("lower", name)) -1 else 1, level)
    compare(i, if (on_ratio) changed(found, percent) else found)
  } else if (startsWith(name, "within_")) {
    share <- as.numeric(sub("^within_(.*)_percent$", "\\1", name)) / 100
    compare(i, proportion(row$method, as.numeric(abs(x - y) <= share * abs(y)), who, level))
  } else if (grepl(pooling_pattern, name)) {
    parts <- once(place_of(row, "ratio"), mean_parts(d, who, used$site))
    check_pooling(i, name, parts, percent)
  } else switch(
    name, slope = compare(i, slope_of(x, y, who, level)), pearson = compare(i, pearson(x, y, level)),
    ccc = compare(i, list(value = concordance(x, y))),
    icc_a1 = compare(i, list(value = absolute_icc(x, y)))
  )
}

# Among whom a proportion is taken, and who counts as a success.
denominators <- list(
  sensitivity = function(d) list(d$truth == 1, d$call == 1),
  specificity = function(d) list(d$truth == 0, d$call == 0),
  ppv = function(d) list(d$call == 1, d$truth == 1),
  npv = function(d) list(d$call == 0, d$truth == 0),
  accuracy = function(d) list(rep(TRUE, nrow(d)), d$call == d$truth),
  prevalence = function(d) list(rep(TRUE, nrow(d)), d$truth == 1)
)
atoms <- list(tp = c(1, 1), fp = c(0, 1), fn = c(1, 0), tn = c(0, 0))

successes <- function(name, own) {
  known <- own[!is.na(own$truth) & !is.na(own$call), ]
  parts <- denominators[[name]](known)
  list(right = as.numeric(parts[[2]][parts[[1]]]), who = known$participant[parts[[1]]],
       site = known$site[parts[[1]]])
}

# Ratios and Youden's index from the four counts; their intervals are not recomputed.
ratio <- function(name, own) {
  known <- own[!is.na(own$truth) & !is.na(own$call), ]
  yes <- mean(known$call[known$truth == 1])
  no <- mean(known$call[known$truth == 0])
  switch(name, lr_positive = yes / no, lr_negative = (1 - yes) / (1 - no),
         diagnostic_odds_ratio = yes / (1 - yes) / (no / (1 - no)), youden = yes - no)
}

check_accuracy <- function(i, own) {
  row <- row_of(i)
  name <- row$statistic
  if (name %in% names(atoms)) {
    known <- !is.na(own$truth) & !is.na(own$call)
    here <- own$truth[known] == atoms[[name]][1] & own$call[known] == atoms[[name]][2]
    compare(i, list(value = sum(here)))
  } else if (name %in% names(denominators)) {
    found <- successes(name, own)
    compare(i, proportion(row$method, found$right, found$who, row$level))
  } else if (name %in% c("lr_positive", "lr_negative", "diagnostic_odds_ratio", "youden")) {
    compare(i, list(value = ratio(name, own)))
  } else if (name %in% c("auc", "auc_crude")) {
    compare(i, one_area(row$method, own, row$level))
  } else if (grepl("^(sensitivity|specificity|auc)_(sites|leave_out)", name)) {
    measure <- sub("_.*$", "", name)
    parts <- once(place_of(row, measure), if (measure == "auc") area_parts(own) else {
      found <- successes(measure, own)
      share_parts(found$right, found$who, found$site)
    })
    check_pooling(i, sub("^[a-z]+_", "", name), parts, plogis)
  }
}

check_difference <- function(i, both) {
  row <- row_of(i)
  name <- sub("_p$", "", row$statistic)
  if (name == "auc_difference") {
    found <- area_difference(row$method, both, row$level)
    p <- found$p
    found$p <- NULL
  } else {
    keep <- !is.na(both$truth) & !is.na(both$call) & !is.na(both$call_against)
    keep <- keep & both$truth == if (name == "sensitivity_difference") 1 else 0
    d <- (both$call - both$call_against)[keep]
    if (name == "specificity_difference") d <- -d
    if (!length(d)) return(invisible())
    robust <- grepl("^cluster-robust t", row$method)
    found <- if (robust) clustered_mean(d, both$participant[keep], row$level) else list(value = mean(d))
    p <- if (!grepl("McNemar exact", row$method)) NULL else if (!any(d != 0)) 1 else {
      binom.test(sum(d == 1), sum(d != 0))$p.value
    }
  }
  if (!grepl("_p$", row$statistic)) compare(i, found) else if (!is.null(p)) compare(i, list(value = p))
}

matched <- function(test) {
  pair <- strsplit(test, " - ", fixed = TRUE)[[1]]
  keys <- c("target_condition", "unit", "participant", "site", "unit_id", "reader")
  first <- scores[scores$test == pair[1], c(keys, "truth", "score", "call")]
  second <- scores[scores$test == pair[2], c(keys, "score", "call")]
  names(second)[7:8] <- c("score_against", "call_against")
  merge(first, second, by = keys)
}
