"""Which cases are drawn for a session: enriched by the reference standard, in proportion at every site, by seed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from studyportal.reading.rules.design import Sampling


@dataclass(frozen=True)
class Candidate:
    """A case that could be read; `positive` is None where the reference standard is open."""

    key: str
    site: str
    positive: bool | None


@dataclass(frozen=True)
class Drawn:
    """What was drawn, and from how many."""

    study: tuple[Candidate, ...]
    practice: tuple[Candidate, ...]
    candidates: int


class TooFew(ValueError):
    """There are not enough cases for the session."""


def draw_cases(candidates: Sequence[Candidate], *, sampling: Sampling, seed: int) -> Drawn:
    """Return the cases of the session and, from the rest, the practice cases.

    Raises
    ------
    TooFew
        When there are fewer candidates than the design asks for, with both numbers.
    """
    rng = np.random.default_rng([seed, 7])
    pool = sorted(candidates, key=lambda one: one.key)
    study: list[Candidate] = []
    for wanted, words, members in _shares(pool, sampling):
        if len(members) < wanted:
            raise TooFew(
                f"The session needs {wanted} {words}, and {len(members)} are ready to be read."
            )
        study += _by_site(members, wanted, rng)
    chosen = {one.key for one in study}
    rest = [one for one in pool if one.key not in chosen]
    if len(rest) < sampling.practice:
        raise TooFew(
            f"The session needs {sampling.practice} practice cases, and {len(rest)} are left for them."
        )
    order = rng.permutation(len(rest))[: sampling.practice]
    return Drawn(tuple(study), tuple(rest[index] for index in order), len(pool))


def _shares(
    pool: Sequence[Candidate], sampling: Sampling
) -> list[tuple[int, str, list[Candidate]]]:
    if sampling.positive_share is None:
        return [(sampling.cases, "cases", list(pool))]
    positive = round(sampling.cases * sampling.positive_share)
    return [
        (positive, "positive cases", [one for one in pool if one.positive is True]),
        (
            sampling.cases - positive,
            "negative cases",
            [one for one in pool if one.positive is False],
        ),
    ]


def _by_site(
    members: Sequence[Candidate], wanted: int, rng: np.random.Generator
) -> list[Candidate]:
    """Draw so many, every site in proportion to what it has."""
    sites: dict[str, list[Candidate]] = defaultdict(list)
    for one in members:
        sites[one.site].append(one)
    quota = proportional({site: len(rows) for site, rows in sites.items()}, wanted)
    return [
        sites[site][index]
        for site in sorted(sites)
        for index in sorted(rng.choice(len(sites[site]), size=quota[site], replace=False))
    ]


def proportional(sizes: Mapping[str, int], wanted: int) -> dict[str, int]:
    """Return whole numbers that add up to `wanted`, in proportion to the sizes, largest remainders first."""
    total = sum(sizes.values())
    if not total:
        return dict.fromkeys(sizes, 0)
    exact = {name: wanted * size / total for name, size in sizes.items()}
    quota = {name: int(share) for name, share in exact.items()}
    by_rest = sorted(exact, key=lambda name: (quota[name] - exact[name], name))
    for name in by_rest[: wanted - sum(quota.values())]:
        quota[name] += 1
    return quota
