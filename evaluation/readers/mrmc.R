# Computes a crossed reader study anew: Rscript mrmc.R NAME.csv ...
#
# Base R and pROC (areas and DeLong covariances); Obuchowski-Rockette with the degrees of freedom of
# Hillis (Stat Med 2007;26:596), random readers and random cases. Where the package MRMCaov is
# installed its figures stand beside, from the same file.

suppressMessages(library(pROC))

study <- function(path) {
  d <- read.csv(path, colClasses = c(reader = "character", test = "character"))
  tests <- sort(unique(d$test)); readers <- sort(unique(d$reader))
  t <- length(tests); r <- length(readers)
  curves <- list()
  for (a in tests) for (b in readers) {
    own <- d[d$test == a & d$reader == b, ]
    own <- own[order(own$case), ]
    curves[[paste(a, b)]] <- roc(own$truth, own$rating, levels = c(0, 1), direction = "<", quiet = TRUE)
  }
  k <- t * r
  area <- matrix(sapply(curves, function(one) as.numeric(auc(one))), nrow = t, byrow = TRUE)
  V <- matrix(0, k, k)
  for (i in 1:k) for (j in 1:k)
    V[i, j] <- if (i == j) var(curves[[i]], method = "delong") else cov(curves[[i]], curves[[j]], method = "delong")
  test <- rep(1:t, each = r); reader <- rep(1:r, t)
  pick <- function(same_test, same_reader)
    mean(V[outer(test, test, "==") == same_test & outer(reader, reader, "==") == same_reader])
  cov2 <- pick(TRUE, FALSE); cov3 <- pick(FALSE, FALSE)
  row <- rowMeans(area); column <- colMeans(area); all <- mean(area)
  ms_t <- r * sum((row - all)^2) / (t - 1)
  ms_tr <- sum((area - outer(row, column, "+") + all)^2) / ((t - 1) * (r - 1))
  below <- ms_tr + r * max(cov2 - cov3, 0)
  df2 <- (t - 1) * (r - 1) * (below / ms_tr)^2
  F <- ms_t / below
  difference <- row[1] - row[2]
  se <- sqrt(2 / r * below)
  half <- qt(0.975, df2) * se
  cat(sprintf("%s\n", basename(path)))
  for (i in 1:t) cat(sprintf("auc %s %.10f\n", tests[i], row[i]))
  cat(sprintf("auc_difference %.10f %.10f %.10f\n", difference, difference - half, difference + half))
  cat(sprintf("f %.10f\ndf1 %d\ndf2 %.10f\np %.10f\n", F, t - 1, df2, pf(F, t - 1, df2, lower.tail = FALSE)))
  if (requireNamespace("MRMCaov", quietly = TRUE)) {
    fit <- MRMCaov::mrmc(MRMCaov::empirical_auc(truth, rating), test, reader, case, data = d, cov = MRMCaov::DeLong)
    print(summary(fit))
  }
}

for (path in commandArgs(trailingOnly = TRUE)) study(path)
