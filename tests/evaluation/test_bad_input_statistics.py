"""Every public function of statistics and agreement, every kind of bad input: words, never NaN."""

import dataclasses
import inspect
import math

import numpy as np
import pytest

from evaluation import agreement, statistics
from evaluation.statistics import Estimate

_N = 12
_GOOD = np.random.default_rng(4).normal(5, 1, _N)
_OTHER = _GOOD + np.random.default_rng(5).normal(0, 0.3, _N)


def _with(place, value):
    changed = _GOOD.copy()
    changed[place] = value
    return changed


_INPUTS = {
    "constant": (np.full(_N, 0.1), np.full(_N, 0.1), np.arange(_N)),
    "one variable constant": (_GOOD, np.full(_N, 2.0), np.arange(_N)),
    "all ties in two values": (np.repeat([0.0, 1.0], 6), np.repeat([0.0, 1.0], 6), np.arange(_N)),
    "NaN": (_with(3, np.nan), _OTHER, np.arange(_N)),
    "only NaN": (np.full(_N, np.nan), _OTHER, np.arange(_N)),
    "infinite": (_with(3, np.inf), _OTHER, np.arange(_N)),
    "minus infinite": (_with(3, -np.inf), _OTHER, np.arange(_N)),
    "huge": (_GOOD * 1e60, _OTHER * 1e60, np.arange(_N)),
    "tiny": (_GOOD * 1e-60, _OTHER * 1e-60, np.arange(_N)),
    "empty": (_GOOD[:0], _OTHER[:0], np.arange(0)),
    "one pair": (_GOOD[:1], _OTHER[:1], np.arange(1)),
    "two pairs": (_GOOD[:2], _OTHER[:2], np.arange(2)),
    "three pairs": (_GOOD[:3], _OTHER[:3], np.arange(3)),
    "one cluster": (_GOOD, _OTHER, np.zeros(_N)),
    "two clusters": (_GOOD, _OTHER, np.repeat([0, 1], 6)),
    "clusters without variation": (np.repeat(_GOOD[:4], 3), np.repeat(_OTHER[:4], 3), np.arange(_N) // 3),
    "a cluster label missing": (_GOOD, _OTHER, _with(0, np.nan)),
    "labels of another length": (_GOOD, _OTHER, np.arange(3)),
    "lengths differ": (_GOOD, _OTHER[:5], np.arange(_N)),
    "equal": (_GOOD, _GOOD, np.arange(_N)),
    "opposed": (_GOOD, -_GOOD, np.arange(_N)),
    "shifted": (_GOOD, _GOOD + 3, np.arange(_N)),
}  # fmt: skip


def _mean_of(x):
    x = np.asarray(x)
    return statistics.SumStatistic(
        np.stack([np.ones(len(x)), x], axis=1), lambda s: s[:, 1] / s[:, 0]
    )


def _share(x):
    return np.asarray(x) > 5


def _positive(y):
    return np.abs(np.asarray(y)) if len(y) else y


_CALLS = {
    # agreement
    "bland_altman": lambda x, y, who: agreement.bland_altman(x, y, subject=who),
    "bland_altman log": lambda x, y, who: agreement.bland_altman(x, y, subject=who, log=True),
    "bland_altman constant": lambda x, y, who: agreement.bland_altman(
        x, y, subject=who, true_value="constant"
    ),
    "bland_altman exact": lambda x, y, who: agreement.bland_altman(x, y, limit_interval="exact"),
    "correlation": lambda x, y, who: agreement.correlation(x, y, subject=who, seed=1, replicates=50),
    "correlation spearman": lambda x, y, who: agreement.correlation(
        x, y, method="spearman", subject=who, seed=1, replicates=50
    ),
    "correlation kendall": lambda x, y, who: agreement.correlation(x, y, method="kendall"),
    "lin_ccc": lambda x, y, who: agreement.lin_ccc(x, y, subject=who, seed=1, replicates=50),
    "within_tolerance": lambda x, y, who: agreement.within_tolerance(
        x, y, relative=0.05, subject=who
    ),
    "equivalence": lambda x, y, who: agreement.equivalence(x, y, margin=0.5, subject=who),
    "equivalence log": lambda x, y, who: agreement.equivalence(
        x, y, margin=1.5, subject=who, log=True
    ),
    "deming": lambda x, y, who: agreement.deming(x, y, subject=who),
    "passing_bablok": lambda x, y, who: agreement.passing_bablok(x, y),
    "icc": lambda x, y, who: agreement.icc(np.column_stack([x, y])),
    "icc clustered": lambda x, y, who: agreement.icc(
        np.column_stack([x, y]), subject=who, seed=1, replicates=50
    ),
    # statistics of observations
    "mean_interval": lambda x, y, who: statistics.mean_interval(x),
    "clustered_mean": lambda x, y, who: statistics.clustered_mean(x, who),
    "stratified_mean": lambda x, y, who: statistics.stratified_mean(x, who),
    "stratified_mean clustered": lambda x, y, who: statistics.stratified_mean(
        x, np.zeros(len(x)), cluster=who
    ),
    "quantile_intervals": lambda x, y, who: statistics.quantile_intervals(x, [0.5, 0.9]),
    "bootstrap": lambda x, y, who: statistics.bootstrap(_mean_of(x), who, seed=1, replicates=50),
    "bootstrap percentile": lambda x, y, who: statistics.bootstrap(
        _mean_of(x), who, seed=1, replicates=50, method="percentile", strata=np.zeros(len(who))
    ),
    "count_by_cluster": lambda x, y, who: statistics.count_by_cluster(_share(x), who),
    "group_codes": lambda x, y, who: statistics.group_codes(who, len(x)),
    "present": lambda x, y, who: statistics.present(x),
    "clustered_proportion": lambda x, y, who: statistics.clustered_proportion(x, y),
    # statistics of estimates
    "stratified": lambda x, y, who: statistics.stratified(x, _positive(y), sizes=np.ones(len(x))),
    "stratified df": lambda x, y, who: statistics.stratified(
        x, _positive(y), sizes=np.ones(len(x)), df=[3] * len(x)
    ),
    "random_effects": lambda x, y, who: statistics.random_effects(x, _positive(y)),
    "random_effects pm": lambda x, y, who: statistics.random_effects(
        x, _positive(y), method="pm", knapp_hartung="modified"
    ),
    "leave_one_out": lambda x, y, who: statistics.leave_one_out(x, _positive(y), method="dl"),
    "rubin": lambda x, y, who: statistics.rubin(x, _positive(y), n=9, clusters=9, missing=1),
    "adjusted_p_values": lambda x, y, who: statistics.adjusted_p_values(x),
    "fixed_sequence": lambda x, y, who: statistics.fixed_sequence(list(x)),
    "hierarchical": lambda x, y, who: statistics.hierarchical([list(x), list(y)]),
    "tipping_point": lambda x, y, who: statistics.tipping_point(
        lambda delta: statistics.mean_interval(np.asarray(x) + delta), [0.0, 1.0], bound=0.0,
        side="lower",
    ),
    "design_effect": lambda x, y, who: statistics.design_effect(0.1, x),
    "worst_and_best_case": lambda x, y, who: statistics.worst_and_best_case(
        _share(x).astype(int), np.ones(len(x), dtype=int), _share(y).astype(int)
    ),
}  # fmt: skip

# Plain numbers in, checked one by one in their own tests.
_ELSEWHERE = {
    "auc_detectable", "auc_power", "auc_precision", "auc_variance", "correlation_precision",
    "limits_precision", "not_estimable", "paired_proportion_detectable", "pooled_precision",
    "proportion_interval", "proportion_precision", "proportion_sample_size", "require_level",
    # Arrays checked by their callers; a covariance of NaN is documented.
    "areas_from_placements", "areas_under_curve", "placement_values", "weighted_ccc",
    "weighted_sums",
    # `bootstrap` and `lin_ccc` are their cases of one statistic, one quantity.
    "bootstrap_each", "lin_ccc_each",
}  # fmt: skip


def _parts(result):
    if dataclasses.is_dataclass(result):
        return [getattr(result, field.name) for field in dataclasses.fields(result)]
    if isinstance(result, dict):
        return list(result.values())
    return result.ravel().tolist() if isinstance(result, np.ndarray) else result


def _numbers(result):
    """Walk through a result and yield each float in it, checking each estimate on the way."""
    if isinstance(result, Estimate):
        bounds = (result.value, result.lower, result.upper)
        assert None not in bounds or len(result.reason.split()) >= 2, result
    if isinstance(result, float):
        yield result
    elif isinstance(result, (tuple, list, dict, np.ndarray)) or dataclasses.is_dataclass(result):
        for part in _parts(result):
            yield from _numbers(part)


@pytest.mark.parametrize("kind", _INPUTS)
@pytest.mark.parametrize("name", _CALLS)
def test_bad_input_gives_words_and_never_nan(name, kind):
    result, words = None, "an answer"
    try:
        result = _CALLS[name](*_INPUTS[kind])
    except ValueError as refusal:
        words = str(refusal)
    assert len(words.split()) >= 4 or result is not None
    assert not any(math.isnan(number) for number in _numbers(result))


def test_every_public_function_is_swept():
    public = {
        name
        for package in (statistics, agreement)
        for name in package.__all__
        if inspect.isfunction(getattr(package, name))
    }
    assert public == {name.split(" ", maxsplit=1)[0] for name in _CALLS} | _ELSEWHERE
