"""Single units that a person should look at again."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

FALSE_NEGATIVE_COLUMNS = ("target_condition", "unit", "test", "site", "participant", "unit_id",
                          "reader", "score", "cutoff")  # fmt: skip


def false_negatives(scores: Sequence[pd.DataFrame], comparators: frozenset[str]) -> pd.DataFrame:
    """Return the positive units that an index test called negative, comparators apart."""
    found = []
    for frame in scores:
        missed = (frame["truth"].to_numpy() == 1) & (frame["call"].to_numpy() == 0)
        missed &= ~np.isin(frame["test"].to_numpy(dtype=object), list(comparators))
        if missed.any():
            found.append(frame.loc[missed, list(FALSE_NEGATIVE_COLUMNS)])
    if not found:
        return pd.DataFrame({c: pd.Series(dtype="object") for c in FALSE_NEGATIVE_COLUMNS})
    return pd.concat(found, ignore_index=True)
