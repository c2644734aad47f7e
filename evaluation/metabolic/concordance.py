"""Whether synthetic and reference organs agree in every demographic subgroup.

A model may be right on average and wrong for one sex or age group, and it may give every participant
the organ of the mean participant. So each subgroup and organ is judged by its bias with an interval
and a test of equivalence, and by how its spread and its whole distribution compare.
"""

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.metabolic.pairs import Pairs, SubgroupConcordance
from evaluation.metabolic.results import MetabolicRefused
from evaluation.statistics import DEFAULT_LEVEL, require_level


def subgroup_concordance(  # noqa: PLR0913 - a table given as its columns
    reference: ArrayLike,
    synthetic: ArrayLike,
    *,
    subgroup: Sequence[Hashable],
    organ: Sequence[Hashable] | None = None,
    participant: Sequence[Hashable] | None = None,
    margin: float,
    log: bool = False,
    level: float = DEFAULT_LEVEL,
    unit: str = "",
) -> tuple[SubgroupConcordance, ...]:
    """Judge synthetic against reference values per subgroup and organ.

    Parameters
    ----------
    reference, synthetic
        One organ value (volume or SUV) per row, in the same unit; NaN counts as missing.
    subgroup, organ
        The demographic subgroup and the organ of each row.
    participant
        When given, a participant may have one row per organ only.
    margin
        Equivalence margin: a difference in ``unit``, or with ``log`` a ratio above one (1.1 means
        from 1/1.1 to 1.1).
    log
        Compare ratios instead of differences; every value must be above zero.
    level
        Of the intervals; the tests of equivalence are at 1 - ``level``.
    unit
        Unit of the values.

    Returns
    -------
    tuple of SubgroupConcordance
        Subgroup ``all`` first, then the others by name; within them organs by name. A subgroup with
        fewer than three complete pairs has no estimate and says so.

    Raises
    ------
    MetabolicRefused
        When lengths differ, the margin is not usable, or a participant has an organ twice.

    Examples
    --------
    >>> found = subgroup_concordance(
    ...     [1.0, 2.0, 3.0], [1.1, 2.0, 3.2], subgroup=["F", "F", "F"], margin=0.5
    ... )
    >>> round(found[1].bias.value, 2), found[1].subgroup
    (0.1, 'F')
    """
    require_level(level)
    if level <= 0.5:
        raise MetabolicRefused("the tests of equivalence need a level above 0.5")
    x, y = np.asarray(reference, dtype=float), np.asarray(synthetic, dtype=float)
    groups = [str(value) for value in subgroup]
    organs = [str(value) for value in organ] if organ is not None else [""] * len(groups)
    people: list[Hashable] = list(participant if participant is not None else range(len(groups)))
    _check(x, y, (groups, organs, people), margin=margin, log=log)
    found = []
    for name in ("all", *sorted(set(groups) - {"all"})):
        of_group = np.array([name in ("all", group) for group in groups])
        for part in sorted(set(organs)):
            rows = of_group & np.array([o == part for o in organs])
            pair = Pairs.of(x[rows], y[rows], log=log, level=level, unit=unit)
            found.append(pair.judged(name, part, margin))
    return tuple(found)


def _check(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    columns: tuple[list[str], list[str], list[Hashable]],
    *,
    margin: float,
    log: bool,
) -> None:
    groups, organs, people = columns
    if x.ndim != 1 or len({x.shape, y.shape, *((len(c),) for c in columns)}) > 1:
        raise MetabolicRefused(
            "reference, synthetic, subgroup and organ need one value per row each"
        )
    if not (math.isfinite(margin) and margin > (1 if log else 0)):
        least = "above one (a ratio)" if log else "above zero"
        raise MetabolicRefused(f"the equivalence margin must be {least}, not {margin}")
    if len(set(zip(people, organs, strict=True))) < len(people):
        raise MetabolicRefused("a participant has more than one row of an organ")
    if "all" in groups and len(set(groups)) > 1:
        raise MetabolicRefused("a subgroup may not be named all, which is everybody")
    if log and (np.any(x <= 0) or np.any(y <= 0)):
        raise MetabolicRefused("ratios need values above zero; there are others")
