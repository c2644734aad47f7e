"""Small-cell suppression of whatever leaves the platform."""

from evaluation.report.suppression.rows import released, suppressed

__all__ = ["released", "suppressed"]
