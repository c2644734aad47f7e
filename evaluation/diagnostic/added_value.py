"""What a new risk adds to an old one: reclassification, discrimination improvement, net benefit."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.diagnostic.cases import NO_NEGATIVE, NO_POSITIVE, Cases
from evaluation.diagnostic.decision import benefits, require_thresholds
from evaluation.diagnostic.paired import Pairs, paired_difference
from evaluation.diagnostic.risks import complete_risks
from evaluation.diagnostic.robust import spread
from evaluation.statistics import (
    DEFAULT_LEVEL,
    Comparison,
    SumStatistic,
    bootstrap,
    require_level,
)

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Reclassified:
    """Observations that moved to a higher or a lower category of risk."""

    events: int
    events_up: int
    events_down: int
    nonevents: int
    nonevents_up: int
    nonevents_down: int


@dataclass(frozen=True)
class NetBenefitGain:
    """Difference of net benefits, new minus old, at a threshold of risk."""

    threshold: float
    difference: Comparison


@dataclass(frozen=True)
class AddedValue:
    """Gains of a new risk over an old one, by component; above 0 speaks for the new.

    ``nri_events`` is the share of events that moved up less the share that moved down,
    ``nri_nonevents`` the share of non-events that moved down less up; the continuous ones count any
    change of risk. Their sum is not given: it mixes two denominators and can hide a loss behind a
    gain (Kerr KF et al., Epidemiology 2014;25:114; Leening MJG et al., Ann Intern Med 2014;160:122).
    """

    reclassified: Reclassified
    nri_events: Comparison
    nri_nonevents: Comparison
    continuous_nri_events: Comparison
    continuous_nri_nonevents: Comparison
    idi_events: Comparison
    idi_nonevents: Comparison
    idi: Comparison
    net_benefit: tuple[NetBenefitGain, ...]

    def estimates(self) -> dict[str, Comparison]:
        """Return the components by name; net benefit has its own series."""
        return {
            "nri_events": self.nri_events,
            "nri_nonevents": self.nri_nonevents,
            "continuous_nri_events": self.continuous_nri_events,
            "continuous_nri_nonevents": self.continuous_nri_nonevents,
            "idi_events": self.idi_events,
            "idi_nonevents": self.idi_nonevents,
            "idi": self.idi,
        }


@dataclass(frozen=True)
class _Question:
    """The observations with both risks, and how intervals are wanted."""

    cases: Cases
    level: float
    seed: int | None
    replicates: int


@dataclass(frozen=True)
class _Part:
    """A mean, or a difference of means: from sums, by influence, over whom, and why it may fail."""

    combine: Callable[[_Array], _Array]
    influence: _Array
    among: NDArray[np.bool_]
    reason: str


def added_value(  # noqa: PLR0913 - its options are keyword-only
    truth: ArrayLike,
    risk_old: ArrayLike,
    risk_new: ArrayLike,
    *,
    cutoffs: Sequence[float],
    thresholds: Sequence[float] | None = None,
    cluster: ArrayLike | None = None,
    seed: int | None = None,
    replicates: int = 2000,
    level: float = DEFAULT_LEVEL,
) -> AddedValue:
    """Compare two risks of the same observations, events and non-events apart.

    Both risks must have been locked beforehand or cross-validated: for models fitted to these
    observations every quantity here favours the larger one (Pepe MS et al., Stat Med 2014).

    Parameters
    ----------
    truth, risk_old, risk_new, cluster
        As in `calibration`; observations without one of the risks are left out.
    cutoffs
        Borders of the risk categories; a risk at a cut-off belongs to the higher one.
    thresholds
        Where net benefits are compared; by default the cut-offs.
    seed
        Given one, intervals are from a BCa bootstrap of participants; otherwise Tango's for shares
        that moved (cluster-robust t with clusters) and Wald's for means.

    Notes
    -----
    Pencina MJ et al., Stat Med 2008;27:157 and 2011;30:11; Vickers AJ, Elkin EB 2006.
    """
    require_level(level)
    thresholds = cutoffs if thresholds is None else thresholds
    require_thresholds([*cutoffs, *thresholds])
    if len(cutoffs) == 0 or any(a >= b for a, b in itertools.pairwise(cutoffs)):
        raise ValueError("cutoffs must be given in rising order, at least one")
    cases = complete_risks(truth, [risk_old, risk_new], cluster=cluster)
    asked = _Question(cases, level, seed, replicates)
    old, new = cases.values
    moved = np.sign(np.digitize(new, cutoffs) - np.digitize(old, cutoffs)).astype(float)
    return AddedValue(
        _reclassified(cases.truth, moved),
        *_moves(asked, moved),
        *_moves(asked, np.sign(new - old)),
        *_improvement(asked, new - old),
        tuple(_gain(asked, t) for t in thresholds),
    )


def _reclassified(y: NDArray[np.bool_], moved: _Array) -> Reclassified:
    up, down = moved > 0, moved < 0
    counts = [int(v.sum()) for v in (y, y & up, y & down, ~y, ~y & up, ~y & down)]
    return Reclassified(*counts)


def _moves(asked: _Question, moved: _Array) -> tuple[Comparison, Comparison]:
    cases, y = asked.cases, asked.cases.truth
    events = Pairs(moved[y], np.zeros(int(y.sum())), cases.codes[y], NO_POSITIVE)
    others = Pairs(-moved[~y], np.zeros(int((~y).sum())), cases.codes[~y], NO_NEGATIVE)
    one, other = (
        paired_difference(pairs, missing=cases.missing, level=asked.level, test="auto")
        for pairs in (events, others)
    )
    return (
        _bootstrapped(asked, one, moved, _among_events),
        _bootstrapped(asked, other, moved, _among_nonevents),
    )


def _improvement(asked: _Question, change: _Array) -> tuple[Comparison, Comparison, Comparison]:
    """Integrated discrimination improvement, by component and in sum (a difference of means)."""
    cases, y = asked.cases, asked.cases.truth
    rise, fall = _centred(change, y), -_centred(change, ~y)
    parts = (
        _Part(_among_events, rise, y, "" if y.any() else NO_POSITIVE),
        _Part(_among_nonevents, fall, ~y, "" if (~y).any() else NO_NEGATIVE),
        _Part(_between, rise + fall, np.ones(cases.n, dtype=bool), cases.reason),
    )
    one, other, both = (_compared(asked, change, part) for part in parts)
    return one, other, both


def _gain(asked: _Question, threshold: float) -> NetBenefitGain:
    cases = asked.cases
    old, new = (benefits(cases.truth, risk >= threshold, threshold) for risk in cases.values)
    everybody = np.ones(cases.n, dtype=bool)
    part = _Part(_overall, _centred(new - old, everybody), everybody, cases.reason)
    return NetBenefitGain(threshold, _compared(asked, new - old, part))


def _centred(values: _Array, among: NDArray[np.bool_]) -> _Array:
    """Return the influence values of the mean among some, shape (n,)."""
    if not among.any():
        return np.zeros(len(values))
    return np.where(among, (values - values[among].mean()) / among.sum(), 0.0)


def _compared(asked: _Question, values: _Array, part: _Part) -> Comparison:
    cases, at = asked.cases, part.among
    n, clusters = int(at.sum()), len(np.unique(cases.codes[at]))
    blank = Comparison(
        None, None, None, asked.level, n, clusters, cases.missing, "Wald",
        flags=("not_estimable",), reason=part.reason,
    )  # fmt: skip
    if part.reason:
        return blank
    value = float(part.combine(_terms(cases.truth, values).sum(axis=0)[None, :])[0])
    found = spread(part.influence[at], cases.codes[at] if cases.clustered else None)
    method = "Wald" if clusters == n else "cluster-robust t"
    e = replace(blank, value=value, flags=(), method=method)
    if found.reason:
        return replace(e, flags=("no_interval",), reason=found.reason)
    half, z = found.half_width(asked.level), value / found.se
    e = replace(e, lower=value - half, upper=value + half, statistic=z, p_value=found.p_value(z))
    return _bootstrapped(asked, e, values, part.combine)


def _bootstrapped(
    asked: _Question, e: Comparison, values: _Array, combine: Callable[[_Array], _Array]
) -> Comparison:
    """Return the comparison with a bootstrap interval where a seed asks for one."""
    if asked.seed is None or e.value is None:
        return e
    drawn = bootstrap(
        SumStatistic(_terms(asked.cases.truth, values), combine), asked.cases.codes,
        seed=asked.seed, replicates=asked.replicates, level=asked.level,
    )  # fmt: skip
    if drawn.lower == drawn.upper:
        # Nothing moved in any replicate: a bootstrap cannot see what was never observed.
        return e
    return replace(
        e, lower=drawn.lower, upper=drawn.upper, method=f"{drawn.method}; test: {e.method}",
        flags=drawn.flags, reason=drawn.reason,
    )  # fmt: skip


def _terms(y: NDArray[np.bool_], values: _Array) -> _Array:
    return np.stack([y, ~y, values * y, values * ~y], axis=1).astype(float)


def _share(numerator: _Array, denominator: _Array) -> _Array:
    nothing = np.full(len(numerator), np.nan)
    return np.divide(numerator, denominator, out=nothing, where=denominator > 0)


def _among_events(s: _Array) -> _Array:
    return _share(s[:, 2], s[:, 0])


def _among_nonevents(s: _Array) -> _Array:
    return -_share(s[:, 3], s[:, 1])


def _between(s: _Array) -> _Array:
    return _among_events(s) + _among_nonevents(s)


def _overall(s: _Array) -> _Array:
    return _share(s[:, 2] + s[:, 3], s[:, 0] + s[:, 1])
