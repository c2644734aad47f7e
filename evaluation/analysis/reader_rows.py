"""Reader studies: two tests read by the same readers on the same cases."""

from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.contrasts import Matched, matched_results
from evaluation.analysis.plan_parts import Contrast
from evaluation.analysis.questions import Question
from evaluation.analysis.results import Place, ResultRow
from evaluation.readers import ReaderStudy, largest_crossing, obuchowski_rockette
from evaluation.statistics import Comparison, not_estimable

_FEWEST = 2


def reader_rows(cohort: Cohort, question: Question) -> list[ResultRow]:
    """Return the multi-reader comparison of each pair of read tests that was crossed."""
    kinds = {test.id: test.kind for test in question.tests}
    rows = []
    for pair in cohort.plan.comparison:
        if kinds[pair.test] == kinds[pair.against] == "scores":
            matched = matched_results(question, pair)
            if len(matched.first):
                rows += _pair_rows(cohort, question, pair, matched)
    return rows


def _pair_rows(
    cohort: Cohort, question: Question, pair: Contrast, matched: Matched
) -> list[ResultRow]:
    place = replace(
        question.place(cohort.plan, "readers", "mrmc"), test=f"{pair.test} - {pair.against}"
    )
    ratings, note = _crossed(pair, matched)
    if isinstance(ratings, str):
        none = not_estimable(ratings, level=cohort.plan.level, n=len(matched.first))
        return [place.row("auc_difference", none)]
    study = obuchowski_rockette(ratings, level=cohort.plan.level)
    fixed = obuchowski_rockette(ratings, readers="fixed", level=cohort.plan.level)
    rows = []
    for test, mean in zip(study.tests, study.means, strict=True):
        at = replace(place, test=test)
        rows.append(at.row("auc", replace(mean, method=mean.method + note)))
    rows += _difference_rows(place, "auc_difference", _difference(study, pair), note)
    rows += _difference_rows(place, "auc_difference_fixed_readers", _difference(fixed, pair), note)
    n = study.means[0].n
    for name, value in (("f", study.f), ("df1", float(study.df1)), ("df2", study.df2)):
        rows.append(place.plain(name, value, n=n, method="Obuchowski-Rockette, Hillis",
                                reason=study.reason if value is None else ""))  # fmt: skip
    rows.append(place.plain("readers", float(len(study.readers)), n=n))
    return rows


def _crossed(pair: Contrast, matched: Matched) -> tuple[pd.DataFrame | str, str]:
    """Return the ratings of the cases that the readers read both ways, or why there are none, and what to note."""
    one, two = matched.first, matched.second
    frame = pd.DataFrame(
        {"pid": one.pid, "unit_id": one.unit_id, "reader": one.reader, "truth": one.truth,
         pair.test: one.score, pair.against: two.score}
    ).dropna()  # fmt: skip
    readers = frame["reader"].nunique()
    if readers < _FEWEST:
        return "fewer than two readers read both ways", ""
    cases_read = zip(frame["pid"], frame["unit_id"], strict=True)
    reads = list(zip(frame["reader"], cases_read, strict=True))
    crossing = largest_crossing(reads)
    full = frame[crossing.holds(reads)]
    cases = full.drop_duplicates(["pid", "unit_id"])
    if (cases["truth"].value_counts().reindex([0.0, 1.0], fill_value=0) < _FEWEST).any():
        return "fewer than two cases of each class were read both ways by every reader", ""
    code = full.groupby(["pid", "unit_id"], sort=True).ngroup().to_numpy()
    names = np.repeat(np.array([pair.test, pair.against], dtype=object), len(full))
    long = {
        "reader": pd.Series(np.tile(full["reader"].to_numpy(dtype=object), 2), dtype=object),
        "test": pd.Series(names, dtype=object), "case": np.tile(code, 2),
        "truth": np.tile(full["truth"].to_numpy(dtype=int), 2),
        "rating": np.append(full[pair.test].to_numpy(), full[pair.against].to_numpy()),
    }  # fmt: skip
    left_out = readers - len(crossing.readers)
    note = f"; {left_out} readers with other cases left out" if left_out else ""
    if cases["pid"].duplicated().any():
        note += "; cases taken as independent, some share a participant"
    return pd.DataFrame(long), note


def _difference(study: ReaderStudy, pair: Contrast) -> Comparison:
    found = study.differences.get((pair.test, pair.against))
    if found is not None:
        return found
    turned = study.differences[(pair.against, pair.test)]
    value, lower, upper, statistic = (
        None if v is None else -v
        for v in (turned.value, turned.upper, turned.lower, turned.statistic)
    )
    return replace(turned, value=value, lower=lower, upper=upper, statistic=statistic)


def _difference_rows(place: Place, name: str, e: Comparison, note: str) -> list[ResultRow]:
    rows = [place.row(name, replace(e, method=e.method + note))]
    if e.p_value is not None and np.isfinite(e.p_value):
        rows.append(place.plain(f"{name}_p", e.p_value, n=e.n, method=e.method))
    return rows
