"""Draws of one made-up person: the same seed gives the same person."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TypeVar

One = TypeVar("One")


class Chance:
    """Draws that depend on a seed and on nothing else."""

    def __init__(self, *seed: object) -> None:
        self._draw = random.Random(":".join(map(str, seed)))  # noqa: S311 nothing is kept secret by it

    def happens(self, share: float) -> bool:
        """True in this share of the cases."""
        return self._draw.random() < share

    def one(self, *among: One, weights: Sequence[float] | None = None) -> One:
        """One of these."""
        return self._draw.choices(among, weights)[0]

    def some(self, among: Sequence[One], count: int) -> list[One]:
        """So many different ones of these, in their order."""
        chosen = set(self._draw.sample(range(len(among)), min(count, len(among))))
        return [one for place, one in enumerate(among) if place in chosen]

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high."""
        return self._draw.randint(low, high)

    def around(self, middle: float, spread: float, *, low: float, high: float) -> str:
        """A number with one decimal, as it is typed."""
        return f"{min(max(self._draw.gauss(middle, spread), low), high):.1f}"

    def partial(self, day: date) -> str:
        """The day as a person knows it: whole, the month only, or not at all."""
        known = self._draw.random()
        if known < 0.02:
            return "unknown"
        return f"{day:%Y-%m}" if known < 0.12 else day.isoformat()

    def later(self, day: date, low: int, high: int, *, last: date) -> date:
        """A day so many days later, and none after the last."""
        return min(day + timedelta(days=self.whole(low, high)), last)
