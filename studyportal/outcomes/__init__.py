"""Data cuts, evaluation runs, measurements and results."""
