"""What a closed session came to: answers by arm and question, and how far the readers agreed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.readers import fleiss_kappa
from evaluation.statistics import Comparison
from studyportal.reading.rules.answers import NEGATIVE, POSITIVE, Opinion

_CATEGORIES = (NEGATIVE, POSITIVE)


@dataclass(frozen=True)
class ReadersAgree:
    """Fleiss' kappa of the readers' calls over the units on which every reader made one."""

    units: int
    readers: int
    kappa: Comparison | None


def readers_agree(opinions: Sequence[Sequence[Opinion]], *, readers: int) -> ReadersAgree:
    """Agreement between readers; `opinions` holds those on each unit.

    Units that not every reader called are left out, and `units` says how many remain. Without a kappa where fewer
    than two readers or no unit are there.
    """
    counts = [
        [sum(one.call == call for one in unit) for call in _CATEGORIES]
        for unit in opinions
        if sum(bool(one.call) for one in unit) == readers
    ]
    if readers < 2 or not counts:
        return ReadersAgree(len(counts), readers, None)
    return ReadersAgree(len(counts), readers, fleiss_kappa(np.array(counts)))
