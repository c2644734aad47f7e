"""Pseudonyms of one participant: keyed UIDs, a whole-day date offset, codes for free text."""

import hmac
import re
from dataclasses import dataclass, field
from hashlib import sha256

MINIMUM_KEY_BYTES = 32
# UIDs of the standard itself name no one; what only begins like one may go on as anything.
_OF_THE_STANDARD = re.compile(r"1\.2\.840\.10008(?:\.\d{1,10}){1,12}")
FEWEST_DAYS_BACK = 365
MOST_DAYS_BACK = 3652


@dataclass(frozen=True)
class DeidentificationKey:
    """Secret of the study; it stands outside the database and never shows in a repr."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < MINIMUM_KEY_BYTES:
            raise ValueError(
                f"The de-identification key has {len(self.secret)} bytes; "
                f"it needs at least {MINIMUM_KEY_BYTES}."
            )

    def digest(self, purpose: str, text: str) -> bytes:
        """HMAC-SHA-256 of `text`; the purpose keeps one use from telling about another."""
        return hmac.new(self.secret, f"{purpose}\0{text}".encode(), sha256).digest()

    @property
    def fingerprint(self) -> str:
        """Eight characters by which two places see that they hold the same key; it tells no more."""
        return self.digest("fingerprint", "")[:4].hex()


@dataclass(frozen=True)
class PseudonymContext:
    """What replaces a participant's identity in one de-identification.

    `patient_link` is written into files that leave a site, so that the portal can bind them to the
    patient whose identifier it will never see; empty where the portal itself de-identifies.
    """

    participant_code: str
    site_code: str
    key: DeidentificationKey
    date_offset_days: int
    patient_link: str = ""

    def __post_init__(self) -> None:
        if not self.participant_code.strip():
            raise ValueError("De-identification needs a participant code.")
        if not -MOST_DAYS_BACK <= self.date_offset_days <= -FEWEST_DAYS_BACK:
            raise ValueError(
                f"Dates are moved {FEWEST_DAYS_BACK} to {MOST_DAYS_BACK} days back, "
                f"not by {self.date_offset_days} days."
            )

    @classmethod
    def of_participant(
        cls,
        *,
        participant_code: str,
        site_code: str,
        key: DeidentificationKey,
        patient_link: str = "",
    ) -> "PseudonymContext":
        """The context whose date offset follows from the key, as every upload must use it."""
        days = date_offset(key, participant_code)
        return cls(participant_code, site_code, key, days, patient_link)


def date_offset(key: DeidentificationKey, participant_code: str) -> int:
    """Whole days (negative: back in time, 1 to 10 years) by which a participant's dates move."""
    number = int.from_bytes(key.digest("date-offset", participant_code)[:8], "big")
    return -(FEWEST_DAYS_BACK + number % (MOST_DAYS_BACK - FEWEST_DAYS_BACK + 1))


def remap_uid(key: DeidentificationKey, uid: str) -> str:
    """2.25.<128 bits of a keyed hash>: the same in every upload, irreversible without the key."""
    plain = uid.strip(" \0")
    if not plain or _OF_THE_STANDARD.fullmatch(plain):
        return plain
    return f"2.25.{int.from_bytes(key.digest('uid', plain)[:16], 'big')}"


def patient_link(key: DeidentificationKey, *, patient_id: str, site_code: str) -> str:
    """Keyed digest (64 hex digits) of a hospital's patient identifier; it cannot be had back."""
    return hmac.new(key.secret, f"{site_code}\n{patient_id}".encode(), sha256).hexdigest()


def text_code(context: PseudonymContext, text: str) -> str:
    """A neutral code for free text: equal texts of a site get equal codes, no word survives."""
    plain = " ".join(text.split()).casefold()
    return "TEXT-" + context.key.digest(f"text\0{context.site_code}", plain)[:4].hex().upper()
