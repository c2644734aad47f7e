"""Turns result rows into a report that reads like the results section of a paper."""

from evaluation.report.writing import Provenance, write_report, write_translation

__all__ = ["Provenance", "write_report", "write_translation"]
