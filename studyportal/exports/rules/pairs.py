"""Which pairs may leave as training images, what stands beside them, and what no file may be."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydicom.dataset import Dataset

from studyportal.exports.rules.tables import as_csv
from studyportal.imaging.rules import bears_synthetic_mark
from studyportal.imaging.states import PairStatus
from studyportal.participants.states import ParticipantStatus

# Column of participants.csv and the field it comes from; each is labelled `export` in `tables`, the study code too.
# The tube voltage stands in the CT itself and is no field. The last three were entered in place of what the PET's files say.
PARTICIPANTS: Mapping[str, tuple[str, str] | None] = {
    "participant": ("participants.participant", "code"),
    "site": ("sites.site", "code"),
    "sex": ("participants.participant", "sex"),
    "age_years": ("participants.participant", "age_years"),
    "height_cm": ("clinical.baseline", "height_cm"),
    "weight_kg": ("clinical.baseline", "weight_kg"),
    "kvp": None,
    "pet_weight_kg": ("imaging.injectionentry", "number"),
    "pet_dose_bq": ("imaging.injectionentry", "number"),
    "pet_tracer": ("imaging.injectionentry", "text"),
}
_ENROLLED = (
    ParticipantStatus.ENROLLED,
    ParticipantStatus.COMPLETED,
    ParticipantStatus.DISCONTINUED,
)


class LeftOut(StrEnum):
    """Why a pair does not leave."""

    NO_CONSENT = "no_consent"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    NOT_ENROLLED = "not_enrolled"
    PAIR_EXCLUDED = "pair_excluded"
    PAIR_NOT_READY = "pair_not_ready"


@dataclass(frozen=True)
class Candidate:
    """What decides whether a pair leaves."""

    pair_status: str
    participant_status: str
    consents: int
    standing_consents: int


def reason_left_out(candidate: Candidate) -> LeftOut | None:
    """Why this pair does not leave; None when it does. Consent comes first."""
    if not candidate.consents:
        return LeftOut.NO_CONSENT
    if not candidate.standing_consents:
        return LeftOut.CONSENT_WITHDRAWN
    if candidate.participant_status not in _ENROLLED:
        return LeftOut.NOT_ENROLLED
    if candidate.pair_status == PairStatus.EXCLUDED:
        return LeftOut.PAIR_EXCLUDED
    return None if candidate.pair_status == PairStatus.READY else LeftOut.PAIR_NOT_READY


def require_deidentified(header: Dataset, code: str) -> None:
    """Refuse a file that is not this participant's, does not say it is de-identified, or is synthetic.

    Raises
    ------
    ValueError
        An error of ours: intake lets no such file into the archive.
    """
    if bears_synthetic_mark(header):
        raise ValueError("a synthetic image stands where an acquired one should")
    if header.get("PatientIdentityRemoved") != "YES" or header.get("PatientID") != code:
        raise ValueError("a stored file is not de-identified for its participant")


def participants_csv(rows: Iterable[Mapping[str, object]]) -> bytes:
    """The table beside the participants' folders; what is not known stays empty."""
    return as_csv(tuple(PARTICIPANTS), rows)


def left_out_csv(counts: Counter[LeftOut]) -> bytes:
    """How many pairs did not leave, by reason; nobody is named."""
    rows = ({"reason": reason, "pairs": counts[reason]} for reason in LeftOut if counts[reason])
    return as_csv(("reason", "pairs"), rows)
