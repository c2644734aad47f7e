"""What a new risk adds to an old one: reclassification, discrimination improvement, net benefit."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.diagnostic.cases import NO_NEGATIVE, NO_POSITIVE, Cases
from evaluation.diagnostic.decision import benefits, require_thresholds
from evaluation.diagnostic.gain_draws import bootstrapped_gains
from evaluation.diagnostic.paired import Pairs, paired_difference
from evaluation.diagnostic.risks import complete_risks
from evaluation.diagnostic.robust import distinct, spread
from evaluation.statistics import (
    DEFAULT_LEVEL,
    Comparison,
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
    """The observations with both risks, and the level of every interval."""

    cases: Cases
    level: float


def added_value(  # noqa: PLR0913 - its options are keyword-only
    truth: ArrayLike,
    risk_old: ArrayLike,
    risk_new: ArrayLike,
    *,
    cutoffs: Sequence[float],
    thresholds: Sequence[float] | None = None,
    cluster: ArrayLike | None = None,
    strata: ArrayLike | None = None,
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
    strata
        For example the site: the bootstrap then draws participants within it.
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
    cases = complete_risks(truth, [risk_old, risk_new], cluster=cluster, strata=strata)
    asked = _Question(cases, level)
    old, new = cases.values
    moved = np.sign(np.digitize(new, cutoffs) - np.digitize(old, cutoffs)).astype(float)
    gained = [benefits(cases.truth, new >= t, t) - benefits(cases.truth, old >= t, t)
              for t in thresholds]  # fmt: skip
    columns = [moved, np.sign(new - old), new - old, *gained]
    found = [
        *_moves(asked, moved), *_moves(asked, columns[1]), *_improvement(asked, columns[2]),
        *(_gain(asked, values) for values in gained),
    ]  # fmt: skip
    if seed is not None and cases.n:
        found = bootstrapped_gains(
            cases, found, columns, seed=seed, replicates=replicates, level=level
        )
    gains = tuple(NetBenefitGain(t, e) for t, e in zip(thresholds, found[7:], strict=True))
    return AddedValue(
        _reclassified(cases.truth, moved), nri_events=found[0], nri_nonevents=found[1],
        continuous_nri_events=found[2], continuous_nri_nonevents=found[3], idi_events=found[4],
        idi_nonevents=found[5], idi=found[6], net_benefit=gains,
    )  # fmt: skip


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
    return one, other


def _improvement(asked: _Question, change: _Array) -> tuple[Comparison, Comparison, Comparison]:
    """Integrated discrimination improvement, by component and in sum (a difference of means)."""
    y = asked.cases.truth
    rise, fall = _centred(change, y), -_centred(change, ~y)
    means = [float(change[at].mean()) if at.any() else math.nan for at in (y, ~y)]
    everybody = np.ones(len(y), dtype=bool)
    return (
        _compared(asked, means[0], rise, y, "" if y.any() else NO_POSITIVE),
        _compared(asked, -means[1], fall, ~y, "" if (~y).any() else NO_NEGATIVE),
        _compared(asked, means[0] - means[1], rise + fall, everybody, asked.cases.reason),
    )


def _gain(asked: _Question, gained: _Array) -> Comparison:
    everybody = np.ones(len(gained), dtype=bool)
    value = float(gained.mean()) if len(gained) else math.nan
    return _compared(asked, value, _centred(gained, everybody), everybody, asked.cases.reason)


def _centred(values: _Array, among: NDArray[np.bool_]) -> _Array:
    """Return the influence values of the mean among some, shape (n,)."""
    if not among.any():
        return np.zeros(len(values))
    return np.where(among, (values - values[among].mean()) / among.sum(), 0.0)


def _compared(  # noqa: PLR0917 - one row of a fixed table
    asked: _Question, value: float, influence: _Array, among: NDArray[np.bool_], reason: str
) -> Comparison:
    cases = asked.cases
    n, clusters = int(among.sum()), distinct(cases.codes[among])
    blank = Comparison(
        None, None, None, asked.level, n, clusters, cases.missing, "Wald",
        flags=("not_estimable",), reason=reason,
    )  # fmt: skip
    if reason:
        return blank
    found = spread(influence[among], cases.codes[among] if cases.clustered else None)
    method = "Wald" if clusters == n else "cluster-robust t"
    e = replace(blank, value=value, flags=(), method=method)
    if found.reason:
        return replace(e, flags=("no_interval",), reason=found.reason)
    half, z = found.half_width(asked.level), value / found.se
    return replace(e, lower=value - half, upper=value + half, statistic=z, p_value=found.p_value(z))
