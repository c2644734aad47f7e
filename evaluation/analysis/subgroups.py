"""The subgroups of every analysis: everybody, then each site in the order of the sites table."""

from collections.abc import Iterator

import pandas as pd


def subgroups(sites: pd.DataFrame) -> tuple[str, ...]:
    """Return the names of the subgroups."""
    return ("all", *(f"site:{code}" for code in sites["code"]))


def split(frame: pd.DataFrame, sites: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each subgroup's name and its rows of a frame with a ``site`` column."""
    for name in subgroups(sites):
        yield name, frame if name == "all" else frame[frame["site"] == name.removeprefix("site:")]
