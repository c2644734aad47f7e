"""Whether the synthetic PET follows the CT: a lesion is taken out of it, or put into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from synthesis.config import DomainConfig
from synthesis.data.pairs import PairCase
from synthesis.data.repainting import with_one_more, without_lesions
from synthesis.data.sources import PhantomSource
from synthesis.study.foci import highest
from synthesis.study.records import Change

Images = Mapping[str, NDArray[np.float32]]
Predict = Callable[[PairCase], Images]  # images by predictor


def changes(
    source: PhantomSource, case: PairCase, domain: DomainConfig, predict: Predict
) -> list[Change]:
    """Return every site of a participant at which the CT was changed, by predictor."""
    own = predict(case)
    absent = without_lesions(source, case.participant, domain)
    bare = predict(absent)
    rows = []
    for number, name in enumerate(case.focus_names, start=1):
        site = case.foci == number
        if name.startswith("lesion:") and site.any():
            rows += _rows("removed", site, (case, own), (absent, bare))
    more = with_one_more(source, case.participant, domain)
    if more is not None:
        painted, name = more
        site = painted.foci == 1 + painted.focus_names.index(name)
        if site.any():
            rows += _rows("inserted", site, (painted, predict(painted)), (case, own))
    return rows


def _rows(
    kind: str,
    site: NDArray[np.bool_],
    present: tuple[PairCase, Images],
    absent: tuple[PairCase, Images],
) -> list[Change]:
    (there, shown), (gone, bare) = present, absent
    return [
        Change(
            participant=there.participant,
            predictor=name,
            kind=kind,
            acquired_with=highest(there.suv, site),
            acquired_without=highest(gone.suv, site),
            synthetic_with=highest(shown[name], site),
            synthetic_without=highest(bare[name], site),
        )
        for name in shown
        if name in bare
    ]
