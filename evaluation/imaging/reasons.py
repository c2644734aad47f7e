"""Why a series or a conversion was refused: an id, a sentence a coordinator understands, a tag."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One reason: a stable ``id``, a ``sentence`` for people, the DICOM ``tag`` it rests on."""

    id: str
    sentence: str
    tag: str = ""


class Refused(Exception):
    """Something was refused; ``reasons`` holds every reason that was found, not only the first."""

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        super().__init__(" ".join(reason.sentence for reason in reasons))
        self.reasons = reasons


class SeriesRefused(Refused):
    """The files do not make one series that can be measured."""


class SuvRefused(Refused):
    """The standardised uptake value cannot be computed from what the header states."""


class SegmentationRefused(Refused):
    """The segmentation cannot be placed on the grid that was asked for."""
