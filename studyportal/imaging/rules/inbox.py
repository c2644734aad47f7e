"""What is known of an image that nobody assigned yet, and which role its modality can play."""

from dataclasses import dataclass

from studyportal.imaging.states import SeriesRole

_ROLES = {
    "CT": SeriesRole.SOURCE,
    "PT": SeriesRole.REFERENCE,
    "SEG": SeriesRole.OUTLINES,
    "RTSTRUCT": SeriesRole.OUTLINES,
}


@dataclass(frozen=True)
class Headline:
    """Keyed digests of whose image it is and of which series, and its modality. Empty text means not known."""

    series_key: str
    study_key: str = ""
    patient_key: str = ""
    modality: str = ""


def role_of(modality: str) -> SeriesRole | None:
    """The role that a series of this modality has in a pair; None when it has none."""
    return _ROLES.get(modality)


def modalities_of(role: SeriesRole) -> tuple[str, ...]:
    """The modalities that have this role."""
    return tuple(modality for modality, held in _ROLES.items() if held == role)
