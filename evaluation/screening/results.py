"""What the screening of a pair found: numbers, and for each that is missing the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Measured:
    """Numbers of one check by name, or the sentence why it could not be made (then no numbers)."""

    values: Mapping[str, float] = field(default_factory=dict)
    unchecked: str = ""

    def __post_init__(self) -> None:
        """Refuse a result that is both, or neither."""
        if bool(self.values) == bool(self.unchecked):
            raise ValueError("a check gives numbers or says why it gives none")
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))


def unchecked(sentence: str) -> Measured:
    """Return the result of a check that could not be made."""
    return Measured(unchecked=sentence)


PairScreening = Mapping[str, Measured]
