"""A series that was looked at file by file, without a volume: what a gate has to know, in the memory of its headers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.imaging.instance import Instance
from evaluation.imaging.pixels import PixelFacts, Plane, added
from evaluation.imaging.reasons import SeriesRefused
from evaluation.imaging.series import PlacedSeries, described, placed


@dataclass(frozen=True, eq=False)
class SurveyedSeries(PlacedSeries):
    """A readable series whose values were looked at slice by slice and not kept.

    ``planes`` say what the slices are like, in the order of ``files``.
    """

    planes: tuple[Plane, ...]

    def pixel_facts(self) -> PixelFacts:
        """Return what can be wrong with the values, counted."""
        return added(plane.facts for plane in self.planes)

    def middle_rows(self) -> np.ndarray:
        """Return the middle row of every slice [z, x]."""
        return np.stack([plane.middle for plane in self.planes])

    def highest_rows(self) -> np.ndarray:
        """Return the highest value of every column of every slice [z, x]."""
        return np.stack([plane.highest for plane in self.planes])


def survey_of(instances: Sequence[Instance]) -> SurveyedSeries:
    """Place the files that were looked at one by one as one series.

    Parameters
    ----------
    instances
        At least one, each from an `InstanceReader` that does not keep values.

    Raises
    ------
    SeriesRefused
        With every fault of a file and of the series.
    """
    stack = placed(instances)
    return SurveyedSeries(**vars(described(stack)), planes=tuple(map(_plane, stack.instances)))


def copied_survey(instances: Sequence[Instance], original: SurveyedSeries) -> SurveyedSeries:
    """Place copies of the files of a series that hold the same values, which are not looked at again.

    Parameters
    ----------
    instances
        One for each file of the original, in its order.

    Raises
    ------
    SeriesRefused
        With every fault of a header and of the series.
    """
    return SurveyedSeries(**vars(described(placed(instances))), planes=original.planes)


def _plane(instance: Instance) -> Plane:
    if instance.plane is None:
        raise SeriesRefused(instance.reasons)
    return instance.plane
