"""Non-inferiority of one index test to another, read from the interval of their difference."""

from dataclasses import dataclass

from evaluation.statistics import Comparison


@dataclass(frozen=True)
class NonInferiority:
    """The verdict on a margin; ``non_inferior`` is None where the interval is missing.

    ``bound`` is the end of the interval that must not lie beyond the margin; its one-sided
    confidence is ``(1 + level) / 2``. ``superior`` is read from the same interval, which needs no
    further adjustment (closed testing).
    """

    comparison: Comparison
    margin: float
    bound: float | None
    non_inferior: bool | None
    superior: bool | None
    reason: str


def non_inferiority(
    comparison: Comparison, *, margin: float, higher_is_better: bool = True
) -> NonInferiority:
    """Judge a difference ``new - old`` against a margin locked beforehand.

    Parameters
    ----------
    comparison
        A difference with its two-sided interval, for example of `compare_auc`.
    margin
        The largest loss that is acceptable, above 0, in the unit of the difference.
    higher_is_better
        False for a difference of errors, where the upper bound must stay below the margin.

    Examples
    --------
    >>> from evaluation.statistics import Comparison
    >>> gain = Comparison(0.01, -0.02, 0.04, 0.95, 100, 100, 0, "Wald")
    >>> non_inferiority(gain, margin=0.05).non_inferior
    True
    """
    if not 0 < margin < float("inf"):
        raise ValueError(f"the margin must be above 0 and finite, not {margin!r}")
    worst = comparison.lower if higher_is_better else comparison.upper
    if worst is None:
        reason = comparison.reason or "the difference has no interval"
        return NonInferiority(comparison, margin, None, None, None, reason)
    loss = -worst if higher_is_better else worst
    held, confidence = loss < margin, f"{(1 + comparison.level) / 2:.4g}"
    reason = (
        f"with one-sided confidence {confidence} the loss is at most {max(loss, 0):.4g}, "
        f"{'within' if held else 'not within'} the margin of {margin:g}"
    )
    return NonInferiority(comparison, margin, worst, held, loss < 0, reason)
