"""Finds the one row that a test speaks of."""


def only(result, **conditions):
    found = [r for r in result.rows if all(getattr(r, name) == v for name, v in conditions.items())]
    assert len(found) == 1, found
    return found[0]


def everybody(result, statistic, **conditions):
    """Return the row of everybody, of the main analysis unless another is named."""
    return only(
        result, **{"analysis": "main", "statistic": statistic, "subgroup": "all", **conditions}
    )
