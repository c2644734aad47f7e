"""The result objects that every statistical function of this package returns."""

from dataclasses import dataclass

DEFAULT_LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """One number with its interval, its denominators and the method that made it.

    ``value`` is None, with a sentence in ``reason``, when the number is not estimable; ``lower``
    and ``upper`` alone are None, again with a reason, when only the interval is not.

    Attributes
    ----------
    value, lower, upper
        The estimate and its two-sided interval, in ``unit``.
    level
        Confidence level, for example 0.95.
    n
        Observations used (the denominator of a proportion).
    clusters
        Independent sampling units behind the observations; equals ``n`` without clustering.
    missing
        Observations left out because a value was missing or indeterminate.
    method
        Name of the interval method.
    flags
        Short marks of what deserves attention, for example ``boundary``.
    """

    value: float | None
    lower: float | None
    upper: float | None
    level: float
    n: int
    clusters: int
    missing: int
    method: str
    unit: str = ""
    flags: tuple[str, ...] = ()
    reason: str = ""

    @property
    def estimable(self) -> bool:
        """True when there is a value."""
        return self.value is not None


@dataclass(frozen=True)
class Comparison(Estimate):
    """An estimated difference with its test statistic and two-sided p-value."""

    statistic: float | None = None
    p_value: float | None = None


def not_estimable(
    reason: str,
    *,
    level: float = DEFAULT_LEVEL,
    n: int = 0,
    clusters: int = 0,
    missing: int = 0,
    method: str = "none",
    unit: str = "",
) -> Estimate:
    """Return an estimate without a value that says why there is none."""
    return Estimate(
        None, None, None, level, n, clusters, missing, method, unit, ("not_estimable",), reason
    )


def require_level(level: float) -> None:
    """Refuse a confidence level outside (0, 1)."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie strictly between 0 and 1, not {level!r}")
