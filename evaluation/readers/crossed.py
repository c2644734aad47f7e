"""Readings of a fully crossed reader study, checked before anything is computed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_COLUMNS = ("reader", "test", "case", "truth", "rating")


@dataclass(frozen=True)
class Readings:
    """Truth of each case, shape (cases,); ratings, shape (tests, readers, cases); the names."""

    truth: NDArray[np.bool_]
    scores: NDArray[np.float64]
    tests: tuple[str, ...]
    readers: tuple[str, ...]


def crossed(ratings: pd.DataFrame) -> Readings:
    """Return the readings as arrays.

    Raises
    ------
    ValueError
        With a sentence: a column or a reading is missing, a reading is repeated or is no number, a
        case has no single truth, or tests, readers, positive or negative cases are fewer than two.
    """
    missing = [column for column in _COLUMNS if column not in ratings.columns]
    if missing:
        raise ValueError(f"ratings: column {missing[0]!r} is missing")
    if ratings[["reader", "test", "case"]].isna().to_numpy().any():
        raise ValueError("ratings: a reading lacks its reader, test or case")
    if ratings.duplicated(["reader", "test", "case"]).any():
        raise ValueError("ratings: a reader read a case twice with the same test")
    tests, readers = (tuple(sorted(set(ratings[name]))) for name in ("test", "reader"))
    if len(tests) < 2 or len(readers) < 2:
        raise ValueError("a reader study needs at least two tests and two readers")
    wide = _numbers(ratings).pivot_table(index="case", columns=["test", "reader"], values="rating")
    wide = wide.reindex(index=sorted(set(ratings["case"])),
                        columns=pd.MultiIndex.from_product([tests, readers]))  # fmt: skip
    _refuse_gaps(wide)
    truth = _truth(ratings, wide.index)
    scores = wide.to_numpy(float).T.reshape(len(tests), len(readers), -1)
    return Readings(truth, scores, tuple(map(str, tests)), tuple(map(str, readers)))


def _numbers(ratings: pd.DataFrame) -> pd.DataFrame:
    try:
        rating = pd.to_numeric(ratings["rating"], errors="raise").astype(float)
    except (ValueError, TypeError) as error:
        raise ValueError(f"ratings: a rating is not a number ({error})") from error
    return ratings.assign(rating=rating)


def _refuse_gaps(wide: pd.DataFrame) -> None:
    gaps = np.argwhere(wide.isna().to_numpy())
    if len(gaps):
        case, (test, reader) = wide.index[gaps[0][0]], wide.columns[gaps[0][1]]
        raise ValueError(
            "every reader must have read every case with every test: "
            f"{len(gaps)} of {wide.size} readings are missing, for example of case {case} by "
            f"reader {reader} with test {test}"
        )


def _truth(ratings: pd.DataFrame, cases: pd.Index) -> NDArray[np.bool_]:
    verdicts = ratings.groupby("case")["truth"].agg(["min", "max"]).loc[cases]
    absent = ratings["truth"].isna().any()
    if (
        absent
        or (verdicts["min"] != verdicts["max"]).any()
        or not verdicts["min"].isin([0, 1]).all()
    ):
        raise ValueError("each case needs one truth, 0 or 1")
    truth = np.asarray(verdicts["min"].to_numpy() == 1)
    if min(truth.sum(), (~truth).sum()) < 2:
        raise ValueError(
            "the cases must include positive and negative ones, at least two of each, not "
            f"{int(truth.sum())} and {int((~truth).sum())}"
        )
    return truth
