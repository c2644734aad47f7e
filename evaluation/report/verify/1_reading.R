# Recomputes the key numbers of a report from the points behind them, independently of the program
# that wrote it: base R, and pROC for areas where it is installed. It stands in the report's folder:
#
#   Rscript verify.R [--brief] [FOLDER]
#
# It reads results.csv and plot_data/*.csv, prints each number with its own and the difference, and
# ends with status 1 when any differs by more than 1e-8 (1e-6 where either side iterates), relative
# to its size. It holds no number of the study. --brief prints only what differs.

options(warn = 1, digits = 17)
arguments <- commandArgs(trailingOnly = TRUE)
brief <- "--brief" %in% arguments
given <- setdiff(arguments, "--brief")
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
folder <- if (length(given)) given[1] else if (length(script)) dirname(script[1]) else "."

# A text that a spreadsheet would take for a formula has an apostrophe before it.
read_text <- function(path) {
  frame <- read.csv(path, colClasses = "character", na.strings = character(0), encoding = "UTF-8",
                    check.names = FALSE)
  frame[] <- lapply(frame, function(x) sub("^'(?=[-=+@])", "", x, perl = TRUE))
  frame
}

numbers <- function(frame, columns) {
  # An empty cell is a missing value; anything else that is no number is a fault and warns.
  for (name in intersect(columns, names(frame))) {
    frame[[name]] <- as.numeric(ifelse(frame[[name]] == "", NA, frame[[name]]))
  }
  frame
}

points_of <- function(name, columns) {
  path <- file.path(folder, "plot_data", paste0(name, ".csv"))
  if (!file.exists(path)) return(NULL)
  frame <- numbers(read_text(path), columns)
  if (!is.null(frame$participant)) {
    # Whole numbers are compared and counted faster than names.
    frame$participant <- match(frame$participant, unique(frame$participant))
  }
  frame
}

# The parts of the sites serve a dozen rows of the same place.
remembered <- new.env()
once <- function(name, make) {
  if (is.null(remembered[[name]])) remembered[[name]] <- make
  remembered[[name]]
}
place_of <- function(row, ...) key(row$endpoint, row$quantity, row$test, row$unit, row$region, ...)

key <- function(...) paste(..., sep = "\r")

results <- numbers(read_text(file.path(folder, "results.csv")),
                   c("value", "lower", "upper", "level", "n", "clusters"))
if (is.null(results$analysis)) results$analysis <- "main"
results$method <- sub(" \\[.*\\]$", "", results$method)  # marks stand in brackets behind the method
results <- as.list(results)  # picking single cells of a data frame is what takes the time
row_of <- function(i) lapply(results, `[`, i)

similarity <- points_of("similarity", "value")
agreement <- points_of("agreement", c("reference", "synthetic"))
scores <- points_of("scores", c("truth", "score", "cutoff", "call"))

with_proc <- suppressWarnings(requireNamespace("pROC", quietly = TRUE))

# What was recomputed: one line per number.
ledger <- new.env()
ledger$lines <- list()
ledger$done <- rep(FALSE, length(results$value))

note <- function(i, field, own, tolerance) {
  printed <- results[[field]][i]
  if (is.na(printed)) return(invisible())  # withheld or not estimable: nothing to compare
  scale <- max(abs(printed), abs(own), 1e-6, na.rm = TRUE)
  difference <- if (is.na(own)) Inf else abs(printed - own) / scale
  ledger$lines[[length(ledger$lines) + 1]] <- list(i, field, printed, own, difference, tolerance)
  ledger$done[i] <- TRUE
}

compare <- function(i, own, tolerance = 1e-8) {
  for (field in names(own)) note(i, field, own[[field]], tolerance)
}

interval <- function(value, half) list(value = value, lower = value - half, upper = value + half)

changed <- function(own, f) lapply(own, f)

percent <- function(x) 100 * expm1(x)
