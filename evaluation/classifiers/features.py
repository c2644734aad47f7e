"""What a classifier looks at: numbers measured on a unit's region, on the CT or on the synthetic PET."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, order=True)
class Feature:
    """One measured number: on which image, which quantity."""

    image: str
    quantity: str


CT = tuple(Feature("ct", name) for name in ("hu_mean", "hu_sd", "hu_p90", "volume"))
SYNTHETIC = tuple(
    Feature("synthetic", name) for name in ("suv_peak", "suv_max", "suv_mean", "mtv_41")
)
FEATURE_SETS = {"ct": CT, "ct_spet": (*CT, *SYNTHETIC)}
"""CT alone against CT with synthetic PET; never the reference PET, which is the comparator."""


def feature_table(
    measurements: pd.DataFrame, features: tuple[Feature, ...], *, region: str
) -> pd.DataFrame:
    """Return one row per participant and unit, one column per feature, NaN where it was not measured.

    Parameters
    ----------
    measurements
        The long table of an analysis.
    features
        Columns of the result, in this order.
    region
        Prefix of the regions that are units, such as ``lesion:``.
    """
    place = ["participant", "region"]
    own = measurements[measurements["region"].astype(str).str.startswith(region)]
    units = own[place].astype(str).drop_duplicates().sort_values(place, ignore_index=True)
    found = units.assign(unit_id=units["region"].str.slice(len(region)))
    for feature in features:
        wanted = (own["image"] == feature.image) & (own["quantity"] == feature.quantity)
        values = own[wanted].set_index([own[wanted][name].astype(str) for name in place])["value"]
        keys = pd.MultiIndex.from_frame(units)
        found[f"{feature.image}:{feature.quantity}"] = values.reindex(keys).to_numpy(dtype=float)
    return found.drop(columns="region")


def matrix_of(table: pd.DataFrame, features: tuple[Feature, ...]) -> np.ndarray:
    """Return the features as an array of shape (units, features)."""
    return table[[f"{f.image}:{f.quantity}" for f in features]].to_numpy(dtype=float)
