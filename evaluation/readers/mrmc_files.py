"""Reader studies in the layouts of iMRMC and MRMCaov, with an R script that computes them anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.readers.crossing import largest_crossing

_PLACE = ["target_condition", "unit"]
_CASE = ["participant", "unit_id"]
_COLUMNS = ["reader", "test", "case", "truth", "rating"]


@dataclass(frozen=True, eq=False)
class CrossedReads:
    """Reads of two tests that every reader gave to every case: ``ratings`` as `obuchowski_rockette` takes them."""

    name: str
    ratings: pd.DataFrame


def crossed_reads(scores: pd.DataFrame) -> list[CrossedReads]:
    """Return each pair of tests that two or more readers read on the same cases.

    ``scores`` has the columns target_condition, unit, test, participant, unit_id, reader, truth and
    score, as the series ``scores`` of an analysis has them. Cases are numbered from 1 in the order of
    participant and unit; those that a reader did not score both ways are left out, as the analysis
    leaves them out.
    """
    known = scores.dropna(subset=["truth", "score"])
    known = known[known["reader"] != ""]
    found = []
    for (condition, unit), own in known.groupby(_PLACE, sort=True, observed=True):
        for one, two in combinations(sorted(set(own["test"])), 2):
            ratings = _crossed(own, one, two)
            if ratings is not None:
                found.append(CrossedReads(f"{condition}-{unit}-{one}-{two}", ratings))
    return found


def write_mrmc_files(scores: pd.DataFrame, folder: Path) -> tuple[Path, ...]:
    """Write each crossed study as ``NAME.imrmc`` and ``NAME.csv``, and ``mrmc.R``; nothing where none is."""
    studies = crossed_reads(scores)
    if not studies:
        return ()
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "mrmc.R"]
    script = resources.files("evaluation") / "readers" / "mrmc.R"
    paths[0].write_text(script.read_text(encoding="utf-8"), encoding="utf-8")
    for study in studies:
        paths += [folder / f"{study.name}.imrmc", folder / f"{study.name}.csv"]
        paths[-2].write_text("\n".join(imrmc_lines(study)) + "\n", encoding="utf-8")
        paths[-1].write_text(study.ratings[_COLUMNS].to_csv(index=False), encoding="utf-8")
    return tuple(paths)


def imrmc_lines(study: CrossedReads) -> Iterator[str]:
    """Give the lines of an iMRMC input file: counts, then truth as reader -1, then every score."""
    ratings = study.ratings
    cases = ratings.drop_duplicates("case").sort_values("case")
    positives = int(cases["truth"].sum())
    yield study.name
    yield f"N0: {len(cases) - positives}"
    yield f"N1: {positives}"
    yield f"NR: {ratings['reader'].nunique()}"
    yield f"NM: {ratings['test'].nunique()}"
    yield "BEGIN DATA:"
    for case, truth in zip(cases["case"], cases["truth"], strict=True):
        yield f"-1,{case},0,{truth}"
    for row in ratings.itertuples(index=False):
        yield f"{row.reader},{row.case},{row.test},{row.rating!r}"


def _crossed(own: pd.DataFrame, one: str, two: str) -> pd.DataFrame | None:
    both = own[own["test"].isin([one, two])].copy()
    # A case counts that every reader of the crossing read both ways.
    ways = both.groupby(["reader", *_CASE], observed=True)["test"].transform("nunique")
    both = both[ways == 2]
    cases_read = zip(*(both[name] for name in _CASE), strict=True)
    reads = list(zip(both["reader"], cases_read, strict=True))
    crossing = largest_crossing(reads)
    both = both[crossing.holds(reads)]
    classes = both.drop_duplicates(_CASE)["truth"].value_counts().reindex([0.0, 1.0], fill_value=0)
    if len(crossing.readers) < 2 or classes.min() < 2:
        return None
    number = both.groupby(_CASE, sort=True, observed=True).ngroup().to_numpy() + 1
    table = both.assign(case=number, truth=both["truth"].astype(int), rating=both["score"])
    order = np.lexsort((table["case"], table["test"].astype(str), table["reader"].astype(str)))
    return table.iloc[order][_COLUMNS].reset_index(drop=True)
