"""What a person may be told. Anything else that goes wrong is an error of ours and is logged."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One sentence a coordinator understands, with an id that tests and documents can name."""

    id: str
    sentence: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}" if self.where else self.sentence


class Refused(Exception):
    """The work said no. Carries every reason, not only the first."""

    def __init__(self, *reasons: Reason | str) -> None:
        self.reasons: tuple[Reason, ...] = tuple(
            reason if isinstance(reason, Reason) else Reason("refused", reason)
            for reason in reasons
        )
        super().__init__(" ".join(str(reason) for reason in self.reasons))


class NotAllowed(Refused):
    """This person may not do this here."""


class StaleState(Refused):
    """Somebody or something else moved the row first."""


def refuse_if(reasons: Sequence[Reason]) -> None:
    """Raise with all reasons when there is at least one."""
    if reasons:
        raise Refused(*reasons)
