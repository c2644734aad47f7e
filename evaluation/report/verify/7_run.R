# Runs every check, prints what was found and ends with 1 where anything differs.

frames_by <- function(frame, keys) if (is.null(frame)) list() else split(frame, keys)

similar <- frames_by(similarity, key(similarity$endpoint, similarity$quantity))
agreeing <- frames_by(agreement, key(agreement$endpoint, agreement$quantity, agreement$group))
tested <- frames_by(scores, key(scores$target_condition, scores$unit, scores$test))
differing <- list()
differences <- grep("_difference(_p)?$", results$statistic)
for (test in unique(results$test[differences])) {
  if (!is.null(scores) && grepl(" - ", test, fixed = TRUE)) {
    both <- matched(test)
    own <- split(both, key(both$target_condition, both$unit))
    for (place in names(own)) differing[[key(place, test)]] <- own[[place]]
  }
}
compared <- c("auc_difference", "sensitivity_difference", "specificity_difference")
compared <- c(compared, paste0(compared, "_p"))

check_row <- function(i) {
  row <- row_of(i)
  if (row$family == "primary") {
    own <- similar[[key(row$endpoint, row$quantity)]]
    if (!is.null(own)) check_similarity(i, of_subgroup(own, row$subgroup))
    own <- agreeing[[key(row$endpoint, row$quantity, row$region)]]
    if (!is.null(own)) check_agreement(i, of_subgroup(own, row$subgroup))
  } else if (row$family == "secondary" && row$statistic %in% compared) {
    own <- differing[[key(row$target_condition, row$unit, row$test)]]
    if (!is.null(own)) check_difference(i, of_subgroup(own, row$subgroup))
  } else if (row$family == "secondary") {
    # A reader may be called anything, colons and all; a test may not.
    own <- tested[[key(row$target_condition, row$unit, sub(":.*$", "", row$test))]]
    of_one <- grepl(":", row$test, fixed = TRUE)
    if (!is.null(own) && of_one) own <- own[own$reader == sub("^[^:]*:", "", row$test), ]
    if (!is.null(own)) check_accuracy(i, of_subgroup(own, row$subgroup))
  }
}

here <- results$analysis == "main" & !is.na(results$value)
here <- here & (results$subgroup == "all" | startsWith(results$subgroup, "site:"))
for (i in which(here)) check_row(i)

column <- function(j) unlist(lapply(ledger$lines, `[[`, j))
if (!length(ledger$lines)) {
  cat("verified 0 numbers: the report holds no points to recompute anything from\n")
  quit(status = 1)
}
found <- data.frame(row = as.integer(column(1)), field = column(2), portal = column(3),
                    own = column(4), difference = column(5), tolerance = column(6))
about <- lapply(results, `[`, found$row)
parts <- c("endpoint", "quantity", "test", "unit", "region", "subgroup", "statistic")
found$what <- apply(do.call(cbind, about[parts]), 1, function(x) paste(x[x != ""], collapse = " | "))
found$what <- paste(found$what, found$field, sep = " | ")
wrong <- !(found$difference <= found$tolerance)
shown <- if (brief) found[wrong, ] else found

cat("Areas by", if (with_proc) paste("pROC", packageVersion("pROC")) else "formula (pROC is not installed)",
    "where nobody counts twice, else by formula;", R.version.string, "\n\n")
cat(sprintf("%-24s %-24s %-10s %s\n", "portal", "R", "difference", "what"))
if (nrow(shown)) {
  cat(sprintf("%-24.15g %-24.15g %-10.2g %s%s\n", shown$portal, shown$own, shown$difference, shown$what,
              ifelse(!(shown$difference <= shown$tolerance), "   <-- DIFFERS", "")), sep = "")
}
left <- results$statistic[here & !ledger$done]
if (length(left)) {
  counts <- sort(table(sub(":.*$", "", left)), decreasing = TRUE)
  cat("\nnot recomputed here (rows):", paste(names(counts), counts, collapse = ", "), "\n")
}
cat(sprintf("\nverified %d numbers, largest relative difference %.3g\n", nrow(found),
            max(found$difference)))
if (any(wrong)) {
  cat(sum(wrong), if (sum(wrong) == 1) "number differs\n" else "numbers differ\n")
  quit(status = 1)
}
