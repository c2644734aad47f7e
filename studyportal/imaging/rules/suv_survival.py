"""Whether a PET series means the same uptake before and after de-identification."""

from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.imaging import Reason, SuvConversion

TOLERANCE = 1e-12  # a de-identified header must give the same factor to the last digits


@dataclass(frozen=True)
class SuvSurvival:
    """SUV factors of one series from its original and from its de-identified headers.

    `before` and `after` are in SUV per stored unit, None where they differ from slice to slice;
    `largest_relative_difference` is taken over all slices. With `refusals` neither header gives one.
    """

    rule: str
    before: float | None
    after: float | None
    largest_relative_difference: float
    slices: int
    refusals: tuple[Reason, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing of the uptake changed."""
        return self.largest_relative_difference <= TOLERANCE

    def facts(self) -> Mapping[str, object]:
        """What is kept of it."""
        return {
            "rule": self.rule,
            "before": self.before,
            "after": self.after,
            "largest_relative_difference": self.largest_relative_difference,
            "slices": self.slices,
            "holds": self.holds,
        }


def suv_survival(before: SuvConversion, after: SuvConversion) -> SuvSurvival:
    """Compare slice by slice; slices stand in the same order in both."""
    refusals = before.refusals or after.refusals
    if refusals:
        alike = [one.id for one in before.refusals] == [one.id for one in after.refusals]
        return SuvSurvival(before.rule, None, None, 0.0 if alike else float("inf"), 0, refusals)
    pairs = list(zip(before.slice_factors, after.slice_factors, strict=True))
    largest = max((abs(new / old - 1) for old, new in pairs), default=0.0)
    return SuvSurvival(before.rule, before.factor, after.factor, largest, len(pairs))
